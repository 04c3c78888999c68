package frame

import (
	"encoding/binary"

	"github.com/carillon-meetings/carillon/internal/capture/mp4"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// NAL unit types (RFC 6184 §5.2, ITU-T H.264 Table 7-1).
const (
	nalSPS       = 7
	nalPPS       = 8
	nalDelimiter = 9
	nalSTAPA     = 24
	nalFUA       = 28
	nalTypeMask  = 0x1F
	nalRefMask   = 0xE0
	fuStart      = 0x80
)

// h264 puts H.264 pictures together: NAL units behind four bytes of length. The
// parameter sets go into the track's configuration.
type h264 struct {
	data     []byte
	fragment int // where the NAL unit begins that is being put together; 0 for none
	sps, pps []byte
}

func (d *h264) add(payload []byte, _ *rtpx.Info) bool {
	if len(payload) == 0 || len(d.data)+len(payload) > maxPicture {
		return false
	}
	switch payload[0] & nalTypeMask {
	case nalSTAPA:
		return d.addAggregate(payload[1:])
	case nalFUA:
		return d.addFragment(payload)
	}
	d.fragment = 0
	d.addNAL(payload)
	return true
}

func (d *h264) addAggregate(rest []byte) bool {
	d.fragment = 0
	for len(rest) > 0 {
		if len(rest) < 2 {
			return false
		}
		size := int(binary.BigEndian.Uint16(rest))
		rest = rest[2:]
		if size == 0 || size > len(rest) {
			return false
		}
		d.addNAL(rest[:size])
		rest = rest[size:]
	}
	return true
}

// addFragment adds a part of a NAL unit (RFC 6184 §5.8).
func (d *h264) addFragment(payload []byte) bool {
	if len(payload) < 3 {
		return false
	}
	if payload[1]&fuStart != 0 {
		d.data = append(d.data, 0, 0, 0, 0, payload[0]&nalRefMask|payload[1]&nalTypeMask)
		d.fragment = len(d.data) - 1
	} else if d.fragment == 0 {
		return false
	}
	d.data = append(d.data, payload[2:]...)
	binary.BigEndian.PutUint32(d.data[d.fragment-4:], uint32(len(d.data)-d.fragment))
	return true
}

func (d *h264) addNAL(nal []byte) {
	switch nal[0] & nalTypeMask {
	case nalSPS:
		d.sps = append([]byte(nil), nal...)
	case nalPPS:
		d.pps = append([]byte(nil), nal...)
	case nalDelimiter:
	default:
		d.data = binary.BigEndian.AppendUint32(d.data, uint32(len(nal)))
		d.data = append(d.data, nal...)
	}
}

func (d *h264) finish(key bool) (data []byte, track mp4.Track, ok bool) {
	data = d.data
	d.data, d.fragment = nil, 0
	if len(data) == 0 {
		return nil, track, false
	}
	if !key {
		return data, track, true
	}
	width, height, ok := spsSize(d.sps)
	if !ok || len(d.pps) == 0 {
		return nil, track, false
	}
	return data, mp4.Track{Codec: mp4.H264, Width: width, Height: height, Config: avcConfig(d.sps, d.pps)}, true
}

// avcConfig is the AVCDecoderConfigurationRecord (ISO/IEC 14496-15 §5.3.3.1) of
// one parameter set of each kind.
func avcConfig(sps, pps []byte) []byte {
	const version, lengthSizeFour, oneSPS, onePPS = 1, 0xFF, 0xE1, 1
	c := []byte{version, sps[1], sps[2], sps[3], lengthSizeFour, oneSPS}
	c = binary.BigEndian.AppendUint16(c, uint16(len(sps)))
	c = append(c, sps...)
	c = append(c, onePPS)
	c = binary.BigEndian.AppendUint16(c, uint16(len(pps)))
	return append(c, pps...)
}

// spsSize reads the size of the pictures off a sequence parameter set (ITU-T
// H.264 §7.3.2.1.1), of 4:2:0 pictures only, as all browsers send.
func spsSize(sps []byte) (width, height int, ok bool) {
	if len(sps) < 5 || len(sps) > 1<<12 {
		return 0, 0, false
	}
	b := bits{data: withoutEmulation(sps[1:])}
	profile := b.take(8)
	b.take(16) // constraint flags, level
	b.golomb() // seq_parameter_set_id
	if profile == 100 || profile == 110 || profile == 122 || profile == 244 {
		if !b.skipHighProfile() {
			return 0, 0, false
		}
	}
	b.golomb() // log2_max_frame_num_minus4
	b.skipOrder()
	b.golomb() // max_num_ref_frames
	b.take(1)
	columns, rows := int(b.golomb())+1, int(b.golomb())+1
	fields := 2 - int(b.take(1)) // frame_mbs_only_flag
	if fields == 2 {
		b.take(1)
	}
	b.take(1)
	width, height = 16*columns, 16*rows*fields
	if b.take(1) == 1 { // cropped, in units of two pixels
		width -= 2 * int(b.golomb()+b.golomb())
		height -= 2 * fields * int(b.golomb()+b.golomb())
	}
	const most = 1 << 14
	return width, height, !b.over && width > 0 && height > 0 && width <= most && height <= most
}

// skipHighProfile passes over what only the high profiles have; false for what is
// not read here.
func (b *bits) skipHighProfile() bool {
	if b.golomb() != 1 { // chroma_format_idc
		return false
	}
	b.golomb()
	b.golomb()
	b.take(1)
	return b.take(1) == 0 // seq_scaling_matrix_present_flag
}

// skipOrder passes over how pictures are ordered.
func (b *bits) skipOrder() {
	switch b.golomb() {
	case 0:
		b.golomb()
	case 1:
		b.take(1)
		b.signed()
		b.signed()
		for n := b.golomb(); n > 0 && !b.over; n-- {
			b.signed()
		}
	}
}

// withoutEmulation undoes the escaping of start codes (ITU-T H.264 §7.4.1).
func withoutEmulation(nal []byte) []byte {
	out := make([]byte, 0, len(nal))
	for i, c := range nal {
		if c == 3 && i >= 2 && nal[i-1] == 0 && nal[i-2] == 0 {
			continue
		}
		out = append(out, c)
	}
	return out
}
