package wire

//go:generate protoc --proto_path=. --go_out=. --go_opt=paths=source_relative signal.proto

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

const (
	// Prefix is the first byte of every message sent by current clients, and
	// of every message Encode makes.
	Prefix = 0x05
	// NativePrefix is the first byte of the messages of older clients and of
	// native ones. Decode takes both, as clients do.
	NativePrefix = 0x02

	// MaxMessage is the longest message Decode reads, in bytes, prefix
	// included. The largest legitimate one is an uncompressed offer with all
	// remote videos subscribed: about 5.5 kB and 4.5 kB more per video.
	MaxMessage = 512 << 10
)

// The ways a message fails to be a frame.
var (
	ErrEmpty    = errors.New("wire: empty message")
	ErrTooLarge = errors.New("wire: message too large")
	ErrPrefix   = errors.New("wire: unknown prefix byte")
	ErrFrame    = errors.New("wire: malformed frame")
)

// Decode reads one WebSocket message. It fails with one of the errors above
// (wrapped), also when a required field is missing; a frame of a type or with
// fields unknown here is not an error. The frame does not alias msg.
func Decode(msg []byte) (*Frame, error) {
	body, err := unwrap(msg)
	if err != nil {
		return nil, err
	}
	f := new(Frame)
	if err := proto.Unmarshal(body, f); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFrame, err)
	}
	return f, nil
}

// Encode returns the message that carries f. It fails when f lacks a required
// field (timestamp and type above all) or holds text that is not UTF-8.
func Encode(f *Frame) ([]byte, error) {
	opts := proto.MarshalOptions{}
	msg := make([]byte, 1, 1+opts.Size(f))
	msg[0] = Prefix
	msg, err := opts.MarshalAppend(msg, f)
	if err != nil {
		return nil, fmt.Errorf("wire: encode: %w", err)
	}
	return msg, nil
}

// TypeOf reads only the type of the frame in a message, so that telemetry,
// which every client sends once a second, can be dropped undecoded. It returns
// Frame_TYPE_UNSET and no error when the frame names no type.
func TypeOf(msg []byte) (Frame_Type, error) {
	body, err := unwrap(msg)
	if err != nil {
		return Frame_TYPE_UNSET, err
	}
	for len(body) > 0 {
		num, kind, n := protowire.ConsumeTag(body)
		if n < 0 {
			return Frame_TYPE_UNSET, fmt.Errorf("%w: %w", ErrFrame, protowire.ParseError(n))
		}
		body = body[n:]
		if num == 2 && kind == protowire.VarintType {
			v, n := protowire.ConsumeVarint(body)
			if n < 0 {
				return Frame_TYPE_UNSET, fmt.Errorf("%w: %w", ErrFrame, protowire.ParseError(n))
			}
			return Frame_Type(int32(v)), nil
		}
		if n = protowire.ConsumeFieldValue(num, kind, body); n < 0 {
			return Frame_TYPE_UNSET, fmt.Errorf("%w: %w", ErrFrame, protowire.ParseError(n))
		}
		body = body[n:]
	}
	return Frame_TYPE_UNSET, nil
}

// unwrap checks the size and the prefix and returns what follows it.
func unwrap(msg []byte) ([]byte, error) {
	switch {
	case len(msg) == 0:
		return nil, ErrEmpty
	case len(msg) > MaxMessage:
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, len(msg))
	case msg[0] != Prefix && msg[0] != NativePrefix:
		return nil, fmt.Errorf("%w: %#02x", ErrPrefix, msg[0])
	}
	return msg[1:], nil
}
