package ledger

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

const (
	// batchBytes is how much one request for stored messages brings, at
	// least one message. It bounds the memory of a long read.
	batchBytes    = 2 << 20
	batchMessages = 1000
)

// message is a stored message.
type message struct {
	envelope
	seq uint64
}

func (m message) entry() Entry { return Entry{Revision: m.seq, Time: m.time, Data: m.data} }

// Load returns the meeting's entries after the given revision, oldest first;
// nil when there are none. Of an ended meeting only the last entry and what
// came after it are left.
func (l *Log) Load(ctx context.Context, id meeting.ID, after uint64) ([]Entry, error) {
	return l.load(ctx, shard(l.layout.shardOf(id)), id, after)
}

// LoadFacts returns the meeting's media-side facts, oldest first.
func (l *Log) LoadFacts(ctx context.Context, id meeting.ID) ([]Entry, error) {
	return l.load(ctx, l.layout.factShard(), id, 0)
}

func (l *Log) load(ctx context.Context, sh shard, id meeting.ID, after uint64) ([]Entry, error) {
	e, done, err := l.begin()
	if err != nil {
		return nil, err
	}
	defer done()
	var entries []Entry
	err = e.each(ctx, sh, id, after, func(_ meeting.ID, m message) error {
		if m.kind == kindEnd {
			// A crash right after an End leaves the entries it replaces.
			entries = entries[:0]
		}
		entries = append(entries, m.entry())
		return nil
	})
	if err != nil {
		return nil, err
	}
	return entries, nil
}

// each calls fn for the meeting's stored messages after the sequence.
func (e *engine) each(ctx context.Context, sh shard, id meeting.ID, after uint64, fn func(meeting.ID, message) error) error {
	return e.stream(ctx, e.read, sh, e.layout.subject(sh, id), after, fn)
}

// stream calls fn for all stored messages of a subject (or pattern) after the
// sequence, oldest first. A batch that gets lost is asked for again.
func (e *engine) stream(ctx context.Context, nc *nats.Conn, sh shard, subject string, after uint64, fn func(meeting.ID, message) error) error {
	b := batch{engine: e, nc: nc, shard: sh, subject: subject, after: after, fn: fn}
	for failed := 0; ; {
		more, err := b.fetch(ctx)
		// Checked after the answer: a message that could not be read looks
		// like one that is not there.
		if err := e.check(); err != nil {
			return err
		}
		switch {
		case err == nil && !more:
			return nil
		case err == nil:
			failed = 0
		case !errors.Is(err, errNoAnswer):
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		default:
			if failed++; failed == attempts {
				return fmt.Errorf("%w: read: %w", ErrUnavailable, err)
			}
		}
	}
}

// batch reads a subject in pieces.
type batch struct {
	engine  *engine
	nc      *nats.Conn
	shard   shard
	subject string
	after   uint64 // sequence of the last message handed to fn
	fn      func(meeting.ID, message) error
}

// fetch asks for one piece and hands it to fn. more tells whether to ask again.
func (b *batch) fetch(ctx context.Context) (more bool, err error) {
	inbox := b.nc.NewInbox()
	sub, err := b.nc.SubscribeSync(inbox)
	if err != nil {
		return false, fmt.Errorf("%w: read: %w", ErrUnavailable, err)
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only when the connection is gone
	req := make([]byte, 0, 160)
	req = append(req, `{"seq":`...)
	req = strconv.AppendUint(req, b.after+1, 10)
	req = append(req, `,"next_by_subj":"`+b.subject+`","batch":`...)
	req = strconv.AppendInt(req, batchMessages, 10)
	req = append(req, `,"max_bytes":`...)
	req = strconv.AppendInt(req, batchBytes, 10)
	req = append(req, '}')
	if err := b.nc.PublishRequest("$JS.API.DIRECT.GET."+b.engine.layout.streamName(b.shard), inbox, req); err != nil {
		return false, fmt.Errorf("%w: read: %w", ErrUnavailable, err)
	}
	for {
		m, err := b.next(ctx, sub)
		if err != nil {
			return false, err
		}
		if status := m.Header.Get("Status"); status != "" {
			return endOfBatch(status, m.Header)
		}
		if err := b.deliver(m); err != nil {
			return false, err
		}
	}
}

func (b *batch) next(ctx context.Context, sub *nats.Subscription) (*nats.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, b.engine.cfg.AnswerWithin)
	defer cancel()
	m, err := sub.NextMsgWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	return m, nil
}

func endOfBatch(status string, h nats.Header) (more bool, err error) {
	switch status {
	case "204":
		pending, err := strconv.ParseUint(h.Get("Nats-Num-Pending"), 10, 64)
		return pending > 0, err
	case "404":
		return false, nil
	}
	return false, fmt.Errorf("%w: read refused: %s %s", ErrUnavailable, status, h.Get("Description"))
}

func (b *batch) deliver(m *nats.Msg) error {
	seq, err := strconv.ParseUint(m.Header.Get("Nats-Sequence"), 10, 64)
	if err != nil {
		return fmt.Errorf("%w: sequence: %w", errEnvelope, err)
	}
	id, msg, err := parse(m.Header.Get("Nats-Subject"), seq, m.Data)
	if err != nil {
		return err
	}
	b.after = seq
	return b.fn(id, msg)
}

// parse reads a stored message.
func parse(subject string, seq uint64, data []byte) (meeting.ID, message, error) {
	id, ok := meetingOf(subject)
	if !ok {
		return id, message{}, fmt.Errorf("%w: subject %q", errEnvelope, subject)
	}
	e, err := unseal(data)
	if err != nil {
		return id, message{}, fmt.Errorf("meeting %v: %w", id, err)
	}
	return id, message{e, seq}, nil
}
