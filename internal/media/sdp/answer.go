package sdp

import (
	"strconv"
	"strings"
)

// Answer is an answer to be written.
type Answer struct {
	// SessionID stays the same for a connection, Version grows with each
	// answer.
	SessionID, Version uint64
	Ufrag, Pwd         string
	// Fingerprint of the answerer's certificate, for example "sha-256 AB:CD…".
	Fingerprint string
	// Candidates are the values of candidate lines, complete.
	Candidates []string
	// Bundle is the offer's bundle group; of it the sections in use are
	// answered.
	Bundle []string
	// CName names the sender of all streams.
	CName    string
	Sections []AnswerSection
}

// AnswerSection answers one section of an offer.
type AnswerSection struct {
	// Of is the section being answered.
	Of *Section
	// Rejected answers with port 0; then nothing below matters.
	Rejected   bool
	Direction  Direction
	Codecs     []Codec
	Extensions []Extension
	// Stream and Track name what is sent (msid). Empty leaves the names out.
	Stream, Track string
	// SSRC of what is sent and of its retransmissions; 0 leaves them out.
	SSRC, RTX uint32
	// RIDs are the simulcast layers being received.
	RIDs []string
	// MaxKbps bounds what the offerer may send in the section, 0 does not.
	MaxKbps int
}

// writer collects lines.
type writer struct{ strings.Builder }

func (w *writer) line(parts ...string) {
	for _, p := range parts {
		w.WriteString(p)
	}
	w.WriteString("\r\n")
}

// String writes the answer.
func (a *Answer) String() string {
	var w writer
	w.Grow(512 + 768*len(a.Sections))
	w.line("v=0")
	w.line("o=- ", strconv.FormatUint(a.SessionID, 10), " ", strconv.FormatUint(a.Version, 10), " IN IP4 127.0.0.1")
	w.line("s=-")
	w.line("t=0 0")
	if mids := a.bundle(); len(mids) > 0 {
		w.line("a=group:BUNDLE ", strings.Join(mids, " "))
	}
	w.line("a=ice-lite")
	w.line("a=msid-semantic: WMS *")
	first := true
	for i := range a.Sections {
		s := &a.Sections[i]
		a.writeSection(&w, s, first && !s.Rejected)
		first = first && s.Rejected
	}
	return w.String()
}

// bundle is the offer's group without the sections that are rejected.
func (a *Answer) bundle() []string {
	var out []string
	for _, mid := range a.Bundle {
		for i := range a.Sections {
			if s := &a.Sections[i]; s.Of.Mid == mid && !s.Rejected {
				out = append(out, mid)
				break
			}
		}
	}
	return out
}

func (a *Answer) writeSection(w *writer, s *AnswerSection, withCandidates bool) {
	if s.Rejected {
		w.line("m=", s.Of.Media, " 0 ", s.Of.Protocol, " ", strings.Join(s.Of.Formats, " "))
		w.line("c=IN IP4 0.0.0.0")
		if s.Of.Mid != "" {
			w.line("a=mid:", s.Of.Mid)
		}
		w.line("a=inactive")
		return
	}
	w.WriteString("m=" + s.Of.Media + " 9 " + s.Of.Protocol)
	for i := range s.Codecs {
		w.WriteString(" " + strconv.Itoa(int(s.Codecs[i].PayloadType)))
	}
	w.line()
	w.line("c=IN IP4 0.0.0.0")
	if s.MaxKbps > 0 {
		w.line("b=AS:", strconv.Itoa(s.MaxKbps))
		w.line("b=TIAS:", strconv.Itoa(s.MaxKbps*1000))
	}
	w.line("a=rtcp:9 IN IP4 0.0.0.0")
	if withCandidates {
		for _, c := range a.Candidates {
			w.line("a=candidate:", c)
		}
		w.line("a=end-of-candidates")
	}
	w.line("a=ice-ufrag:", a.Ufrag)
	w.line("a=ice-pwd:", a.Pwd)
	w.line("a=fingerprint:", a.Fingerprint)
	w.line("a=setup:passive")
	w.line("a=mid:", s.Of.Mid)
	for _, e := range s.Extensions {
		w.line("a=extmap:", strconv.Itoa(int(e.ID)), " ", e.URI)
	}
	w.line("a=", s.Direction.String())
	a.writeStream(w, s)
}

// writeStream writes what identifies the packets of a section.
func (a *Answer) writeStream(w *writer, s *AnswerSection) {
	if s.Stream != "" {
		w.line("a=msid:", s.Stream, " ", s.Track)
	}
	w.line("a=rtcp-mux")
	if s.Of.ReducedRTCP {
		w.line("a=rtcp-rsize")
	}
	for i := range s.Codecs {
		s.Codecs[i].write(w)
	}
	for _, rid := range s.RIDs {
		w.line("a=rid:", rid, " recv")
	}
	if len(s.RIDs) > 0 {
		w.line("a=simulcast:recv ", strings.Join(s.RIDs, ";"))
	}
	if s.SSRC == 0 {
		return
	}
	ssrcs := []string{strconv.FormatUint(uint64(s.SSRC), 10)}
	if s.RTX != 0 {
		ssrcs = append(ssrcs, strconv.FormatUint(uint64(s.RTX), 10))
		w.line("a=ssrc-group:FID ", ssrcs[0], " ", ssrcs[1])
	}
	for _, n := range ssrcs {
		w.line("a=ssrc:", n, " cname:", a.CName)
		if s.Stream != "" {
			w.line("a=ssrc:", n, " msid:", s.Stream, " ", s.Track)
		}
	}
}

func (c *Codec) write(w *writer) {
	pt := strconv.Itoa(int(c.PayloadType))
	rate := strconv.Itoa(c.ClockRate)
	if c.Channels > 0 {
		rate += "/" + strconv.Itoa(c.Channels)
	}
	w.line("a=rtpmap:", pt, " ", c.Name, "/", rate)
	for _, f := range c.Feedback {
		w.line("a=rtcp-fb:", pt, " ", f)
	}
	if c.Parameters != "" {
		w.line("a=fmtp:", pt, " ", c.Parameters)
	}
}
