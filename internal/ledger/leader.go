package ledger

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// firstWait is how long an answer is waited for at first where another attempt
// is likely to get one: from a stream's new leader, which may not listen yet, and
// from a consumer, whose first request is lost now and then, because it overtakes
// the news of where the consumer is. It doubles with each attempt.
const firstWait = 250 * time.Millisecond

// leader is what the leader of a replicated stream lets one expect. One that is
// frozen or cut off says nothing, and its connections stay open: what is asked
// of it waits. So waiting ends as soon as another leader is elected, and until
// that one has answered, and after an answer that did not come, it is short.
//
// That an attempt is given up says nothing about whether it was carried out.
type leader struct {
	most time.Duration // how long an answer is waited for

	mu     sync.Mutex
	missed int                // answers to writes in a row that did not come; guarded by mu
	term   context.Context    // ends when another leader is elected; guarded by mu
	depose context.CancelFunc // ends term; guarded by mu
}

// errUncounted stands for what came of a request that is no write.
var errUncounted = errors.New("uncounted")

func newLeader(most time.Duration) *leader {
	l := &leader{most: most}
	l.term, l.depose = context.WithCancel(context.Background())
	return l
}

// elected notes that the stream has another leader.
func (l *leader) elected() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.depose()
	l.term, l.depose = context.WithCancel(context.Background())
	l.missed = 1
}

// close ends all waiting.
func (l *leader) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.depose()
}

// await returns the context of one attempt to get an answer. done is called with
// what came of it when it is a write, and with errUncounted for another request:
// a new leader may answer those before writes reach it.
func (l *leader) await(ctx context.Context) (_ context.Context, done func(error)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	term, missed, within := l.term, l.missed, l.most
	if missed > 0 {
		within = min(firstWait<<min(missed-1, 10), l.most)
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	stop := context.AfterFunc(term, cancel)
	return ctx, func(err error) {
		stop()
		cancel()
		l.mu.Lock()
		defer l.mu.Unlock()
		switch {
		case l.term != term: // it says nothing about this leader
		case err == nil:
			l.missed = 0
		case errors.Is(err, nats.ErrNoResponders), errors.Is(err, errUncounted):
		case l.missed == missed: // those that waited together count once
			l.missed++
		}
	}
}

// await returns the context of one attempt to get an answer of a stream's
// leader; see leader.await.
func (e *engine) await(ctx context.Context, stream int) (_ context.Context, done func(error)) {
	if e.leaders != nil && stream != beside {
		return e.leaders[stream].await(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, e.cfg.AnswerWithin)
	return ctx, func(error) { cancel() }
}

// watchLeaders learns of elections from now on.
func (e *engine) watchLeaders() error {
	leaders := make([]*leader, e.layout.Streams)
	for i := range leaders {
		leaders[i] = newLeader(e.cfg.AnswerWithin)
	}
	const prefix = server.JSAdvisoryStreamLeaderElectedPre + "."
	_, err := e.read.Subscribe(prefix+"*", func(m *nats.Msg) {
		for i, l := range leaders {
			if strings.TrimPrefix(m.Subject, prefix) == e.layout.streamName(i) {
				l.elected()
			}
		}
	})
	e.leaders = leaders
	return err
}
