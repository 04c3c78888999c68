package forward

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

func TestRetransmissionsAreUnwrapped(t *testing.T) {
	s := newStage(t, false)
	s.watch("2", Want{Pub: s.pub})
	s.video(mainSSRC, 10, true, "")
	s.video(mainSSRC, 12, false, "")
	osn := func(seq uint16) []byte {
		return append(binary.BigEndian.AppendUint16(nil, seq), vp8Frame(false, seq)...)
	}
	rtx := in{ssrc: rtxSSRC, pt: ptRTX, seq: 9000, ts: 33000, twcc: -1, payload: osn(11)}
	if !s.push(rtx) {
		t.Fatal("not taken")
	}
	rtx.seq = 9001 // the same again, as browsers probe for bandwidth
	s.push(rtx)
	rtx.seq, rtx.payload = 9002, nil // an empty probe
	s.push(rtx)
	var seqs []uint16
	for _, p := range s.sink.take() {
		seqs = append(seqs, p.Seq)
	}
	if !slices.Equal(seqs, []uint16{500, 502, 501}) {
		t.Errorf("sent %v, want the late one in its place, once", seqs)
	}
}

func TestLostPacketsAreAskedFor(t *testing.T) {
	s := newStage(t, false)
	s.watch("2", Want{Pub: s.pub})
	s.video(mainSSRC, 10, true, "")
	s.video(mainSSRC, 14, false, "")
	s.up.Tick(s.now, TickOptions{})
	if n := s.desk.nacked(); len(n) != 0 {
		t.Errorf("asked for %v at once: it may be reordering", n)
	}
	s.pass(20 * time.Millisecond)
	s.video(mainSSRC, 12, false, "")
	s.up.Tick(s.now, TickOptions{RTT: 50 * time.Millisecond})
	if n := s.desk.nacked(); !slices.Equal(n, []uint16{11, 13}) {
		t.Errorf("asked for %v, want 11 and 13", n)
	}
	s.pass(30 * time.Millisecond)
	s.up.Tick(s.now, TickOptions{RTT: 50 * time.Millisecond})
	if n := s.desk.nacked(); len(n) != 0 {
		t.Errorf("asked again for %v within the round trip", n)
	}
	for range 20 {
		s.pass(100 * time.Millisecond)
		s.up.Tick(s.now, TickOptions{RTT: 50 * time.Millisecond})
	}
	if n := s.desk.nacked(); len(n) != 2*(8-1) {
		t.Errorf("asked %d more times, want to give up after 8 for each", len(n))
	}
}

func TestAHugeHoleNeedsAKeyFrame(t *testing.T) {
	s := newStage(t, false)
	s.watch("2", Want{Pub: s.pub})
	s.video(mainSSRC, 10, true, "")
	s.pass(time.Second)
	s.desk.packets = nil
	s.video(mainSSRC, 500, false, "")
	if n := s.desk.keyRequests(mainSSRC); n != 1 {
		t.Errorf("%d requests for a key frame, want 1", n)
	}
	s.pass(time.Second)
	s.up.Tick(s.now, TickOptions{})
	if n := s.desk.nacked(); len(n) != 0 {
		t.Errorf("asked for %d packets", len(n))
	}
}

func TestNothingIsAskedForThatNobodyWatches(t *testing.T) {
	s := newStage(t, false)
	s.video(mainSSRC, 10, true, "")
	s.video(mainSSRC, 14, false, "")
	s.pass(time.Second)
	s.up.Tick(s.now, TickOptions{})
	if len(s.desk.packets) != 0 {
		t.Errorf("sent %v", s.desk.packets)
	}
}

func TestKeyFrameRequestsAreSpaced(t *testing.T) {
	s := newStage(t, false)
	track := s.watch("2", Want{Pub: s.pub})
	ssrc, _ := track.SSRC()
	if n := s.desk.keyRequests(mainSSRC); n != 1 {
		t.Fatalf("%d requests on watching, want 1", n)
	}
	for range 10 {
		s.pass(10 * time.Millisecond)
		s.down.KeyFrame(ssrc, s.now)
	}
	if n := s.desk.keyRequests(mainSSRC); n != 0 {
		t.Errorf("%d requests within 100 ms of the first", n)
	}
	s.pass(300 * time.Millisecond)
	s.up.Tick(s.now, TickOptions{})
	if n := s.desk.keyRequests(mainSSRC); n != 1 {
		t.Errorf("%d requests later, want the one that was put off", n)
	}
	s.down.KeyFrame(12345, s.now.Add(time.Minute))
	if n := s.desk.keyRequests(mainSSRC); n != 0 {
		t.Errorf("a request for a foreign stream was passed on")
	}
}

func TestPeriodicKeyFramesOfContent(t *testing.T) {
	s := newStage(t, false)
	s.pub.Content = true
	s.watch("2", Want{Pub: s.pub})
	for _, wanted := range []bool{true, false} {
		s.desk.packets = nil
		n := 0
		for i := range 60 * 50 {
			s.pass(20 * time.Millisecond)
			if i%5 == 0 {
				s.video(mainSSRC, uint16(s.now.UnixMilli()/100), true, "")
			}
			s.up.Tick(s.now, TickOptions{PeriodicKeys: wanted})
			n += s.desk.keyRequests(mainSSRC)
		}
		if wanted && (n < 5 || n > 6) || !wanted && n != 0 {
			t.Errorf("wanted %v: %d key frames asked for in a minute", wanted, n)
		}
	}
}

func TestArrivalTimesAreReported(t *testing.T) {
	s := newStage(t, false)
	for i := range 30 {
		s.push(in{ssrc: mainSSRC, pt: ptVP8, seq: uint16(i), twcc: 65530 + i&0xffff, payload: vp8Frame(i == 0, uint16(i))})
		s.pass(5 * time.Millisecond)
		s.up.Tick(s.now, TickOptions{})
	}
	n := 0
	for _, p := range s.desk.packets {
		if f, ok := p.(*rtcp.TransportLayerCC); ok {
			n += len(f.RecvDeltas)
			if f.MediaSSRC != mainSSRC || f.SenderSSRC != ownSSRC {
				t.Errorf("report for %d from %d", f.MediaSSRC, f.SenderSSRC)
			}
		}
	}
	if n < 16 {
		t.Errorf("%d of 30 packets reported", n)
	}
}

func TestBandwidthLimitIsToldAndLifted(t *testing.T) {
	s := newStage(t, false)
	var limits []float32
	tick := func(cap uint64) {
		s.pass(300 * time.Millisecond)
		s.desk.packets = nil
		s.up.Tick(s.now, TickOptions{CapBps: cap})
		for _, p := range s.desk.packets {
			if r, ok := p.(*rtcp.ReceiverEstimatedMaximumBitrate); ok {
				limits = append(limits, r.Bitrate)
			}
		}
	}
	tick(0)
	tick(400_000)
	tick(0)
	tick(0)
	if len(limits) < 2 || limits[0] != 400_000 || limits[1] < 1e9 {
		t.Errorf("limits told: %v, want 400000 and then none", limits)
	}
	for _, l := range limits[2:] {
		if l < 1e9 {
			t.Errorf("limits told: %v", limits)
		}
	}
}

func TestStrangersStreamsAreBounded(t *testing.T) {
	s := newStage(t, false)
	for i := range 1000 {
		s.video(uint32(50000+i), 1, true, "")
	}
	if len(s.up.streams) > maxStreams {
		t.Errorf("%d streams remembered", len(s.up.streams))
	}
}
