package rtpx

import (
	"math/rand/v2"
	"testing"
	"time"
)

var start = time.Unix(1_700_000_000, 0)

func newTestRewriter(history int) *Rewriter {
	return NewRewriter(RewriterConfig{History: history, FirstSeq: 65534, FirstTS: 1<<32 - 100})
}

func pic(id uint16, tl0 uint8) Picture {
	return Picture{ID: id, TL0: tl0, HasID: true, HasTL0: true}
}

// step is one packet put into a Rewriter and what must come out.
type step struct {
	in   In
	drop bool
	ok   bool
	out  Out
}

func runSteps(t *testing.T, r *Rewriter, steps []step) {
	t.Helper()
	for i, s := range steps {
		if s.drop {
			if got := r.Drop(s.in); got != s.ok {
				t.Errorf("step %d: Drop = %v", i, got)
			}
			continue
		}
		out, ok := r.Forward(s.in)
		if ok != s.ok || ok && out != s.out {
			t.Errorf("step %d: Forward = %+v, %v, want %+v, %v", i, out, ok, s.out, s.ok)
		}
	}
}

func TestRewriterNumbersFromTheStartGiven(t *testing.T) {
	r := newTestRewriter(0)
	if _, ok := r.TSOffset(); ok {
		t.Error("an offset before any source")
	}
	in := func(seq uint16, ts uint32) In { return In{Source: 1, Seq: seq, TS: ts, Arrival: start, Marker: true} }
	runSteps(t, r, []step{
		{in: in(10, 1000), ok: true, out: Out{Seq: 65534, TS: 1<<32 - 100}},
		{in: in(11, 1000), ok: true, out: Out{Seq: 65535, TS: 1<<32 - 100}},
		{in: in(11, 1000)}, // twice
		{in: in(13, 4000), ok: true, out: Out{Seq: 1, TS: 2900}},
		{in: in(12, 4000), ok: true, out: Out{Seq: 0, TS: 2900}}, // late, but awaited
		{in: in(12, 4000)},
		{in: in(9, 1000)}, // before the first
	})
	if off, ok := r.TSOffset(); !ok || 4000+off != 2900 {
		t.Errorf("TSOffset = %d, %v", off, ok)
	}
	if src, ok := r.Source(); !ok || src != 1 {
		t.Errorf("Source = %d, %v", src, ok)
	}
}

func TestRewriterClosesGapsOfDroppedFrames(t *testing.T) {
	r := newTestRewriter(0)
	in := func(seq uint16, p Picture) In {
		return In{Source: 1, Seq: seq, TS: uint32(p.ID) * 3000, Arrival: start, Picture: p}
	}
	ts := func(id uint32) uint32 { return 1<<32 - 100 + (id-5)*3000 }
	runSteps(t, r, []step{
		{in: in(100, pic(5, 1)), ok: true, out: Out{Seq: 65534, TS: ts(5), Picture: pic(5, 1)}},
		{in: in(101, pic(6, 1)), ok: true, drop: true},
		{in: in(102, pic(6, 1)), ok: true, drop: true}, // same frame: ids close up once
		{in: in(103, pic(7, 2)), ok: true, out: Out{Seq: 65535, TS: ts(7), Picture: pic(6, 2)}},
		// 104 is lost, 105 dropped, then 104 comes after all.
		{in: in(105, pic(9, 2)), ok: true, drop: true},
		{in: in(104, pic(8, 2)), drop: true}, // awaited: not to be dropped
		{in: in(104, pic(8, 2)), ok: true, out: Out{Seq: 0, TS: ts(8), Picture: pic(7, 2)}},
		{in: in(106, pic(10, 3)), ok: true, out: Out{Seq: 1, TS: ts(10), Picture: pic(8, 3)}},
		{in: in(105, pic(9, 2)), ok: true, drop: true}, // dropped already
		{in: in(101, pic(6, 1))},                       // dropped is not to be sent either
	})
}

func TestRewriterSwitchesSource(t *testing.T) {
	r := newTestRewriter(0)
	a := func(seq uint16) In {
		return In{Source: 1, Seq: seq, TS: 7, Arrival: start, Marker: true, Picture: pic(0x7FFF, 255)}
	}
	b := In{Source: 2, Seq: 40000, TS: 123456, Arrival: start.Add(40 * time.Millisecond), Picture: pic(900, 17)}
	runSteps(t, r, []step{
		{in: a(1), ok: true, out: Out{Seq: 65534, TS: 1<<32 - 100, Picture: pic(0x7FFF, 255)}},
		{in: b, ok: true, out: Out{Seq: 65535, TS: 3500, Picture: pic(0, 0)}},
	})
	c := In{Source: 1, Seq: 2, TS: 99, Arrival: b.Arrival, Picture: pic(3, 3)}
	runSteps(t, r, []step{
		{in: c, ok: true, out: Out{Seq: 0, TS: 3501, Picture: pic(1, 1)}}, // time never stands still
		{in: a(1)}, // the source's packets from its earlier turn are not awaited
	})
}

