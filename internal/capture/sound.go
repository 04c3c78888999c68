package capture

import (
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
	began   time.Time // when the packet with the time 0 came; zero before it
	next    uint32    // RTP time of the packet that is to come
	start   time.Time // of the piece being made
	samples []mp4.Sample
	picture *run // nil while there is none
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
// picture to say, unless it has stopped moving.
func (s *sound) full() bool {
	if s.picture != nil {
		return len(s.samples) >= 3*pieceFrames
	}
	return len(s.samples) >= pieceFrames
}

// end returns when the piece being made ends.
func (s *sound) end() time.Time { return s.start.Add(time.Duration(len(s.samples)) * soundFrame) }

// take returns the piece that was being made; ok is false when it is empty.
func (s *sound) take() (p soundPiece, ok bool) {
	if len(s.samples) == 0 {
		s.picture = nil
		return p, false
	}
	p = soundPiece{s.start, s.samples, s.picture}
	if p.picture != nil {
		p.picture.end(s.end())
	}
	s.samples, s.picture = nil, nil
	return p, true
}

// show begins a piece with a key frame; the piece before it has been taken.
func (s *sound) show(r *run) { s.picture = r }

// piece returns it as an object.
func (p soundPiece) piece() (Piece, func() []byte) {
	tracks, samples := []mp4.Track{{Codec: mp4.Opus}}, [][]mp4.Sample{p.samples}
	o := Piece{
		Stream: audioFolder, Type: typeMP4, Start: p.start, Codec: mp4.Opus.String(),
		Millis: (time.Duration(len(p.samples)) * soundFrame).Milliseconds(),
	}
	if p.picture != nil {
		tracks, samples = append(tracks, p.picture.track), append(samples, p.picture.samples)
		o.Codec += " " + p.picture.track.Codec.String()
	}
	return o, func() []byte { return mp4.Piece(tracks, samples) }
}
