package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

func TestOneMachineKeepsTheContract(t *testing.T) {
	for name, body := range contract {
		t.Run(name, func(t *testing.T) { body(t, oneMachine(t)) })
	}
}

func TestGuestsKeepTheContract(t *testing.T) {
	w := guests(t)
	keepContract(t, w)
	contractClosed(t, w)
}

// A cluster is slow to start, so all that is to be seen of one is seen of the
// same: it begins as one machine, keeps the contract, and then has misfortunes,
// each of which it gets over.
func TestThreeNodes(t *testing.T) {
	w := becomeThree(t)
	keepContract(t, w)
	for _, b := range misfortunes {
		t.Run(b.name, func(t *testing.T) { b.body(t, w) })
	}
}

// keepContract has the bodies share a world.
func keepContract(t *testing.T, w *world) {
	t.Helper()
	for name, body := range contract {
		if name != "what_was_closed_is_unavailable_for_ever" {
			t.Run(name, func(t *testing.T) { body(t, w) })
		}
	}
}

// misfortunes are what a cluster gets over, in the order in which they come.
var misfortunes = []struct {
	name string
	body func(*testing.T, *world)
}{
	{"a_node_listens_for_nodes_only", nodesListen},
	{"a_late_marker_is_the_owner's_own", lateMarker},
	{"a_slot_without_its_marker_is_lost", missingMarker},
	{"leaders_that_say_nothing_hold_up_nobody", silentLeaders},
	{"a_wiped_node_gets_everything_back", nodeWiped},
	{"a_node_dies", nodeDies},
	{"what_was_closed_is_unavailable_for_ever", contractClosed},
}

// contract is what a ledger has to do, whatever way it runs.
var contract = map[string]func(*testing.T, *world){
	"entries_come_back_as_written":            contractRoundTrip,
	"meetings_are_written_side_by_side":       contractSideBySide,
	"the_end_replaces_and_vanishes":           contractEnd,
	"facts_are_a_log_of_their_own":            contractFacts,
	"an_adoption_shows_all_in_order":          contractAdoption,
	"an_adoption_stops_at_an_error":           contractAdoptionStops,
	"a_former_owner_is_refused":               contractFence,
	"of_two_rivals_one_owns_the_slot":         contractRivals,
	"a_slot_is_held_once":                     contractHeldOnce,
	"a_released_slot_is_over":                 contractRelease,
	"a_cancelled_call_stores_nothing":         contractCancelled,
	"large_entries_pass,_too_large_ones_not":  contractLarge,
	"a_lost_answer_is_looked_for":             contractLostAnswers,
	"ended_meetings_are_kept_on_all_nodes":    contractKept,
	"a_gap_shows":                             contractGap,
	"a_restart_keeps_everything":              contractRestart,
	"what_was_closed_is_unavailable_for_ever": contractClosed,
}

func contractRoundTrip(t *testing.T, w *world) {
	l, ctx, id := w.rig, t.Context(), randomID(t)
	if got := must[[]Entry](t)(l.Load(ctx, id)); got != nil {
		t.Fatalf("unknown meeting has entries %v", got)
	}
	data := [][]byte{{}, []byte("one"), {0, 1, 2, 255}, bytes.Repeat([]byte("x"), 30_000)}
	var revs []Revision
	var last Revision
	before := time.Now()
	for _, d := range data {
		next := must[Revision](t)(l.Append(ctx, id, last, d, Ordinary))
		if next.Seq <= last.Seq {
			t.Fatalf("revision %v after %v", next, last)
		}
		last = next
		revs = append(revs, last)
	}
	after := time.Now()
	got := must[[]Entry](t)(l.slot(id).Load(ctx, id, last))
	if len(got) != len(data) {
		t.Fatalf("%d entries, want %d", len(got), len(data))
	}
	for i, e := range got {
		if e.Revision != revs[i] || !bytes.Equal(e.Data, data[i]) || e.Gap || e.Fact {
			t.Fatalf("entry %d came back as revision %v, %d bytes, gap %t", i, e.Revision, len(e.Data), e.Gap)
		}
		if e.Time.Before(before) || e.Time.After(after) {
			t.Fatalf("entry written between %v and %v has time %v", before, after, e.Time)
		}
	}
}

