package forward

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

func TestPacketsAreRenumberedForTheSubscriber(t *testing.T) {
	s := newStage(t, false)
	track := s.watch("2", Want{Pub: s.pub, StreamID: s.pub.layers[0].StreamID})
	ssrc, _ := track.SSRC()
	s.video(mainSSRC, 40000, false, "")
	if out := s.sink.take(); len(out) != 0 {
		t.Fatalf("%d packets before a key frame", len(out))
	}
	s.video(mainSSRC, 40001, true, "")
	s.pass(20 * time.Millisecond)
	s.video(mainSSRC, 40002, false, "")
	out := s.sink.take()
	if len(out) != 2 {
		t.Fatalf("%d packets, want 2", len(out))
	}
	for i, p := range out {
		if p.SSRC != ssrc || p.PayloadType != outVP8 || p.Seq != uint16(500+i) || p.TS != 90000+uint32(i)*3000 || !p.Marker {
			t.Errorf("packet %d: %+v", i, p.Header)
		}
		if p.stamp != uint16(i) {
			t.Errorf("transport-wide number %d, want %d", p.stamp, i)
		}
	}
	if pictureOf(out[1].payload) != pictureOf(out[0].payload)+1 {
		t.Error("picture ids are not consecutive")
	}
	if s.live != 1 || !s.pub.Live() {
		t.Errorf("announced %d times", s.live)
	}
}

func TestDuplicatesAndPaddingLeaveNoTrace(t *testing.T) {
	s := newStage(t, false)
	s.watch("2", Want{Pub: s.pub})
	s.video(mainSSRC, 1, true, "")
	s.video(mainSSRC, 1, true, "")
	s.push(in{ssrc: mainSSRC, pt: ptVP8, seq: 2, ts: 3000, twcc: -1, padding: true})
	s.video(mainSSRC, 3, false, "")
	out := s.sink.take()
	if len(out) != 2 || out[1].Seq != out[0].Seq+1 {
		t.Fatalf("%d packets, want 2 with consecutive numbers: %+v", len(out), out)
	}
}

func TestAWaitingTrackAsksAgain(t *testing.T) {
	s := newStage(t, false)
	s.watch("2", Want{Pub: s.pub})
	s.desk.packets = nil
	asked := 0
	for i := range uint16(30) { // 3 s without a key frame
		s.pass(100 * time.Millisecond)
		s.video(mainSSRC, i, false, "")
		s.down.Tick(s.now)
		asked += s.desk.keyRequests(mainSSRC)
	}
	if asked < 2 || asked > 4 {
		t.Errorf("asked %d times in 3 s, want about one a second", asked)
	}
}

func TestSimulcastLayersAreFoundByRID(t *testing.T) {
	s := newStage(t, false, "low", "mid", "hi")
	for i, rid := range []string{"low", "mid", "hi"} {
		s.video(uint32(10+i), 1, true, rid)
	}
	s.video(12, 2, false, "") // the browser stops naming it after a while
	if s.push(in{ssrc: 99, pt: ptVP8, seq: 1, twcc: -1, payload: vp8Frame(true, 1)}) {
		t.Error("took a stream without a rid")
	}
	if s.push(in{ssrc: 98, pt: ptVP8, seq: 1, rid: "none", twcc: -1, payload: vp8Frame(true, 1)}) {
		t.Error("took a stream with a foreign rid")
	}
	listed := s.pub.Listed(s.now)
	if len(listed) != 3 || !listed[2].Flowing || listed[0].MaxKbps != 300 || listed[2].MaxKbps != 900 {
		t.Errorf("listed %+v", listed)
	}
	if listed[0].Width != 320 || listed[0].Height != 240 {
		t.Errorf("size %dx%d", listed[0].Width, listed[0].Height)
	}
	// Their retransmissions, too.
	s.watch("2", Want{Pub: s.pub, StreamID: s.pub.layers[1].StreamID})
	s.video(11, 2, true, "")
	s.video(11, 4, false, "")
	s.push(in{ssrc: 50, pt: ptRTX, seq: 7, rrid: "mid", twcc: -1, payload: append([]byte{0, 3}, vp8Frame(false, 3)...)})
	if out := s.sink.take(); len(out) != 3 || out[2].Seq != out[0].Seq+1 {
		t.Errorf("sent %+v", out)
	}
}

