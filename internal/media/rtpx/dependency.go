package rtpx

// maxTemplates is the number of frame templates a 6-bit id can name.
const maxTemplates = 64

// Dependency is what a dependency descriptor header extension says about a
// packet (AV1 RTP payload format, appendix A).
type Dependency struct {
	// Start and End mark the first and the last packet of a frame.
	Start, End bool
	// Template is the frame's template id as sent.
	Template uint8
	// Frame numbers the frames of the stream, modulo 2^16.
	Frame uint16
	// HasStructure: the packet redefines the templates, so it begins a key frame.
	HasStructure bool
	// SID and TID are the spatial and temporal layer; meaningful if HasLayers,
	// which is false until a packet with a structure was seen.
	SID, TID  uint8
	HasLayers bool
}

// DependencyParser reads the dependency descriptors of one incoming stream. It
// remembers the templates, which only some packets carry. The zero value is
// ready.
type DependencyParser struct {
	offset uint8
	count  int
	layers [maxTemplates]struct{ sid, tid uint8 }
}

// Parse reads one header extension element. The error is ErrPayload; what was
// remembered is then as it was before.
func (p *DependencyParser) Parse(ext []byte) (Dependency, error) {
	if len(ext) < 3 {
		return Dependency{}, ErrPayload
	}
	d := Dependency{
		Start:    ext[0]&0x80 != 0,
		End:      ext[0]&0x40 != 0,
		Template: ext[0] & 0x3F,
		Frame:    uint16(ext[1])<<8 | uint16(ext[2]),
	}
	if len(ext) > 3 && ext[3]&0x80 != 0 {
		if !p.parseStructure(ext[3:]) {
			return Dependency{}, ErrPayload
		}
		d.HasStructure = true
	}
	if i := int(d.Template-p.offset) & (maxTemplates - 1); i < p.count {
		d.HasLayers = true
		d.SID, d.TID = p.layers[i].sid, p.layers[i].tid
	}
	return d, nil
}

// parseStructure reads the templates' layers. Five flags come first, then a
// 6-bit template id offset, 5 bits that count decode targets, and 2 bits behind
// each template that say how the next one differs. The rest is not needed.
func (p *DependencyParser) parseStructure(b []byte) bool {
	const (
		sameLayer = iota
		nextTemporal
		nextSpatial
		noMore
	)
	r := bitReader{data: b, at: 5}
	next := DependencyParser{offset: uint8(r.read(6))}
	r.read(5)
	var sid, tid uint8
	for next.count < maxTemplates {
		next.layers[next.count].sid, next.layers[next.count].tid = sid, tid
		next.count++
		switch r.read(2) {
		case nextTemporal:
			tid++
		case nextSpatial:
			tid = 0
			sid++
		case noMore:
			if r.over {
				return false
			}
			*p = next
			return true
		case sameLayer:
		}
		if r.over {
			return false
		}
	}
	return false
}

// bitReader reads big-endian bit fields. Reading past the end gives zeros and
// sets over.
type bitReader struct {
	data []byte
	at   int
	over bool
}

func (r *bitReader) read(bits int) uint32 {
	var v uint32
	for range bits {
		v <<= 1
		if r.at>>3 >= len(r.data) {
			r.over = true
			continue
		}
		v |= uint32(r.data[r.at>>3]>>(7-r.at&7)) & 1
		r.at++
	}
	return v
}
