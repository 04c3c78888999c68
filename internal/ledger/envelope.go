package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Every stored message starts with an envelope of ours:
//
//	byte 0      kind
//	bytes 1-8   nonce, random: tells whether a write whose answer got lost is
//	            the one that is stored
//	bytes 9-16  when it was written, Unix nanoseconds
//	bytes 17-24 kindEnd only: when the entry may vanish, Unix milliseconds
//
// Numbers are big endian.
//
// The caller's data follows. JetStream checksums the whole message.
const (
	kindEntry byte = 1 // an ordinary entry
	kindEnd   byte = 2 // replaces all earlier entries of its meeting

	nonceSize       = 8
	entryHeaderSize = 1 + nonceSize + 8
	endHeaderSize   = entryHeaderSize + 8
)

var errEnvelope = errors.New("not an entry of this ledger")

// envelope is a stored message taken apart. data points into the message.
type envelope struct {
	kind    byte
	nonce   uint64
	time    time.Time
	expires time.Time // zero unless kind is kindEnd
	data    []byte
}

// seal returns the message to store for e.
func (e envelope) seal() []byte {
	msg := make([]byte, 0, endHeaderSize+len(e.data))
	msg = append(msg, e.kind)
	msg = binary.BigEndian.AppendUint64(msg, e.nonce)
	msg = binary.BigEndian.AppendUint64(msg, uint64(e.time.UnixNano()))
	if e.kind == kindEnd {
		msg = binary.BigEndian.AppendUint64(msg, uint64(e.expires.UnixMilli()))
	}
	return append(msg, e.data...)
}

// unseal takes a stored message apart without copying it.
func unseal(msg []byte) (envelope, error) {
	if len(msg) < entryHeaderSize {
		return envelope{}, fmt.Errorf("%w: %d bytes", errEnvelope, len(msg))
	}
	e := envelope{kind: msg[0], nonce: binary.BigEndian.Uint64(msg[1:]), data: msg[entryHeaderSize:]}
	e.time = time.Unix(0, int64(binary.BigEndian.Uint64(msg[1+nonceSize:])))
	switch {
	case e.kind == kindEntry:
		return e, nil
	case e.kind == kindEnd && len(msg) >= endHeaderSize:
		e.expires = time.UnixMilli(int64(binary.BigEndian.Uint64(msg[entryHeaderSize:])))
		e.data = msg[endHeaderSize:]
		return e, nil
	}
	return envelope{}, fmt.Errorf("%w: kind %d, %d bytes", errEnvelope, e.kind, len(msg))
}
