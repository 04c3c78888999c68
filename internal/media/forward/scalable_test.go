package forward

import (
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

const (
	ptVP9  = 98
	outVP9 = 123
)

// vp9Layer makes one packet that is a whole layer frame of a VP9 picture.
func vp9Layer(picture uint16, sid, tid byte, key, switchUp bool, size int) []byte {
	flags := byte(0x80 | 0x20 | 0x08 | 0x04) // picture id, layers, start, end
	if !key {
		flags |= 0x40
	}
	layer := tid<<5 | sid<<1
	if switchUp {
		layer |= 0x10
	}
	head := []byte{flags, 0x80 | byte(picture>>8&0x7f), byte(picture), layer, byte(picture)}
	return append(head, make([]byte, size)...)
}

// svcStage is a stage whose publisher sends VP9 with three spatial layers and
// two temporal ones.
type svcStage struct {
	*stage
	seq     uint16
	picture uint16
}

func newSVCStage(t testing.TB, adaptive bool) *svcStage {
	s := &svcStage{stage: newStage(t, adaptive)}
	cfg := uplinkFormats()
	cfg.Formats[ptVP9].Codec = rtpx.VP9
	cfg.SSRCs = []uint32{mainSSRC}
	s.up.Configure(cfg)
	s.pub.Describe([]Encoding{{MaxKbps: 1400}})
	return s
}

func (s *svcStage) watchVP9(w Want) *Track {
	track := s.down.Open("2", outFormats(), stampID, func() TrackConfig {
		return TrackConfig{SSRC: 7000, RTX: 7001, FirstSeq: 500}
	})
	s.down.Watch("2", w, s.now)
	return track
}

// show pushes one picture: a packet for each spatial layer, the marker on the
// last. Every other picture belongs to the upper temporal layer.
func (s *svcStage) show(key bool, sizes ...int) {
	tid := byte(s.picture & 1)
	if key {
		tid = 0
	}
	for sid, size := range sizes {
		raw := in{ssrc: mainSSRC, pt: ptVP9, seq: s.seq, ts: uint32(s.picture) * 3000, twcc: -1,
			payload: vp9Layer(s.picture, byte(sid), tid, key, tid == 0, size)}.marshal()
		if sid < len(sizes)-1 {
			raw[1] &^= 0x80
		}
		h, err := rtpx.ParseHeader(raw)
		if err != nil {
			s.t.Fatal(err)
		}
		s.up.RTP(&h, raw, s.now)
		s.seq++
	}
	s.picture++
	s.pass(33 * time.Millisecond)
}

func TestSpatialLayersAreCut(t *testing.T) {
	s := newSVCStage(t, false)
	track := s.watchVP9(Want{Pub: s.pub})
	s.show(true, 10, 20, 30)
	s.show(false, 10, 20, 30)
	if out := s.sink.take(); len(out) != 6 || out[0].Marker || !out[2].Marker {
		t.Fatalf("%d packets of two whole pictures: %+v", len(out), out)
	}
	s.desk.packets = nil
	track.take(option{layer: s.pub.layers[0], cut: point{1, 7}}, s.now)
	s.show(false, 10, 20, 30)
	s.show(false, 10, 20, 30)
	out := s.sink.take()
	if len(out) != 4 {
		t.Fatalf("%d packets of two pictures cut to two layers, want 4", len(out))
	}
	for i, p := range out {
		if p.Seq != 506+uint16(i) || p.Marker != (i%2 == 1) || p.payload[3]>>1&7 != byte(i%2) {
			t.Errorf("packet %d: number %d marker %v layer %d", i, p.Seq, p.Marker, p.payload[3]>>1&7)
		}
	}
	if first, second := pictureOf2(out[0]), pictureOf2(out[2]); second != first+1 {
		t.Errorf("picture ids %d then %d", first, second)
	}
	if n := s.desk.keyRequests(mainSSRC); n != 0 {
		t.Errorf("%d key frames asked for on the way down", n)
	}
	// What was lost is sent again with the marker it had.
	s.down.NACK(&rtcp.TransportLayerNack{MediaSSRC: 7000, Nacks: []rtcp.NackPair{{PacketID: 509}}}, s.now)
	if again := s.sink.take(); len(again) != 1 || !again[0].Marker {
		t.Errorf("sent again %+v", again)
	}
	// Up only with a key frame, which is asked for.
	s.pass(time.Second)
	track.take(option{layer: s.pub.layers[0], cut: everything()}, s.now)
	if n := s.desk.keyRequests(mainSSRC); n != 1 {
		t.Errorf("%d key frames asked for on the way up, want 1", n)
	}
	s.show(false, 10, 20, 30)
	s.show(true, 10, 20, 30)
	if out := s.sink.take(); len(out) != 5 || !out[4].Marker || out[4].Seq != out[0].Seq+4 {
		t.Errorf("%d packets: two layers, then three after the key frame", len(out))
	}
}

// pictureOf2 reads the picture id of a packet made by vp9Layer.
func pictureOf2(p sent) uint16 { return uint16(p.payload[1]&0x7f)<<8 | uint16(p.payload[2]) }

func TestTemporalLayersAreCut(t *testing.T) {
	s := newSVCStage(t, false)
	track := s.watchVP9(Want{Pub: s.pub})
	for range 4 {
		s.show(s.picture == 0, 20)
	}
	s.sink.take()
	track.take(option{layer: s.pub.layers[0], cut: point{7, 0}}, s.now)
	for range 4 {
		s.show(false, 20)
	}
	out := s.sink.take()
	if len(out) != 2 || out[1].Seq != out[0].Seq+1 || pictureOf2(out[1]) != pictureOf2(out[0])+2 {
		t.Errorf("sent %+v, want every other picture under its own id", out)
	}
	track.take(option{layer: s.pub.layers[0], cut: everything()}, s.now)
	for range 4 {
		s.show(false, 20)
	}
	if out := s.sink.take(); len(out) != 4 {
		t.Errorf("%d packets of four pictures after going up", len(out))
	}
}

func TestFilterSteps(t *testing.T) {
	info := func(sid, tid uint8, up, key bool) *rtpx.Info {
		return &rtpx.Info{HasLayers: true, Start: true, SID: sid, TID: tid, SwitchUp: up, Key: key}
	}
	for _, tc := range []struct {
		name    string
		codec   rtpx.Codec
		f       filter
		info    *rtpx.Info
		pass    bool
		current point
	}{
		{"no layers told", rtpx.VP8, filter{point{0, 0}, point{0, 0}}, &rtpx.Info{TID: 3}, true, point{0, 0}},
		{"down at once", rtpx.VP9, filter{point{7, 7}, point{0, 1}}, info(0, 2, false, false), false, point{0, 1}},
		{"not within a picture", rtpx.VP9, filter{point{7, 7}, point{0, 7}}, info(1, 0, false, false), true, point{7, 7}},
		{"up in size waits", rtpx.VP9, filter{point{0, 7}, point{2, 7}}, info(0, 0, true, false), true, point{0, 7}},
		{"up in size at a key frame", rtpx.VP9, filter{point{0, 7}, point{2, 7}}, info(0, 0, false, true), true, point{2, 7}},
		{"VP9 up in time", rtpx.VP9, filter{point{7, 0}, point{7, 2}}, info(0, 0, true, false), true, point{7, 2}},
		{"VP9 not yet", rtpx.VP9, filter{point{7, 0}, point{7, 2}}, info(0, 0, false, false), true, point{7, 0}},
		{"VP9 not from above", rtpx.VP9, filter{point{7, 0}, point{7, 2}}, info(0, 1, true, false), false, point{7, 0}},
		{"VP8 at a synchronised picture", rtpx.VP8, filter{point{7, 0}, point{7, 2}}, info(0, 1, true, false), true, point{7, 1}},
		{"VP8 not yet", rtpx.VP8, filter{point{7, 0}, point{7, 2}}, info(0, 1, false, false), false, point{7, 0}},
	} {
		if pass := tc.f.pass(tc.codec, tc.info); pass != tc.pass || tc.f.current != tc.current {
			t.Errorf("%s: pass %v at %v, want %v at %v", tc.name, pass, tc.f.current, tc.pass, tc.current)
		}
	}
}

// With adaption a scalable stream is thinned out rather than paused.
func TestAdaptionCutsScalableStreams(t *testing.T) {
	for _, tc := range []struct {
		name string
		bps  float64
		want int // spatial layers
	}{{"room for all", 2e6, 3}, {"room for two", 550_000, 2}, {"room for one", 180_000, 1}} {
		s := newSVCStage(t, true)
		l := s.join(tc.bps)
		track := s.watchVP9(Want{Pub: s.pub, TargetKbps: 10000})
		for i := range 40 * 30 {
			// Together about 100, 350 and 810 kb/s.
			s.show(s.desk.keyRequests(mainSSRC) > 0, 380, 1000, 1900)
			if i%6 == 0 {
				s.down.Tick(s.now)
			}
			s.down.Pad(s.now)
			l.Pass(s.now.Sub(l.Now))
		}
		_, cut := track.taken()
		if got := min(int(cut.sid)+1, 3); got != tc.want || s.down.subs["2"].serverPaused {
			t.Errorf("%s: %d spatial layers, want %d, at %d", tc.name, got, tc.want, s.down.Estimate(s.now))
		}
	}
}
