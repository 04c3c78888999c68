package sdp

import (
	"slices"
	"strconv"
	"strings"

	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// The RTP header extensions that are used.
const (
	ExtLevel         = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
	ExtMid           = "urn:ietf:params:rtp-hdrext:sdes:mid"
	ExtRID           = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
	ExtRepairedRID   = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
	ExtTransportWide = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
)

// Extension returns the id under which the section offers an extension, 0 if
// it does not.
func (s *Section) Extension(uri string) uint8 {
	for _, e := range s.Extensions {
		if e.URI == uri {
			return e.ID
		}
	}
	return 0
}

// Choose keeps those extensions of the section that are in uris.
func (s *Section) Choose(uris ...string) []Extension {
	var out []Extension
	for _, e := range s.Extensions {
		if slices.Contains(uris, e.URI) {
			out = append(out, e)
		}
	}
	return out
}

// VideoFormat says how one codec travels in a section.
type VideoFormat struct {
	Codec       rtpx.Codec
	PayloadType uint8
	// RTX is the payload type of retransmissions, 0 if there are none.
	RTX uint8
	// Feedback is what the offer lists of the feedback that is used.
	Feedback []string
	// StartKbps is the start bitrate the offer asks to have echoed, 0 if none.
	StartKbps int
	// Height is the largest picture that is wanted, in lines; 0 means 720.
	Height int
}

// VideoFormats finds the allowed codecs in a section, in the order of allowed.
// Of H264 only the constrained baseline profile with packetization mode 1 is
// taken, of VP9 and AV1 profile 0: what every browser decodes.
func VideoFormats(s *Section, allowed []rtpx.Codec) []VideoFormat {
	var out []VideoFormat
	start := startKbps(s)
	for _, want := range allowed {
		for i := range s.Codecs {
			c := &s.Codecs[i]
			if videoCodec(c) != want {
				continue
			}
			out = append(out, VideoFormat{
				Codec: want, PayloadType: c.PayloadType, RTX: retransmission(s, c.PayloadType),
				Feedback: feedback(c), StartKbps: start,
			})
			break
		}
	}
	return out
}

// videoCodec recognises the forms of codecs that are forwarded.
func videoCodec(c *Codec) rtpx.Codec {
	if c.ClockRate != 90000 {
		return rtpx.CodecUnknown
	}
	profile := ""
	codec := rtpx.CodecOf("video/" + c.Name)
	switch codec {
	case rtpx.VP9:
		profile = c.Parameter("profile-id")
	case rtpx.AV1:
		profile = c.Parameter("profile")
	case rtpx.H264:
		if c.Parameter("packetization-mode") != "1" || !constrainedBaseline(c.Parameter("profile-level-id")) {
			return rtpx.CodecUnknown
		}
	}
	if profile != "" && profile != "0" {
		return rtpx.CodecUnknown
	}
	return codec
}

// constrainedBaseline reads a profile-level-id: baseline with constraint set 1.
func constrainedBaseline(id string) bool {
	n, err := strconv.ParseUint(id, 16, 24)
	return err == nil && len(id) == 6 && n>>16 == 0x42 && n>>8&0x40 != 0
}

// retransmission finds the rtx payload type for another.
func retransmission(s *Section, pt uint8) uint8 {
	want := strconv.Itoa(int(pt))
	for i := range s.Codecs {
		if c := &s.Codecs[i]; c.Is("rtx") && c.Parameter("apt") == want {
			return c.PayloadType
		}
	}
	return 0
}

// feedback keeps the kinds of feedback that are used.
func feedback(c *Codec) []string {
	var out []string
	for _, f := range []string{"goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"} {
		if slices.Contains(c.Feedback, f) {
			out = append(out, f)
		}
	}
	return out
}

// startKbps is the start bitrate that the client writes to the formats of its
// offer so that it comes back in the answer, where its browser heeds it.
func startKbps(s *Section) int {
	for i := range s.Codecs {
		if n, err := strconv.ParseUint(s.Codecs[i].Parameter("x-google-start-bitrate"), 10, 16); err == nil {
			return int(n)
		}
	}
	return 0
}

// Codecs writes the format for an answer. The parameters are written in one
// fixed form because the client compares them as text with its preferences,
// and negotiates again and again while they differ. It cuts out the start
// bitrate before comparing, but only behind a semicolon: so there is one even
// where no other parameter precedes it.
func (f VideoFormat) Codecs() []Codec {
	name := strings.ToUpper(f.Codec.String())
	c := Codec{PayloadType: f.PayloadType, Name: name, ClockRate: 90000, Feedback: f.Feedback}
	switch f.Codec {
	case rtpx.VP9:
		c.Parameters = "profile-id=0"
	case rtpx.H264:
		c.Parameters = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e0" + h264Level(f.Height)
	}
	if f.StartKbps > 0 {
		c.Parameters += ";x-google-start-bitrate=" + strconv.Itoa(f.StartKbps)
	}
	if f.RTX == 0 {
		return []Codec{c}
	}
	apt := "apt=" + strconv.Itoa(int(f.PayloadType))
	return []Codec{c, {PayloadType: f.RTX, Name: "rtx", ClockRate: 90000, Parameters: apt}}
}

// h264Level is the level that a picture of so many lines needs at 30 frames a
// second: 3.1, 4.0 or 5.1. The client does not compare it.
func h264Level(height int) string {
	switch {
	case height > 1080:
		return "33"
	case height > 720:
		return "28"
	}
	return "1f"
}
