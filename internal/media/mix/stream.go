package mix

import "github.com/carillon-meetings/carillon/internal/media/opus"

// freshFrames is how many frames a stream codes without reference to the past
// after a change of encoder.
const freshFrames = 2

// stream is an encoder in use, for one member or for all who share it.
type stream struct {
	enc    opus.Encoder
	coding coding
	loss   int
	// tick is that of the last frame encoded; a gap means that listeners heard
	// something else in between.
	tick  uint64
	begun bool
	fresh int
	buf   [opus.MaxPacket]byte
}

// encode returns the packet for pcm in the given tick. before is what those who
// listen heard last, or nil if it was silence; it is needed when the encoder
// does not know it. The packet is valid until the next call.
func (s *stream) encode(tick uint64, pcm, before []float32) ([]byte, error) {
	if !s.begun || s.tick+1 != tick {
		s.enc.Reset()
		s.independent()
		if before != nil {
			if _, err := s.enc.Encode(before, s.buf[:]); err != nil {
				return nil, err
			}
		}
	}
	n, err := s.enc.Encode(pcm, s.buf[:])
	if err != nil {
		return nil, err
	}
	s.begun, s.tick = true, tick
	if s.fresh > 0 {
		if s.fresh--; s.fresh == 0 {
			s.enc.SetIndependent(false)
		}
	}
	return s.buf[:n], nil
}

// independent has the next frames coded so that a decoder can begin with them.
func (s *stream) independent() {
	s.enc.SetIndependent(true)
	s.fresh = freshFrames
}

// setLoss passes on the loss that listeners report, in percent.
func (s *stream) setLoss(percent int) {
	if percent != s.loss {
		s.loss = percent
		s.enc.SetLoss(percent)
	}
}

// setBitrate changes the bitrate, in bit/s.
func (s *stream) setBitrate(bitrate int) {
	if bitrate != s.coding.bitrate {
		s.coding.bitrate = bitrate
		s.enc.SetBitrate(bitrate)
	}
}
