package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

const (
	attempts = 3

	// factWindow is how long JetStream remembers the ids of facts, so that
	// asking again after a lost answer does not store one twice.
	factWindow = time.Minute
)

// Append stores data as the next entry of the meeting and returns its
// revision, once it is on the disk. expected is the revision of the meeting's
// last entry, 0 when it has none; otherwise the call fails with ErrStale.
//
// What is Urgent may use the room that is kept for ends.
//
// ctx is looked at only before the write starts: a write under way is seen
// through, so that the caller learns what became of it. A lost answer is
// resolved by asking again under the same identity; only when that fails too
// is the error ErrUnavailable and the outcome unknown.
func (l *Log) Append(ctx context.Context, id meeting.ID, expected uint64, data []byte, u Urgency) (rev uint64, err error) {
	return l.put(ctx, id, expected, envelope{kind: kindEntry, data: data}, u)
}

// End stores data as the last entry of the meeting, under the same rules as
// Append. It replaces all earlier entries and vanishes by itself, with the
// meeting's facts, once keep has passed.
func (l *Log) End(ctx context.Context, id meeting.ID, expected uint64, data []byte, keep time.Duration) (rev uint64, err error) {
	return l.put(ctx, id, expected, envelope{kind: kindEnd, expires: time.Now().Add(keep), data: data}, Urgent)
}

func (l *Log) put(ctx context.Context, id meeting.ID, expected uint64, e envelope, u Urgency) (uint64, error) {
	en, done, err := l.begin()
	if err != nil {
		return 0, err
	}
	defer done()
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("append not started: %w", err)
	}
	if len(e.data) > MaxEntry {
		return 0, ErrTooLarge
	}
	sh := shard(l.layout.shardOf(id))
	e.nonce, e.time = rand.Uint64(), time.Now()
	m := &nats.Msg{Subject: l.layout.subject(sh, id), Data: e.seal(), Header: nats.Header{
		"Nats-Expected-Last-Subject-Sequence": {strconv.FormatUint(expected, 10)},
	}}
	if e.kind == kindEnd {
		m.Header["Nats-Rollup"] = []string{"sub"}
	}
	if err := l.space.admit(ctx, en, sh, len(m.Data), u); err != nil {
		return 0, err
	}
	rev, err := en.store(context.WithoutCancel(ctx), m, func(ctx context.Context) (uint64, error) {
		return en.findWrite(ctx, id, expected, e.nonce)
	})
	if err != nil {
		return 0, err
	}
	l.witness.acknowledged(l.layout.streamName(sh), rev)
	if e.kind == kindEnd {
		l.expiry.add(id, rev, e.expires)
	}
	return rev, nil
}

// AppendFact stores data as the next media-side fact of the meeting, after
// whatever is there.
func (l *Log) AppendFact(ctx context.Context, id meeting.ID, data []byte) error {
	en, done, err := l.begin()
	if err != nil {
		return err
	}
	defer done()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("append not started: %w", err)
	}
	if len(data) > MaxEntry {
		return ErrTooLarge
	}
	sh := l.layout.factShard()
	e := envelope{kind: kindEntry, nonce: rand.Uint64(), time: time.Now(), data: data}
	m := &nats.Msg{Subject: l.layout.subject(sh, id), Data: e.seal(), Header: nats.Header{
		"Nats-Msg-Id": {strconv.FormatUint(e.nonce, 36)},
	}}
	if err := l.space.admit(ctx, en, sh, len(m.Data), Ordinary); err != nil {
		return err
	}
	seq, err := en.store(context.WithoutCancel(ctx), m, nil)
	if err != nil {
		return err
	}
	l.witness.acknowledged(l.layout.streamName(sh), seq)
	return nil
}

// store publishes m until it gets an answer. find tells what became of an
// earlier attempt once a later one is refused as stale; nil when that cannot
// happen.
func (e *engine) store(ctx context.Context, m *nats.Msg, find func(context.Context) (uint64, error)) (uint64, error) {
	var last error
	for attempt := range attempts {
		rev, err := e.publish(m)
		if errors.Is(err, ErrStale) && attempt > 0 && find != nil {
			rev, err = find(ctx)
		}
		// Checked after the answer: whatever was said while the disk failed
		// is worth nothing.
		if trouble := e.check(); trouble != nil {
			return 0, trouble
		}
		if err == nil || !errors.Is(err, errNoAnswer) {
			return rev, err
		}
		last = err
		e.cfg.Logger.Warn("no answer to a write", "stream subject", m.Subject, "attempt", attempt+1)
	}
	return 0, fmt.Errorf("%w: %w", ErrUnavailable, last)
}

var errNoAnswer = errors.New("no answer in time")

// answer is JetStream's reply to a publish.
type answer struct {
	Seq   uint64 `json:"seq"`
	Error *struct {
		Code        server.ErrorIdentifier `json:"err_code"`
		Description string                 `json:"description"`
	} `json:"error"`
}

// publish makes one attempt.
func (e *engine) publish(m *nats.Msg) (uint64, error) {
	reply, err := e.ask(m, e.cfg.AnswerWithin)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	var a answer
	if err := json.Unmarshal(reply.Data, &a); err != nil {
		return 0, fmt.Errorf("%w: answer to a write: %w", ErrUnavailable, err)
	}
	if a.Error != nil {
		return 0, refusal(a.Error.Code, a.Error.Description)
	}
	if a.Seq == 0 {
		return 0, fmt.Errorf("%w: answer to a write without a sequence", ErrUnavailable)
	}
	return a.Seq, nil
}

// refusal turns an error of JetStream into one of ours.
func refusal(code server.ErrorIdentifier, description string) error {
	switch code {
	case server.JSStreamWrongLastSequenceErrF, server.JSStreamWrongLastSequenceConstantErr:
		// The second is also said while an earlier write is in flight.
		return ErrStale
	case server.JSAccountResourcesExceededErr, server.JSInsufficientResourcesErr:
		return ErrFull
	case server.JSStreamStoreFailedF:
		if strings.Contains(description, server.ErrMaxBytes.Error()) {
			return ErrFull
		}
	}
	return fmt.Errorf("%w: %s (%d)", ErrUnavailable, description, code)
}

// findWrite looks for the write with the nonce. It was decided on expected, so
// if it is there it is the first entry after that.
func (e *engine) findWrite(ctx context.Context, id meeting.ID, expected, nonce uint64) (uint64, error) {
	var rev uint64
	err := e.each(ctx, shard(e.layout.shardOf(id)), id, expected, func(_ meeting.ID, m message) error {
		if m.nonce == nonce {
			rev = m.seq
		}
		return nil
	})
	switch {
	case err != nil:
		return 0, fmt.Errorf("%w: %w", errNoAnswer, err)
	case rev == 0:
		return 0, ErrStale
	}
	return rev, nil
}
