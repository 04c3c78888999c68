package ledger

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

const (
	// batchBytes is how much one request for stored messages brings, at
	// least one message. It bounds the memory of a long read.
	batchBytes    = 2 << 20
	batchMessages = 1000

	readAttempts = 3

	// replicaWithin is how long a replica is waited for that is asked first: it
	// may be frozen or cut off, and the next one asked another.
	replicaWithin = time.Second
)

// stored is a message where it is stored.
type stored struct {
	message
	seq uint64
	sum uint32
}

// parse reads a stored message. known is false for one that is to be passed
// over.
func parse(name string, seq uint64, raw []byte) (p subject, m stored, known bool, err error) {
	p, ok := parseSubject(name)
	if !ok {
		return p, m, false, fmt.Errorf("%w: subject %q", errMessage, name)
	}
	m.message, known, err = unseal(raw)
	if err != nil {
		return p, m, false, fmt.Errorf("message %d on %s: %w", seq, name, err)
	}
	m.seq, m.sum = seq, sumOf(raw)
	return p, m, known, nil
}

// parsed returns what takes messages as they are stored, and hands those that
// are not to be passed over to fn.
func parsed(fn func(subject, stored) error) func(name string, seq uint64, raw []byte) error {
	return func(name string, seq uint64, raw []byte) error {
		p, m, known, err := parse(name, seq, raw)
		if err != nil || !known {
			return err
		}
		return fn(p, m)
	}
}

// chain tells whether entries of a meeting are missing between two that are
// read one after the other.
type chain map[meeting.ID]uint32

// entry makes the reader's view of a message, and remembers it for the next.
func (c chain) entry(p subject, m stored) Entry {
	e := Entry{Revision: Revision{Seq: m.seq, sum: m.sum}, Time: m.time, Data: m.data, Fact: p.fact, end: m.kind == kindEnd}
	if p.fact {
		return e
	}
	last, known := c[p.id]
	e.Gap = known && last != m.before
	c[p.id] = m.sum
	return e
}

// Load returns the meeting's entries, oldest first; nil when there are none. Of
// an ended meeting only the last entry is left. through is the last revision
// that the caller knows of; the answer has it.
func (s *Slot) Load(ctx context.Context, id meeting.ID, through Revision) ([]Entry, error) {
	var entries []Entry
	err := again(ctx, s.log.cfg.GiveUp, func() error {
		var last uint64
		var err error
		entries, last, err = s.load(ctx, id, entrySubject(id))
		entries = sinceEnd(entries)
		if err == nil && last < through.Seq && s.log.cfg.replicated() {
			err = fmt.Errorf("%w: entry %d", errNoAnswer, through.Seq) // this replica lags behind
		}
		return err
	})
	return entries, err
}

// LoadWhole is Load for readers who want all there is: of a meeting that ended a
// moment ago also what its last entry has replaced. With replicas, the newest
// may be missing.
func (s *Slot) LoadWhole(ctx context.Context, id meeting.ID) ([]Entry, error) {
	entries, _, err := s.load(ctx, id, entrySubject(id))
	return entries, err
}

// sinceEnd leaves out what the entry that ends a meeting has replaced.
func sinceEnd(entries []Entry) []Entry {
	for i := len(entries) - 1; i > 0; i-- {
		if entries[i].end {
			return entries[i:]
		}
	}
	return entries
}

// LoadFacts returns the meeting's media-side facts, oldest first. With
// replicas, the newest may be missing.
func (s *Slot) LoadFacts(ctx context.Context, id meeting.ID) ([]Entry, error) {
	facts, _, err := s.load(ctx, id, factSubject(id))
	return facts, err
}

func (s *Slot) load(ctx context.Context, id meeting.ID, name string) (entries []Entry, last uint64, err error) {
	end, err := s.begin()
	if err != nil {
		return nil, 0, err
	}
	defer end()
	e, done, err := s.log.begin()
	if err != nil {
		return nil, 0, err
	}
	defer done()
	links := chain{}
	err = e.load(ctx, e.layout.streamOf(id.Slot()), name, 0, func(p subject, m stored) error {
		entries, last = append(entries, links.entry(p, m)), m.seq
		return nil
	})
	return entries, last, err
}

