package forward

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// taken is what a tap hands over.
type taken struct {
	seqs    []uint16
	streams []uint32
	keys    int
}

func (k *taken) take(p *TapPacket) {
	k.seqs, k.streams = append(k.seqs, p.Seq), append(k.streams, p.StreamID)
	if p.Info.Key {
		k.keys++
	}
}

func TestATapBeginsAtAKeyFrameAndTakesWhatComes(t *testing.T) {
	s := newStage(t, false)
	var got taken
	tap := s.pub.Tap(got.take, s.now)
	for seq := range uint16(3) {
		s.video(mainSSRC, seq, false, "")
	}
	if len(got.seqs) != 0 {
		t.Errorf("%v before a key frame", got.seqs)
	}
	s.video(mainSSRC, 3, true, "")
	s.video(mainSSRC, 5, false, "")
	s.video(mainSSRC, 4, false, "") // late, as it came
	s.video(mainSSRC, 4, false, "") // and once more
	if want := []uint16{3, 5, 4}; !slices.Equal(got.seqs, want) || got.keys != 1 {
		t.Errorf("%v, want %v", got.seqs, want)
	}
	tap.Close()
	tap.Choose(s.now)
	s.video(mainSSRC, 6, true, "")
	if len(got.seqs) != 3 {
		t.Errorf("%v after the end", got.seqs)
	}
}

func TestATapAsksForItsKeyFrameAndForLostPackets(t *testing.T) {
	s := newStage(t, false)
	s.video(mainSSRC, 1, false, "")
	tap := s.pub.Tap(new(taken).take, s.now)
	defer tap.Close()
	if n := s.desk.keyRequests(mainSSRC); n != 1 {
		t.Errorf("%d requests for a key frame", n)
	}
	s.pass(time.Second)
	tap.RequestKeyFrame(s.now)
	if n := s.desk.keyRequests(mainSSRC); n != 1 { // more
		t.Errorf("%d more requests for a key frame", n)
	}
	s.video(mainSSRC, 2, true, "")
	s.video(mainSSRC, 5, false, "")
	s.pass(100 * time.Millisecond)
	s.up.Tick(s.now, TickOptions{})
	if got := s.desk.nacked(); !slices.Equal(got, []uint16{3, 4}) {
		t.Errorf("asked again for %v", got)
	}
}

func TestATapTakesTheHighestLayerThatFlows(t *testing.T) {
	s := newStage(t, false, "low", "mid", "hi")
	var got taken
	tap := s.pub.Tap(got.take, s.now)
	defer tap.Close()
	layers := s.pub.Layers()
	s.video(11, 1, true, "low")
	tap.Choose(s.now)
	s.video(11, 2, true, "low")
	s.video(33, 1, false, "hi")
	tap.Choose(s.now)
	s.video(11, 3, false, "low") // goes on until the other has a key frame
	s.video(33, 2, true, "hi")
	s.video(11, 4, false, "low")
	s.video(33, 3, false, "hi")
	if want := []uint32{layers[0].StreamID, layers[0].StreamID, layers[0].StreamID, layers[2].StreamID, layers[2].StreamID}; !slices.Equal(got.streams, want) {
		t.Errorf("%v, want %v", got.streams, want)
	}
	s.pass(10 * time.Second)
	tap.Choose(s.now) // nothing flows: it keeps what it has
	s.video(33, 4, false, "hi")
	if got.seqs[len(got.seqs)-1] != 4 {
		t.Errorf("%v", got.seqs)
	}
}

func TestATapEndsWithItsPublication(t *testing.T) {
	s := newStage(t, false)
	var got taken
	tap := s.pub.Tap(got.take, s.now)
	s.video(mainSSRC, 1, true, "")
	s.up.Unpublish()
	s.video(mainSSRC, 2, true, "")
	if len(got.seqs) != 1 {
		t.Errorf("%v", got.seqs)
	}
	tap.Close()
}

func TestATapLearnsWhenPicturesWereCaptured(t *testing.T) {
	s := newStage(t, false)
	var last time.Time
	s.video(mainSSRC, 1, true, "")
	tap := s.pub.Tap(func(p *TapPacket) { last = p.Captured }, s.now)
	defer tap.Close()
	if s.video(mainSSRC, 2, true, ""); !last.IsZero() {
		t.Error("known without a report")
	}
	const hour = 3600 << 32 // the client's clock is so far ahead
	ntp := uint64(s.now.Unix()+2208988800)<<32 + hour
	s.up.SenderReport(&rtcp.SenderReport{SSRC: mainSSRC, NTPTime: ntp, RTPTime: 5 * 3000}, s.now)
	for seq, want := range map[uint16]time.Time{
		4:   s.now.Add(-time.Second / 30), // captured a picture's time before the report
		5:   s.now,
		300: {}, // would be in the future
	} {
		if s.video(mainSSRC, seq, true, ""); last.Sub(want).Abs() > time.Millisecond {
			t.Errorf("packet %d: %s, want %s", seq, last, want)
		}
	}
}
