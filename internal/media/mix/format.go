package mix

import (
	"cmp"

	"github.com/carillon-meetings/carillon/internal/media/opus"
)

// Format says how a member takes what it hears, as it was negotiated. The zero
// value is mono at the bitrate of the Config.
type Format struct {
	// Stereo: it plays two channels.
	Stereo bool
	// MaxBitrate is the most that it takes on average, in bit/s; 0 leaves the choice.
	MaxBitrate int
}

// MaxBitrate is the most that anybody is sent, in bit/s: the upper end of what
// music in stereo needs (RFC 6716 §2.1.1).
const MaxBitrate = 128000

// bitrateSteps are the bitrates that members are sent, the next lower one to what
// they take. Members with equal bitrates share an encoder, so there are few.
var bitrateSteps = [...]int{6000, 12000, 16000, 24000, 32000, 40000, 48000, 64000, 96000, MaxBitrate}

// stereoFrom is the bitrate in bit/s below which nobody is sent stereo: two
// channels would each sound worse than one does.
const stereoFrom = 24000

// coding is how a stream is encoded.
type coding struct {
	channels opus.Channels
	bitrate  int // bit/s
}

// codings are the two of a member: while all that it hears is mono, and while
// something is stereo. With a member that takes no stereo they are the same.
type codings struct{ mono, stereo coding }

// takesStereo says whether the member plays two channels.
func (c codings) takesStereo() bool { return c.stereo.channels == opus.Stereo }

// codings chooses for a member; standard is the bitrate of one channel where
// nothing else is asked for. Mono gets a channel's share of the bitrate that the
// member takes for stereo, but not less than the standard if it takes that.
func (f Format) codings(standard int) codings {
	limit := stepBelow(f.MaxBitrate)
	if !f.Stereo || limit > 0 && limit < stereoFrom {
		c := coding{opus.Mono, cmp.Or(limit, standard)}
		return codings{c, c}
	}
	both := cmp.Or(limit, 2*standard)
	return codings{
		mono:   coding{opus.Mono, max(both/2, min(both, standard))},
		stereo: coding{opus.Stereo, both},
	}
}

// stepBelow returns the highest of bitrateSteps that does not exceed limit, or the
// lowest one. 0 stays 0.
func stepBelow(limit int) int {
	if limit <= 0 {
		return 0
	}
	best := bitrateSteps[0]
	for _, step := range bitrateSteps {
		if step <= limit {
			best = step
		}
	}
	return best
}
