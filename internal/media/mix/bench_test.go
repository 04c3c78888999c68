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

// newHall opens rooms with so many members each, of whom the first ones talk. All
// is mono.
func newHall(t testing.TB, cfg Config, rooms, members, talking int) *hall {
	t.Helper()
	return openHall(t, cfg, rooms, members, talking, 0, false)
}

// openHall is newHall where the last members take stereo, so many of them, and the
// talkers may be stereo too.
func openHall(t testing.TB, cfg Config, rooms, members, talking, takeStereo int, stereo bool) *hall {
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
			cfg := MemberConfig{ID: uint32(i), Sink: &nobody{}}
			if i >= members-takeStereo {
				cfg.Format = musicStereo
			}
			m := r.AddMember(cfg)
			if i < talking {
				h.talkers = append(h.talkers, m)
			}
		}
	}
	h.record(t, stereo)
	for range 50 {
		h.tick()
	}
	return h
}

// record makes the tape: a voice as browsers send it, or the same with another one
// in the right channel, in stereo.
func (h *hall) record(t testing.TB, stereo bool) {
	t.Helper()
	cfg := opus.EncoderConfig{Loss: 5, Bitrate: 32000}
	if stereo {
		cfg = opus.EncoderConfig{Channels: opus.Stereo, Bitrate: MaxBitrate}
	}
	enc, err := opus.NewEncoder(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 250 {
		pcm := tone(150, 0, frameSamples)
		for h := range 15 {
			add(pcm, tone(float64(150*(h+1)), 0.1/float64(h+1)*float64(1+i%7), frameSamples))
		}
		if stereo {
			both := make([]float32, 2*frameSamples)
			interleave(both, pcm, tone(330, 0.1, frameSamples))
			pcm = both
		}
		buf := make([]byte, opus.MaxPacket)
		n, err := enc.Encode(pcm, buf)
		if err != nil {
			t.Fatal(err)
		}
		h.tape = append(h.tape, buf[:n])
	}
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
		takeStereo              int
		stereo                  bool
	}{
		{name: "20-all-talking", rooms: 1, members: 20, talking: 20},
		{name: "1-voice-100-listeners", rooms: 1, members: 101, talking: 1},
		{name: "250-members-5-talking", rooms: 1, members: 250, talking: 5},
		{name: "300-rooms-1-silent-member", rooms: 300, members: 1},
		{name: "50-rooms-of-4-1-talking", rooms: 50, members: 4, talking: 1},

		{name: "stereo-voice-nobody-takes-it", rooms: 1, members: 101, talking: 1, stereo: true},
		{name: "stereo-voice-100-take-it", rooms: 1, members: 101, talking: 1, takeStereo: 100, stereo: true},
		{name: "stereo-voice-50-take-it", rooms: 1, members: 101, talking: 1, takeStereo: 50, stereo: true},
		{name: "mono-voice-100-take-stereo", rooms: 1, members: 101, talking: 1, takeStereo: 100},
		{name: "20-all-talking-in-stereo", rooms: 1, members: 20, talking: 20, takeStereo: 20, stereo: true},
		{name: "20-all-talking-mono-taking-stereo", rooms: 1, members: 20, talking: 20, takeStereo: 20},
		{name: "300-rooms-1-silent-taking-stereo", rooms: 300, members: 1, takeStereo: 1},
	} {
		b.Run(bench.name, func(b *testing.B) {
			h := openHall(b, Config{}, bench.rooms, bench.members, bench.talking, bench.takeStereo, bench.stereo)
			before := h.engine.Stats()
			b.ReportAllocs()
			for b.Loop() {
				h.tick()
			}
			after := h.engine.Stats()
			ticks := float64(after.Ticks - before.Ticks)
			b.ReportMetric(float64(after.Encodes-before.Encodes)/ticks, "encodes/tick")
			b.ReportMetric(float64(after.Stereo-before.Stereo)/ticks, "stereo-encodes/tick")
			b.ReportMetric(float64(after.Decodes-before.Decodes)/ticks, "decodes/tick")
			// A tick has 20 ms: this share of one core goes into mixing.
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(Period), "cores")
		})
	}
}

func TestTicksDoNotAllocate(t *testing.T) {
	for _, stereo := range []bool{false, true} {
		for _, talking := range []int{0, 1, 8} {
			takeStereo := 0
			if stereo {
				takeStereo = 6
			}
			h := openHall(t, Config{Workers: 1}, 1, 10, talking, takeStereo, stereo)
			for range 50 {
				h.tick()
			}
			if n := testing.AllocsPerRun(100, h.tick); n > 0 {
				t.Errorf("%d of 10 talking, stereo %v: %v allocations per tick", talking, stereo, n)
			}
		}
	}
}
