// Package opus is the seam between Carillon and an Opus codec (RFC 6716). The
// mixer sees the two interfaces declared here and nothing else, so the codec can
// be replaced without touching it.
//
// There are two implementations. The default one is pure Go (gopus), which keeps
// the server one static binary. The build tag libopus selects the C library
// through a thin cgo binding in this package; it needs libopus and pkg-config to
// build and about a third less processor time. NewEncoder and NewDecoder return
// whichever was built in. A differential test, run with the tag, holds the two
// against each other on synthesised speech.
//
// All audio is mono at 48 kHz, as samples between -1 and 1; decoded audio may
// overshoot, but never beyond 2, whatever a packet holds. Nothing here may be
// used from two goroutines at once. Encoding and decoding do not allocate, except
// that the pure-Go codec makes a few short-lived objects where it writes in-band FEC
// and where it conceals speech.
package opus

import "errors"

// Fixed properties of the audio in a meeting.
const (
	// SampleRate in Hz.
	SampleRate = 48000
	// FrameSamples is the length of an encoded frame: 20 ms.
	FrameSamples = 960
	// MaxSamples is the most a received packet can hold: 120 ms (RFC 6716 §3.4).
	MaxSamples = 5760
	// MaxPacket is a buffer size in bytes that any encoded frame fits into
	// (RFC 6716 §3.2.1).
	MaxPacket = 1275 + 1
)

// Defaults of EncoderConfig. A higher bitrate is the cheaper way to quality: on
// speech, complexity 1 at 48 kbit/s comes within 0.2 dB of complexity 5 at
// 40 kbit/s in 55 % of the time (segmental signal-to-noise ratio, docs/media.md).
const (
	DefaultBitrate    = 48000
	DefaultComplexity = 1
)

// Silence returns a packet of 20 ms of digital silence: a CELT frame that says
// so in its first bits. It is what browsers themselves send for silence.
func Silence() []byte { return []byte{0xF8, 0xFF, 0xFE} }

// Encoder turns frames of 20 ms into Opus packets. Packets of one encoder must be
// decoded in order by one decoder.
type Encoder interface {
	// Encode writes the packet for pcm, FrameSamples long, to dst and returns its
	// length. dst should have MaxPacket bytes. The error is for wrong lengths.
	Encode(pcm []float32, dst []byte) (int, error)
	// Reset makes the encoder forget the audio so far; its settings stay.
	Reset()
	// SetLoss tells the encoder how much of what it sends is lost, 0..100 percent.
	// Above 0 each packet carries a coarse copy of the frame before it (in-band FEC),
	// which exists only in the speech modes of Opus. At 0 the encoder uses the
	// transform mode, which needs half the processor time.
	SetLoss(percent int)
	// SetIndependent makes the following packets rely as little as possible on the
	// ones before, at some cost in quality: for the first packets that a decoder
	// gets from this encoder after those of another one.
	SetIndependent(on bool)
}

// Decoder turns one sender's packets into audio.
type Decoder interface {
	// Decode decodes packet into pcm, which should have room for MaxSamples, and
	// returns the number of samples. The error is for malformed packets; the decoder
	// stays usable.
	Decode(packet []byte, pcm []float32) (int, error)
	// Conceal fills pcm with a guess at what a lost packet held; len(pcm) must be a
	// multiple of 120 samples (2.5 ms) and at most MaxSamples.
	Conceal(pcm []float32) error
	// DecodeFEC fills pcm, as long as the lost packet, from the copy that the packet
	// after it carries; without such a copy it conceals.
	DecodeFEC(next []byte, pcm []float32) error
	// Reset makes the decoder forget the audio so far.
	Reset()
}

// EncoderConfig holds an encoder's settings. Zero values mean the defaults.
type EncoderConfig struct {
	// Bitrate in bit/s, averaged; packets vary in size.
	Bitrate int
	// Complexity trades processor time for quality, 1..10.
	Complexity int
	// Loss as for SetLoss.
	Loss int
}

func (c EncoderConfig) withDefaults() EncoderConfig {
	if c.Bitrate == 0 {
		c.Bitrate = DefaultBitrate
	}
	if c.Complexity == 0 {
		c.Complexity = DefaultComplexity
	}
	return c
}

// errEmpty is the error for a packet without any bytes, which a codec would take
// for a lost one.
var errEmpty = errors.New("empty opus packet")

// overshoot is the loudest sample that leaves a decoder.
const overshoot = 2

// limit bounds decoded samples. A crafted packet can decode to any number, even
// to none at all, and would ruin the mix it goes into for good.
func limit(pcm []float32) {
	for i, s := range pcm {
		if s >= -overshoot && s <= overshoot {
			continue
		}
		switch {
		case s > overshoot:
			pcm[i] = overshoot
		case s < -overshoot:
			pcm[i] = -overshoot
		default: // not a number
			pcm[i] = 0
		}
	}
}