func TestLayerSwitchWaitsForAKeyFrame(t *testing.T) {
	s := newStage(t, false, "low", "hi")
	low, hi := s.pub.layers[0], s.pub.layers[1]
	s.video(10, 100, true, "low")
	s.video(11, 900, true, "hi")
	s.watch("2", Want{Pub: s.pub, StreamID: low.StreamID})
	s.video(10, 101, true, "")
	s.desk.packets = nil
	s.pass(time.Second)
	s.video(11, 901, false, "")
	s.down.Watch("2", Want{Pub: s.pub, StreamID: hi.StreamID}, s.now)
	if n := s.desk.keyRequests(11); n != 1 {
		t.Errorf("%d requests for a key frame of the new layer, want 1", n)
	}
	s.video(11, 902, false, "")
	s.video(10, 102, false, "")
	s.pass(33 * time.Millisecond)
	s.video(11, 903, true, "")
	s.video(10, 103, false, "")
	s.video(11, 904, false, "")
	out := s.sink.take()
	if len(out) != 4 {
		t.Fatalf("%d packets, want two of each layer", len(out))
	}
	for i := 1; i < len(out); i++ {
		if out[i].Seq != out[i-1].Seq+1 || pictureOf(out[i].payload) != pictureOf(out[i-1].payload)+1 {
			t.Errorf("packet %d: number %d picture %d after %d, %d", i,
				out[i].Seq, pictureOf(out[i].payload), out[i-1].Seq, pictureOf(out[i-1].payload))
		}
		if int32(out[i].TS-out[i-1].TS) <= 0 {
			t.Errorf("packet %d: time goes from %d to %d", i, out[i-1].TS, out[i].TS)
		}
	}
	if low.watched() {
		t.Error("the old layer is still attached")
	}
	// What was sent from the old layer can still be sent again.
	if n := s.down.NACK(&rtcp.TransportLayerNack{MediaSSRC: out[0].SSRC, Nacks: []rtcp.NackPair{{PacketID: out[0].Seq}}}, s.now); n != 1 {
		t.Error("a packet from before the switch is not sent again")
	}
}

func TestALayerThatCeasesIsReplaced(t *testing.T) {
	s := newStage(t, false, "low", "hi")
	hi := s.pub.layers[1]
	s.watch("2", Want{Pub: s.pub, StreamID: hi.StreamID})
	seq := uint16(0)
	flow := func(d time.Duration, both bool) {
		for range d / (100 * time.Millisecond) {
			s.pass(100 * time.Millisecond)
			seq++
			s.video(10, seq, true, "low")
			if both {
				s.video(11, seq, true, "hi")
			}
			s.down.Tick(s.now)
		}
	}
	flow(time.Second, true)
	if cur, _ := s.down.subs["2"].track.layers(); cur != hi {
		t.Fatalf("takes layer %v, want the one asked for", cur)
	}
	flow(3*time.Second, false)
	if cur, _ := s.down.subs["2"].track.layers(); cur != s.pub.layers[0] {
		t.Errorf("takes %v after its layer ceased, want the lower one", cur)
	}
	flow(time.Second, true)
	if cur, _ := s.down.subs["2"].track.layers(); cur != hi {
		t.Errorf("takes %v after its layer came back", cur)
	}
}

