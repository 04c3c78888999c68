package capture

import (
	"cmp"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// The folders of a recording, below its prefix.
const (
	audioFolder      = "audio"
	videoFolder      = "video"
	composedFolder   = "composited-video"
	dataFolder       = "data-channel"
	eventsFolder     = "meeting-events"
	transcriptFolder = "transcription-messages"
)

// Types of objects.
const (
	typeMP4  = "video/mp4"
	typeText = "text/plain; charset=utf-8"
)

// artifact is a kind of things that a recording consists of, all of them in one
// folder. What is written, read back and joined goes by it.
type artifact struct {
	folder   string
	mimeType string
	apart    bool // each attendee has a stream of its own
	// joined says whether a concatenation takes it; content, for a share.
	joined func(a *meeting.Artifacts, content bool) bool
}

// artifacts lists all kinds.
func artifacts() []artifact {
	return []artifact{
		{audioFolder, typeMP4, false, func(a *meeting.Artifacts, _ bool) bool { return a.Audio }},
		{videoFolder, typeMP4, true, func(a *meeting.Artifacts, content bool) bool { return content && a.Content || !content && a.Video }},
		{composedFolder, typeMP4, false, func(a *meeting.Artifacts, _ bool) bool { return a.Composed }},
		{dataFolder, typeText, false, func(a *meeting.Artifacts, _ bool) bool { return a.DataChannel }},
		{eventsFolder, typeText, false, func(a *meeting.Artifacts, _ bool) bool { return a.MeetingEvents }},
		{transcriptFolder, typeText, false, func(a *meeting.Artifacts, _ bool) bool { return a.Transcription }},
	}
}

// artifactIn returns the kind that a folder holds; ok is false for another folder.
func artifactIn(folder string) (_ artifact, ok bool) {
	for _, a := range artifacts() {
		if a.folder == folder {
			return a, true
		}
	}
	return artifact{}, false
}

// extension ends the names of objects of a type.
func extension(mimeType string) string {
	if mimeType == typeText {
		return ".txt"
	}
	return ".mp4"
}

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
	folder, attendee, apart := strings.Cut(p.Stream, "/")
	name := strings.ReplaceAll(start.Format(nameTime), ".", "-")
	if apart {
		name += "-" + attendee
	}
	p.Key = n.prefix + "/" + folder + "/" + name + extension(p.Type)
}
