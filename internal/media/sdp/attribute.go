package sdp

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// attribute reads one attribute of a section. Attributes that do not matter
// are passed over; those that do must be well formed.
func (p *parser) attribute(name, value string) error {
	s := p.section
	if d, ok := direction(name); ok {
		s.Direction = d
		return nil
	}
	switch name {
	case "mid":
		return p.mid(value)
	case "bundle-only":
		s.BundleOnly = true
	case "rtcp-rsize":
		s.ReducedRTCP = true
	}
	if s.Kind == Other {
		return nil
	}
	switch name {
	case "rtpmap":
		return p.rtpmap(value)
	case "fmtp":
		return p.forCodec(value, func(c *Codec, v string) { c.Parameters = strings.TrimSpace(v) })
	case "rtcp-fb":
		return p.feedback(value)
	case "extmap":
		return p.extmap(value)
	case "ssrc":
		return p.ssrc(value)
	case "ssrc-group":
		return p.ssrcGroup(value)
	case "rid":
		p.rid(value)
	case "simulcast":
		p.simulcast(value)
	}
	return nil
}

// mid takes a token that can be put back into an answer unchanged.
func (p *parser) mid(value string) error {
	if !isToken(value) || len(value) > 64 {
		return fmt.Errorf("mid %q", value)
	}
	p.section.Mid = value
	return nil
}

// isToken says whether a word contains only characters that cannot break a
// line or a list.
func isToken(s string) bool {
	for _, r := range s {
		if r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]`, r) {
			return false
		}
	}
	return s != ""
}

// forCodec calls fn for the codec whose payload type begins value. Lines about
// payload types that the m-line does not have are passed over.
func (p *parser) forCodec(value string, fn func(*Codec, string)) error {
	first, rest, _ := strings.Cut(value, " ")
	pt, err := strconv.ParseUint(first, 10, 7)
	if err != nil {
		return fmt.Errorf("payload type %q", first)
	}
	if i, ok := p.byRTP[uint8(pt)]; ok {
		fn(&p.section.Codecs[i], rest)
	}
	return nil
}

// rtpmap reads "111 opus/48000/2".
func (p *parser) rtpmap(value string) error {
	var bad error
	err := p.forCodec(value, func(c *Codec, v string) {
		parts := strings.Split(strings.TrimSpace(v), "/")
		if len(parts) < 2 {
			bad = fmt.Errorf("rtpmap %q", value)
			return
		}
		rate, err := strconv.ParseUint(parts[1], 10, 31)
		if err != nil || rate == 0 || !isToken(parts[0]) {
			bad = fmt.Errorf("rtpmap %q", value)
			return
		}
		c.Name, c.ClockRate = parts[0], int(rate)
		if len(parts) > 2 {
			n, _ := strconv.ParseUint(parts[2], 10, 8)
			c.Channels = int(n)
		}
	})
	if err != nil {
		return err
	}
	return bad
}

// feedback reads "96 nack pli" or "* transport-cc".
func (p *parser) feedback(value string) error {
	add := func(c *Codec, v string) {
		if len(c.Feedback) < 32 {
			c.Feedback = append(c.Feedback, strings.TrimSpace(v))
		}
	}
	if rest, ok := strings.CutPrefix(value, "* "); ok {
		for i := range p.section.Codecs {
			add(&p.section.Codecs[i], rest)
		}
		return nil
	}
	return p.forCodec(value, add)
}

// extmap reads "3/sendrecv urn:ietf:params:rtp-hdrext:sdes:mid".
func (p *parser) extmap(value string) error {
	fields := strings.Fields(value)
	if len(fields) < 2 {
		return fmt.Errorf("extmap %q", value)
	}
	number, _, _ := strings.Cut(fields[0], "/")
	id, err := strconv.ParseUint(number, 10, 16)
	if err != nil || id == 0 {
		return fmt.Errorf("extmap id %q", fields[0])
	}
	if id > 255 || len(p.section.Extensions) >= maxLines {
		return nil // of no use on the wire
	}
	p.section.Extensions = append(p.section.Extensions, Extension{ID: uint8(id), URI: fields[1]})
	return nil
}

// ssrc reads "12345 cname:x".
func (p *parser) ssrc(value string) error {
	first, _, _ := strings.Cut(value, " ")
	n, err := strconv.ParseUint(first, 10, 32)
	if err != nil {
		return fmt.Errorf("ssrc %q", first)
	}
	if s := p.section; len(s.SSRCs) < maxLines && !slices.Contains(s.SSRCs, uint32(n)) {
		s.SSRCs = append(s.SSRCs, uint32(n))
	}
	return nil
}

// ssrcGroup reads "FID 1 2".
func (p *parser) ssrcGroup(value string) error {
	fields := strings.Fields(value)
	if len(fields) != 3 || fields[0] != "FID" {
		return nil // other groups have no meaning here
	}
	a, err1 := strconv.ParseUint(fields[1], 10, 32)
	b, err2 := strconv.ParseUint(fields[2], 10, 32)
	if err1 != nil || err2 != nil {
		return fmt.Errorf("ssrc-group %q", value)
	}
	if s := p.section; len(s.Pairs) < maxLines {
		s.Pairs = append(s.Pairs, [2]uint32{uint32(a), uint32(b)})
	}
	return nil
}

// rid reads "hi send pt=96"; only what the offerer sends matters.
func (p *parser) rid(value string) {
	fields := strings.Fields(value)
	if len(fields) < 2 || fields[1] != "send" || !isToken(fields[0]) || len(fields[0]) > 64 {
		return
	}
	if len(p.rids) < 8 && !slices.Contains(p.rids, fields[0]) {
		p.rids = append(p.rids, fields[0])
	}
}

// simulcast reads "send ~low;mid;hi": layers between semicolons, alternatives
// between commas (the first is taken), paused ones with a tilde.
func (p *parser) simulcast(value string) {
	fields := strings.Fields(value)
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i] != "send" {
			continue
		}
		p.order = []string{}
		for layer := range strings.SplitSeq(fields[i+1], ";") {
			rid, _, _ := strings.Cut(layer, ",")
			if rid = strings.TrimPrefix(rid, "~"); rid != "" && !slices.Contains(p.order, rid) && len(p.order) < 8 {
				p.order = append(p.order, rid)
			}
		}
	}
}
