package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/carillon-meetings/carillon/internal/durable"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// Streams and their subjects:
//
//	MT00 … MTnn   mt.<shard>.<meeting>   meetings
//	EV            ev.<meeting>           media-side facts
const factStream = "EV"

// shard is one stream. The last one of a Log, factShard, is EV.
type shard int

func (l layout) factShard() shard { return shard(l.Shards) }

// streamName returns the stream of a shard.
func (l layout) streamName(s shard) string {
	if s == l.factShard() {
		return factStream
	}
	return fmt.Sprintf("MT%02d", s)
}

// names tells whether one of the streams has the name.
func (l layout) names(stream string) bool {
	for s := range l.Shards + 1 {
		if l.streamName(shard(s)) == stream {
			return true
		}
	}
	return false
}

// prefix returns the subjects of a stream without the meeting.
func (l layout) prefix(s shard) string {
	if s == l.factShard() {
		return "ev."
	}
	return fmt.Sprintf("mt.%d.", s)
}

// subject returns where a meeting's messages go in the stream.
func (l layout) subject(s shard, id meeting.ID) string {
	return l.prefix(s) + id.String()
}

// meetingOf returns the meeting named by the last token of a subject.
func meetingOf(subject string) (meeting.ID, bool) {
	const length = 36
	if len(subject) < length {
		return meeting.ID{}, false
	}
	return meeting.ParseID(subject[len(subject)-length:])
}

func (e *engine) streamConfig(s shard) jetstream.StreamConfig {
	cfg := jetstream.StreamConfig{
		Name:        e.layout.streamName(s),
		Subjects:    []string{e.layout.prefix(s) + "*"},
		Retention:   jetstream.LimitsPolicy,
		Storage:     jetstream.FileStorage,
		Replicas:    1,
		Discard:     jetstream.DiscardNew, // full means refused, never dropped
		MaxBytes:    e.hardLimit(),
		MaxAge:      e.cfg.MaxAge,
		Duplicates:  min(100*time.Millisecond, e.cfg.MaxAge), // unused: the expected revision does its work
		AllowRollup: true,
		AllowDirect: true,
	}
	if s == e.layout.factShard() {
		cfg.AllowRollup = false
		cfg.Duplicates = min(factWindow, e.cfg.MaxAge)
	}
	return cfg
}

// hardLimit is the size at which JetStream itself refuses a message. It leaves
// room above the limit of space.go, so that meetings can be ended, and with it
// space be freed, when the ledger is full.
func (e *engine) hardLimit() int64 {
	if e.cfg.MaxBytes == 0 {
		return -1
	}
	return e.cfg.MaxBytes/int64(e.layout.Shards) + 2*endReserve
}

// openStreams creates the streams of a new directory side by side, or checks
// that those of an old one are all there.
func (e *engine) openStreams(ctx context.Context) error {
	js, err := jetstream.New(e.read)
	if err != nil {
		return fmt.Errorf("open streams: %w", err)
	}
	errs := make([]error, e.layout.Shards+1)
	var wg sync.WaitGroup
	for s := range errs {
		wg.Go(func() { errs[s] = e.openStream(ctx, js, e.streamConfig(shard(s))) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if e.layout.Created {
		return nil
	}
	if err := durable.SyncTree(e.cfg.Dir); err != nil {
		return err
	}
	e.layout.Created = true
	return e.layout.save(e.cfg.Dir)
}

func (e *engine) openStream(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) error {
	if !e.layout.Created {
		_, err := js.CreateOrUpdateStream(ctx, want)
		if err != nil {
			return fmt.Errorf("create stream %s: %w", want.Name, err)
		}
		return nil
	}
	stream, err := js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("stream %s is missing from the data directory: restore it from a backup, or start with another directory", want.Name)
	}
	if err != nil {
		return fmt.Errorf("open stream %s: %w", want.Name, err)
	}
	have := stream.CachedInfo().Config
	if have.MaxBytes == want.MaxBytes && have.MaxAge == want.MaxAge {
		return nil
	}
	have.MaxBytes, have.MaxAge = want.MaxBytes, want.MaxAge
	if _, err := js.UpdateStream(ctx, have); err != nil {
		return fmt.Errorf("change limits of stream %s: %w", want.Name, err)
	}
	return nil
}

// streamState is what JetStream tells of a stream.
type streamState struct {
	Messages uint64 `json:"messages"`
	Bytes    int64  `json:"bytes"`
	LastSeq  uint64 `json:"last_seq"`
}

// streamState asks for the state of a stream.
func (e *engine) streamState(ctx context.Context, s shard) (streamState, error) {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.AnswerWithin)
	defer cancel()
	m, err := e.read.RequestWithContext(ctx, "$JS.API.STREAM.INFO."+e.layout.streamName(s), nil)
	if err != nil {
		return streamState{}, fmt.Errorf("%w: state of %s: %w", ErrUnavailable, e.layout.streamName(s), err)
	}
	var info struct {
		State *streamState `json:"state"`
	}
	if err := json.Unmarshal(m.Data, &info); err != nil || info.State == nil {
		return streamState{}, fmt.Errorf("%w: state of %s not told", ErrUnavailable, e.layout.streamName(s))
	}
	return *info.State, nil
}
