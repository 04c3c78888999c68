package frame

import (
	"encoding/binary"

	"github.com/carillon-meetings/carillon/internal/capture/mp4"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// vp8 puts VP8 pictures together (RFC 7741): their parts follow each other.
type vp8 struct{ data []byte }

func (d *vp8) add(payload []byte, _ *rtpx.Info) bool {
	body, err := rtpx.Body(rtpx.VP8, payload)
	if err != nil || len(d.data)+len(body) > maxPicture {
		return false
	}
	d.data = append(d.data, body...)
	return true
}

// finish reads the size off the frame header (RFC 6386 §9.1).
func (d *vp8) finish(key bool) (data []byte, track mp4.Track, ok bool) {
	data, d.data = d.data, nil
	if !key {
		return data, track, len(data) > 0
	}
	const sizeAt, head = 6, 10
	if len(data) < head {
		return nil, track, false
	}
	return data, mp4.Track{
		Codec: mp4.VP8,
		Width: int(binary.LittleEndian.Uint16(data[sizeAt:]) & 0x3FFF), Height: int(binary.LittleEndian.Uint16(data[sizeAt+2:]) & 0x3FFF),
	}, true
}

// vp9 puts VP9 pictures together (RFC 9628). A picture of several spatial layers
// becomes a superframe, of which a decoder shows the last layer.
type vp9 struct {
	data  []byte
	sizes []int // of the layers so far
	layer int   // where the one being built begins
}

func (d *vp9) add(payload []byte, info *rtpx.Info) bool {
	body, err := rtpx.Body(rtpx.VP9, payload)
	if err != nil || len(d.data)+len(body) > maxPicture {
		return false
	}
	d.data = append(d.data, body...)
	if info.End {
		d.sizes = append(d.sizes, len(d.data)-d.layer)
		d.layer = len(d.data)
	}
	return true
}

func (d *vp9) finish(key bool) (data []byte, track mp4.Track, ok bool) {
	data = d.data
	sizes := d.sizes
	*d = vp9{}
	if len(data) == 0 || len(sizes) > maxSuperframe {
		return nil, track, false
	}
	if key {
		width, height, ok := vp9Size(data)
		if !ok {
			return nil, track, false
		}
		track = mp4.Track{Codec: mp4.VP9, Width: width, Height: height}
	}
	if len(sizes) > 1 {
		data = appendSuperframe(data, sizes)
	}
	return data, track, true
}

// maxSuperframe is the most frames in one (VP9 bitstream specification, Annex B).
const maxSuperframe = 8

// appendSuperframe adds the index that makes one of the frames of these sizes.
func appendSuperframe(data []byte, sizes []int) []byte {
	const sizeBytes = 4
	mark := byte(0b110<<5 | (sizeBytes-1)<<3 | (len(sizes) - 1))
	data = append(data, mark)
	for _, n := range sizes {
		data = binary.LittleEndian.AppendUint32(data, uint32(n))
	}
	return append(data, mark)
}

// vp9Size reads the size off a key frame's uncompressed header (VP9 bitstream
// specification §6.2), of profile 0 only.
func vp9Size(data []byte) (width, height int, ok bool) {
	b := bits{data: data}
	const marker, syncCode, sRGB = 2, 0x498342, 7
	if b.take(2) != marker || b.take(2) != 0 || b.take(1) != 0 {
		return 0, 0, false // another profile, or a frame to be shown again
	}
	keyFrame := b.take(1) == 0
	b.take(2) // show_frame, error_resilient_mode
	if !keyFrame || b.take(24) != syncCode || b.take(3) == sRGB {
		return 0, 0, false
	}
	b.take(1) // color_range
	width, height = int(b.take(16))+1, int(b.take(16))+1
	return width, height, !b.over
}

// bits takes bits off the front of data, the highest of a byte first.
type bits struct {
	data []byte
	at   int  // in bits
	over bool // more was taken than there is
}

func (b *bits) take(n int) (v uint32) {
	for ; n > 0; n-- {
		v <<= 1
		if b.at>>3 >= len(b.data) {
			b.over = true
			continue
		}
		v |= uint32(b.data[b.at>>3]>>(7-b.at&7)) & 1
		b.at++
	}
	return v
}

// golomb takes an unsigned Exp-Golomb number (ITU-T H.264 §9.1).
func (b *bits) golomb() uint32 {
	zeros := 0
	for b.take(1) == 0 {
		if zeros++; zeros > 31 || b.over {
			b.over = true
			return 0
		}
	}
	return 1<<zeros - 1 + b.take(zeros)
}

// signed takes a signed one.
func (b *bits) signed() int32 {
	n := b.golomb()
	if n&1 == 1 {
		return int32(n/2) + 1
	}
	return -int32(n / 2)
}
