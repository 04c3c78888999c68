package sdp

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Parse reads an offer. Both CRLF and LF line ends are taken. An error wraps
// ErrSyntax.
func Parse(text string) (*Offer, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("%w: %d bytes", ErrSyntax, len(text))
	}
	p := parser{offer: &Offer{}}
	n := 0
	for line := range strings.SplitSeq(text, "\n") {
		n++
		line = strings.TrimSuffix(line, "\r")
		if len(line) < 2 || line[1] != '=' {
			if line == "" {
				continue
			}
			return nil, fmt.Errorf("%w: line %d is no assignment", ErrSyntax, n)
		}
		if err := p.line(line[0], line[2:]); err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrSyntax, n, err)
		}
	}
	p.endSection()
	if err := p.offer.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	return p.offer, nil
}

// parser is an offer being read. Credentials may stand at the session or in
// any section; the first seen are taken, as all sections share one transport.
type parser struct {
	offer   *Offer
	section *Section // nil before the first m-line
	byRTP   map[uint8]int
	session Direction // default for sections
	rids    []string  // all rids the section may send
	order   []string  // those of a=simulcast, in order
}

func (p *parser) line(kind byte, value string) error {
	switch kind {
	case 'm':
		p.endSection()
		return p.startSection(value)
	case 'a':
		name, value, _ := strings.Cut(value, ":")
		if p.transport(name, value) {
			return nil
		}
		if p.section == nil {
			return p.sessionAttribute(name, value)
		}
		return p.attribute(name, value)
	}
	return nil
}

// transport takes the attributes that may stand at either level.
func (p *parser) transport(name, value string) bool {
	o := p.offer
	switch name {
	case "ice-ufrag":
		setOnce(&o.Ufrag, value)
	case "ice-pwd":
		setOnce(&o.Pwd, value)
	case "setup":
		setOnce(&o.Setup, value)
	case "fingerprint":
		algorithm, hash, _ := strings.Cut(value, " ")
		f := Fingerprint{strings.ToLower(algorithm), strings.ToUpper(strings.TrimSpace(hash))}
		if len(o.Fingerprints) < 8 && !slices.Contains(o.Fingerprints, f) {
			o.Fingerprints = append(o.Fingerprints, f)
		}
	default:
		return false
	}
	return true
}

func setOnce(dst *string, value string) {
	if *dst == "" {
		*dst = value
	}
}

func (p *parser) sessionAttribute(name, value string) error {
	if d, ok := direction(name); ok {
		p.session = d
	}
	if name == "group" {
		if mids, ok := strings.CutPrefix(value, "BUNDLE"); ok {
			p.offer.Bundle = strings.Fields(mids)
		}
	}
	return nil
}

func direction(name string) (Direction, bool) {
	switch name {
	case "sendrecv":
		return SendRecv, true
	case "sendonly":
		return SendOnly, true
	case "recvonly":
		return RecvOnly, true
	case "inactive":
		return Inactive, true
	}
	return 0, false
}

// startSection reads "audio 9 UDP/TLS/RTP/SAVPF 111 63".
func (p *parser) startSection(value string) error {
	if len(p.offer.Sections) == maxSections {
		return fmt.Errorf("more than %d sections", maxSections)
	}
	fields := strings.Fields(value)
	if len(fields) < 3 {
		return fmt.Errorf("m-line of %d words", len(fields))
	}
	port, _, _ := strings.Cut(fields[1], "/")
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return fmt.Errorf("port %q", fields[1])
	}
	if len(fields)-3 > maxCodecs {
		return fmt.Errorf("%d formats", len(fields)-3)
	}
	p.offer.Sections = append(p.offer.Sections, Section{
		Media: fields[0], Port: int(n), Protocol: fields[2], Formats: fields[3:], Direction: p.session,
	})
	p.section = &p.offer.Sections[len(p.offer.Sections)-1]
	if strings.Contains(fields[2], "RTP/") {
		switch fields[0] {
		case "audio":
			p.section.Kind = Audio
		case "video":
			p.section.Kind = Video
		}
	}
	if p.section.Kind != Other {
		return p.formats()
	}
	return nil
}

// formats makes a codec of every payload type on the m-line.
func (p *parser) formats() error {
	p.byRTP = make(map[uint8]int, len(p.section.Formats))
	p.section.Codecs = make([]Codec, 0, len(p.section.Formats))
	for _, f := range p.section.Formats {
		pt, err := strconv.ParseUint(f, 10, 7)
		if err != nil {
			return fmt.Errorf("payload type %q", f)
		}
		if _, ok := p.byRTP[uint8(pt)]; ok {
			return fmt.Errorf("payload type %d twice", pt)
		}
		p.byRTP[uint8(pt)] = len(p.section.Codecs)
		p.section.Codecs = append(p.section.Codecs, Codec{PayloadType: uint8(pt)})
	}
	return nil
}

// endSection puts together what several lines of a section said.
func (p *parser) endSection() {
	if p.section == nil {
		return
	}
	for _, rid := range p.order {
		if slices.Contains(p.rids, rid) {
			p.section.RIDs = append(p.section.RIDs, rid)
		}
	}
	if p.order == nil {
		p.section.RIDs = p.rids
	}
	p.rids, p.order, p.byRTP, p.section = nil, nil, nil, nil
}

// check refuses offers on which no media can flow.
func (o *Offer) check() error {
	mids := make(map[string]bool, len(o.Sections))
	live := false
	for i := range o.Sections {
		s := &o.Sections[i]
		if s.Stopped() {
			continue
		}
		live = true
		if s.Kind != Other && s.Mid == "" {
			return fmt.Errorf("section %d has no mid", i)
		}
		if mids[s.Mid] {
			return fmt.Errorf("mid %q twice", s.Mid)
		}
		mids[s.Mid] = true
	}
	switch {
	case !live:
		return fmt.Errorf("nothing is offered")
	case o.Ufrag == "" || o.Pwd == "":
		return fmt.Errorf("no ICE credentials")
	case len(o.Fingerprints) == 0:
		return fmt.Errorf("no fingerprint")
	case o.Setup != "actpass" && o.Setup != "active":
		return fmt.Errorf("setup %q, want actpass or active", o.Setup)
	}
	return nil
}
