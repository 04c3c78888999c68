package capture

import (
	"slices"
	"time"

	"github.com/carillon-meetings/carillon/internal/capture/mp4"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

const (
	// soundFrame is what one packet of the mix lasts.
	soundFrame = rtpx.FrameSamples * time.Second / rtpx.SampleRate
	// pieceFrames is how many packets a piece of sound alone has.
	pieceFrames = int(pieceFor / soundFrame)
	// fillFrames is the longest stall of the mixer that is filled with silence.
	fillFrames = uint32(10 * time.Second / soundFrame)
)

// sound makes the pieces of the mix, and with it of the picture of who is
// speaking where that is asked for.
type sound struct {
	began   time.Time // when the packet with the time 0 is played; zero before the first came
	exact   bool      // the mixer has said so
	next    uint32    // RTP time of the packet that is to come
	start   time.Time // of the piece being made
	samples []mp4.Sample
	picture *run // of the piece being made; nil while there is none
	// coming are those of the pieces after it. A picture comes before the sound it
	// goes with, which waits for packets that are late, or after it, if it took long
	// to encode.
	coming []*run
}

// soundPiece is a piece of sound that is complete.
type soundPiece struct {
	start   time.Time
	samples []mp4.Sample
	picture *run
}

// at returns when the packet with the RTP time is played.
func (s *sound) at(timestamp uint32) time.Time {
	return s.began.Add(time.Duration(timestamp) * time.Second / rtpx.SampleRate)
}

// begin takes in what the mixer says of when it began.
func (s *sound) begin(at time.Time) {
	s.exact = true
	s.start = s.start.Add(at.Sub(s.began))
	s.began = at
}

// stalled reports whether the mixer stood still for so long before the packet
// that another piece must begin.
func (s *sound) stalled(timestamp uint32) bool {
	return !s.began.IsZero() && (timestamp-s.next)/rtpx.FrameSamples > fillFrames
}

// write takes the next packet of the mix. A short stall before it is filled with
// silence.
func (s *sound) write(payload []byte, timestamp uint32, now time.Time) {
	if s.began.IsZero() {
		s.began = now.Add(-time.Duration(timestamp) * time.Second / rtpx.SampleRate)
		s.next = timestamp
	}
	if missing := (timestamp - s.next) / rtpx.FrameSamples; missing <= fillFrames {
		for ; s.next != timestamp; s.next += rtpx.FrameSamples {
			s.put(silence(), s.next)
		}
	}
	s.put(append([]byte(nil), payload...), timestamp)
	s.next = timestamp + rtpx.FrameSamples
}

// silence is a packet of 20 ms in which nothing is heard: a CELT frame that says
// so, as mixers and browsers send it.
func silence() []byte { return []byte{0xF8, 0xFF, 0xFE} }

func (s *sound) put(payload []byte, timestamp uint32) {
	if len(s.samples) == 0 {
		s.start = s.at(timestamp)
	}
	s.samples = append(s.samples, mp4.Sample{Data: payload, Duration: rtpx.FrameSamples, Sync: true})
}

// full reports whether the piece is long enough. With a picture that is for the
// picture to say.
func (s *sound) full() bool { return s.film() == nil && len(s.samples) >= pieceFrames }

// end returns when the piece being made ends.
func (s *sound) end() time.Time { return s.start.Add(time.Duration(len(s.samples)) * soundFrame) }

// take returns the piece that was being made, without what was to come after it;
// ok is false when it is empty.
func (s *sound) take() (p soundPiece, ok bool) {
	p, ok = s.cut(len(s.samples))
	s.picture, s.coming = nil, nil
	return p, ok
}

// cut returns the first n packets of the piece being made; the others remain.
func (s *sound) cut(n int) (p soundPiece, ok bool) {
	if n == 0 {
		return p, false
	}
	p = soundPiece{s.start, s.samples[:n:n], s.picture}
	s.start, s.samples = s.start.Add(time.Duration(n)*soundFrame), slices.Clone(s.samples[n:])
	if p.picture != nil {
		p.picture.stop(s.start)
	}
	return p, true
}

// film returns the pictures that are made now; nil for none.
func (s *sound) film() *run {
	if n := len(s.coming); n > 0 {
		return s.coming[n-1]
	}
	return s.picture
}

// show has a piece begin with the pictures, as soon as the sound is there up to
// their beginning.
func (s *sound) show(r *run) { s.coming = append(s.coming, r) }

// turns reports whether the piece being made has all that comes before the next
// pictures.
func (s *sound) turns() bool {
	return len(s.coming) > 0 && !s.began.IsZero() && s.framesBefore(s.coming[0]) <= len(s.samples)
}

// framesBefore returns how many packets of the piece being made come before the
// pictures.
func (s *sound) framesBefore(r *run) int {
	return max(int(r.start.Sub(s.start).Round(soundFrame)/soundFrame), 0)
}

// turn begins the piece of the next pictures, and returns the one before it; ok is
// false when that is empty.
func (s *sound) turn() (p soundPiece, ok bool) {
	next := s.coming[0]
	p, ok = s.cut(s.framesBefore(next))
	s.picture, s.coming = next, s.coming[1:]
	next.begin(s.start)
	return p, ok
}

// piece returns it as an object.
func (p soundPiece) piece() (Piece, func() []byte) {
	tracks, samples := []mp4.Track{{Codec: mp4.Opus}}, [][]mp4.Sample{p.samples}
	o := Piece{
		Stream: audioFolder, Type: typeMP4, Start: p.start, Codec: mp4.Opus.String(),
		Millis: (time.Duration(len(p.samples)) * soundFrame).Milliseconds(),
	}
	if p.picture != nil {
		tracks, samples = append(tracks, p.picture.track), append(samples, p.picture.samples)
		o.Codec, o.Gap = o.Codec+" "+p.picture.track.Codec.String(), p.picture.gap.Milliseconds()
	}
	return o, func() []byte { return mp4.Piece(tracks, samples) }
}
