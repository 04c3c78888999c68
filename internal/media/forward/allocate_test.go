package forward

import (
	"slices"
	"testing"
	"time"
)

func TestAllocate(t *testing.T) {
	simulcast := []int{200, 600, 1200}
	for _, tc := range []struct {
		name    string
		budget  int
		demands []demand
		want    []int
	}{
		{"nothing wanted", 1000, nil, []int{}},
		{"all fit", 5000, []demand{{rates: simulcast}, {rates: simulcast}}, []int{2, 2}},
		{"everybody first gets something", 1000, []demand{{rates: simulcast}, {rates: simulcast}, {rates: simulcast}}, []int{1, 0, 0}},
		{"priority is lifted first", 1800, []demand{{rates: simulcast, priority: 1}, {rates: simulcast, priority: 9}}, []int{1, 2}},
		{"priority is paused last", 300, []demand{{rates: simulcast, priority: 1}, {rates: simulcast, priority: 9}}, []int{paused, 0}},
		{"a large one does not block a small one", 300, []demand{{rates: []int{900}, priority: 9}, {rates: []int{250}}}, []int{paused, 0}},
		{"target bounds the layer", 9000, []demand{{rates: simulcast, target: 700}}, []int{1}},
		{"target below the lowest still gets it", 9000, []demand{{rates: simulcast, target: 100}}, []int{0}},
		{"a quiet scene is no small picture", 9000, []demand{{rates: []int{50, 90}, nominal: []int{300, 1200}, target: 300}}, []int{0}},
		{"nothing flows", 9000, []demand{{}}, []int{paused}},
	} {
		if got := allocate(tc.budget, tc.demands); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestMissing(t *testing.T) {
	simulcast := []int{200, 600, 1200}
	for _, tc := range []struct {
		name    string
		demands []demand
		want    int
	}{
		{"all have what they want", []demand{{rates: simulcast, current: 2}, {rates: simulcast, target: 700, current: 1}}, 0},
		{"one step up", []demand{{rates: simulcast, current: 0}}, 400},
		{"from pause", []demand{{rates: simulcast, current: paused}}, 200},
		{"the most important counts", []demand{{rates: simulcast, current: paused}, {rates: simulcast, current: 1, priority: 5}}, 600},
	} {
		if got := missing(tc.demands); got != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, got, tc.want)
		}
	}
}

// adaptation runs a subscriber with server-side adaption over a simulated link:
// two simulcast publications, whose packets go through the link with padding
// probes and all.
type adaptation struct {
	*stage
	*link
	second *stage
	low    uint16 // sequence numbers
	hi     uint16
	ms     int
	track  *Track
	other  *Track
	paused map[uint32]bool
}

func newAdaptation(t *testing.T, bps float64) *adaptation {
	a := &adaptation{stage: newStage(t, true, "low", "hi"), link: newLink(bps), second: newStage(t, true, "low", "hi"), paused: map[uint32]bool{}}
	a.second.pub.GroupID += 1000
	for _, l := range a.second.pub.layers {
		l.StreamID += 1000
	}
	a.link.est = &a.stage.down.est
	a.link.now, a.link.start = a.stage.now, a.stage.now
	a.stage.down.out = a.link
	a.track = a.watch("2", Want{Pub: a.stage.pub, Priority: 9, TargetKbps: 10000})
	a.other = a.watch("3", Want{Pub: a.second.pub, Priority: 1, TargetKbps: 10000})
	return a
}

// flow lets 250 kb/s on each low layer and 1.2 Mb/s on each high one pass.
func (a *adaptation) flow(t *testing.T, d time.Duration) {
	t.Helper()
	for end := a.ms + int(d.Milliseconds()); a.ms < end; a.ms += 5 {
		i := a.ms
		now := a.link.now
		a.hi++
		if i%25 == 0 {
			a.low++
		}
		for _, s := range []*stage{a.stage, a.second} {
			s.now = now
			if i%25 == 0 {
				s.frame(10, a.low, "low", 780)
			}
			s.frame(11, a.hi, "hi", 750)
		}
		if i%20 == 0 {
			a.stage.down.Pad(now)
		}
		if i%200 == 0 {
			p, r := a.stage.down.Tick(now)
			for _, g := range p {
				a.paused[g] = true
			}
			for _, g := range r {
				delete(a.paused, g)
			}
		}
		a.link.run(5*time.Millisecond, func() float64 { return 0 })
	}
}

// frame pushes a key frame of a size.
func (s *stage) frame(ssrc uint32, seq uint16, rid string, size int) {
	payload := append(vp8Frame(true, seq), make([]byte, size)...)
	s.push(in{ssrc: ssrc, pt: ptVP8, seq: seq, ts: uint32(s.now.UnixMilli()) * 90, rid: rid, twcc: -1, payload: payload})
}

func (a *adaptation) shows() (first, second int) {
	index := func(t *Track) int {
		if _, wanted := t.layers(); wanted != nil {
			return wanted.index
		}
		return paused
	}
	return index(a.track), index(a.other)
}

func TestAdaptionFitsTheLink(t *testing.T) {
	for _, tc := range []struct {
		name          string
		bps           float64
		first, second int
	}{
		{"room for both", 8e6, 1, 1},
		{"room for one above", 2.1e6, 1, 0},
		{"room for the low ones", 850_000, 0, 0},
		{"room for one low", 400_000, 0, paused},
	} {
		a := newAdaptation(t, tc.bps)
		a.flow(t, 30*time.Second)
		right := 0
		for range 100 {
			a.flow(t, 200*time.Millisecond)
			if first, second := a.shows(); first == tc.first && second == tc.second {
				right++
			}
		}
		if right < 75 {
			first, second := a.shows()
			t.Errorf("%s: right in %d of 100 looks; now %d and %d at %.0f, want %d and %d",
				tc.name, right, first, second, a.estimate(), tc.first, tc.second)
		}
		if a.paused[a.second.pub.GroupID] != (tc.second == paused) {
			t.Errorf("%s: told paused %v", tc.name, a.paused)
		}
	}
}

func TestAdaptionRecovers(t *testing.T) {
	a := newAdaptation(t, 400_000)
	a.flow(t, 20*time.Second)
	if !a.paused[a.second.pub.GroupID] {
		t.Fatalf("nothing paused at %.0f", a.estimate())
	}
	a.bps = 10e6
	a.flow(t, 40*time.Second)
	if first, second := a.shows(); first != 1 || second != 1 || len(a.paused) != 0 {
		t.Errorf("40 s after the link is free: %d and %d, paused %v, estimate %.0f", first, second, a.paused, a.estimate())
	}
}

func TestAWishIsFollowedAtOnce(t *testing.T) {
	a := newAdaptation(t, 20e6)
	a.flow(t, 5*time.Second)
	for _, tc := range []struct {
		target uint32
		want   int
	}{{300, 0}, {10000, 1}, {350, 0}, {1500, 1}} {
		a.stage.down.Watch("2", Want{Pub: a.stage.pub, Priority: 9, TargetKbps: tc.target}, a.link.now)
		a.flow(t, 500*time.Millisecond)
		if got, _ := a.shows(); got != tc.want {
			t.Errorf("target %d: layer %d, want %d", tc.target, got, tc.want)
		}
	}
	if a.stage.down.holdUp != firstHold {
		t.Errorf("wishes count as congestion: hold %v", a.stage.down.holdUp)
	}
}