// load calls fn for the stored messages of a subject after the sequence, oldest
// first. With replicas it may not see the newest. A batch that gets lost is
// asked for again.
func (e *engine) load(ctx context.Context, stream int, name string, after uint64, fn func(subject, stored) error) error {
	b := batch{engine: e, stream: e.layout.streamName(stream), subject: name, after: after, fn: parsed(fn)}
	for failed := 0; ; {
		b.within = e.cfg.AnswerWithin
		if e.cfg.replicated() && failed == 0 {
			b.within = min(replicaWithin, b.within)
		}
		more, err := b.fetch(ctx)
		// Checked after the answer: a message that could not be read looks
		// like one that is not there.
		if trouble := e.check(); trouble != nil {
			return trouble
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
			if failed++; failed == readAttempts {
				return fmt.Errorf("%w: read: %w", ErrUnavailable, err)
			}
		}
	}
}

// batch reads a subject in pieces.
type batch struct {
	engine  *engine
	stream  string
	subject string        // "": all of the stream
	within  time.Duration // how long a message is waited for
	after   uint64        // sequence of the last message handed to fn
	fn      func(name string, seq uint64, raw []byte) error
}

// fetch asks for one piece and hands it to fn. more tells whether to ask again.
func (b *batch) fetch(ctx context.Context) (more bool, err error) {
	req := make([]byte, 0, 160)
	req = append(req, `{"seq":`...)
	req = strconv.AppendUint(req, b.after+1, 10)
	if b.subject != "" {
		req = append(req, `,"next_by_subj":"`+b.subject+`"`...)
	}
	req = append(req, `,"batch":`...)
	req = strconv.AppendInt(req, batchMessages, 10)
	req = append(req, `,"max_bytes":`...)
	req = strconv.AppendInt(req, batchBytes, 10)
	req = append(req, '}')
	return b.engine.direct(ctx, b.stream, req, b.within, b.deliver)
}

// direct asks for stored messages, each of which may take a while, and calls fn
// for each. more tells whether the stream has others.
func (e *engine) direct(ctx context.Context, stream string, req []byte, within time.Duration, fn func(*nats.Msg) error) (more bool, err error) {
	inbox := e.read.NewInbox()
	sub, err := e.read.SubscribeSync(inbox)
	if err != nil {
		return false, fmt.Errorf("%w: read: %w", errNoAnswer, err)
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only when the connection is gone
	if err := e.read.PublishRequest("$JS.API.DIRECT.GET."+stream, inbox, req); err != nil {
		return false, fmt.Errorf("%w: read: %w", errNoAnswer, err)
	}
	for {
		m, err := nextOf(ctx, sub, within)
		if err != nil {
			return false, err
		}
		if status := m.Header.Get("Status"); status != "" {
			return endOfBatch(status, m.Header)
		}
		if err := fn(m); err != nil {
			return false, err
		}
	}
}

func nextOf(ctx context.Context, sub *nats.Subscription, within time.Duration) (*nats.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
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
	case "503":
		return false, fmt.Errorf("%w: nobody answers for the stream", errNoAnswer)
	}
	return false, fmt.Errorf("%w: read refused: %s %s", ErrUnavailable, status, h.Get("Description"))
}

func (b *batch) deliver(m *nats.Msg) error {
	seq, err := sequenceOf(m)
	if err != nil {
		return err
	}
	if err := b.fn(m.Header.Get("Nats-Subject"), seq, m.Data); err != nil {
		return err
	}
	b.after = seq
	return nil
}

func sequenceOf(m *nats.Msg) (uint64, error) {
	seq, err := strconv.ParseUint(m.Header.Get("Nats-Sequence"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: sequence: %w", errMessage, err)
	}
	return seq, nil
}
