package capture

import (
	"time"

	"github.com/carillon-meetings/carillon/internal/capture/frame"
	"github.com/carillon-meetings/carillon/internal/capture/mp4"
)

const (
	// pieceFor is how long a piece is: exactly, of sound; about, of pictures, which
	// can be cut at key frames only.
	pieceFor = 5 * time.Second
	// pieceMost is after how long pictures are cut without a key frame.
	pieceMost = 2 * pieceFor
	// askAhead is how long before that a key frame is asked for, and taken.
	askAhead = 300 * time.Millisecond
)

// timed is a picture with the time it was sent.
type timed struct {
	frame.Picture
	sent time.Time
}

// run is pictures that follow each other in one track.
type run struct {
	track   mp4.Track
	start   time.Time // of the first
	last    time.Time // of the last
	samples []mp4.Sample
	asked   bool // for the key frame that ends it
}

// newRun begins with a key frame.
func newRun(p timed) *run {
	r := &run{track: p.Track, start: p.sent, last: p.sent}
	r.samples = append(r.samples, mp4.Sample{Data: p.Data, Sync: true})
	return r
}

// goOn returns an empty run that goes on where r ends, without a key frame.
func (r *run) goOn(p timed) *run {
	next := &run{track: r.track, start: p.sent, last: p.sent}
	next.samples = append(next.samples, mp4.Sample{Data: p.Data})
	return next
}

// add appends a picture.
func (r *run) add(p timed) {
	r.end(p.sent)
	r.last = p.sent
	r.samples = append(r.samples, mp4.Sample{Data: p.Data, Sync: p.Key})
}

// end says until when the last picture is shown.
func (r *run) end(at time.Time) {
	r.samples[len(r.samples)-1].Duration = uint32(max(r.ticks(at)-r.ticks(r.last), 1))
}

// ticks is the time since the start. Durations are differences of these, so that
// rounding does not add up.
func (r *run) ticks(at time.Time) int64 { return int64(at.Sub(r.start)) * 9 / 100000 }

// cuts says whether a picture begins another piece after r; ask, whether a key
// frame is to be asked for now.
func (r *run) cuts(p timed) (cut, ask bool) {
	age := p.sent.Sub(r.start)
	switch {
	case p.Key && !p.Track.Same(r.track), p.Key && age >= pieceFor-askAhead, age >= pieceMost:
		return true, false
	case age >= pieceFor-askAhead && !r.asked:
		r.asked = true
		return false, true
	}
	return false, false
}

// cut ends r at a picture and returns the run that it begins.
func (r *run) cut(p timed) *run {
	r.end(p.sent)
	if p.Key {
		return newRun(p)
	}
	return r.goOn(p)
}

// camera makes the pieces of one publication.
type camera struct {
	stream string
	run    *run // nil before the first picture
}

// piece returns r as an object.
func (c *camera) piece(r *run) (Piece, func() []byte) {
	p := Piece{
		Stream: c.stream, Type: typeMP4, Start: r.start, Codec: r.track.Codec.String(),
		Millis: (r.ticks(r.last) + int64(r.samples[len(r.samples)-1].Duration)) / 90,
	}
	return p, func() []byte { return mp4.Piece([]mp4.Track{r.track}, [][]mp4.Sample{r.samples}) }
}
