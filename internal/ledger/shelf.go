package ledger

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The shelf keeps what has to outlive the meetings it came from, such as events
// that nobody took. It is a stream of its own, made when something is put on it
// for the first time, with as many replicas as the meetings have. It has no
// fence: the same thing put there twice is there once.

const (
	shelfStream = "SHELF"
	shelfPrefix = "sh."
	beside      = -1 // stands for a stream that is not among those of meetings, which are counted from 0
)

// Shelve keeps data under the key, in place of what was there, for
// Config.ShelfAge. The key is of letters, digits, dashes, and dots between them.
// It returns ErrFull when there is no room.
func (l *Log) Shelve(ctx context.Context, key string, data []byte) error {
	if len(data) > MaxEntry {
		return ErrTooLarge
	}
	e, done, err := l.begin()
	if err != nil {
		return err
	}
	defer done()
	m := &nats.Msg{Subject: shelfPrefix + key, Data: data}
	if _, err = e.publish(beside, m); !errors.Is(err, errNobody) {
		return unavailable(err)
	}
	if err := e.openShelf(ctx); err != nil {
		return err
	}
	_, err = e.publish(beside, m)
	return unavailable(err)
}

// unavailable makes an error of one attempt one for callers.
func unavailable(err error) error {
	if err == nil || errors.Is(err, ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

func (e *engine) openShelf(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.AnswerWithin)
	defer cancel()
	js, err := jetstream.New(e.read)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	_, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: shelfStream, Subjects: []string{shelfPrefix + ">"}, Storage: jetstream.FileStorage, Replicas: e.cfg.Replicas,
		Discard: jetstream.DiscardNew, MaxMsgsPerSubject: 1, MaxBytes: e.cfg.ShelfBytes, MaxAge: e.cfg.ShelfAge, AllowDirect: true,
	})
	if err != nil {
		return fmt.Errorf("%w: shelf: %w", ErrUnavailable, err)
	}
	return nil
}

// Shelved calls fn for everything on the shelf, oldest first, with the time it
// was put there, until fn fails.
func (l *Log) Shelved(ctx context.Context, fn func(key string, at time.Time, data []byte) error) error {
	e, done, err := l.begin()
	if err != nil {
		return err
	}
	defer done()
	after := uint64(0)
	take := func(m *nats.Msg) error {
		seq, err := sequenceOf(m)
		if err != nil {
			return err
		}
		at, err := time.Parse(time.RFC3339Nano, m.Header.Get("Nats-Time-Stamp"))
		if err != nil {
			return fmt.Errorf("%w: time: %w", errMessage, err)
		}
		after = seq
		return fn(strings.TrimPrefix(m.Header.Get("Nats-Subject"), shelfPrefix), at, m.Data)
	}
	for {
		req := `{"seq":` + strconv.FormatUint(after+1, 10) + `,"next_by_subj":"` + shelfPrefix + `>","batch":` +
			strconv.Itoa(batchMessages) + `,"max_bytes":` + strconv.Itoa(batchBytes) + `}`
		more, err := e.direct(ctx, shelfStream, []byte(req), e.cfg.AnswerWithin, take)
		if err != nil && after == 0 && e.shelfMissing(ctx) {
			return nil // nothing was ever put there
		}
		if err != nil || !more {
			return unavailable(err)
		}
	}
}

// shelfMissing tells whether it is certain that there is no shelf.
func (e *engine) shelfMissing(ctx context.Context) bool {
	var a struct {
		Error *struct {
			Code int `json:"code"`
		} `json:"error"`
	}
	err := e.api(ctx, "STREAM.INFO."+shelfStream, nil, &a)
	return err == nil && a.Error != nil && a.Error.Code == 404
}

// Unshelve takes away what is under the key, if anything is.
func (l *Log) Unshelve(ctx context.Context, key string) error {
	e, done, err := l.begin()
	if err != nil {
		return err
	}
	defer done()
	return unavailable(e.purgeOf(ctx, shelfStream, shelfPrefix+key, 0))
}