func TestRewriterDropsOfOtherSourcesChangeNothing(t *testing.T) {
	r := newTestRewriter(0)
	if !r.Drop(In{Source: 3, Seq: 1}) {
		t.Error("a packet before the first forwarded one should simply be dropped")
	}
	first := In{Source: 1, Seq: 1, TS: 7, Arrival: start}
	next := In{Source: 1, Seq: 2, TS: 8, Arrival: start}
	r.Forward(first)
	r.Drop(In{Source: 2, Seq: 77})
	if out, ok := r.Forward(next); !ok || out.Seq != 65535 {
		t.Errorf("after dropping another source: %+v, %v", out, ok)
	}
}

func TestRewriterCutAndLongGaps(t *testing.T) {
	r := newTestRewriter(16)
	in := func(seq uint16, after time.Duration) In {
		return In{Source: 1, Seq: seq, TS: uint32(after * 90000 / time.Second), Arrival: start.Add(after)}
	}
	base := uint32(1<<32 - 100)
	r.Forward(in(1, 0))
	r.Cut()
	runSteps(t, r, []step{
		{in: in(10, time.Second), ok: true, out: Out{Seq: 65535, TS: base + 90000}},
		{in: in(1000, 2*time.Second), ok: true, out: Out{Seq: 0, TS: base + 180000}}, // longer than the history
		{in: in(20000, 3*time.Second), ok: true, out: Out{Seq: 1, TS: base + 270000}},
		{in: in(5, 3*time.Second)}, // far too old: once is a stray,
		{in: in(6, 3*time.Second)},
		{in: in(7, 4*time.Second), ok: true, out: Out{Seq: 2, TS: base + 360000}}, // a run is a restart
	})
}

func TestRewriterPadding(t *testing.T) {
	r := newTestRewriter(0)
	if _, ok := r.Pad(); ok {
		t.Error("padding before the first packet")
	}
	r.Forward(In{Source: 1, Seq: 1, TS: 7, Arrival: start})
	if _, ok := r.Pad(); ok {
		t.Error("padding in the middle of a frame")
	}
	r.Forward(In{Source: 1, Seq: 2, TS: 7, Arrival: start, Marker: true})
	pad, ok := r.Pad()
	if !ok || pad.Seq != 0 || pad.TS != 1<<32-100 {
		t.Errorf("Pad = %+v, %v", pad, ok)
	}
	if out, _ := r.Forward(In{Source: 1, Seq: 3, TS: 8, Arrival: start}); out.Seq != 1 {
		t.Errorf("packet after padding has number %d", out.Seq)
	}
	if sent, ok := r.Lookup(0); !ok || !sent.Padding {
		t.Errorf("Lookup of padding = %+v, %v", sent, ok)
	}
}

// TestRewriterKeepsItsPromises sends long random streams with loss, reordering,
// duplicates, dropped layers and switches, and checks what a subscriber relies
// on: no number twice, none missing that is not a loss of the network, and every
// recent number found again.
func TestRewriterKeepsItsPromises(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		r := NewRewriter(RewriterConfig{History: 256, FirstSeq: uint16(rng.Uint32()), FirstTS: rng.Uint32()})
		want := map[uint16]Sent{}
		seen := map[int64]bool{}
		var line Unwrapper[uint16]
		lost := 0
		lowest, highest := int64(1)<<60, int64(0)
		forward := func(in In) {
			out, ok := r.Forward(in)
			if !ok {
				return
			}
			n := line.Unwrap(out.Seq)
			if seen[n] {
				t.Fatalf("seed %d: number %d given twice", seed, n)
			}
			seen[n] = true
			lowest, highest = min(lowest, n), max(highest, n)
			want[out.Seq] = Sent{Source: in.Source, Seq: in.Seq, TS: out.TS, Picture: out.Picture}
			if got, ok := r.Lookup(out.Seq); !ok || got != want[out.Seq] {
				t.Fatalf("seed %d: Lookup(%d) = %+v, %v", seed, out.Seq, got, ok)
			}
		}
		source, seq := uint32(1), uint16(rng.Uint32())
		var held []In
		for i := range 3000 {
			if rng.IntN(400) == 0 {
				source, seq = source+1, uint16(rng.Uint32())
				lost += len(held) // what was held back never comes
				held = held[:0]
			}
			in := In{Source: source, Seq: seq, TS: uint32(i), Arrival: start.Add(time.Duration(i) * time.Millisecond), Picture: pic(uint16(i), 0)}
			seq++
			switch {
			case i > 0 && rng.IntN(20) == 0:
				lost++
			case rng.IntN(15) == 0 && r.attached && r.source == source:
				held = append(held, in)
			case rng.IntN(4) == 0:
				r.Drop(in)
			default:
				forward(in)
				if rng.IntN(10) == 0 {
					forward(in) // again
				}
			}
			if len(held) > 3 {
				forward(held[0])
				held = held[1:]
			}
		}
		if missing := int(highest-lowest) + 1 - len(seen); missing > lost+len(held) {
			t.Errorf("seed %d: %d numbers missing with %d packets lost", seed, missing, lost)
		}
	}
}

func BenchmarkRewriterForward(b *testing.B) {
	r := newTestRewriter(0)
	in := In{Source: 1, Arrival: start, Picture: pic(1, 1)}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := r.Forward(in); !ok {
			b.Fatal("refused")
		}
		in.Seq++
		in.TS += 30
	}
}
