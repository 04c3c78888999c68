package mix

import (
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/media/opus"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// nobody is a Sink that throws everything away.
type nobody struct{ bytes int }

func (n *nobody) WriteFrame(payload []byte, _ uint32, _ bool) { n.bytes += len(payload) }

// hall is an engine whose members speak from a tape, so that a benchmark
// measures the mixer and not the speakers.
type hall struct {
	engine  *Engine
	now     time.Time
	talkers []*Member
	tape    [][]byte
	at      int
}

// newHall opens rooms with so many members each, of whom the first ones talk.
func newHall(t testing.TB, cfg Config, rooms, members, talking int) *hall {
	t.Helper()
	h := &hall{now: epoch}
	cfg.Manual, cfg.Now = true, func() time.Time { return h.now }
	e, err := NewEngine(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	h.engine = e
	for range rooms {
		r := e.NewRoom()
		for i := range members {
			m := r.AddMember(MemberConfig{ID: uint32(i), Sink: &nobody{}})
			if i < talking {
				h.talkers = append(h.talkers, m)
			}
		}
	}
	enc, err := opus.NewEncoder(opus.EncoderConfig{Loss: 5, Bitrate: 32000}) // as browsers send
	if err != nil {
		t.Fatal(err)
	}
	for i := range 250 {
		pcm := tone(150, 0, frameSamples)
		for h := range 15 {
			add(pcm, tone(float64(150*(h+1)), 0.1/float64(h+1)*float64(1+i%7), frameSamples))
		}
		buf := make([]byte, opus.MaxPacket)
		n, err := enc.Encode(pcm, buf)
		if err != nil {
			t.Fatal(err)
		}
		h.tape = append(h.tape, buf[:n])
	}
	for range 50 {
		h.tick()
	}
	return h
}

// tick lets everybody who talks speak 20 ms, and mixes.
func (h *hall) tick() { h.speak(func(talker int) uint8 { return uint8(20 + talker%10) }) }

// speak is tick with the level that each talker reports.
func (h *hall) speak(level func(talker int) uint8) {
	for i, m := range h.talkers {
		m.Push(rtpx.AudioPacket{Seq: uint16(h.at), TS: uint32(h.at * frameSamples), Payload: h.tape[(h.at+i)%len(h.tape)],
			HasLevel: true, Level: level(i), Arrival: h.now.Add(5 * time.Millisecond)})
	}
	h.at++
	h.now = h.now.Add(Period)
	h.engine.Tick(h.now)
}

func BenchmarkTick(b *testing.B) {
	for _, bench := range []struct {
		name                    string
		rooms, members, talking int
	}{
		{"20-all-talking", 1, 20, 20},
		{"1-voice-100-listeners", 1, 101, 1},
		{"250-members-5-talking", 1, 250, 5},
		{"300-rooms-1-silent-member", 300, 1, 0},
		{"50-rooms-of-4-1-talking", 50, 4, 1},
	} {
		b.Run(bench.name, func(b *testing.B) {
			h := newHall(b, Config{}, bench.rooms, bench.members, bench.talking)
			before := h.engine.Stats()
			b.ReportAllocs()
			for b.Loop() {
				h.tick()
			}
			after := h.engine.Stats()
			ticks := float64(after.Ticks - before.Ticks)
			b.ReportMetric(float64(after.Encodes-before.Encodes)/ticks, "encodes/tick")
			b.ReportMetric(float64(after.Decodes-before.Decodes)/ticks, "decodes/tick")
			// A tick has 20 ms: this share of one core goes into mixing.
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(Period), "cores")
		})
	}
}

func TestTicksDoNotAllocate(t *testing.T) {
	for _, talking := range []int{0, 1, 8} {
		h := newHall(t, Config{Workers: 1}, 1, 10, talking)
		for range 200 {
			h.tick()
		}
		if n := testing.AllocsPerRun(200, h.tick); n > 0 {
			t.Errorf("%d of 10 talking: %v allocations per tick", talking, n)
		}
	}
}
