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
	// stillFor is after how long they are cut although no new one has come.
	stillFor = pieceMost + time.Second
	// askAhead is how long before that a key frame is asked for, and taken.
	askAhead = 300 * time.Millisecond
)

// timed is a picture with the time it is shown.
type timed struct {
	frame.Picture
	at time.Time
}

// run is pictures that follow each other in one track.
type run struct {
	track   mp4.Track
	start   time.Time // of the first
	last    time.Time // of the last
	samples []mp4.Sample
	asked   bool          // for the key frame that ends it
	gap     time.Duration // for which pictures were lost
}

// newRun begins with a key frame.
func newRun(p timed) *run {
	r := &run{track: p.Track, start: p.at, last: p.at}
	r.samples = append(r.samples, mp4.Sample{Data: p.Data, Sync: true})
	return r
}

// goOn returns an empty run that goes on where r ends, without a key frame.
func (r *run) goOn(p timed) *run {
	next := &run{track: r.track, start: p.at, last: p.at}
	next.samples = append(next.samples, mp4.Sample{Data: p.Data})
	return next
}

// lost notes that pictures were, up to the next one.
func (r *run) lost(until time.Time) { r.gap += max(until.Sub(r.last), 0) }

// add appends a picture.
func (r *run) add(p timed) {
	r.end(p.at)
	if p.at.After(r.last) {
		r.last = p.at
	}
	r.samples = append(r.samples, mp4.Sample{Data: p.Data, Sync: p.Key})
}

// still returns a run that goes on at a time with the picture that r shows last.
// For a decoder's sake it begins with all that this needs, shown for as short as
// can be.
func (r *run) still(at time.Time) *run {
	r.end(at)
	first := len(r.samples) - 1
	for first > 0 && !r.samples[first].Sync {
		first--
	}
	next := &run{track: r.track, start: at, last: at}
	for _, s := range r.samples[first:] {
		s.Duration = 1
		next.samples = append(next.samples, s)
	}
	next.last = at.Add(time.Duration(len(next.samples)-1) * rtpTick)
	return next
}

// begin moves the beginning of r. A picture that was over before it is shown for as
// short as can be.
func (r *run) begin(at time.Time) {
	moved := r.ticks(at)
	if len(r.samples) > 1 && moved < 0 {
		r.samples[0].Duration += uint32(-moved)
	}
	for i := 0; i < len(r.samples)-1 && moved > 0; i++ {
		less := min(int64(r.samples[i].Duration)-1, moved)
		r.samples[i].Duration -= uint32(less)
		moved -= less
	}
	if len(r.samples) == 1 || r.last.Before(at) {
		r.last = at
	}
	r.start = at
}

// end says until when the last picture is shown.
func (r *run) end(at time.Time) {
	r.samples[len(r.samples)-1].Duration = uint32(max(r.ticks(at)-r.ticks(r.last), 1))
}

// stop ends r. Pictures that were to be shown later are shown for as short as can
// be.
func (r *run) stop(at time.Time) {
	r.end(at)
	n := len(r.samples)
	over := r.ticks(r.last) + int64(r.samples[n-1].Duration) - r.ticks(at)
	for i := n - 2; i >= 0 && over > 0; i-- {
		less := min(int64(r.samples[i].Duration)-1, over)
		r.samples[i].Duration -= uint32(less)
		over -= less
	}
	if r.last.After(at) {
		r.last = at
	}
}

// ticks is the time since the start. Durations are differences of these, so that
// rounding does not add up.
func (r *run) ticks(at time.Time) int64 { return int64(at.Sub(r.start)) * 9 / 100000 }

// cuts says whether a picture begins another piece after r; ask, whether a key
// frame is to be asked for now.
func (r *run) cuts(p timed) (cut, ask bool) {
	age := p.at.Sub(r.start)
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
	r.end(p.at)
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
		Stream: c.stream, Type: typeMP4, Start: r.start, Codec: r.track.Codec.String(), Gap: r.gap.Milliseconds(),
		Millis: (r.ticks(r.last) + int64(r.samples[len(r.samples)-1].Duration)) / 90,
	}
	return p, func() []byte { return mp4.Piece([]mp4.Track{r.track}, [][]mp4.Sample{r.samples}) }
}