func TestTheIndexDoesNotFlicker(t *testing.T) {
	s := newStage(t, false, "low", "hi")
	ids := func() (out []uint32) {
		for _, l := range s.pub.Listed(s.now) {
			out = append(out, l.StreamID)
		}
		return out
	}
	if got := ids(); len(got) != 0 {
		t.Errorf("listed %v before any packet", got)
	}
	s.video(10, 1, true, "low")
	low := s.pub.layers[0].StreamID
	if got := ids(); !slices.Equal(got, []uint32{low}) {
		t.Errorf("listed %v, want %d", got, low)
	}
	// The layers are exchanged: low off, hi on but not yet flowing.
	s.pub.Describe([]Encoding{{}, {MaxKbps: 1200}})
	if got := ids(); !slices.Equal(got, []uint32{low}) {
		t.Errorf("listed %v in between, want still %d", got, low)
	}
	s.video(11, 1, true, "hi")
	if got := ids(); !slices.Equal(got, []uint32{s.pub.layers[1].StreamID}) {
		t.Errorf("listed %v after", got)
	}
	s.pass(time.Hour)
	if got := ids(); len(got) != 1 || !s.pub.Stalled(s.now) {
		t.Errorf("listed %v, stalled %v after an hour's silence", got, s.pub.Stalled(s.now))
	}
}

func TestPauseAndResume(t *testing.T) {
	s := newStage(t, false)
	s.watch("2", Want{Pub: s.pub, StreamID: s.pub.layers[0].StreamID})
	s.video(mainSSRC, 1, true, "")
	s.down.SetPaused([]uint32{s.pub.layers[0].StreamID}, true, s.now)
	s.video(mainSSRC, 2, true, "")
	s.pass(time.Second)
	s.down.Tick(s.now)
	s.video(mainSSRC, 3, true, "")
	s.desk.packets = nil
	s.down.SetPaused([]uint32{s.pub.layers[0].StreamID}, false, s.now)
	if n := s.desk.keyRequests(mainSSRC); n != 1 {
		t.Errorf("%d requests for a key frame on resuming, want 1", n)
	}
	s.video(mainSSRC, 4, false, "")
	s.video(mainSSRC, 5, true, "")
	out := s.sink.take()
	if len(out) != 2 || out[1].Seq != out[0].Seq+1 {
		t.Fatalf("sent %+v, want one packet before and one after", out)
	}
	if gap := out[1].TS - out[0].TS; gap < 80000 || gap > 100000 {
		t.Errorf("a second of pause is %d units of time stamp", gap)
	}
}

func TestACodecTheSubscriberLacks(t *testing.T) {
	s := newStage(t, false)
	formats := Formats{}
	formats[rtpx.VP8] = Format{PayloadType: outVP8}
	s.down.Open("2", formats, 0, func() TrackConfig { return TrackConfig{SSRC: 70} })
	s.down.Watch("2", Want{Pub: s.pub}, s.now)
	h264 := func(seq uint16) {
		s.push(in{ssrc: mainSSRC, pt: ptH264, seq: seq, ts: uint32(seq) * 3000, twcc: -1, payload: []byte{0x67, 0x42, 0xe0, 0x1f, 1, 2}})
	}
	s.video(mainSSRC, 1, true, "")
	h264(2)
	h264(3)
	s.pass(time.Second)
	s.video(mainSSRC, 4, false, "")
	s.video(mainSSRC, 5, true, "")
	out := s.sink.take()
	if len(out) != 2 || out[0].Seq+1 != out[1].Seq || out[1].PayloadType != outVP8 {
		t.Errorf("sent %+v, want the two VP8 key frames", out)
	}
}

func TestACodecChangeIsFollowed(t *testing.T) {
	s := newStage(t, false)
	s.watch("2", Want{Pub: s.pub})
	s.video(mainSSRC, 1, true, "")
	s.push(in{ssrc: mainSSRC, pt: ptH264, seq: 2, ts: 6000, twcc: -1, payload: []byte{0x67, 0x42, 0xe0, 0x1f, 1, 2}})
	out := s.sink.take()
	if len(out) != 2 || out[1].PayloadType != outH264 || out[1].Seq != out[0].Seq+1 {
		t.Errorf("sent %+v, want the subscriber's own payload type for each", out)
	}
}

