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
// All audio is at 48 kHz, in one channel or two, as samples between -1 and 1;
// decoded audio may overshoot, but never beyond 2, whatever a packet holds. Two
// channels are interleaved: left, right, left, right. Lengths in samples are
// those of one channel. Any decoder takes packets of one and of two channels and
// makes its own number of them: both of a mono packet are the same, one of a
// stereo packet is their mean.
//
// Nothing here may be used from two goroutines at once. Encoding and decoding do
// not allocate, except that the pure-Go codec makes a few short-lived objects
// where it writes in-band FEC and where it conceals speech.
package opus

import (
	"cmp"
	"errors"

	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// Fixed properties of the audio in a meeting.
const (
	// SampleRate in Hz.
	SampleRate = rtpx.SampleRate
	// FrameSamples is the length of an encoded frame: 20 ms.
	FrameSamples = rtpx.FrameSamples
	// MaxSamples is the most a received packet can hold: 120 ms (RFC 6716 §3.4).
	MaxSamples = rtpx.MaxOpusSamples
	// MaxPacket is a buffer size in bytes that any encoded frame fits into
	// (RFC 6716 §3.2.1).
	MaxPacket = 1275 + 1
)

// Channels is how many channels a codec has.
type Channels int

// The channels that Opus has (RFC 6716 §3.1).
const (
	Mono   Channels = 1
	Stereo Channels = 2
)

// Defaults of EncoderConfig. A higher bitrate is the cheaper way to quality: on
// speech, complexity 1 at 48 kbit/s comes within 0.2 dB of complexity 5 at
// 40 kbit/s in 55 % of the time (segmental signal-to-noise ratio, docs/media.md).
const (
	// DefaultBitrate is that of one channel, in bit/s.
	DefaultBitrate    = 48000
	DefaultComplexity = 1
)

// speechBelow is the bitrate in bit/s under which a mono encoder uses the speech
// modes of Opus: there the transform mode spoils a voice (RFC 6716 §2 puts wideband
// speech at 16 to 20 kbit/s and full-band speech at 28 to 40).
const speechBelow = 28000

// Silence returns a packet of 20 ms of digital silence: a CELT frame that says
// so in its first bits. It is what browsers themselves send for silence.
func Silence() []byte { return []byte{0xF8, 0xFF, 0xFE} }

// Encoder turns frames of 20 ms into Opus packets. Packets of one encoder must be
// decoded in order by one decoder.
type Encoder interface {
	// Encode writes the packet for pcm, FrameSamples of each channel, to dst and
	// returns its length. dst should have MaxPacket bytes. The error is for wrong
	// lengths.
	Encode(pcm []float32, dst []byte) (int, error)
	// Reset makes the encoder forget the audio so far; its settings stay.
	Reset()
	// SetLoss tells the encoder how much of what it sends is lost, 0..100 percent.
	// Above 0 each packet of a mono encoder carries a coarse copy of the frame before
	// it (in-band FEC), which exists only in the speech modes of Opus. At 0 the
	// encoder uses the transform mode, which needs half the processor time. A stereo
	// encoder never leaves the transform mode: it only relies less on the packets
	// before.
	SetLoss(percent int)
	// SetBitrate changes the bitrate, in bit/s, of the packets that follow. What Opus
	// does not do is moved into rtpx.MinOpusBitrate..rtpx.MaxOpusBitrate.
	SetBitrate(bitrate int)
	// SetIndependent makes the following packets rely as little as possible on the
	// ones before, at some cost in quality: for the first packets that a decoder
	// gets from this encoder after those of another one.
	SetIndependent(on bool)
}

// Decoder turns one sender's packets into audio.
type Decoder interface {
	// Decode decodes packet into pcm, which should have room for MaxSamples of each
	// channel, and returns the number of samples. The error is for malformed packets;
	// the decoder stays usable.
	Decode(packet []byte, pcm []float32) (int, error)
	// Conceal fills pcm with a guess at what a lost packet held; its length must be a
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
	// Channels is Mono by default.
	Channels Channels
	// Bitrate in bit/s, averaged; packets vary in size. The default is DefaultBitrate
	// for each channel.
	Bitrate int
	// Complexity trades processor time for quality, 1..10.
	Complexity int
	// Loss as for SetLoss.
	Loss int
}

func (c EncoderConfig) withDefaults() EncoderConfig {
	c.Channels = cmp.Or(c.Channels, Mono)
	c.Bitrate = cmp.Or(c.Bitrate, DefaultBitrate*int(c.Channels))
	c.Complexity = cmp.Or(c.Complexity, DefaultComplexity)
	return c
}

// tuning is what may change while an encoder is in use, and decides about its
// mode.
type tuning struct {
	channels      Channels
	bitrate, loss int
}

func (t tuning) withBitrate(bitrate int) tuning {
	t.bitrate = min(max(bitrate, rtpx.MinOpusBitrate), rtpx.MaxOpusBitrate)
	return t
}

func (t tuning) withLoss(percent int) tuning {
	t.loss = min(max(percent, 0), 100)
	return t
}

// speech says that the encoder is to use the speech modes.
func (t tuning) speech() bool {
	return t.channels == Mono && (t.loss > 0 || t.bitrate < speechBelow)
}

// redundancy says that the encoder is to write in-band FEC. The pure-Go codec's
// stereo packets with it cannot be decoded (gopus v0.1.1, hybrid mode).
func (t tuning) redundancy() bool { return t.channels == Mono && t.loss > 0 }

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
