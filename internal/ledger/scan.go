package ledger

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// scanAhead is how many bytes of a shard are under way during a scan. It must be
// above the largest message, and well below what the server lets a connection
// have outstanding (64 MiB) before it cuts it off.
const scanAhead = 16 << 20

// Scan calls fn for every entry now stored, the entries of one meeting in
// order. It calls fn from several goroutines at once, but never from two for
// the same meeting. Entries appended while it runs may or may not be seen. It
// stops at fn's first error and returns it.
//
// It also finds the ended meetings whose entries are still to vanish, so it has
// to be called once after Open.
func (l *Log) Scan(ctx context.Context, fn func(id meeting.ID, e Entry) error) error {
	return l.scan(ctx, 0, l.layout.factShard(), func(id meeting.ID, m message) error {
		if m.kind == kindEnd {
			l.expiry.add(id, m.seq, m.expires)
		}
		return fn(id, m.entry())
	})
}

// ScanFacts calls fn for every media-side fact now stored, in the order in
// which they were stored, from one goroutine.
func (l *Log) ScanFacts(ctx context.Context, fn func(id meeting.ID, e Entry) error) error {
	return l.scan(ctx, l.layout.factShard(), l.layout.factShard()+1, func(id meeting.ID, m message) error {
		return fn(id, m.entry())
	})
}

// scan reads the shards from ≤ s < to, one for each processor at a time.
func (l *Log) scan(ctx context.Context, from, to shard, fn func(meeting.ID, message) error) error {
	e, done, err := l.begin()
	if err != nil {
		return err
	}
	defer done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	shards := make(chan shard, to-from)
	for s := from; s < to; s++ {
		shards <- s
	}
	close(shards)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), int(to-from)) {
		wg.Go(func() {
			if err := e.scanSome(ctx, shards, fn); err != nil {
				cancel(err) // the first one is kept
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// scanSome reads shards over a connection of its own: taking messages off a
// connection is the work that the processors share.
func (e *engine) scanSome(ctx context.Context, shards <-chan shard, fn func(meeting.ID, message) error) error {
	nc, err := connect(e.server, "scan")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(e.cfg.AnswerWithin))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	for s := range shards {
		if err := e.scanShard(ctx, js, s, fn); err != nil {
			return err
		}
	}
	return nil
}

// scanShard reads one stream from the beginning. It does so through a JetStream
// consumer, which costs half of what batches do: fewer headers are made and
// read. When that stops answering, the rest is read in batches, which keep
// asking.
func (e *engine) scanShard(ctx context.Context, js jetstream.JetStream, s shard, fn func(meeting.ID, message) error) error {
	r := reader{stream: e.layout.streamName(s), wait: jetstream.NextMaxWait(e.cfg.AnswerWithin), fn: fn}
	err := r.read(ctx, js)
	if err := e.check(); err != nil {
		return err
	}
	if errors.Is(err, errNoAnswer) && ctx.Err() == nil {
		return e.stream(ctx, js.Conn(), s, e.layout.prefix(s)+"*", r.after, fn)
	}
	return err
}

// reader reads a stream in order through a consumer.
type reader struct {
	stream string
	wait   jetstream.NextOpt
	after  uint64 // sequence of the last message handed to fn
	fn     func(meeting.ID, message) error
}

func (r *reader) read(ctx context.Context, js jetstream.JetStream) error {
	consumer, err := js.OrderedConsumer(ctx, r.stream, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	info := consumer.CachedInfo()
	defer func() {
		// If this fails, JetStream drops the consumer by itself later.
		_ = js.DeleteConsumer(context.WithoutCancel(ctx), r.stream, info.Name)
	}()
	if info.NumPending == 0 {
		return nil
	}
	messages, err := consumer.Messages(jetstream.PullMaxBytes(scanAhead))
	if err != nil {
		return fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	defer messages.Stop()
	for more := true; more; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if more, err = r.next(messages); err != nil {
			return err
		}
	}
	return nil
}

// next hands one message to fn. more tells whether the stream has others.
func (r *reader) next(messages jetstream.MessagesContext) (more bool, err error) {
	m, err := messages.Next(r.wait)
	if err != nil {
		return false, fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	meta, err := m.Metadata()
	if err != nil {
		return false, fmt.Errorf("%w: %w", errEnvelope, err)
	}
	id, msg, err := parse(m.Subject(), meta.Sequence.Stream, m.Data())
	if err != nil {
		return false, err
	}
	r.after = msg.seq
	return meta.NumPending > 0, r.fn(id, msg)
}
