package mix

import (
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/media/opus"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// FuzzMember lets a hostile member send anything, while a listener must go on
// getting frames that can be decoded.
func FuzzMember(f *testing.F) {
	f.Add(opus.Silence(), []byte{111, 0xF8, 0xFF, 0xFE}, uint16(3), uint32(960))
	f.Add([]byte{15 << 3, 1, 2, 3}, []byte{0x80 | 111, 0x0F, 0, 1, 111, 15 << 3, 15 << 3}, uint16(65000), uint32(1<<31))
	f.Add([]byte{31<<3 | 4, 9, 8, 7, 6, 5, 4, 3, 2, 1}, []byte{111, 31<<3 | 4, 1, 2, 3}, uint16(1), uint32(960))
	f.Fuzz(func(t *testing.T, plain, red []byte, seq uint16, ts uint32) {
		s := newStage(t, Config{Workers: 1})
		a, b := s.join(0), s.join(0)
		c := s.join(0, takes(musicStereo))
		for i := range 12 {
			p := rtpx.AudioPacket{Seq: seq + uint16(i)*(seq&3), TS: ts * uint32(i), Payload: plain,
				Level: uint8(i), HasLevel: i%5 > 0, Arrival: s.now.Add(time.Duration(seq%40) * time.Millisecond)}
			a.member.Push(p)
			p.Payload, p.Seq = red, p.Seq+1
			a.member.PushRED(p)
			s.run(1)
		}
		if b.ears.frames != 12 || c.ears.frames != 12 {
			t.Fatalf("%d frames of 12", b.ears.frames)
		}
		if p := peak(b.ears.pcm); p > 2 {
			t.Fatalf("peak %v", p)
		}
	})
}
