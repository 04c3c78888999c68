package forward

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/carillon-meetings/carillon/internal/media/bwe"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

func TestNACKsAreAnswered(t *testing.T) {
	s := newStage(t, false)
	track := s.watch("2", Want{Pub: s.pub})
	ssrc, rtx := track.SSRC()
	for seq := range uint16(5) {
		s.video(mainSSRC, seq, seq == 0, "")
	}
	before := s.sink.take()
	nack := &rtcp.TransportLayerNack{MediaSSRC: ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers([]uint16{501, 503, 600})}
	if n := s.down.NACK(nack, s.now); n != 2 {
		t.Fatalf("%d sent again, want 2", n)
	}
	out := s.sink.take()
	for i, want := range []sent{before[1], before[3]} {
		p := out[i]
		if p.SSRC != rtx || p.PayloadType != outRTX || p.Seq != uint16(60000+i) || p.TS != want.TS || p.Marker != want.Marker {
			t.Errorf("retransmission %d: %+v", i, p.Header)
		}
		if binary.BigEndian.Uint16(p.payload) != want.Seq || !slices.Equal(p.payload[2:], want.payload) {
			t.Errorf("retransmission %d carries % x, want number %d and % x", i, p.payload, want.Seq, want.payload)
		}
	}
	if n := s.down.NACK(nack, s.now.Add(time.Millisecond)); n != 0 {
		t.Errorf("%d sent again while the first are on their way", n)
	}
	if n := s.down.NACK(nack, s.now.Add(time.Second)); n != 2 {
		t.Errorf("%d sent a third time, want 2", n)
	}
	nack.MediaSSRC = 4
	if n := s.down.NACK(nack, s.now.Add(time.Hour)); n != 0 {
		t.Errorf("answered for a foreign stream")
	}
}

func TestWithoutRTXTheStreamItselfRepeats(t *testing.T) {
	s := newStage(t, false)
	formats := Formats{}
	formats[rtpx.VP8] = Format{PayloadType: outVP8}
	s.down.Open("2", formats, 0, func() TrackConfig { return TrackConfig{SSRC: 70, FirstSeq: 5} })
	s.down.Watch("2", Want{Pub: s.pub}, s.now)
	s.video(mainSSRC, 1, true, "")
	first := s.sink.take()[0]
	s.down.NACK(&rtcp.TransportLayerNack{MediaSSRC: 70, Nacks: []rtcp.NackPair{{PacketID: 5}}}, s.now)
	again := s.sink.take()
	if len(again) != 1 || !slices.Equal(again[0].raw, first.raw) {
		t.Errorf("got %+v, want the same packet", again)
	}
}

// storm asks for the last n packets of tracks every 2.5 ms for a time, while their
// video goes on, and returns the bytes sent again and how often at most one
// packet was.
func (s *stage) storm(d time.Duration, n int, seq *uint16, ssrcs ...uint32) (bytes, most int) {
	times := make(map[[2]uint32]int)
	for end := s.now.Add(d); s.now.Before(end); s.pass(2500 * time.Microsecond) {
		if *seq%3 != 2 { // a packet of 1,150 bytes twice in 7.5 ms: 2.5 Mb/s
			s.frame(mainSSRC, *seq, "", 1130)
		}
		*seq++
		newest := make(map[uint32]uint16)
		for _, p := range s.sink.take() {
			newest[p.SSRC] = p.Seq
		}
		for _, ssrc := range ssrcs {
			nack := &rtcp.TransportLayerNack{MediaSSRC: ssrc}
			for back := 0; back < n; back += 17 {
				nack.Nacks = append(nack.Nacks, rtcp.NackPair{PacketID: newest[ssrc] - uint16(back+16), LostPackets: 0xffff})
			}
			s.down.NACK(nack, s.now)
		}
		for _, p := range s.sink.take() {
			bytes += len(p.raw)
			times[[2]uint32{p.SSRC, uint32(p.payload[0])<<8 | uint32(p.payload[1])}]++
		}
	}
	for _, n := range times {
		most = max(most, n)
	}
	return bytes, most
}

// A viewer who asks for everything again and again gets a quarter of his
// bandwidth that way, however many videos he watches, and no packet more than
// three times.
func TestAStormOfNACKsIsBounded(t *testing.T) {
	for _, videos := range []int{1, 5} {
		s := newStage(t, false)
		var ssrcs []uint32
		for i := range videos {
			ssrc, _ := s.watch(fmt.Sprint(i+2), Want{Pub: s.pub}).SSRC()
			ssrcs = append(ssrcs, ssrc)
		}
		seq := uint16(1)
		const lasts = 2 * time.Second
		bytes, most := s.storm(lasts, 500, &seq, ssrcs...)
		allowed := repeatShare * bwe.StartBps / 8 * (lasts + repeatBurst).Seconds()
		if float64(bytes) > allowed || float64(bytes) < allowed/10 {
			t.Errorf("%d videos: %d bytes sent again, allowed are %.0f", videos, bytes, allowed)
		}
		if most > maxRepeats {
			t.Errorf("%d videos: one packet was sent again %d times", videos, most)
		}
	}
}

// Somebody who really loses one packet in ten, repeats as well, gets them all.
func TestWhoLosesATenthGetsItAll(t *testing.T) {
	s := newStage(t, false)
	ssrc, _ := s.watch("2", Want{Pub: s.pub}).SSRC()
	random := rand.New(rand.NewPCG(3, 4))
	missing := map[uint16]int{} // by number: how often asked for
	lost := func() bool { return random.IntN(10) == 0 }
	never := 0
	for i := range 3000 { // 1.5 Mb/s for 18 s
		s.frame(mainSSRC, uint16(i+1), "", 1100)
		for _, p := range s.sink.take() {
			if lost() {
				missing[p.Seq] = 0
			}
		}
		if i%5 == 0 {
			for seq := range missing {
				s.down.NACK(&rtcp.TransportLayerNack{MediaSSRC: ssrc, Nacks: []rtcp.NackPair{{PacketID: seq}}}, s.now)
				if len(s.sink.take()) == 1 && !lost() {
					delete(missing, seq)
				} else if missing[seq]++; missing[seq] > 10 {
					never++
					delete(missing, seq)
				}
			}
		}
		s.pass(6 * time.Millisecond)
	}
	if never > 5 { // one in a thousand is lost four times
		t.Errorf("%d of 300 lost packets never came", never)
	}
}

// What is remembered of a packet does not count for the one that has its number
// 65,536 packets later.
func TestRepeatsAreCountedForOnePacket(t *testing.T) {
	s := newStage(t, false)
	track := s.watch("2", Want{Pub: s.pub})
	for _, ts := range []uint32{1000, 2000} {
		track.mu.Lock()
		r := track.repeatLocked(7, ts)
		if r.times != 0 {
			t.Errorf("timestamp %d: sent again %d times before it was", ts, r.times)
		}
		r.times = maxRepeats
		if again := track.repeatLocked(7, ts); again.times != maxRepeats {
			t.Errorf("timestamp %d: forgotten", ts)
		}
		track.mu.Unlock()
	}
}
