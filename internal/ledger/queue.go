package ledger

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"

	"github.com/nats-io/nats.go"
)

// With replicas, a message that is checked against a subject is refused while
// another one checked against it is in flight. So the writes of a stream go one
// after the other, and what waits meanwhile goes together, as one atomic batch.
// Alone, JetStream would write a batch twice: there, messages go one by one,
// side by side.

const (
	batchMost      = 256     // messages of an atomic batch; JetStream takes 1000
	batchMostBytes = 2 << 20 // of their data
)

// op is one message to be written.
type op struct {
	stream int
	msg    *nats.Msg
	alone  bool // it is a marker, on which the others of a batch depend
	result chan result
}

type result struct {
	seq uint64
	err error
}

// send writes a message and waits for its answer.
func (e *engine) send(ctx context.Context, o *op) (uint64, error) {
	if e.queues == nil {
		return e.publish(o.stream, o.msg)
	}
	o.result = make(chan result, 1)
	q := e.queues[o.stream]
	select {
	case q.ops <- o:
	case <-q.stopped:
		return 0, errNobody
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	select {
	case r := <-o.result:
		return r.seq, r.err
	case <-q.stopped:
		return 0, errNoAnswer
	}
}

// queue writes the messages of one stream.
type queue struct {
	engine  *engine
	ops     chan *op
	stop    sync.Once
	stopped chan struct{}
	done    chan struct{}
}

func startQueues(e *engine) []*queue {
	queues := make([]*queue, e.layout.Streams)
	for i := range queues {
		queues[i] = &queue{engine: e, ops: make(chan *op, batchMost), stopped: make(chan struct{}), done: make(chan struct{})}
		go queues[i].run()
	}
	return queues
}

func (q *queue) close() {
	q.stop.Do(func() { close(q.stopped) })
	<-q.done
}

func (q *queue) run() {
	defer close(q.done)
	var next *op // taken from the channel, but not for the batch before it
	for {
		first := next
		next = nil
		if first == nil {
			select {
			case first = <-q.ops:
			case <-q.stopped:
				return
			}
		}
		var batch []*op
		batch, next = q.collect(first)
		q.write(batch)
	}
}

// collect returns what can be written together with first, and an op that
// cannot.
func (q *queue) collect(first *op) (batch []*op, next *op) {
	batch = []*op{first}
	if first.alone {
		return batch, nil
	}
	for size := len(first.msg.Data); len(batch) < batchMost; {
		select {
		case o := <-q.ops:
			if size += len(o.msg.Data); o.alone || size > batchMostBytes {
				return batch, o
			}
			batch = append(batch, o)
		default:
			return batch, nil
		}
	}
	return batch, nil
}

// write writes a batch and tells each op what came of it. When a batch is
// refused for a fence, nobody says whose: then each goes by itself.
func (q *queue) write(batch []*op) {
	if len(batch) > 1 {
		last, err := q.engine.publishTogether(batch)
		if !errors.Is(err, errFence) {
			for i, o := range batch {
				o.result <- result{last - uint64(len(batch)-1-i), err}
			}
			return
		}
	}
	for _, o := range batch {
		seq, err := q.engine.publish(o.stream, o.msg)
		o.result <- result{seq, err}
	}
}

// publishTogether makes one attempt to write all of the batch or nothing, and
// returns the sequence of the last message. The others come right before it.
func (e *engine) publishTogether(batch []*op) (uint64, error) {
	if len(batch) == 1 {
		return e.publish(batch[0].stream, batch[0].msg)
	}
	id := strconv.FormatUint(rand.Uint64(), 36)
	for i, o := range batch {
		m := &nats.Msg{Subject: o.msg.Subject, Data: o.msg.Data, Header: nats.Header{
			"Nats-Batch-Id":       {id},
			"Nats-Batch-Sequence": {strconv.Itoa(i + 1)},
		}}
		for name, value := range o.msg.Header {
			m.Header[name] = value
		}
		if i == len(batch)-1 {
			m.Header["Nats-Batch-Commit"] = []string{"1"}
			return e.publish(o.stream, m)
		}
		if err := e.write.PublishMsg(m); err != nil {
			return 0, errNobody // without its end a batch is dropped
		}
	}
	return 0, errNobody
}
