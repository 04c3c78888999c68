package rtpx

import (
	"encoding/binary"
	"errors"
)

// HeaderSize is the length of an RTP header without CSRCs and extensions.
const HeaderSize = 12

// Extension profiles of RFC 8285.
const (
	profileOneByte = 0xBEDE
	profileTwoByte = 0x1000 // upper 12 bits; the lower four are application bits
)

// Errors of ParseHeader.
var (
	ErrShort   = errors.New("rtp packet is too short")
	ErrVersion = errors.New("not an RTP version 2 packet")
)

// Header is the part of an RTP packet before its payload (RFC 3550 §5.1). It
// keeps offsets into the packet it was read from and no pointers, so it can be
// copied freely and costs no allocation.
type Header struct {
	Marker      bool
	PayloadType uint8
	Seq         uint16
	TS          uint32
	SSRC        uint32
	// PayloadStart and PayloadEnd bound the payload; padding is left out.
	PayloadStart, PayloadEnd int

	extProfile       uint16
	extStart, extEnd int
}

// ParseHeader reads the header of pkt. See Header.Parse for the errors.
func ParseHeader(pkt []byte) (Header, error) {
	var h Header
	err := h.Parse(pkt)
	return h, err
}

// Parse reads the header of pkt into h. The error is ErrShort if a length inside
// the packet points past its end, ErrVersion if it is not RTP version 2; h is then
// of no use.
func (h *Header) Parse(pkt []byte) error {
	if len(pkt) < HeaderSize {
		return ErrShort
	}
	if pkt[0]>>6 != 2 {
		return ErrVersion
	}
	h.Marker = pkt[1]&0x80 != 0
	h.PayloadType = pkt[1] & 0x7F
	h.Seq = binary.BigEndian.Uint16(pkt[2:])
	h.TS = binary.BigEndian.Uint32(pkt[4:])
	h.SSRC = binary.BigEndian.Uint32(pkt[8:])
	h.extProfile, h.extStart, h.extEnd = 0, 0, 0
	at, end := HeaderSize+4*int(pkt[0]&0x0F), len(pkt)
	if pkt[0]&0x10 != 0 {
		if len(pkt) < at+4 {
			return ErrShort
		}
		h.extProfile = binary.BigEndian.Uint16(pkt[at:])
		h.extStart = at + 4
		at = h.extStart + 4*int(binary.BigEndian.Uint16(pkt[at+2:]))
		h.extEnd = at
	}
	if pkt[0]&0x20 != 0 {
		pad := int(pkt[len(pkt)-1])
		if pad == 0 {
			return ErrShort
		}
		end -= pad
	}
	if at > end {
		return ErrShort
	}
	h.PayloadStart, h.PayloadEnd = at, end
	return nil
}

// Payload returns the payload of pkt, the packet h was read from. It shares
// pkt's memory.
func (h *Header) Payload(pkt []byte) []byte { return pkt[h.PayloadStart:h.PayloadEnd] }

// Extension returns the header extension element with the given local id, 1..14
// in the one-byte and 1..255 in the two-byte form (RFC 8285), or nil if pkt has
// none. An element without data gives an empty slice that is not nil. The result
// shares pkt's memory.
func (h *Header) Extension(pkt []byte, id uint8) []byte {
	if h.extEnd == h.extStart || id == 0 {
		return nil
	}
	ext := pkt[h.extStart:h.extEnd]
	switch {
	case h.extProfile == profileOneByte:
		return oneByteElement(ext, id)
	case h.extProfile&0xFFF0 == profileTwoByte:
		return twoByteElement(ext, id)
	}
	return nil
}

func oneByteElement(ext []byte, id uint8) []byte {
	for len(ext) > 0 {
		if ext[0] == 0 { // padding between elements
			ext = ext[1:]
			continue
		}
		size := int(ext[0]&0x0F) + 1
		this := ext[0] >> 4
		if this == 15 || len(ext) < 1+size { // 15 means: stop reading
			return nil
		}
		if this == id {
			return ext[1 : 1+size]
		}
		ext = ext[1+size:]
	}
	return nil
}

func twoByteElement(ext []byte, id uint8) []byte {
	for len(ext) > 0 {
		if ext[0] == 0 {
			ext = ext[1:]
			continue
		}
		if len(ext) < 2 || len(ext) < 2+int(ext[1]) {
			return nil
		}
		size := int(ext[1])
		if ext[0] == id {
			return ext[2 : 2+size]
		}
		ext = ext[2+size:]
	}
	return nil
}

// PutHeader writes the fixed 12-byte header for h to dst, with no CSRCs,
// extensions or padding, and returns HeaderSize. dst must have room for it.
func PutHeader(dst []byte, h Header) int {
	_ = dst[HeaderSize-1]
	dst[0] = 2 << 6
	dst[1] = h.PayloadType & 0x7F
	if h.Marker {
		dst[1] |= 0x80
	}
	binary.BigEndian.PutUint16(dst[2:], h.Seq)
	binary.BigEndian.PutUint32(dst[4:], h.TS)
	binary.BigEndian.PutUint32(dst[8:], h.SSRC)
	return HeaderSize
}