func TestCameraOffAndOnAgain(t *testing.T) {
	s := newStage(t, false)
	s.watch("2", Want{Pub: s.pub})
	s.video(mainSSRC, 1, true, "")
	old := s.up.Unpublish()
	if old != s.pub || s.up.Publication() != nil {
		t.Fatal("not unpublished")
	}
	s.video(mainSSRC, 2, true, "")
	if out := s.sink.take(); len(out) != 1 {
		t.Errorf("%d packets, want none after the end", len(out)-1)
	}
	next := s.up.Publish([]Encoding{{MaxKbps: 1500}}, false, s.id)
	if next.GroupID <= old.GroupID || next.layers[0].StreamID <= old.layers[0].StreamID || next.Live() {
		t.Errorf("new publication %d/%d after %d/%d", next.GroupID, next.layers[0].StreamID, old.GroupID, old.layers[0].StreamID)
	}
	s.pass(time.Second)
	s.down.Watch("2", Want{Pub: next}, s.now)
	s.video(mainSSRC, 3, true, "") // the browser goes on with the same SSRC
	if out := s.sink.take(); len(out) != 1 || out[0].Seq != 501 || !next.Live() || s.live != 2 {
		t.Errorf("sent %+v, live %v", out, next.Live())
	}
}

func TestRefreshEndsWhatIsNotAllowed(t *testing.T) {
	s := newStage(t, false)
	s.watch("2", Want{Pub: s.pub})
	s.down.Refresh(func(p *Publication) bool { return p != s.pub })
	s.video(mainSSRC, 1, true, "")
	if out := s.sink.take(); len(out) != 0 || s.down.Watching() != 0 {
		t.Errorf("sent %d packets, watching %d", len(out), s.down.Watching())
	}
}

func TestSenderReports(t *testing.T) {
	s := newStage(t, false)
	track := s.watch("2", Want{Pub: s.pub})
	if r := s.down.SenderReports(s.now, 1); len(r) != 0 {
		t.Errorf("%d reports before anything was sent", len(r))
	}
	s.video(mainSSRC, 1, true, "")
	s.pass(100 * time.Millisecond)
	r := s.down.SenderReports(s.now, 77)
	ssrc, _ := track.SSRC()
	if len(r) != 1 || r[0].SSRC != ssrc || r[0].NTPTime != 77 || r[0].RTPTime != 90000+9000 || r[0].PacketCount != 1 {
		t.Errorf("reports %+v", r)
	}
}

// Sections that come and go, as tiles on a page do, do not use up SSRCs, and
// each continues where the one before ended.
func TestSectionsUseSSRCsAgain(t *testing.T) {
	s := newStage(t, false)
	seen := map[uint32]int{}
	numbers := map[uint32]uint16{}
	for i := range 50 {
		mid := fmt.Sprint(2 + i)
		ssrc, _ := s.watch(mid, Want{Pub: s.pub}).SSRC()
		s.down.Drop(func(m string) bool { return m == mid }) // the one before, in the same answer
		s.video(mainSSRC, uint16(i+1), true, "")
		out := s.sink.take()
		if len(out) != 1 || out[0].SSRC != ssrc {
			t.Fatalf("section %s: %d packets, want one of its own SSRC", mid, len(out))
		}
		if last, again := numbers[ssrc]; again && out[0].Seq != last+1 {
			t.Errorf("section %s: number %d after %d", mid, out[0].Seq, last)
		}
		numbers[ssrc] = out[0].Seq
		seen[ssrc]++
		s.pass(time.Second)
	}
	if len(seen) != 2 {
		t.Errorf("%d SSRCs for 50 sections of which two were open at a time", len(seen))
	}
}
