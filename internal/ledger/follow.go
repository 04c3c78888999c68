package ledger

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// What of a stream is under way during a scan. The bytes must be above the
// largest message, and well below what the server lets a connection have
// outstanding (64 MiB) before it cuts it off.
const (
	scanAhead         = 16 << 20
	scanAheadMessages = 8192
)

// scanPulse is how often a consumer shows that it lives. One that was made on
// another node may not hear the first request, and after two pulses without a
// sign another one is made.
const scanPulse = 500 * time.Millisecond

// follow calls fn for the messages of a stream after one sequence and up to
// another, in order; the message with the latter has to pass the filter, which
// is nil for all. It may be 0 where nobody writes meanwhile: all there is. A
// filter of several subjects has to be of one slot, and fn may be told of others
// of the slot, too.
//
// It reads through a JetStream consumer, which costs half of what batches do:
// fewer headers are made and read. But in a cluster, making one needs the
// cluster's leader, and it may come to lie on a node that is frozen or cut off.
// So when a consumer does not bring what it should, the next attempt reads
// batches, which any replica has, and the one after that is a consumer again. A
// replica may lag behind; it is waited there until the last message comes.
func (e *engine) follow(ctx context.Context, stream int, filter []string, after, through uint64, fn func(subject, stored) error) error {
	// A connection of its own: taking messages off a connection is the work
	// that the processors share.
	nc, err := e.connect("scan")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(e.cfg.AnswerWithin))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	r := reader{engine: e, js: js, stream: e.layout.streamName(stream), filter: filter, after: after, through: through, fn: parsed(fn)}
	return again(ctx, e.cfg.GiveUp, func() error {
		err := r.read(ctx)
		if trouble := e.check(); trouble != nil {
			return trouble
		}
		return err
	})
}

// reader reads a stream in order, in several attempts if it must.
type reader struct {
	engine  *engine
	js      jetstream.JetStream
	stream  string
	filter  []string
	after   uint64 // sequence of the last message handed to fn
	through uint64 // 0: as far as it goes
	fn      func(name string, seq uint64, raw []byte) error
	wait    time.Duration // for a message
	batches bool          // this attempt reads batches
}

func (r *reader) read(ctx context.Context) error {
	most := r.engine.cfg.AnswerWithin
	switch {
	case !r.engine.cfg.replicated():
		r.wait = most
	case r.wait == 0:
		r.wait = min(firstWait, most)
	default:
		r.wait = min(2*r.wait, most)
		r.batches = !r.batches
	}
	if r.batches {
		return r.readBatches(ctx)
	}
	return r.consume(ctx)
}

// consume reads through a consumer.
func (r *reader) consume(ctx context.Context) error {
	cfg := jetstream.OrderedConsumerConfig{FilterSubjects: r.filter}
	if r.after > 0 {
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, r.after+1
	}
	making, cancel := context.WithTimeout(ctx, min(r.engine.cfg.AnswerWithin, 4*r.wait))
	consumer, err := r.js.OrderedConsumer(making, r.stream, cfg)
	cancel()
	if err != nil {
		return fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	defer r.drop(consumer.CachedInfo().Name)
	if r.through == 0 && consumer.CachedInfo().NumPending == 0 {
		return nil
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessagesWithBytesLimit(scanAheadMessages, scanAhead), jetstream.PullHeartbeat(scanPulse))
	if err != nil {
		return fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	defer messages.Stop()
	for pending := uint64(1); r.after < r.through || r.through == 0 && pending > 0; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if pending, err = r.next(messages); err != nil {
			return err
		}
	}
	return nil
}

// drop ends a consumer. In a cluster nobody waits for that: who has it may be
// gone. If it fails, JetStream drops the consumer by itself later.
func (r *reader) drop(consumer string) {
	what := "$JS.API.CONSUMER.DELETE." + r.stream + "." + consumer
	if r.engine.cfg.replicated() {
		_ = r.js.Conn().Publish(what, nil)
		return
	}
	_, _ = r.js.Conn().Request(what, nil, r.wait)
}

// next hands one message to fn, and returns how many come after it.
func (r *reader) next(messages jetstream.MessagesContext) (pending uint64, err error) {
	m, err := messages.Next(jetstream.NextMaxWait(r.wait))
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	meta, err := m.Metadata()
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errMessage, err)
	}
	if err := r.fn(m.Subject(), meta.Sequence.Stream, m.Data()); err != nil {
		return 0, err
	}
	r.after = meta.Sequence.Stream
	return meta.NumPending, nil
}

// lagPause is how long a replica that lags behind gets before it is asked again.
const lagPause = 20 * time.Millisecond

// readBatches reads without a consumer.
func (r *reader) readBatches(ctx context.Context) error {
	b := batch{engine: r.engine, stream: r.stream, subject: r.pattern(), within: r.wait, after: r.after, fn: r.fn}
	for deadline := time.Now().Add(r.wait); r.after < r.through; {
		more, err := b.fetch(ctx)
		if err != nil {
			return err
		}
		if b.after > r.after {
			r.after, deadline = b.after, time.Now().Add(r.wait)
		}
		switch {
		case more:
		case time.Now().After(deadline):
			return fmt.Errorf("%w: message %d", errNoAnswer, r.through)
		case !pause(ctx, lagPause):
			return context.Cause(ctx)
		}
	}
	return nil
}

// pattern returns one subject that everything which passes the filter has, since
// a batch is of one; "" for all of the stream.
func (r *reader) pattern() string {
	switch len(r.filter) {
	case 0:
		return ""
	case 1:
		return r.filter[0]
	}
	_, rest, _ := strings.Cut(r.filter[0], ".")
	slot, _, _ := strings.Cut(rest, ".")
	return "*." + slot + ".*"
}
