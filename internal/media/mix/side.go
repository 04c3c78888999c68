package mix

import (
	"github.com/carillon-meetings/carillon/internal/media/opus"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// Stereo is kept as mid and side: the mean of both channels, which is what mono
// listeners hear, and half their difference. Whatever is mono then has only to
// do with the mid.

const (
	// sideAudible is how much energy the side must have, as a share of the mid's, for
	// a frame to count as stereo: -30 dB. A voice in the middle has none.
	sideAudible = 1e-3
	// warmPackets is how many packets a stereo decoder is given beside the mono
	// decoder before it takes over in the middle of a turn: by then what it
	// remembers is right.
	warmPackets = 5
)

// side is what a voice needs in addition to be heard in stereo.
type side struct {
	dec   opus.Decoder                 // makes both channels
	pcm   [2 * opus.MaxSamples]float32 // as decoded, interleaved
	fifo  []float32                    // as the voice's own, and as long
	frame [frameSamples]float32        // of the current tick
	heard int                          // packets decoded
	live  bool                         // it is what is played, no longer the mono decoder
}

// follow sees to a stereo decoder if the voice's packets are stereo and somebody
// wants to hear them so. It takes over at once where there is nothing to go on
// from.
func (v *voice) follow(f rtpx.AudioFrame) {
	if f.Kind != rtpx.FramePlay || v.side != nil && v.side.live {
		return
	}
	if v.side == nil {
		if !v.wanted || !rtpx.OpusStereo(v.packet) {
			return
		}
		s, err := v.pool.side()
		if err != nil {
			v.pool.cfg.Logger.Error("a member cannot be heard in stereo", "error", err)
			return
		}
		v.side = s
	}
	if s := v.side; !v.started || s.heard >= warmPackets {
		s.live = true
		s.fifo = s.fifo[:len(v.fifo)]
		clear(s.fifo)
	}
}

// split decodes what f says in stereo, the mid into mid and the side behind the
// fifo of sides, and returns the number of samples.
func (v *voice) split(f rtpx.AudioFrame, mid []float32) int {
	s, at := v.side, len(v.fifo)
	n := v.run(s.dec, f, s.pcm[:], opus.Stereo)
	diff := s.fifo[at : at+n]
	for i := range diff {
		left, right := s.pcm[2*i], s.pcm[2*i+1]
		mid[i], diff[i] = (left+right)/2, (left-right)/2
	}
	return n
}

// isStereo says whether the current frame of the voice is audibly different in
// the two channels.
func (v *voice) isStereo() bool {
	return v.side != nil && v.side.live && peak(v.side.frame[:]) > inaudible &&
		power(v.side.frame[:]) > sideAudible*power(v.frame[:])
}
