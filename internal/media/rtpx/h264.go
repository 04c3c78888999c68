package rtpx

import "encoding/binary"

// NAL unit types of H.264 and of its RTP payload format (RFC 6184 §5.2).
const (
	nalSlice  = 1
	nalIDR    = 5
	nalSPS    = 7
	nalSTAPA  = 24
	nalFUA    = 28
	nalMask   = 0x1F
	fuStart   = 0x80
	nalRefIDC = 0x60
)

// inspectH264 finds out whether a packet begins a frame that can be decoded
// alone. Such a frame starts with a sequence parameter set, or, if the sender
// leaves that out, with the first slice of an IDR picture.
func inspectH264(payload []byte) (Info, error) {
	if len(payload) < 2 {
		return Info{}, ErrPayload
	}
	var info Info
	switch payload[0] & nalMask {
	case nalSTAPA:
		return info, info.addSTAPA(payload[1:])
	case nalFUA:
		if payload[1]&fuStart != 0 && len(payload) > 2 {
			info.addNAL(payload[1]&nalMask, payload[2])
		}
	default:
		info.addNAL(payload[0]&nalMask, payload[1])
	}
	return info, nil
}

// addSTAPA reads an aggregate of several NAL units, each behind its length.
func (info *Info) addSTAPA(rest []byte) error {
	for len(rest) > 0 {
		if len(rest) < 2 {
			return ErrPayload
		}
		size := int(binary.BigEndian.Uint16(rest))
		rest = rest[2:]
		if size == 0 || size > len(rest) {
			return ErrPayload
		}
		if size >= 2 {
			info.addNAL(rest[0]&nalMask, rest[1])
		}
		rest = rest[size:]
	}
	return nil
}

// addNAL notes one NAL unit of the given type. first is the byte after its
// header: a slice begins with first_mb_in_slice, which is 0 (a single 1 bit) in
// the first slice of a picture.
func (info *Info) addNAL(kind, first byte) {
	firstSlice := first&0x80 != 0
	switch {
	case kind == nalSPS, kind == nalIDR && firstSlice:
		info.Key, info.Start = true, true
	case kind == nalSlice && firstSlice:
		info.Start, info.Predicted = true, true
	}
}
