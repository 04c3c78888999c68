package turn

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// maxFrame is the longest message that is taken, in bytes: what the protocol
// server has room for.
const maxFrame = 1600

// errFrame ends a connection on which something else comes than STUN messages and
// channel data of a reasonable size.
var errFrame = errors.New("turn: no message of the protocol")

// A message over TCP begins with its length (RFC 8656 §12.5): that of channel
// data counts neither the header nor the padding, that of a STUN message not the
// header.
const (
	lengthAt, lengthEnd          = 2, 4
	channelHeader, messageHeader = 4, 20
	channelPadding               = 4
)

// readFrame reads one message as a whole. What reads behind it goes one call
// deeper for each piece of a message, and would else wait for 64 KiB of them.
func readFrame(in *bufio.Reader, p []byte) (int, error) {
	head, err := in.Peek(lengthEnd)
	if err != nil {
		return 0, err
	}
	length := int(binary.BigEndian.Uint16(head[lengthAt:lengthEnd]))
	size := 0
	switch head[0] >> 6 {
	case 0:
		size = messageHeader + length
	case 1:
		size = channelHeader + (length+channelPadding-1)/channelPadding*channelPadding
	}
	if size == 0 || size > min(len(p), maxFrame) {
		return 0, errFrame
	}
	return io.ReadFull(in, p[:size])
}
