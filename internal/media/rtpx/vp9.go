package rtpx

import "encoding/binary"

// vp9 is a parsed VP9 payload descriptor (RFC 9628 §4.2).
type vp9 struct {
	Info
	offsets
	body int // where the VP9 data begins
}

// Bits of the first byte.
const (
	vp9PictureID = 0x80
	vp9Predicted = 0x40
	vp9Layers    = 0x20
	vp9Flexible  = 0x10
	vp9Start     = 0x08
	vp9End       = 0x04
	vp9Structure = 0x02
	vp9NotRef    = 0x01
)

func parseVP9(payload []byte) (vp9, error) {
	var d vp9
	if len(payload) < 2 {
		return d, ErrPayload
	}
	flags, at := payload[0], 1
	d.Predicted = flags&vp9Predicted != 0
	d.Start = flags&vp9Start != 0
	d.End = flags&vp9End != 0
	var err error
	if flags&vp9PictureID != 0 {
		d.id = at
		if at, err = readPictureID(payload, at, &d.Picture); err != nil {
			return vp9{}, err
		}
	}
	if flags&vp9Layers != 0 {
		if at, err = d.parseLayers(payload, at); err != nil {
			return vp9{}, err
		}
	}
	if flags&(vp9Flexible|vp9Predicted) == vp9Flexible|vp9Predicted {
		if at, err = skipReferences(payload, at); err != nil {
			return vp9{}, err
		}
	}
	if flags&vp9Structure != 0 {
		if at, err = d.parseStructure(payload, at); err != nil {
			return vp9{}, err
		}
	}
	if at >= len(payload) {
		return vp9{}, ErrPayload
	}
	d.body = at
	d.Key = d.Start && !d.Predicted && d.SID == 0
	return d, nil
}

func (d *vp9) parseLayers(payload []byte, at int) (int, error) {
	if at >= len(payload) {
		return 0, ErrPayload
	}
	b := payload[at]
	at++
	d.HasLayers = true
	d.TID, d.SID = b>>5, b>>1&7
	d.SwitchUp = b&0x10 != 0
	if payload[0]&vp9Flexible != 0 {
		return at, nil
	}
	if at >= len(payload) {
		return 0, ErrPayload
	}
	d.tl0, d.Picture.HasTL0, d.Picture.TL0 = at, true, payload[at]
	return at + 1, nil
}

// skipReferences passes over the up to three picture id differences of flexible
// mode; the lowest bit says that another one follows.
func skipReferences(payload []byte, at int) (int, error) {
	for range 3 {
		if at >= len(payload) {
			return 0, ErrPayload
		}
		at++
		if payload[at-1]&1 == 0 {
			return at, nil
		}
	}
	return 0, ErrPayload
}

// parseStructure reads the scalability structure: the sizes of the spatial
// layers (the last is the largest) and the description of a picture group, which
// is passed over.
func (d *vp9) parseStructure(payload []byte, at int) (int, error) {
	if at >= len(payload) {
		return 0, ErrPayload
	}
	b := payload[at]
	at++
	layers := int(b>>5) + 1
	if b&0x10 != 0 {
		if at+4*layers > len(payload) {
			return 0, ErrPayload
		}
		largest := payload[at+4*(layers-1):]
		d.Width = binary.BigEndian.Uint16(largest)
		d.Height = binary.BigEndian.Uint16(largest[2:])
		at += 4 * layers
	}
	if b&0x08 == 0 {
		return at, nil
	}
	if at >= len(payload) {
		return 0, ErrPayload
	}
	pictures := int(payload[at])
	at++
	for range pictures {
		if at >= len(payload) {
			return 0, ErrPayload
		}
		at += 1 + int(payload[at]>>2&3)
	}
	return at, nil
}