// contractSideBySide writes to many meetings at once, several in one slot.
func contractSideBySide(t *testing.T, w *world) {
	const meetings, each = 24, 10
	l, ctx := w.rig, t.Context()
	ids, revs := make([]meeting.ID, meetings), make([]Revision, meetings)
	var wg sync.WaitGroup
	for i := range ids {
		ids[i] = randomID(t).InSlot(i % 6)
		wg.Go(func() {
			for n := range each {
				var err error
				if revs[i], err = l.Append(ctx, ids[i], revs[i], fmt.Append(nil, n), Ordinary); err != nil {
					t.Error(err)
					return
				}
				if n%4 == 0 {
					if err := l.AppendFact(ctx, ids[i], fmt.Append(nil, "fact ", n)); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	for i, id := range ids {
		wantTexts(t, must[[]Entry](t)(l.slot(id).Load(ctx, id, revs[i])), "0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
	}
}

func contractEnd(t *testing.T, w *world) {
	const keep = 700 * time.Millisecond
	l, ctx, id, other := w.rig, t.Context(), randomID(t), randomID(t)
	rev := must[Revision](t)(l.Append(ctx, id, Revision{}, []byte("created"), Ordinary))
	rev = must[Revision](t)(l.Append(ctx, id, rev, []byte("more"), Ordinary))
	otherRev := must[Revision](t)(l.Append(ctx, other, Revision{}, []byte("other"), Ordinary))
	for _, m := range []meeting.ID{id, other} {
		if err := l.AppendFact(ctx, m, []byte("joined")); err != nil {
			t.Fatal(err)
		}
	}
	ended := time.Now()
	rev = must[Revision](t)(l.End(ctx, id, rev, []byte("ended"), keep))
	wantTexts(t, must[[]Entry](t)(l.slot(id).Load(ctx, id, rev)), "ended")
	eventually(t, "end vanishes", func() bool { return len(must[[]Entry](t)(l.Load(ctx, id))) == 0 })
	if age := time.Since(ended); age < keep {
		t.Errorf("end vanished after %v, was to be kept %v", age, keep)
	}
	eventually(t, "facts vanish", func() bool { return len(must[[]Entry](t)(l.LoadFacts(ctx, id))) == 0 })
	wantTexts(t, must[[]Entry](t)(l.slot(other).Load(ctx, other, otherRev)), "other")
	eventually(t, "the other's fact is there", func() bool { return len(must[[]Entry](t)(l.LoadFacts(ctx, other))) == 1 })
}

func contractFacts(t *testing.T, w *world) {
	l, ctx, id := w.rig, t.Context(), randomID(t)
	rev := must[Revision](t)(l.Append(ctx, id, Revision{}, []byte("created"), Ordinary))
	for _, fact := range []string{"joined", "left", "joined"} {
		if err := l.AppendFact(ctx, id, []byte(fact)); err != nil {
			t.Fatal(err)
		}
	}
	var got []Entry // with replicas, the newest may be missing for a moment
	eventually(t, "facts are there", func() bool { got = must[[]Entry](t)(l.LoadFacts(ctx, id)); return len(got) >= 3 })
	wantTexts(t, got, "joined", "left", "joined")
	if !got[0].Fact {
		t.Error("a fact does not say that it is one")
	}
	wantTexts(t, must[[]Entry](t)(l.slot(id).Load(ctx, id, rev)), "created")
}

func contractCancelled(t *testing.T, w *world) {
	l, id := w.rig, randomID(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Append(ctx, id, Revision{}, nil, Ordinary); !errors.Is(err, context.Canceled) {
		t.Errorf("append: %v", err)
	}
	if err := l.AppendFact(ctx, id, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("append fact: %v", err)
	}
	if got := must[[]Entry](t)(l.Load(t.Context(), id)); len(got) != 0 {
		t.Errorf("a cancelled append stored %q", texts(got))
	}
}

func contractLarge(t *testing.T, w *world) {
	l, ctx, id := w.rig, t.Context(), randomID(t)
	largest := bytes.Repeat([]byte{7}, MaxEntry)
	const many = 5 // together more than a scan has under way
	var rev Revision
	for range many {
		rev = must[Revision](t)(l.Append(ctx, id, rev, largest, Ordinary))
	}
	same := func(how string, list []Entry) {
		t.Helper()
		if len(list) != many || !bytes.Equal(list[many-1].Data, largest) {
			t.Errorf("%s: the largest entries came back changed, or %d of %d", how, len(list), many)
		}
	}
	same("load", must[[]Entry](t)(l.slot(id).Load(ctx, id, rev)))
	w.readopt()
	same("adoption", l.seen[id])
	_, err := l.Append(ctx, id, rev, append(largest, 0), Ordinary)
	for _, err := range []error{err, l.AppendFact(ctx, id, append(largest, 0))} {
		if !errors.Is(err, ErrTooLarge) {
			t.Errorf("an entry too large: %v", err)
		}
	}
	must[Revision](t)(l.End(ctx, id, rev, nil, time.Hour))
}

// contractLostAnswers loses answers, of writes that get through and of writes
// that do not. Either way the outcome is known, and nothing is stored twice.
func contractLostAnswers(t *testing.T, w *world) {
	l, ctx := w.rig, t.Context()
	ask := l.engine.ask
	defer func() { l.engine.ask = ask }()
	for _, sent := range []bool{true, false} {
		id := randomID(t)
		first := must[Revision](t)(l.Append(ctx, id, Revision{}, []byte("one"), Ordinary))
		loseAnswers(l, 2, sent)
		rev := must[Revision](t)(l.Append(ctx, id, first, []byte("two"), Ordinary))
		l.engine.ask = ask
		got := must[[]Entry](t)(l.slot(id).Load(ctx, id, rev))
		wantTexts(t, got, "one", "two")
		if got[1].Revision != rev {
			t.Errorf("told revision %v, stored as %v", rev, got[1].Revision)
		}
		loseAnswers(l, 2, sent)
		if err := l.AppendFact(ctx, id, []byte("fact")); err != nil {
			t.Fatal(err)
		}
		l.engine.ask = ask
		var facts []Entry
		eventually(t, "the fact", func() bool { facts = must[[]Entry](t)(l.LoadFacts(ctx, id)); return len(facts) > 0 })
		wantTexts(t, facts, "fact")
		loseAnswers(l, 1, sent)
		rev = must[Revision](t)(l.End(ctx, id, rev, []byte("end"), time.Hour))
		l.engine.ask = ask
		wantTexts(t, must[[]Entry](t)(l.slot(id).Load(ctx, id, rev)), "end")
	}
}

// contractGap takes an entry out of the middle of a meeting.
func contractGap(t *testing.T, w *world) {
	l, ctx, id := w.rig, t.Context(), randomID(t)
	var revs []Revision
	var rev Revision
	for n := range 4 {
		rev = must[Revision](t)(l.Append(ctx, id, rev, fmt.Append(nil, n), Ordinary))
		revs = append(revs, rev)
	}
	var a struct {
		Success bool `json:"success"`
	}
	request := struct {
		Seq uint64 `json:"seq"`
	}{revs[1].Seq}
	if err := l.engine.api(ctx, "STREAM.MSG.DELETE."+l.layout.streamName(l.layout.streamOf(id.Slot())), request, &a); err != nil || !a.Success {
		t.Fatal(err, a)
	}
	w.readopt()
	for how, list := range map[string][]Entry{"load": must[[]Entry](t)(l.slot(id).Load(ctx, id, rev)), "adoption": l.seen[id]} {
		var where []bool
		for _, e := range list {
			where = append(where, e.Gap)
		}
		if !slices.Equal(where, []bool{false, true, false}) {
			t.Errorf("%s: gaps %v", how, where)
		}
	}
	must[Revision](t)(l.End(ctx, id, rev, nil, time.Hour))
}

func contractRestart(t *testing.T, w *world) {
	ctx := t.Context()
	ids := make([]meeting.ID, 40)
	revs := make([]Revision, len(ids))
	for i := range ids {
		ids[i] = randomID(t)
		revs[i] = must[Revision](t)(w.rig.Append(ctx, ids[i], Revision{}, fmt.Append(nil, "created ", i), Ordinary))
		revs[i] = must[Revision](t)(w.rig.Append(ctx, ids[i], revs[i], fmt.Append(nil, "more ", i), Ordinary))
	}
	if err := w.rig.AppendFact(ctx, ids[0], []byte("joined")); err != nil {
		t.Fatal(err)
	}
	revs[1] = must[Revision](t)(w.rig.End(ctx, ids[1], revs[1], []byte("ended"), 300*time.Millisecond))
	w.restart()
	l := w.rig
	for i, id := range ids {
		if i == 1 {
			continue
		}
		want := []string{fmt.Sprint("created ", i), fmt.Sprint("more ", i)}
		wantTexts(t, l.entriesOf(id), want...)
		wantTexts(t, must[[]Entry](t)(l.slot(id).Load(ctx, id, revs[i])), want...)
		must[Revision](t)(l.Append(ctx, id, revs[i], []byte("after"), Ordinary))
	}
	if facts := l.seen[ids[0]]; len(facts) != 3 || string(facts[2].Data) != "joined" {
		t.Errorf("the fact came back as %q", texts(facts))
	}
	eventually(t, "end from before the restart vanishes", func() bool { return len(must[[]Entry](t)(l.Load(ctx, ids[1]))) == 0 })
}

func contractClosed(t *testing.T, w *world) {
	l, ctx, id := w.rig, t.Context(), randomID(t)
	for range 2 {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, appended := l.Append(ctx, id, Revision{}, nil, Ordinary)
	_, ended := l.End(ctx, id, Revision{}, nil, time.Hour)
	_, loaded := l.Load(ctx, id)
	_, adopted := l.Adopt(ctx, nil, nil)
	_, connected := l.Connect("test")
	for i, err := range []error{appended, ended, loaded, adopted, connected, l.AppendFact(ctx, id, nil)} {
		if !errors.Is(err, ErrUnavailable) {
			t.Errorf("call %d on a closed ledger: %v, want ErrUnavailable", i, err)
		}
	}
	select {
	case err := <-l.Fault():
		t.Errorf("closing is no fault: %v", err)
	default:
	}
}
