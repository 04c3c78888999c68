package capture

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/capture/mp4"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// catalogue is what the journals say. A journal is read again only when it has
// grown. Of all of them the sums are kept, and of a few that are being played all.
type catalogue struct {
	mu    sync.Mutex
	lists map[meeting.ID]listing // guarded by mu
	sums  map[meeting.ID]sum     // guarded by mu
}

// listing is what one journal said. It is not changed any more.
type listing struct {
	length int64 // of the journal, in bytes
	pieces []Piece
	stored map[string]bool // by file
}

// sum is what is shown of a listing. It is not changed any more.
type sum struct {
	length  int64
	streams []observe.RecordingStream
	waiting int64 // bytes that are not stored yet
}

// maxListings and maxSums bound what is kept in memory.
const (
	maxListings = 8
	maxSums     = 1000
)

// lengthOf returns how long a spool's journal is, in bytes; 0 for none.
func lengthOf(dir string) (int64, error) {
	info, err := os.Stat(filepath.Join(dir, journalName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, nil
	case err != nil:
		return 0, err
	}
	return info.Size(), nil
}

// read returns what the journal of a pipeline says, whose spool is dir.
func (c *catalogue) read(id meeting.ID, dir string) (listing, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	length, err := lengthOf(dir) // before reading: what is written meanwhile is read the next time
	if err != nil || length == 0 {
		return listing{}, err
	}
	return c.readLocked(id, dir, length)
}

func (c *catalogue) readLocked(id meeting.ID, dir string, length int64) (listing, error) {
	if known, ok := c.lists[id]; ok && known.length == length {
		return known, nil
	}
	j, err := readJournal(dir)
	if err != nil {
		return listing{}, err
	}
	if c.lists == nil || len(c.lists) >= maxListings {
		c.lists = map[meeting.ID]listing{}
	}
	l := listing{length, j.pieces, j.stored}
	c.lists[id] = l
	return l, nil
}

// sum returns what is shown of it.
func (c *catalogue) sum(id meeting.ID, dir string) (sum, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	length, err := lengthOf(dir)
	if err != nil || length == 0 {
		return sum{streams: []observe.RecordingStream{}}, err
	}
	if known, ok := c.sums[id]; ok && known.length == length {
		return known, nil
	}
	l, err := c.readLocked(id, dir, length)
	if err != nil {
		return sum{streams: []observe.RecordingStream{}}, err
	}
	if c.sums == nil || len(c.sums) >= maxSums {
		c.sums = map[meeting.ID]sum{}
	}
	all := sum{length: length}
	all.streams, all.waiting = l.sum()
	c.sums[id] = all
	return all, nil
}

// file returns what operators see of the n-th piece.
func (l *listing) file(n int) observe.RecordingFile {
	p := &l.pieces[n]
	return observe.RecordingFile{
		Number: n, Stream: p.Stream, Name: path.Base(p.Key), Type: p.Type, Bytes: p.Size, SHA256: p.SHA256,
		Start: observe.At(p.Start), Length: observe.Span(time.Duration(p.Millis) * time.Millisecond), Stored: l.stored[p.File],
	}
}

// sum returns the streams, in the order of their first pieces, and how many
// bytes are not stored yet.
func (l *listing) sum() (streams []observe.RecordingStream, waiting int64) {
	streams = []observe.RecordingStream{}
	at := map[string]int{}
	for n := range l.pieces {
		p := &l.pieces[n]
		i, known := at[p.Stream]
		if !known {
			i = len(streams)
			at[p.Stream] = i
			streams = append(streams, observe.RecordingStream{Name: p.Stream, Type: p.Type, First: n})
		}
		s := &streams[i]
		s.Files++
		s.Bytes += p.Size
		s.Length += observe.Span(time.Duration(p.Millis) * time.Millisecond)
		if s.Codec == "" {
			s.Codec = strings.TrimSpace(strings.TrimPrefix(p.Codec, mp4.Opus.String()))
		}
		if !l.stored[p.File] {
			waiting += p.Size
		}
	}
	return streams, waiting
}

// shown returns what operators see of a pipeline.
func (s *Service) shown(p *meeting.Pipeline) observe.Recording {
	r := observe.Recording{
		ID: p.ID, Meeting: p.Meeting, External: p.ExternalMeetingID, Kind: observe.CaptureRecording, Status: p.Status.String(), Failure: p.Failure, Source: p.Settings.Source,
		Created: observe.At(p.Created), Updated: observe.At(p.Updated), Bucket: p.Settings.Bucket, Prefix: p.Settings.Prefix,
	}
	if p.Kind == meeting.ConcatenationPipeline {
		r.Kind = observe.ConcatenationRecording
	}
	all, err := s.catalogue.sum(p.ID, s.spoolDir(p.ID))
	if err != nil {
		s.cfg.Logger.Warn("what was recorded cannot be listed", "pipeline", p.ID.String(), "err", err)
	}
	r.Streams, r.Waiting = all.streams, all.waiting
	return r
}

// files lists the objects of a pipeline, in the order in which they were made.
func (s *Service) files(id meeting.ID) ([]observe.RecordingFile, error) {
	l, err := s.catalogue.read(id, s.spoolDir(id))
	list := make([]observe.RecordingFile, len(l.pieces))
	for n := range list {
		list[n] = l.file(n)
	}
	return list, err
}

// open returns the n-th object of a pipeline with its content, from where it
// lies now. Its place is what the journal says, and nothing that a caller said.
func (s *Service) open(ctx context.Context, p *meeting.Pipeline, n int) (f observe.RecordingFile, content Content, err error) {
	l, err := s.catalogue.read(p.ID, s.spoolDir(p.ID))
	if err != nil {
		return f, nil, err
	}
	if n < 0 || n >= len(l.pieces) {
		return f, nil, meeting.Errorf(meeting.NotFound, "The recording has no such file.")
	}
	f = l.file(n)
	if !f.Stored {
		spooled, err := os.Open(filepath.Join(s.spoolDir(p.ID), l.pieces[n].File))
		if err == nil {
			return f, spooled, nil
		}
		if !errors.Is(err, fs.ErrNotExist) { // otherwise it has been stored just now
			return f, nil, err
		}
	}
	if s.cfg.Sink == nil {
		return f, nil, meeting.Errorf(meeting.Unavailable, "The server does not know any more where recordings are stored.")
	}
	content, err = s.cfg.Sink.Open(ctx, p.Settings.Bucket, l.pieces[n].Key)
	switch {
	case err == nil:
		return f, content, nil
	case errors.Is(err, fs.ErrNotExist) || statusOf(err) == 404:
		return f, nil, &meeting.Error{Kind: meeting.NotFound, Message: "The file is not in the store any more.", Err: err}
	}
	return f, nil, &meeting.Error{Kind: meeting.Unavailable, Message: "The store of recordings does not answer.", Err: err}
}
