package forward

import (
	"slices"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/linktest"
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
		{"among equals who has more keeps it", 1500, []demand{{rates: simulcast}, {rates: simulcast, current: 2}}, []int{0, 2}},
		{"among equals who has something keeps it", 300, []demand{{rates: simulcast, current: paused}, {rates: simulcast}}, []int{paused, 0}},
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
		if got, _ := missing(tc.demands); got != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, got, tc.want)
		}
	}
}

func TestTheFirstPictureNeedsNoHeadroom(t *testing.T) {
	layers := []int{300, 900}
	for _, tc := range []struct {
		budget float64
		want   []int
	}{
		{299, []int{paused, paused}},
		{301, []int{0, paused}},
		{601, []int{0, 0}},
		{1200, []int{0, 0}},
		{1420, []int{1, 0}},
	} {
		demands := []demand{{rates: layers, current: paused, priority: 2}, {rates: layers, current: paused, priority: 1}}
		if got := allocateUp(tc.budget, demands); !slices.Equal(got, tc.want) {
			t.Errorf("%.0f kbit/s: %v, want %v", tc.budget, got, tc.want)
		}
	}
}

// scene runs a subscriber with server-side adaption over a simulated link:
// two simulcast publications, whose packets go through the link with padding
// probes and all.
type scene struct {
	*stage
	link
	second *stage
	low    uint16 // sequence numbers
	hi     uint16
	ms     int
	track  *Track
	other  *Track
	paused map[uint32]bool
}

func newAdaptation(t *testing.T, bps float64) *scene {
	a := &scene{stage: newStage(t, true, "low", "hi"), second: newStage(t, true, "low", "hi"), paused: map[uint32]bool{}}
	a.second.pub.GroupID += 1000
	for _, l := range a.second.pub.layers {
		l.StreamID += 1000
	}
	a.link = a.join(bps)
	a.track = a.watch("2", Want{Pub: a.stage.pub, Priority: 9, TargetKbps: 10000})
	a.other = a.watch("3", Want{Pub: a.second.pub, Priority: 1, TargetKbps: 10000})
	return a
}

// flow lets 250 kb/s on each low layer and 1.2 Mb/s on each high one pass.
func (a *scene) flow(t *testing.T, d time.Duration) {
	t.Helper()
	for end := a.ms + int(d.Milliseconds()); a.ms < end; a.ms += 5 {
		i := a.ms
		now := a.link.Now
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
		a.link.Pass(linktest.Step)
	}
}

// frame pushes a key frame of a size.
func (s *stage) frame(ssrc uint32, seq uint16, rid string, size int) {
	payload := append(vp8Frame(true, seq), make([]byte, size)...)
	s.push(in{ssrc: ssrc, pt: ptVP8, seq: seq, ts: uint32(s.now.UnixMilli()) * 90, rid: rid, twcc: -1, payload: payload})
}

func (a *scene) estimate() uint64 { return a.stage.down.Estimate(a.link.Now) }

func (a *scene) shows() (first, second int) {
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
			t.Errorf("%s: right in %d of 100 looks; now %d and %d at %d, want %d and %d",
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
		t.Fatalf("nothing paused at %d", a.estimate())
	}
	a.link.Bps = 10e6
	a.flow(t, 40*time.Second)
	if first, second := a.shows(); first != 1 || second != 1 || len(a.paused) != 0 {
		t.Errorf("40 s after the link is free: %d and %d, paused %v, estimate %d", first, second, a.paused, a.estimate())
	}
}

// While all pictures are paused nothing is sent that a receiver could report on,
// but for the probes.
func TestAdaptionRecoversFromNothing(t *testing.T) {
	for _, bps := range []float64{290_000, 450_000, 10e6} {
		a := newAdaptation(t, 1.6e6)
		a.flow(t, 10*time.Second)
		a.link.Bps = 60_000
		a.flow(t, 20*time.Second)
		if first, second := a.shows(); first != paused || second != paused {
			t.Fatalf("%d and %d at %d", first, second, a.estimate())
		}
		a.link.Bps = bps
		a.flow(t, 30*time.Second)
		if first, _ := a.shows(); first == paused {
			t.Errorf("link of %.0f: still paused after 30 s, estimate %d", bps, a.estimate())
		}
	}
}

func TestAWishIsFollowedAtOnce(t *testing.T) {
	a := newAdaptation(t, 20e6)
	a.flow(t, 5*time.Second)
	for _, tc := range []struct {
		target uint32
		want   int
	}{{300, 0}, {10000, 1}, {350, 0}, {1500, 1}} {
		a.stage.down.Watch("2", Want{Pub: a.stage.pub, Priority: 9, TargetKbps: tc.target}, a.link.Now)
		a.flow(t, 500*time.Millisecond)
		if got, _ := a.shows(); got != tc.want {
			t.Errorf("target %d: layer %d, want %d", tc.target, got, tc.want)
		}
	}
	if a.stage.down.adaptation.hold != firstHold {
		t.Errorf("wishes count as congestion: hold %v", a.stage.down.adaptation.hold)
	}
}

// Two videos of the same priority, room for one large picture: whoever has it
// keeps it.
func TestEqualsDoNotTakeFromEachOther(t *testing.T) {
	a := newAdaptation(t, 2.1e6)
	for _, mid := range []string{"2", "3"} {
		w, _ := a.stage.down.Wanted(mid)
		w.Priority = 5
		a.stage.down.Watch(mid, w, a.link.Now)
	}
	a.flow(t, 30*time.Second)
	changes, before := 0, [2]int{}
	for range 100 {
		first, second := a.shows()
		if now := [2]int{first, second}; now != before {
			changes, before = changes+1, now
		}
		a.flow(t, 200*time.Millisecond)
	}
	if first, second := a.shows(); first+second != 1 || changes > 5 {
		t.Errorf("%d and %d after %d changes in 20 s, want one large picture that stays", first, second, changes)
	}
}

// Asking what wants bandwidth takes nothing and gives nothing.
func TestDemandsChangeNothing(t *testing.T) {
	s := newStage(t, true)
	track := s.watch("2", Want{Pub: s.pub})
	s.video(mainSSRC, 1, true, "")
	s.up.Unpublish()
	s.desk.packets = nil
	s.down.mu.Lock()
	subs, _ := s.down.demandsLocked(s.now)
	s.down.mu.Unlock()
	if current, wanted := track.layers(); current != nil || wanted != nil || len(subs) != 0 || len(s.desk.packets) != 0 {
		t.Errorf("takes %v, wants %v, %d demands, %d packets to the publisher", current, wanted, len(subs), len(s.desk.packets))
	}
}
