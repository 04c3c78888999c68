package frame

import (
	"github.com/carillon-meetings/carillon/internal/capture/mp4"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// OBU types (AV1 bitstream specification §6.2.2).
const (
	obuSequenceHeader    = 1
	obuTemporalDelimiter = 2
	obuTileList          = 8
	obuPadding           = 15
)

// av1 puts AV1 pictures together (AV1 RTP payload format §4): the elements of
// packets are OBUs, or parts of them, without their size. In a file each has it.
type av1 struct {
	data     []byte
	part     []byte // of an OBU that goes on in the next packet
	partial  bool
	sequence []byte // the last sequence header, with its size
}

func (d *av1) add(payload []byte, _ *rtpx.Info) bool {
	if len(payload) < 2 || len(d.data)+len(d.part)+len(payload) > maxPicture {
		return false
	}
	head, rest := payload[0], payload[1:]
	continues, goesOn, count := head&0x80 != 0, head&0x40 != 0, int(head>>4&3)
	if continues != d.partial {
		return false
	}
	for i := 1; len(rest) > 0; i++ {
		element := rest
		if count == 0 || i < count {
			size, n := leb128(rest)
			if n == 0 || size > len(rest)-n {
				return false
			}
			element, rest = rest[n:n+size], rest[n+size:]
		} else {
			rest = nil
		}
		d.part = append(d.part, element...)
		if d.partial = len(rest) == 0 && goesOn; d.partial {
			return true
		}
		whole := d.part
		d.part = d.part[:0]
		if len(whole) > 0 && !d.addOBU(whole) {
			return false
		}
	}
	return true
}

// addOBU adds a whole OBU, giving it its size.
func (d *av1) addOBU(obu []byte) bool {
	const hasExtension, hasSize = 0x04, 0x02
	n := 1
	if obu[0]&hasExtension != 0 {
		n = 2
	}
	if len(obu) < n {
		return false
	}
	head, body := obu[:n], obu[n:]
	if obu[0]&hasSize != 0 {
		size, sizeBytes := leb128(body)
		if sizeBytes == 0 || size > len(body)-sizeBytes {
			return false
		}
		body = body[sizeBytes : sizeBytes+size]
	}
	kind := obu[0] >> 3 & 0x0F
	switch kind {
	case obuTemporalDelimiter, obuTileList, obuPadding:
		return true
	}
	at := len(d.data)
	d.data = append(d.data, head[0]|hasSize)
	d.data = append(d.data, head[1:]...)
	d.data = appendLEB128(d.data, len(body))
	d.data = append(d.data, body...)
	if kind == obuSequenceHeader {
		d.sequence = append([]byte(nil), d.data[at:]...)
	}
	return true
}

func (d *av1) finish(key bool) (data []byte, track mp4.Track, ok bool) {
	data = d.data
	broken := d.partial
	d.data, d.part, d.partial = nil, nil, false
	if len(data) == 0 || broken {
		return nil, track, false
	}
	if !key {
		return data, track, true
	}
	width, height, level, ok := sequenceSize(d.sequence)
	if !ok {
		return nil, track, false
	}
	const markerVersion, subsampling420 = 0x81, 0x0C
	config := append([]byte{markerVersion, level, subsampling420, 0}, d.sequence...)
	return data, mp4.Track{Codec: mp4.AV1, Width: width, Height: height, Config: config}, true
}

// sequenceSize reads the largest size of pictures off a sequence header (AV1
// bitstream specification §5.5), of profile 0 without timing information, as
// browsers send it.
func sequenceSize(obu []byte) (width, height int, level byte, ok bool) {
	if len(obu) < 2 {
		return 0, 0, 0, false
	}
	_, n := leb128(obu[1:])
	b := bits{data: obu[1+n:]}
	profile, still, reduced := b.take(3), b.take(1), b.take(1)
	if profile != 0 || still != 0 || reduced != 0 || b.take(1) != 0 {
		return 0, 0, 0, false
	}
	delays := b.take(1) // initial_display_delay_present_flag
	points := b.take(5) + 1
	for i := range points {
		b.take(12)
		l := b.take(5)
		if i == 0 {
			level = byte(l)
		}
		if l > 7 {
			b.take(1) // tier
		}
		if delays == 1 && b.take(1) == 1 {
			b.take(4)
		}
	}
	widthBits, heightBits := int(b.take(4))+1, int(b.take(4))+1
	width, height = int(b.take(widthBits))+1, int(b.take(heightBits))+1
	return width, height, level, !b.over
}

// leb128 reads a little-endian base-128 number of up to 4 bytes and returns it
// with its length; length 0 means malformed.
func leb128(b []byte) (v, n int) {
	for i := 0; i < 4 && i < len(b); i++ {
		v |= int(b[i]&0x7F) << (7 * i)
		if b[i]&0x80 == 0 {
			return v, i + 1
		}
	}
	return 0, 0
}

func appendLEB128(dst []byte, v int) []byte {
	for v >= 0x80 {
		dst = append(dst, byte(v)|0x80)
		v >>= 7
	}
	return append(dst, byte(v))
}
