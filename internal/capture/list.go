package capture

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// Listed is an object that a sink has.
type Listed struct {
	Key  string
	Size int64 // bytes
}

const (
	// nameTime is how the name of an object begins: with its time.
	nameTime = "2006-01-02-15-04-05.000"
	// around is how far from a capture's time its objects may lie: clocks differ, and
	// what was recorded last is stored when the capture is over.
	around = 2 * time.Second
)

// complete reports whether the journal lists all of its recording, from its
// beginning to its end. It does not if another node recorded some of it.
func (j *journal) complete() bool {
	first, last := false, false
	for _, p := range j.pieces {
		first, last = first || p.First, last || p.Last
	}
	return first && last
}

// list adds the pieces to be joined that are not in the journal: those whose names
// say that they were made while the capture ran. Several captures under one
// prefix at the same time cannot be told apart.
func (j *joining) list(ctx context.Context) error {
	prefix := prefixOf(j.source)
	all, err := j.sink.List(ctx, j.source.Settings.Bucket, prefix+"/")
	if err != nil {
		return err
	}
	from, to := j.source.Created.Add(-around), j.source.Updated.Add(around)
	for _, o := range all {
		p, ok := pieceOf(strings.TrimPrefix(o.Key, prefix+"/"))
		known := slices.ContainsFunc(j.pieces, func(q Piece) bool { return q.Key == o.Key })
		if ok && !known && p.Start.After(from) && p.Start.Before(to) {
			p.Key, p.Size = o.Key, o.Size
			j.pieces = append(j.pieces, p)
		}
	}
	return nil
}

// pieceOf reads the name of an object below the prefix; ok is false for one that
// no recording made.
func pieceOf(name string) (p Piece, ok bool) {
	folder, name, _ := strings.Cut(name, "/")
	kind, known := artifactIn(folder)
	base, fits := strings.CutSuffix(name, extension(kind.mimeType))
	if !known || !fits || len(base) < len(nameTime) {
		return p, false
	}
	stamp, rest := []byte(base[:len(nameTime)]), base[len(nameTime):]
	const beforeMillis = len(nameTime) - 4
	if stamp[beforeMillis] != '-' {
		return p, false
	}
	stamp[beforeMillis] = '.'
	at, err := time.Parse(nameTime, string(stamp))
	attendee, apart := strings.CutPrefix(rest, "-")
	if err != nil || apart != kind.apart || !apart && rest != "" {
		return p, false
	}
	if p.Type, p.Start, p.Stream = kind.mimeType, at, folder; apart {
		id, _ := strings.CutSuffix(attendee, meeting.ContentSuffix)
		if _, known := meeting.ParseID(id); !known {
			return p, false
		}
		p.Stream += "/" + attendee
	}
	return p, true
}
