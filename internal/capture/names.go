package capture

import (
	"cmp"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// The folders of a recording, below its prefix.
const (
	audioFolder    = "audio"
	videoFolder    = "video"
	composedFolder = "composited-video"
	dataFolder     = "data-channel"
	eventsFolder   = "meeting-events"
)

// Types of objects.
const (
	typeMP4  = "video/mp4"
	typeText = "text/plain; charset=utf-8"
)

// namer names the objects of one pipeline. Their names begin with the time, of
// fixed width, so that they sort; two of one stream never have the same.
type namer struct {
	prefix string
	last   map[string]time.Time // by stream
}

// prefixOf is what the keys of a capture begin with.
func prefixOf(p *meeting.Pipeline) string { return cmp.Or(p.Settings.Prefix, p.Meeting.String()) }

// newNamer returns a namer that goes on after the pieces that are there.
func newNamer(p *meeting.Pipeline, there []Piece) *namer {
	n := &namer{prefix: prefixOf(p), last: make(map[string]time.Time)}
	for _, piece := range there {
		n.last[piece.Stream] = piece.Start
	}
	return n
}

// name fills in the key of a piece, whose stream is a folder or, for a video, a
// folder, a slash and the attendee; its start moves on by a millisecond where
// that is taken.
func (n *namer) name(p *Piece) {
	start := p.Start.UTC().Truncate(time.Millisecond)
	if last := n.last[p.Stream]; !start.After(last) {
		start = last.Add(time.Millisecond)
	}
	n.last[p.Stream], p.Start = start, start
	folder, attendee, isVideo := strings.Cut(p.Stream, "/")
	name := strings.ReplaceAll(start.Format(nameTime), ".", "-")
	if isVideo {
		name += "-" + attendee
	}
	extension := ".mp4"
	if p.Type == typeText {
		extension = ".txt"
	}
	p.Key = n.prefix + "/" + folder + "/" + name + extension
}
