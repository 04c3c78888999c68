package sdp

import (
	"slices"
	"strconv"
	"strings"

	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// AudioFormat says how sound travels in a section: how it is offered, and with
// some of it taken away, how that is answered.
type AudioFormat struct {
	Opus uint8 // payload type
	// RED is the payload type of redundant Opus (RFC 2198), 0 if it is not
	// offered. Preferred says that the offer puts it before plain Opus.
	RED          uint8
	REDPreferred bool
	// Stereo: the offerer plays two channels. SendsStereo: it is likely to send two
	// (RFC 7587 §6.1, stereo and sprop-stereo). Firefox always says the first and not
	// the second.
	Stereo, SendsStereo bool
	// MaxBitrate is the most that the offerer takes on average, in bit/s
	// (maxaveragebitrate); 0 if it does not say, or says what Opus cannot do.
	MaxBitrate int
}

// AudioFormatOf finds Opus in a section; ok is false if it is not offered.
func AudioFormatOf(s *Section) (f AudioFormat, ok bool) {
	at := slices.IndexFunc(s.Codecs, func(c Codec) bool { return c.Is("opus") && c.ClockRate == rtpx.SampleRate })
	if at < 0 {
		return f, false
	}
	opus := &s.Codecs[at]
	f = AudioFormat{
		Opus:   opus.PayloadType,
		Stereo: opus.Parameter("stereo") == "1", SendsStereo: opus.Parameter("sprop-stereo") == "1",
		MaxBitrate: maxBitrate(opus),
	}
	inner := strconv.Itoa(int(f.Opus))
	for i := range s.Codecs {
		c := &s.Codecs[i]
		first, _, _ := strings.Cut(c.Parameters, "/")
		if c.Is("red") && c.ClockRate == rtpx.SampleRate && first == inner && f.RED == 0 {
			f.RED, f.REDPreferred = c.PayloadType, i < at
		}
	}
	return f, true
}

// maxBitrate reads maxaveragebitrate. Values outside its range are to be ignored
// (RFC 7587 §6.1).
func maxBitrate(opus *Codec) int {
	n, err := strconv.Atoi(opus.Parameter("maxaveragebitrate"))
	if err != nil || n < rtpx.MinOpusBitrate || n > rtpx.MaxOpusBitrate {
		return 0
	}
	return n
}

// Codecs writes the format for an answer, in the order the offerer prefers. What
// the offerer plays is said to be sent, and what it sends is asked for; who does
// not speak of stereo, or of a bitrate, is not told of it either.
func (f AudioFormat) Codecs() []Codec {
	parameters := "minptime=10;useinbandfec=1"
	if f.SendsStereo {
		parameters += ";stereo=1"
	}
	if f.Stereo {
		parameters += ";sprop-stereo=1"
	}
	if f.MaxBitrate > 0 {
		parameters += ";maxaveragebitrate=" + strconv.Itoa(f.MaxBitrate)
	}
	opus := Codec{PayloadType: f.Opus, Name: "opus", ClockRate: rtpx.SampleRate, Channels: 2, Parameters: parameters}
	if f.RED == 0 {
		return []Codec{opus}
	}
	inner := strconv.Itoa(int(f.Opus))
	red := Codec{PayloadType: f.RED, Name: "red", ClockRate: rtpx.SampleRate, Channels: 2, Parameters: inner + "/" + inner}
	if f.REDPreferred {
		return []Codec{red, opus}
	}
	return []Codec{opus, red}
}
