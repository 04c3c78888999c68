package rtpx

import "errors"

// ErrRED is the error for a redundant-audio payload whose block lengths do not
// fit, or that has too many blocks.
var ErrRED = errors.New("malformed redundant audio payload")

// maxREDBlocks bounds the blocks of one packet. Browsers send at most a primary
// block and nine redundant ones.
const maxREDBlocks = 16

// REDBlock is one encoding inside a redundant-audio packet (RFC 2198).
type REDBlock struct {
	// PayloadType says how the block is encoded (the dynamic type of Opus).
	PayloadType uint8
	// TSOffset is how much older than the packet's own timestamp the block is,
	// in units of the RTP clock; 0 for the primary block.
	TSOffset uint32
	// Payload is the block's data. It shares memory with the packet.
	Payload []byte
}

// MaxREDBlock is the longest payload that a redundant block can have: its length is
// written in ten bits.
const MaxREDBlock = 1<<10 - 1

// AppendRED appends a redundant-audio payload of one older block and the primary
// one to dst. older.Payload must not be longer than MaxREDBlock, nor its TSOffset
// than 14 bits; both blocks have the payload type of older.
func AppendRED(dst []byte, older REDBlock, primary []byte) []byte {
	n := len(older.Payload)
	dst = append(dst, 0x80|older.PayloadType, byte(older.TSOffset>>6), byte(older.TSOffset<<2)|byte(n>>8), byte(n))
	dst = append(dst, older.PayloadType&0x7F)
	dst = append(dst, older.Payload...)
	return append(dst, primary...)
}

// UnwrapRED splits a redundant-audio payload into its blocks, in the order in
// which they were sent: the redundant, older ones first and the primary last.
// The blocks are appended to dst, so that a caller can reuse one slice. Empty
// redundant blocks are left out; the primary block is always there. The error is
// ErrRED, with dst unchanged.
func UnwrapRED(payload []byte, dst []REDBlock) ([]REDBlock, error) {
	const redundantHeader = 4
	start := len(dst)
	data, blocks := 0, 0
	for data < len(payload) && payload[data]&0x80 != 0 {
		data += redundantHeader
		if blocks++; blocks >= maxREDBlocks {
			return dst, ErrRED
		}
	}
	if data >= len(payload) {
		return dst, ErrRED
	}
	primaryType := payload[data] & 0x7F
	data++
	for i := range blocks {
		h := payload[i*redundantHeader:]
		offset := uint32(h[1])<<6 | uint32(h[2])>>2
		size := int(h[2]&3)<<8 | int(h[3])
		if data+size > len(payload) {
			return dst[:start], ErrRED
		}
		if size > 0 {
			dst = append(dst, REDBlock{PayloadType: h[0] & 0x7F, TSOffset: offset, Payload: payload[data : data+size]})
		}
		data += size
	}
	return append(dst, REDBlock{PayloadType: primaryType, Payload: payload[data:]}), nil
}
