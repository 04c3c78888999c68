package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// From one machine to a cluster: when a directory of one machine is opened with
// a cluster's configuration, its messages are copied into the cluster's streams,
// in order, before anybody may own a slot there. Until that is done the old
// streams stay what counts, untouched; a move that is cut off begins anew. The
// embedded server could not take its old streams into a cluster: what it finds
// on its disk and the cluster has not heard of, it removes.
//
// Markers stay behind, since every owner in the cluster writes its own.

const (
	moveMost      = 256     // messages that are written at a time
	moveMostBytes = 1 << 20 // of their data

	expectedLast = "Nats-Expected-Last-Sequence" // of the stream
)

// move starts the engine and moves the directory's meetings there.
func (l *Log) move(ctx context.Context) (*engine, error) {
	if l.layout.Moving == "" {
		l.layout.Moving = rand.Text()
		if err := l.layout.save(l.cfg.Dir); err != nil {
			return nil, err
		}
	}
	from, err := startEngine(ctx, l.cfg.before(), l.layout, newTrouble(l.fault))
	if err != nil {
		return nil, fmt.Errorf("move the meetings of one machine: %w", err)
	}
	defer from.stop()
	to, err := startEngine(ctx, l.cfg, l.layout, newTrouble(l.fault))
	if err != nil {
		return nil, err
	}
	l.cfg.Logger.Info("moving the meetings of one machine into the cluster")
	if err := moveAll(ctx, from, to); err != nil {
		to.stop()
		return nil, fmt.Errorf("move the meetings of one machine: %w", err)
	}
	to.layout.Shared, to.layout.Moving = true, ""
	if err := to.created(); err != nil {
		to.stop()
		return nil, err
	}
	from.stop()
	if err := os.RemoveAll(filepath.Join(l.cfg.Dir, streamsDir)); err != nil {
		l.cfg.Logger.Warn("the streams of one machine could not be removed; they can go", "err", err)
	}
	return to, nil
}

// before returns the configuration that one machine had.
func (c Config) before() Config {
	c.Cluster, c.URL, c.Replicas = nil, "", 1
	return c
}

// moveAll copies all streams. When one of them is said to be complete already,
// all are, and the process before this one only did not come to say so.
func moveAll(ctx context.Context, from, to *engine) error {
	js, err := jetstream.New(to.read)
	if err != nil {
		return err
	}
	streams, complete := make([]jetstream.Stream, to.layout.Streams), false
	for i := range streams {
		if streams[i], err = js.Stream(ctx, to.layout.streamName(i)); err != nil {
			return err
		}
		complete = complete || streams[i].CachedInfo().Config.Metadata[metaMoving] == ""
	}
	if !complete {
		err = to.eachStream(func(i int) error { return moveStream(ctx, from, to, streams[i]) })
		if err != nil {
			return err
		}
	}
	for i := range streams { // the first one is what others look at
		if err := moved(ctx, js, streams[len(streams)-1-i]); err != nil {
			return err
		}
	}
	return nil
}

// moved says that the stream has everything.
func moved(ctx context.Context, js jetstream.JetStream, s jetstream.Stream) error {
	c := s.CachedInfo().Config
	c.Metadata = maps.Clone(c.Metadata)
	delete(c.Metadata, metaMoving)
	_, err := js.UpdateStream(ctx, c)
	return err
}

// moveStream copies one stream, after taking out what an earlier attempt left.
func moveStream(ctx context.Context, from, to *engine, s jetstream.Stream) error {
	if err := s.Purge(ctx); err != nil {
		return err
	}
	info, err := s.Info(ctx)
	if err != nil {
		return err
	}
	c := copier{ctx: ctx, to: to, last: info.State.LastSeq}
	for i := range to.layout.Streams {
		if to.layout.streamName(i) == info.Config.Name {
			c.stream = i
		}
	}
	nc, err := from.connect("move")
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(from.cfg.AnswerWithin))
	if err != nil {
		return err
	}
	r := reader{engine: from, js: js, stream: info.Config.Name, fn: c.add}
	if err := r.read(ctx); err != nil {
		return err
	}
	return c.flush()
}

// copier writes messages to a stream, some at a time, each only if it comes
// right behind the one before it. So one without an answer can be tried again.
type copier struct {
	ctx    context.Context
	to     *engine
	stream int
	last   uint64 // sequence of the stream's last message
	batch  []*op
	size   int
}

// add takes the next message in.
func (c *copier) add(name string, _ uint64, raw []byte) error {
	if p, ok := parseSubject(name); ok && p.marker {
		return nil
	}
	c.batch = append(c.batch, &op{stream: c.stream, msg: &nats.Msg{Subject: name, Data: raw, Header: nats.Header{}}})
	if c.size += len(raw); len(c.batch) < moveMost && c.size < moveMostBytes {
		return nil
	}
	return c.flush()
}

// flush writes what was taken in.
func (c *copier) flush() error {
	if len(c.batch) == 0 {
		return nil
	}
	c.batch[0].msg.Header.Set(expectedLast, strconv.FormatUint(c.last, 10))
	through := c.last + uint64(len(c.batch))
	err := again(c.ctx, c.to.cfg.GiveUp, func() error {
		_, err := c.to.publishTogether(c.batch)
		if !errors.Is(err, errNoAnswer) && !errors.Is(err, errFence) {
			return err
		}
		state, asked := c.to.streamState(c.ctx, c.stream)
		if asked == nil && state.LastSeq == through {
			return nil
		}
		return err
	})
	c.last, c.batch, c.size = through, nil, 0
	return err
}
