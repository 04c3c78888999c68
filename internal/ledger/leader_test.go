package ledger

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// waits returns how long an attempt waits for an answer that does not come.
func (l *leader) waits() time.Duration {
	begun := time.Now()
	ctx, done := l.await(context.Background())
	<-ctx.Done()
	done(ctx.Err())
	return time.Since(begun)
}

func TestHowLongALeaderIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeader(5 * time.Second)
		defer l.close()
		want := func(when string, waits ...time.Duration) {
			t.Helper()
			for i, most := range waits {
				if got := l.waits(); got != most {
					t.Errorf("%s: attempt %d waits %v, want %v", when, i+1, got, most)
				}
			}
		}
		ms := time.Millisecond
		want("at first", 5000*ms, 250*ms, 500*ms, 1000*ms, 2000*ms, 4000*ms, 5000*ms, 5000*ms)
		for range 80 {
			_, done := l.await(t.Context())
			done(context.DeadlineExceeded)
		}
		want("much later", 5000*ms)
		_, done := l.await(t.Context())
		done(nil)
		want("after an answer", 5000*ms, 250*ms)
		_, done = l.await(t.Context())
		done(nats.ErrNoResponders)
		want("when nobody listens", 500*ms)
		_, done = l.await(t.Context())
		done(errUncounted)
		want("after a question was answered", 1000*ms)

		// Whoever waits together has missed one answer.
		_, done = l.await(t.Context())
		done(nil)
		_, one := l.await(t.Context())
		_, another := l.await(t.Context())
		one(context.DeadlineExceeded)
		another(context.DeadlineExceeded)
		want("after two at once", 250*ms)
	})
}

func TestAnElectionEndsWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeader(5 * time.Second)
		defer l.close()
		time.AfterFunc(30*time.Millisecond, l.elected)
		if got := l.waits(); got != 30*time.Millisecond {
			t.Errorf("waited %v for the former leader", got)
		}
		if got := l.waits(); got != firstWait {
			t.Errorf("waited %v for the new leader at first, want %v", got, firstWait)
		}
		_, former := l.await(t.Context())
		l.elected()
		former(nil) // an answer of the former leader says nothing about the new one
		if got := l.waits(); got != firstWait {
			t.Errorf("waited %v for a third leader at first, want %v", got, firstWait)
		}
	})
}

// silentLeaders has the leaders of all streams say nothing to a node that adopts
// all slots, as when they are frozen, until others are elected; and those do not
// listen to the first attempt. All slots are adopted soon after, though one
// attempt would wait for an hour.
func silentLeaders(t *testing.T, w *world) {
	l := w.nodes[0]
	e := l.engine
	ask := e.ask
	defer func() { e.ask = ask }()
	var silent atomic.Bool
	var waiting, deaf atomic.Int64
	silent.Store(true)
	e.ask = func(ctx context.Context, m *nats.Msg) (*nats.Msg, error) {
		if silent.Load() || deaf.Add(-1) >= 0 {
			waiting.Add(1)
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return ask(ctx, m)
	}
	patience := func(most time.Duration) {
		for _, x := range e.leaders {
			x.mu.Lock()
			x.most = most
			x.mu.Unlock()
		}
	}
	patience(time.Hour)
	defer patience(e.cfg.AnswerWithin)
	done := make(chan error, 1)
	go func() {
		slots, err := l.Adopt(t.Context(), everySlot(), func(meeting.ID, Entry) error { return nil })
		for _, s := range slots {
			err = errors.Join(err, s.Release(t.Context()))
		}
		done <- err
	}()
	streams := int64(l.layout.Streams)
	eventually(t, "an attempt waits in each stream", func() bool { return waiting.Load() == streams })
	deaf.Store(streams)
	silent.Store(false)
	for i := range l.layout.Streams {
		if err := w.rig.engine.write.Publish(server.JSAdvisoryStreamLeaderElectedPre+"."+l.layout.streamName(i), nil); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the slots are not adopted though there are leaders")
	}
	if got := waiting.Load(); got < 2*streams {
		t.Errorf("%d attempts got no answer, want %d before the election and as many after it", got, 2*streams)
	}
	w.readopt()
}

// What a consumer brings, batches bring too.
func TestBatchesBringWhatAConsumerBrings(t *testing.T) {
	l, ctx := openTB(t, Config{}), t.Context()
	const slot = 5
	var last Revision
	for range 30 {
		id := randomID(t).InSlot(slot)
		must[Revision](t)(l.Append(ctx, id, Revision{}, []byte("an entry"), Ordinary))
		if err := l.AppendFact(ctx, id, []byte("a fact")); err != nil {
			t.Fatal(err)
		}
		must[Revision](t)(l.Append(ctx, randomID(t).InSlot(slot+l.layout.Streams), Revision{}, []byte("another slot's"), Ordinary))
		last = must[Revision](t)(l.Append(ctx, randomID(t).InSlot(slot), Revision{}, []byte("the last"), Ordinary))
	}
	read := func(filter []string, after, through uint64) (seqs []uint64, err error) {
		r := reader{
			engine: l.engine, stream: l.layout.streamName(l.layout.streamOf(slot)), filter: filter, after: after, through: through,
			wait: 200 * time.Millisecond, fn: func(_ string, seq uint64, _ []byte) error { seqs = append(seqs, seq); return nil },
		}
		return seqs, r.readBatches(ctx)
	}
	for what, c := range map[string]struct {
		filter []string
		after  uint64
	}{
		"all of a slot": {[]string{anyOf(slot)}, 0}, "from the middle": {[]string{anyOf(slot)}, last.Seq / 2},
		"several subjects": {patterns(slot), 0}, "all of a stream": {nil, 0},
	} {
		var want []uint64
		err := l.engine.follow(ctx, l.layout.streamOf(slot), c.filter, c.after, last.Seq, func(_ subject, m stored) error {
			want = append(want, m.seq)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := read(c.filter, c.after, last.Seq)
		if err != nil || len(got) == 0 || !slices.Equal(got, want) {
			t.Errorf("%s: %d messages, %v, want %d", what, len(got), err, len(want))
		}
	}
	// What is not there yet is waited for, and not for ever.
	if got, err := read([]string{anyOf(slot)}, 0, last.Seq+1); !errors.Is(err, errNoAnswer) || len(got) == 0 {
		t.Errorf("a message that is not there: %d messages, %v", len(got), err)
	}
	time.AfterFunc(50*time.Millisecond, func() {
		if err := l.AppendFact(ctx, randomID(t).InSlot(slot), []byte("late")); err != nil {
			t.Error(err)
		}
	})
	if _, err := read([]string{anyOf(slot)}, last.Seq, last.Seq+1); err != nil {
		t.Errorf("a message that comes late: %v", err)
	}
}
