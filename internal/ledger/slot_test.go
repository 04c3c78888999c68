package ledger

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// hold keeps the messages to a subject back, as a disk does that hangs, until
// let go.
type hold struct {
	mu      sync.Mutex
	subject string
	kept    []*nats.Msg
}

func holdBack(l *rig, subject string) *hold {
	h := &hold{subject: subject}
	l.engine.ask = func(ctx context.Context, m *nats.Msg) (*nats.Msg, error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if m.Subject == h.subject {
			h.kept = append(h.kept, m)
			return nil, nats.ErrTimeout
		}
		return l.engine.write.RequestMsgWithContext(ctx, m)
	}
	return h
}

// letGo stores what was kept back and keeps nothing more.
func (h *hold) letGo(t *testing.T, l *rig) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.subject = ""
	for _, m := range h.kept {
		must[*nats.Msg](t)(l.engine.write.RequestMsg(m, time.Minute))
	}
}

func TestALateMarkerIsTheOwnersOwn(t *testing.T) { lateMarker(t, oneMachine(t)) }

// lateMarker has a marker stored long after everybody has given up waiting for
// it. It is the owner's own for all that: the slot is not lost.
func lateMarker(t *testing.T, w *world) {
	const slot = 11
	l, ctx, id := w.rig, t.Context(), randomID(t).InSlot(slot)
	rev := must[Revision](t)(l.Append(ctx, id, Revision{}, []byte("one"), Ordinary))
	s, patience := l.held[slot], l.cfg.GiveUp
	haveMarker(t, l, slot)
	l.cfg.GiveUp = 200 * time.Millisecond
	ask := l.engine.ask
	h := holdBack(l, markerSubject(slot))
	s.miss() // the next write writes the marker first
	if _, err := l.Append(ctx, id, rev, []byte("two"), Ordinary); !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrLost) {
		t.Errorf("while the marker hangs: %v", err)
	}
	h.letGo(t, l)
	l.engine.ask, l.cfg.GiveUp = ask, patience
	rev = must[Revision](t)(l.Append(ctx, id, rev, []byte("three"), Ordinary))
	wantTexts(t, must[[]Entry](t)(s.Load(ctx, id, rev)), "one", "three")
}

// haveMarker makes sure that there is a marker, which takes a lost answer when a
// ledger is alone.
func haveMarker(t *testing.T, l *rig, slot int) {
	t.Helper()
	if err := l.held[slot].renew(t.Context(), l.engine, 0); err != nil {
		t.Fatal(err)
	}
}

// dropMarker takes the slot's marker out of the stream, as its age does while
// the machine sleeps.
func dropMarker(t *testing.T, l *rig, slot int) {
	t.Helper()
	if err := l.engine.purge(t.Context(), l.layout.streamOf(slot), markerSubject(slot), 0); err != nil {
		t.Fatal(err)
	}
}

// Alone, a marker that is not there was nobody else's doing.
func TestAloneASlotIsNeverLost(t *testing.T) {
	const slot = 12
	l, ctx, id := oneMachine(t).rig, t.Context(), randomID(t).InSlot(slot)
	s := l.held[slot]
	haveMarker(t, l, slot)
	rev := must[Revision](t)(l.Append(ctx, id, Revision{}, []byte("one"), Ordinary))
	for _, text := range []string{"two", "three"} {
		dropMarker(t, l, slot)
		rev = must[Revision](t)(l.Append(ctx, id, rev, []byte(text), Ordinary))
	}
	wantTexts(t, must[[]Entry](t)(s.Load(ctx, id, rev)), "one", "two", "three")
	if err := s.held(); err != nil {
		t.Error(err)
	}
}

// missingMarker has a marker vanish. With other nodes, nobody can tell who came
// after one that is gone for good.
func missingMarker(t *testing.T, w *world) {
	const slot = 12
	l, ctx, id := w.rig, t.Context(), randomID(t).InSlot(slot)
	patience := l.cfg.GiveUp
	l.cfg.GiveUp = 300 * time.Millisecond
	dropMarker(t, l, slot)
	if _, err := l.Append(ctx, id, Revision{}, []byte("one"), Ordinary); !errors.Is(err, ErrLost) {
		t.Errorf("an append without a marker: %v", err)
	}
	l.cfg.GiveUp = patience
	w.takeBack(slot)
	must[Revision](t)(l.Append(ctx, id, Revision{}, []byte("one"), Ordinary))
}

// A process that is alone goes on with the markers it finds, so that a start
// writes nothing. What it writes is fenced all the same.
func TestAStartAloneWritesNoMarkers(t *testing.T) {
	dir, ctx, id := t.TempDir(), t.Context(), randomID(t)
	var told strings.Builder
	cfg := Config{Dir: dir, Logger: slog.New(slog.NewTextHandler(&told, nil))}
	stored := func(l *rig) (n uint64) {
		for i := range l.layout.Streams {
			n += must[streamState](t)(l.engine.streamState(ctx, i)).LastSeq
		}
		return n
	}
	l := openTB(t, cfg)
	if n := stored(l); n != 0 {
		t.Errorf("a first start stored %d messages", n)
	}
	rev := must[Revision](t)(l.Append(ctx, id, Revision{}, []byte("one"), Ordinary))
	haveMarker(t, l, id.Slot())
	rev = must[Revision](t)(l.Append(ctx, id, rev, []byte("two"), Ordinary))
	epoch, before := l.slot(id).fence(), stored(l)
	if before != 3 || epoch.seq == 0 {
		t.Errorf("%d messages are stored, the marker at %d", before, epoch.seq)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openTB(t, cfg)
	if n := stored(l); n != before {
		t.Errorf("a restart stored %d messages", n-before)
	}
	if got := l.slot(id).fence(); got.seq != epoch.seq || got.nonce != epoch.nonce || got.Epoch != epoch.Epoch {
		t.Errorf("goes on with marker %+v, not %+v", got.placed, epoch.placed)
	}
	wantTexts(t, l.entriesOf(id), "one", "two")
	rev = must[Revision](t)(l.Append(ctx, id, rev, []byte("three"), Ordinary))
	wantTexts(t, must[[]Entry](t)(l.slot(id).Load(ctx, id, rev)), "one", "two", "three")
	if told.Len() > 0 {
		t.Errorf("the log says %s", told.String())
	}
}
