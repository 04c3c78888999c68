package sdp

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

func mustParse(t testing.TB, text string) *Offer {
	t.Helper()
	o, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestChromiumOffer(t *testing.T) {
	o := mustParse(t, chromium(
		chromiumAudio("0", "sendrecv", true),
		chromiumVideo(9, "1", "sendrecv", "a=ssrc-group:FID 11 12", "a=ssrc:11 cname:x", "a=ssrc:12 cname:x"),
		chromiumVideo(9, "2", "recvonly"),
		chromiumVideo(0, "3", "inactive")))
	if o.Ufrag != "Vp3K" || o.Pwd != "kq9cA2mXw7Zr5TgB1nYd0EfS" || o.Setup != "actpass" {
		t.Errorf("transport %q %q %q", o.Ufrag, o.Pwd, o.Setup)
	}
	if len(o.Fingerprints) != 1 || o.Fingerprints[0].Algorithm != "sha-256" {
		t.Errorf("fingerprints %v, want the one that all sections repeat", o.Fingerprints)
	}
	if !slices.Equal(o.Bundle, []string{"0", "1", "2"}) || len(o.Sections) != 4 {
		t.Fatalf("bundle %v of %d sections", o.Bundle, len(o.Sections))
	}
	camera := &o.Sections[1]
	if camera.Kind != Video || camera.Mid != "1" || camera.Direction != SendRecv || !camera.ReducedRTCP || camera.Stopped() {
		t.Errorf("camera %+v", camera)
	}
	if !slices.Equal(camera.SSRCs, []uint32{11, 12}) || !slices.Equal(camera.Pairs, [][2]uint32{{11, 12}}) {
		t.Errorf("ssrcs %v pairs %v", camera.SSRCs, camera.Pairs)
	}
	if camera.Extension(ExtTransportWide) != 3 || camera.Extension(ExtRID) != 10 || camera.Extension("urn:none") != 0 {
		t.Errorf("extensions %v", camera.Extensions)
	}
	if o.Sections[2].Direction != RecvOnly || o.Sections[2].Direction.Sends() || !o.Sections[3].Stopped() {
		t.Errorf("directions %v, stopped %v", o.Sections[2].Direction, o.Sections[3].Stopped())
	}
}

func TestFirefoxOffer(t *testing.T) {
	o := mustParse(t, firefox())
	if o.Ufrag != "9a8b7c6d" || len(o.Sections) != 3 {
		t.Fatalf("ufrag %q, %d sections", o.Ufrag, len(o.Sections))
	}
	for _, s := range o.Sections {
		if s.Stopped() {
			t.Errorf("section %s counts as stopped: port 0 only means bundled", s.Mid)
		}
	}
	a, ok := AudioFormatOf(&o.Sections[0])
	if !ok || a != (AudioFormat{Opus: 109, RED: 63, Stereo: true}) {
		t.Errorf("audio %+v %v", a, ok)
	}
	got := VideoFormats(&o.Sections[2], []rtpx.Codec{rtpx.VP8, rtpx.VP9, rtpx.H264, rtpx.AV1})
	want := []VideoFormat{
		{Codec: rtpx.VP8, PayloadType: 120, RTX: 124, Feedback: []string{"goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"}},
		{Codec: rtpx.VP9, PayloadType: 121, RTX: 125, Feedback: []string{"transport-cc", "nack"}},
		{Codec: rtpx.AV1, PayloadType: 99, RTX: 100},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("video %+v\nwant %+v", got, want)
	}
}

func TestSimulcastOrder(t *testing.T) {
	for _, tc := range []struct {
		name  string
		extra []string
		want  []string
	}{
		{"all on", []string{"a=rid:low send", "a=rid:mid send", "a=rid:hi send", "a=simulcast:send low;mid;hi"}, []string{"low", "mid", "hi"}},
		{"some off", []string{"a=rid:hi send", "a=rid:low send", "a=rid:mid send", "a=simulcast:send ~low;mid;~hi"}, []string{"low", "mid", "hi"}},
		{"alternatives", []string{"a=rid:a send", "a=rid:b send", "a=simulcast:send a,b recv c"}, []string{"a"}},
		{"unknown rid", []string{"a=rid:a send", "a=simulcast:send a;x"}, []string{"a"}},
		{"no simulcast line", []string{"a=rid:a send", "a=rid:r recv"}, []string{"a"}},
		{"hostile rid", []string{"a=rid:<b> send", "a=simulcast:send <b>"}, nil},
	} {
		o := mustParse(t, chromium(chromiumVideo(9, "1", "sendrecv", tc.extra...)))
		if got := o.Sections[0].RIDs; !slices.Equal(got, tc.want) {
			t.Errorf("%s: rids %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestRefusedOffers(t *testing.T) {
	good := chromium(chromiumAudio("0", "sendrecv", false))
	replace := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the good offer has no %q", old)
		}
		return strings.ReplaceAll(good, old, new)
	}
	for name, text := range map[string]string{
		"empty":                  "",
		"no assignment":          "hello\r\n",
		"no sections":            lines("v=0", "a=ice-ufrag:x", "a=ice-pwd:y", "a=fingerprint:sha-256 AA", "a=setup:actpass"),
		"no credentials":         replace("a=ice-ufrag", "a=x-ice-ufrag"),
		"no fingerprint":         replace("a=fingerprint", "a=x-fingerprint"),
		"client is DTLS server":  replace("a=setup:actpass", "a=setup:passive"),
		"no mid":                 replace("a=mid", "a=x-mid"),
		"mid that breaks lines":  replace("a=mid:0", "a=mid:0;1"),
		"short m-line":           replace("m=audio 9 UDP/TLS/RTP/SAVPF", "m=audio 9\r\nx="),
		"bad port":               replace("m=audio 9 ", "m=audio 70000 "),
		"payload type twice":     replace(" 9 0 8 13", " 9 9 8 13"),
		"payload type too large": replace("111 63 9", "111 63 200 9"),
		"bad rtpmap":             replace("opus/48000/2", "opus"),
		"bad clock":              replace("opus/48000/2", "opus/0"),
		"bad ssrc":               replace("a=ssrc:1871924312 cname", "a=ssrc:x cname"),
		"bad extmap":             replace("a=extmap:1 ", "a=extmap:0 "),
		"two alike mids":         good + chromiumAudio("0", "sendrecv", false),
		"too long":               strings.Repeat("a=x\r\n", maxText/4),
		"too many sections":      chromium(slices.Repeat([]string{"m=audio 9 RTP/AVP 0\r\n"}, maxSections+1)...),
	} {
		if _, err := Parse(text); !errors.Is(err, ErrSyntax) {
			t.Errorf("%s: error %v, want ErrSyntax", name, err)
		}
	}
}

func TestFormatsThatAreTaken(t *testing.T) {
	all := []rtpx.Codec{rtpx.VP8, rtpx.VP9, rtpx.H264, rtpx.AV1}
	o := mustParse(t, chromium(chromiumVideo(9, "1", "recvonly")))
	got := VideoFormats(&o.Sections[0], all)
	var pts []uint8
	for _, f := range got {
		pts = append(pts, f.PayloadType)
		if f.RTX != f.PayloadType+1 || f.StartKbps != 1000 {
			t.Errorf("format %+v", f)
		}
	}
	if !slices.Equal(pts, []uint8{96, 98, 108, 45}) {
		t.Errorf("payload types %v: want VP8, VP9 profile 0, H264 constrained baseline mode 1, AV1", pts)
	}
	if got := VideoFormats(&o.Sections[0], []rtpx.Codec{rtpx.H264}); len(got) != 1 || got[0].PayloadType != 108 {
		t.Errorf("only H264 allowed: %+v", got)
	}
}

func TestAudioFormats(t *testing.T) {
	section := func(lines ...string) *Section {
		text := "m=audio 9 UDP/TLS/RTP/SAVPF 1 2 3\r\n" + chromiumTransport + "a=mid:0\r\n" + strings.Join(lines, "\r\n") + "\r\n"
		return &mustParse(t, text).Sections[0]
	}
	for _, tc := range []struct {
		name  string
		lines []string
		want  AudioFormat
		ok    bool
	}{
		{"red first", []string{"a=rtpmap:1 red/48000/2", "a=fmtp:1 2/2", "a=rtpmap:2 opus/48000/2"}, AudioFormat{Opus: 2, RED: 1, REDPreferred: true}, true},
		{"red last", []string{"a=rtpmap:1 OPUS/48000/2", "a=rtpmap:3 RED/48000/2", "a=fmtp:3 1/1"}, AudioFormat{Opus: 1, RED: 3}, true},
		{"red of another codec", []string{"a=rtpmap:1 opus/48000/2", "a=rtpmap:3 red/48000/2", "a=fmtp:3 2/2"}, AudioFormat{Opus: 1}, true},
		{"no opus", []string{"a=rtpmap:1 PCMU/8000"}, AudioFormat{}, false},
		{"opus at another rate", []string{"a=rtpmap:1 opus/8000"}, AudioFormat{}, false},
	} {
		if got, ok := AudioFormatOf(section(tc.lines...)); got != tc.want || ok != tc.ok {
			t.Errorf("%s: %+v %v, want %+v %v", tc.name, got, ok, tc.want, tc.ok)
		}
	}
	if c := (AudioFormat{Opus: 2, RED: 1, REDPreferred: true}).Codecs(); len(c) != 2 || !c[0].Is("red") || c[0].Parameters != "2/2" {
		t.Errorf("preferred red is not first: %+v", c)
	}
	if c := (AudioFormat{Opus: 1, RED: 3}).Codecs(); len(c) != 2 || !c[0].Is("opus") {
		t.Errorf("plain opus is not first: %+v", c)
	}
}

// What the client's audio profiles write into its offer, and what others do.
func TestStereoAndBitrate(t *testing.T) {
	const plain = "minptime=10;useinbandfec=1"
	for _, tc := range []struct {
		name, offered string
		want          AudioFormat
		answered      string
	}{
		{"default", plain, AudioFormat{}, plain},
		{"fullbandSpeechMono", plain + ";maxaveragebitrate=40000", AudioFormat{MaxBitrate: 40000}, plain + ";maxaveragebitrate=40000"},
		{"fullbandMusicStereo", plain + ";maxaveragebitrate=128000;stereo=1;sprop-stereo=1", AudioFormat{Stereo: true, SendsStereo: true, MaxBitrate: 128000},
			plain + ";stereo=1;sprop-stereo=1;maxaveragebitrate=128000"},
		{"Firefox", "maxplaybackrate=48000;stereo=1;useinbandfec=1", AudioFormat{Stereo: true}, plain + ";sprop-stereo=1"},
		{"a stereo sender", "sprop-stereo=1", AudioFormat{SendsStereo: true}, plain + ";stereo=1"},
		{"spaces and capitals", " Stereo=1 ; maxAverageBitrate=20000", AudioFormat{Stereo: true, MaxBitrate: 20000}, plain + ";sprop-stereo=1;maxaveragebitrate=20000"},
		{"mono said", "stereo=0;sprop-stereo=0", AudioFormat{}, plain},
		{"too little", "maxaveragebitrate=5999", AudioFormat{}, plain},
		{"too much", "maxaveragebitrate=510001", AudioFormat{}, plain},
		{"beyond all numbers", "maxaveragebitrate=99999999999999999999", AudioFormat{}, plain},
		{"no number", "stereo=yes;maxaveragebitrate=fast", AudioFormat{}, plain},
	} {
		text := chromium(strings.Replace(chromiumAudio("0", "sendrecv", false), plain, tc.offered, 1))
		f, ok := AudioFormatOf(&mustParse(t, text).Sections[0])
		tc.want.Opus, tc.want.RED = 111, 63
		if !ok || f != tc.want {
			t.Errorf("%s: %+v, want %+v", tc.name, f, tc.want)
		}
		if got := f.Codecs()[0].Parameters; got != tc.answered {
			t.Errorf("%s is answered with %q, want %q", tc.name, got, tc.answered)
		}
	}
}

// The client cuts ";x-google-start-bitrate=…" out of the parameters and compares
// the rest, as text, with what it prefers.
func TestParametersAsTheClientComparesThem(t *testing.T) {
	for codec, want := range map[rtpx.Codec]string{
		rtpx.VP8: "", rtpx.AV1: "", rtpx.VP9: "profile-id=0",
		rtpx.H264: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
	} {
		c := VideoFormat{Codec: codec, PayloadType: 96, StartKbps: 1000}.Codecs()[0]
		if got := strings.Replace(c.Parameters, ";x-google-start-bitrate=1000", "", 1); got != want {
			t.Errorf("%v: %q, want %q", codec, got, want)
		}
		if plain := (VideoFormat{Codec: codec}).Codecs()[0].Parameters; plain != want {
			t.Errorf("%v without start bitrate: %q, want %q", codec, plain, want)
		}
	}
	for height, level := range map[int]string{0: "42e01f", 720: "42e01f", 1080: "42e028", 2160: "42e033"} {
		c := VideoFormat{Codec: rtpx.H264, Height: height}.Codecs()[0]
		if !strings.HasSuffix(c.Parameters, level) {
			t.Errorf("height %d: %q, want level %s", height, c.Parameters, level)
		}
	}
}

// answerAll answers an offer by taking up everything.
func answerAll(o *Offer) *Answer {
	a := &Answer{SessionID: 7, Version: 2, Ufrag: "uf", Pwd: "pw", Fingerprint: "sha-256 AA", CName: "c",
		Candidates: []string{"1 1 udp 1 192.0.2.1 5000 typ host"}, Bundle: o.Bundle}
	for i := range o.Sections {
		s := &o.Sections[i]
		as := AnswerSection{Of: s, Direction: s.Direction, Rejected: s.Stopped() || s.Kind == Other, RIDs: s.RIDs}
		if s.Kind == Video {
			for _, f := range VideoFormats(s, []rtpx.Codec{rtpx.VP8, rtpx.VP9, rtpx.H264, rtpx.AV1}) {
				as.Codecs = append(as.Codecs, f.Codecs()...)
			}
		} else if f, ok := AudioFormatOf(s); ok {
			as.Codecs = f.Codecs()
		}
		if s.Direction == RecvOnly {
			as.Direction, as.Stream, as.Track, as.SSRC, as.RTX = SendOnly, "v_"+s.Mid, "t", 5, 6
		}
		a.Sections = append(a.Sections, as)
	}
	return a
}

func TestAnswerText(t *testing.T) {
	o := mustParse(t, chromium(
		chromiumAudio("0", "sendrecv", false),
		chromiumVideo(9, "1", "sendrecv", "a=rid:low send", "a=rid:hi send", "a=simulcast:send low;hi"),
		chromiumVideo(0, "2", "inactive"),
		chromiumVideo(9, "7", "recvonly")))
	a := answerAll(o)
	a.Sections[1].MaxKbps = 1500
	text := a.String()
	for i, l := range strings.Split(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		if strings.ContainsAny(l, "\r\n") || len(l) < 3 || l[1] != '=' {
			t.Errorf("line %d: %q", i, l)
		}
	}
	for _, want := range []string{
		"o=- 7 2 IN IP4 127.0.0.1\r\n", "a=group:BUNDLE 0 1 7\r\n", "a=ice-lite\r\n", "a=setup:passive\r\n",
		"m=video 0 UDP/TLS/RTP/SAVPF 96 97", "a=msid:v_7 t\r\n", "a=ssrc-group:FID 5 6\r\n", "a=ssrc:5 msid:v_7 t\r\n",
		"b=AS:1500\r\nb=TIAS:1500000\r\n", "a=rid:low recv\r\na=rid:hi recv\r\na=simulcast:recv low;hi\r\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if n := strings.Count(text, "a=candidate:"); n != 1 {
		t.Errorf("%d candidates, want one, in the first section", n)
	}
	if n := strings.Count(text, "m="); n != 4 {
		t.Errorf("%d sections, want as many as offered", n)
	}
}

func TestAnswersCandidatesAreInTheFirstSectionInUse(t *testing.T) {
	o := mustParse(t, chromium(chromiumVideo(0, "0", "inactive"), chromiumVideo(9, "1", "recvonly")))
	sections := strings.Split(answerAll(o).String(), "m=")
	if strings.Contains(sections[1], "a=candidate") || !strings.Contains(sections[2], "a=candidate") {
		t.Errorf("candidates are in the wrong section:\n%v", sections)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(chromium(chromiumAudio("0", "sendrecv", true), chromiumVideo(9, "1", "inactive"), chromiumVideo(0, "2", "inactive")))
	f.Add(chromium(chromiumVideo(9, "1", "sendrecv", "a=rid:a send", "a=simulcast:send a;~b", "a=ssrc-group:FID 1 2")))
	f.Add(firefox())
	f.Add("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n" + chromiumTransport)
	f.Fuzz(func(t *testing.T, text string) {
		o, err := Parse(text)
		if err != nil {
			if !errors.Is(err, ErrSyntax) {
				t.Fatalf("error %v", err)
			}
			return
		}
		// What is taken can be answered, and the answer cannot be broken by it.
		out := answerAll(o).String()
		if n := strings.Count(out, "\nm="); n != len(o.Sections) {
			t.Fatalf("%d sections answered with %d:\n%s", len(o.Sections), n, out)
		}
		for l := range strings.SplitSeq(strings.TrimSuffix(out, "\r\n"), "\r\n") {
			if len(l) < 2 || l[1] != '=' || strings.ContainsAny(l, "\r\n") {
				t.Fatalf("line %q", l)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	var sections []string
	sections = append(sections, chromiumAudio("0", "sendrecv", true), chromiumVideo(9, "1", "sendrecv"))
	for i := range 25 {
		sections = append(sections, chromiumVideo(9, fmt.Sprint(i+2), "recvonly"))
	}
	for name, text := range map[string]string{"first join": chromium(sections[:2]...), "25 videos": chromium(sections...)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				mustParse(b, text)
			}
		})
	}
}

func BenchmarkAnswer(b *testing.B) {
	a := answerAll(mustParse(b, chromium(chromiumAudio("0", "sendrecv", true), chromiumVideo(9, "1", "sendrecv"))))
	b.ReportAllocs()
	for b.Loop() {
		_ = a.String()
	}
}
