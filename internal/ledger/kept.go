package ledger

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// What is kept of ended meetings reaches all nodes of a cluster through a stream
// of its own, with one message for each meeting and as many replicas as the
// meetings had. The oldest make room for the newest; nothing waits for a fence,
// since the first message of a meeting stays and later ones are refused. Alone
// there is no such stream.

const (
	keptStream = "KEPT"
	keptPrefix = "kp."

	// absent is what a message expects that has to be the first of its meeting.
	absent = "0"
)

// OpenKept makes the stream of what is kept of ended meetings when it is not
// there, and brings its bounds up to date, Config.KeptAge and Config.KeptBytes.
// Until it has succeeded on some node, the other methods for it fail.
func (l *Log) OpenKept(ctx context.Context) error {
	e, done, err := l.begin()
	if err != nil {
		return err
	}
	defer done()
	ctx, cancel := context.WithTimeout(ctx, e.cfg.AnswerWithin)
	defer cancel()
	js, err := jetstream.New(e.read)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	stream, err := js.Stream(ctx, keptStream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		_, err = js.CreateStream(ctx, jetstream.StreamConfig{
			Name: keptStream, Subjects: []string{keptPrefix + "*"}, Storage: jetstream.FileStorage, Replicas: e.cfg.Replicas,
			Discard: jetstream.DiscardOld, MaxBytes: e.cfg.KeptBytes, MaxAge: e.cfg.KeptAge, AllowDirect: true,
		})
		return unavailable(err)
	}
	if err != nil {
		return unavailable(err)
	}
	c := stream.CachedInfo().Config
	if c.MaxBytes == e.cfg.KeptBytes && c.MaxAge == e.cfg.KeptAge {
		return nil
	}
	c.MaxBytes, c.MaxAge = e.cfg.KeptBytes, e.cfg.KeptAge
	if _, err := js.UpdateStream(ctx, c); err != nil { // such as while too few nodes are there; the old bounds do as well
		e.cfg.Logger.Warn("how much is kept of ended meetings is as it was", "err", err)
	}
	return nil
}

// Preserve stores what is to be kept of an ended meeting, on as many nodes as
// its records were. When something of it is stored already, that stays and no
// error is returned. ctx is looked at between attempts. The data may have
// MaxEntry bytes.
func (l *Log) Preserve(ctx context.Context, id meeting.ID, data []byte) error {
	if len(data) > MaxEntry {
		return ErrTooLarge
	}
	return again(ctx, l.cfg.GiveUp, func() error {
		e, done, err := l.begin()
		if err != nil {
			return err
		}
		defer done()
		_, err = e.publish(beside, &nats.Msg{Subject: keptPrefix + id.String(), Data: data, Header: nats.Header{expectedSequence: {absent}}})
		if errors.Is(err, errFence) {
			return nil // it is there, perhaps by an attempt whose answer got lost
		}
		return err
	})
}

// Preserved calls fn for what was preserved behind the sequence, oldest first,
// until fn fails. With replicas, the newest may be missing; see PreservedRange.
func (l *Log) Preserved(ctx context.Context, after uint64, fn func(seq uint64, id meeting.ID, data []byte) error) error {
	e, done, err := l.begin()
	if err != nil {
		return err
	}
	defer done()
	b := batch{engine: e, stream: keptStream, within: e.cfg.AnswerWithin, after: after, fn: func(name string, seq uint64, data []byte) error {
		id, ok := meeting.ParseID(strings.TrimPrefix(name, keptPrefix))
		if !ok {
			return fmt.Errorf("%w: subject of an ended meeting", errMessage)
		}
		return fn(seq, id, data)
	}}
	for {
		more, err := b.fetch(ctx)
		if err != nil || !more {
			return unavailable(err)
		}
	}
}

// PreservedRange asks the stream's leader for the sequences of the first and of
// the last of what is preserved now. last 0 means that nothing ever was; first
// is above 1 once something has gone.
func (l *Log) PreservedRange(ctx context.Context) (first, last uint64, err error) {
	e, done, err := l.begin()
	if err != nil {
		return 0, 0, err
	}
	defer done()
	var info struct {
		State *struct {
			First uint64 `json:"first_seq"`
			Last  uint64 `json:"last_seq"`
		} `json:"state"`
	}
	if err := e.api(ctx, "STREAM.INFO."+keptStream, nil, &info); err != nil {
		return 0, 0, unavailable(err)
	}
	if info.State == nil {
		return 0, 0, fmt.Errorf("%w: state of %s not told", ErrUnavailable, keptStream)
	}
	return info.State.First, info.State.Last, nil
}
