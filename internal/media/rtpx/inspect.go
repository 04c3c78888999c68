package rtpx

import (
	"errors"
	"strings"
)

// ErrPayload is the error for a video payload that ends inside its own
// descriptor or is otherwise not what its codec allows.
var ErrPayload = errors.New("malformed video payload")

// Codec is a video codec by its RTP payload format.
type Codec uint8

// The codecs whose payloads Inspect can read.
const (
	CodecUnknown Codec = iota
	VP8                // RFC 7741
	VP9                // RFC 9628
	H264               // RFC 6184
	AV1                // AOMedia, RTP Payload Format For AV1
)

// String returns the codec's name as it is written in an SDP rtpmap.
func (c Codec) String() string {
	switch c {
	case VP8:
		return "VP8"
	case VP9:
		return "VP9"
	case H264:
		return "H264"
	case AV1:
		return "AV1"
	}
	return "unknown"
}

// CodecOf returns the codec for a media type such as "video/VP8", whatever its
// case, or CodecUnknown.
func CodecOf(mimeType string) Codec {
	for _, c := range [...]Codec{VP8, VP9, H264, AV1} {
		if strings.EqualFold(mimeType, "video/"+c.String()) {
			return c
		}
	}
	return CodecUnknown
}

// Picture is the numbering of frames that VP8 and VP9 keep inside the payload.
// A forwarder that drops frames or switches sources must rewrite it, or the
// receiver's decoder waits for frames that never come.
type Picture struct {
	// ID is the picture id, of 15 or 7 bits.
	ID uint16
	// TL0 is the running index of frames in the lowest temporal layer.
	TL0 uint8
	// HasID and HasTL0 say which of the two the payload carries.
	HasID, HasTL0 bool
}

// Info is what one payload says about the frame it belongs to. A field the codec
// cannot tell is zero.
type Info struct {
	// Key is set on the first packet of a key frame: a decoder can start here.
	Key bool
	// Start is set on the first packet of a frame; for VP9 of a frame of one
	// spatial layer; for H264 it may be set twice in a key frame (parameter sets
	// and first slice); for AV1 it is only a guess.
	Start bool
	// End is set on the last packet of a VP9 layer frame. For the other codecs the
	// RTP marker bit says this.
	End bool
	// SID and TID are the spatial and temporal layer; meaningful if HasLayers.
	SID, TID  uint8
	HasLayers bool
	// SwitchUp: a receiver may go up to this temporal layer from here on (VP8 Y,
	// VP9 U).
	SwitchUp bool
	// Predicted: the frame needs earlier frames (VP9 P, VP8 inter frames).
	Predicted bool
	// Width and Height in pixels: VP8 key frames, and VP9 packets with a
	// scalability structure (the largest layer).
	Width, Height uint16
	Picture       Picture
}

// Inspect reads the payload descriptor of one RTP packet of codec c. The error
// is ErrPayload for malformed payloads and for CodecUnknown.
func Inspect(c Codec, payload []byte) (Info, error) {
	switch c {
	case VP8:
		d, err := parseVP8(payload)
		return d.Info, err
	case VP9:
		d, err := parseVP9(payload)
		return d.Info, err
	case H264:
		return inspectH264(payload)
	case AV1:
		return inspectAV1(payload)
	}
	return Info{}, ErrPayload
}

// Body returns the part of a VP8 or VP9 payload behind its descriptor: a part of
// a frame. The error is ErrPayload for malformed payloads and other codecs.
func Body(c Codec, payload []byte) ([]byte, error) {
	switch c {
	case VP8:
		d, err := parseVP8(payload)
		return payload[d.body:], err
	case VP9:
		d, err := parseVP9(payload)
		return payload[d.body:], err
	}
	return nil, ErrPayload
}

// WritePicture overwrites the picture id and the TL0 index that payload carries
// by those of p, in place and without changing any length; a 7-bit field takes
// the lower bits. Fields the payload lacks, other codecs and malformed payloads
// are left alone.
func WritePicture(c Codec, payload []byte, p Picture) {
	var at offsets
	switch c {
	case VP8:
		d, err := parseVP8(payload)
		if err != nil {
			return
		}
		at = d.offsets
	case VP9:
		d, err := parseVP9(payload)
		if err != nil {
			return
		}
		at = d.offsets
	default:
		return
	}
	at.write(payload, p)
}

// offsets says where in a payload the fields of a Picture are; 0 = absent, as
// neither can be in the first byte.
type offsets struct{ id, tl0 int }

func (at offsets) write(payload []byte, p Picture) {
	if at.id > 0 {
		if payload[at.id]&0x80 != 0 {
			payload[at.id] = 0x80 | byte(p.ID>>8)&0x7F
			payload[at.id+1] = byte(p.ID)
		} else {
			payload[at.id] = byte(p.ID) & 0x7F
		}
	}
	if at.tl0 > 0 {
		payload[at.tl0] = p.TL0
	}
}

// readPictureID reads the 7- or 15-bit picture id at payload[at:], a format VP8
// and VP9 share, and returns the offset behind it.
func readPictureID(payload []byte, at int, p *Picture) (int, error) {
	if at >= len(payload) {
		return 0, ErrPayload
	}
	p.HasID = true
	if payload[at]&0x80 == 0 {
		p.ID = uint16(payload[at])
		return at + 1, nil
	}
	if at+1 >= len(payload) {
		return 0, ErrPayload
	}
	p.ID = uint16(payload[at]&0x7F)<<8 | uint16(payload[at+1])
	return at + 2, nil
}
