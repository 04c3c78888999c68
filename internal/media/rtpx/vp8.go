package rtpx

import "encoding/binary"

// vp8 is a parsed VP8 payload descriptor (RFC 7741 §4.2).
type vp8 struct {
	Info
	offsets
	body int // where the VP8 data begins
}

func parseVP8(payload []byte) (vp8, error) {
	var d vp8
	if len(payload) < 2 { // a descriptor alone carries no picture data
		return d, ErrPayload
	}
	d.Start = payload[0]&0x10 != 0 && payload[0]&0x07 == 0
	body := 1
	if payload[0]&0x80 != 0 {
		var err error
		if body, err = d.parseExtension(payload); err != nil {
			return vp8{}, err
		}
	}
	if body >= len(payload) {
		return vp8{}, ErrPayload
	}
	d.body = body
	if d.Start {
		d.parseFrameHeader(payload[body:])
	}
	return d, nil
}

// parseExtension reads the optional fields that follow the X bit and returns
// where the VP8 data begins.
func (d *vp8) parseExtension(payload []byte) (int, error) {
	flags, at := payload[1], 2
	var err error
	if flags&0x80 != 0 {
		d.id = at
		if at, err = readPictureID(payload, at, &d.Picture); err != nil {
			return 0, err
		}
	}
	if flags&0x40 != 0 {
		if at >= len(payload) {
			return 0, ErrPayload
		}
		d.tl0, d.Picture.HasTL0, d.Picture.TL0 = at, true, payload[at]
		at++
	}
	if flags&0x30 != 0 {
		if at >= len(payload) {
			return 0, ErrPayload
		}
		if flags&0x20 != 0 {
			d.HasLayers = true
			d.TID = payload[at] >> 6
			d.SwitchUp = payload[at]&0x20 != 0
		}
		at++
	}
	return at, nil
}

// parseFrameHeader reads the first bytes of a VP8 frame (RFC 6386 §9.1): a key
// frame has bit 0 clear, a fixed start code and the picture's size.
func (d *vp8) parseFrameHeader(frame []byte) {
	d.Predicted = frame[0]&1 != 0
	d.Key = !d.Predicted
	if !d.Key || len(frame) < 10 || frame[3] != 0x9D || frame[4] != 0x01 || frame[5] != 0x2A {
		return
	}
	d.Width = binary.LittleEndian.Uint16(frame[6:]) & 0x3FFF
	d.Height = binary.LittleEndian.Uint16(frame[8:]) & 0x3FFF
}
