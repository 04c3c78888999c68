package capture

import (
	"slices"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/capture/compose"
	"github.com/carillon-meetings/carillon/internal/capture/flv"
	"github.com/carillon-meetings/carillon/internal/capture/mp4"
)

// The form of composed recordings, which is that of Amazon's: pieces are cut at key
// frames, and those come when a piece is full.
const (
	filmRate = 15 // pictures a second
	filmKeys = filmRate * int(pieceFor/time.Second)
	// shotTicks is how long a picture is shown, in the timescale of its track.
	shotTicks = mp4.VideoTimescale / filmRate
)

// film makes the pieces of the composed picture, together with the mix as it is.
type film struct {
	show *compose.Show
	emit func(Piece, func() []byte)

	mu     sync.Mutex // guards what follows
	began  time.Time  // when the show did: zero before its first packet
	sounds [][]byte   // of the mix, those not in a piece yet
	first  int        // number of the first of these since the show began
	track  mp4.Track
	start  time.Duration // of the piece being made, since the show began
	shots  []mp4.Sample  // of it; empty before the first key frame
}

// newFilm begins a film of what the configuration says; it gives the parts about
// sound and pictures itself. emit is handed the pieces.
func newFilm(cfg compose.Config, emit func(Piece, func() []byte)) (*film, error) {
	f := &film{emit: emit}
	width, height := cfg.Composition.WithDefaults().Size()
	f.track = mp4.Track{Codec: mp4.H264, Width: width, Height: height}
	cfg.Film = compose.Film{Rate: filmRate, KeyEvery: filmKeys}
	cfg.Heard, cfg.Out = f.heard, f.take
	var err error
	f.show, err = compose.New(cfg)
	return f, err
}

// heard takes a packet of the mix that the show goes by.
func (f *film) heard(packet []byte, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.began.IsZero() {
		f.began = at
	}
	f.sounds = append(f.sounds, packet)
	if len(f.shots) == 0 { // nothing is made of what was before the first picture
		const kept = 2 * pieceFrames
		f.drop(f.first + len(f.sounds) - kept)
	}
}

// drop forgets the packets before the one of the number.
func (f *film) drop(number int) {
	if n := min(number-f.first, len(f.sounds)); n > 0 {
		f.sounds, f.first = slices.Delete(f.sounds, 0, n), f.first+n
	}
}

// take takes a picture.
func (f *film) take(t flv.Tag) {
	f.mu.Lock()
	defer f.mu.Unlock()
	data := t.Picture()
	switch {
	case data == nil || t.Kind != flv.Video:
	case t.Header():
		f.cutLocked() // another encoder goes on
		f.track.Config = data
	case t.Key():
		f.cutLocked()
		f.start = t.At
		f.shots = append(f.shots, mp4.Sample{Data: data, Duration: shotTicks, Sync: true})
	case len(f.shots) > 0:
		f.shots = append(f.shots, mp4.Sample{Data: data, Duration: shotTicks})
	}
}

// cutLocked ends the piece being made.
func (f *film) cutLocked() {
	if len(f.shots) == 0 {
		return
	}
	length := time.Duration(len(f.shots)) * time.Second / filmRate
	from, to := int(f.start/soundFrame), int((f.start+length)/soundFrame)
	f.drop(from)
	var sounds []mp4.Sample
	for _, packet := range f.sounds[:min(max(to-f.first, 0), len(f.sounds))] {
		sounds = append(sounds, mp4.Sample{Data: packet, Duration: uint32(soundFrame * mp4.AudioTimescale / time.Second), Sync: true})
	}
	f.drop(to)
	shots, track := f.shots, f.track
	f.shots = nil
	f.emit(Piece{
		Stream: composedFolder, Type: typeMP4, Start: f.began.Add(f.start), Millis: length.Milliseconds(),
		Codec: mp4.Opus.String() + " " + mp4.H264.String(),
	}, func() []byte {
		return mp4.Piece([]mp4.Track{{Codec: mp4.Opus}, track}, [][]mp4.Sample{sounds, shots})
	})
}

// close ends the film. When it returns, all of it has been emitted.
func (f *film) close() {
	f.show.Close()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cutLocked()
}
