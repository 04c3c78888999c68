package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/carillon-meetings/carillon/internal/durable"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

func (e *engine) streamConfig(stream int) jetstream.StreamConfig {
	cfg := jetstream.StreamConfig{
		Name:               e.layout.streamName(stream),
		Retention:          jetstream.LimitsPolicy,
		Storage:            jetstream.FileStorage,
		Replicas:           e.cfg.Replicas,
		Discard:            jetstream.DiscardNew, // full means refused, never dropped
		MaxBytes:           e.hardLimit(),
		MaxAge:             e.cfg.MaxAge,
		Duplicates:         min(100*time.Millisecond, e.cfg.MaxAge), // unused: the nonce does its work
		AllowDirect:        true,
		AllowAtomicPublish: !e.cfg.alone(),
	}
	if !e.cfg.alone() {
		cfg.Metadata = e.metadata()
	}
	for slot := stream; slot < meeting.Slots; slot += e.layout.Streams {
		cfg.Subjects = append(cfg.Subjects, patterns(slot)...)
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
	return e.cfg.MaxBytes/int64(e.layout.Streams) + 2*endReserve
}

// openStreams creates the streams of a new directory side by side, or checks
// that those of an old one are all there.
func (e *engine) openStreams(ctx context.Context) error {
	js, err := jetstream.New(e.read)
	if err != nil {
		return fmt.Errorf("open streams: %w", err)
	}
	if !e.cfg.alone() {
		return e.openShared(ctx, js)
	}
	err = e.eachStream(func(stream int) error { return e.openStream(ctx, js, stream, !e.layout.Created) })
	if err != nil || e.layout.Created {
		return err
	}
	return e.created()
}

// eachStream calls fn for all streams side by side.
func (e *engine) eachStream(fn func(stream int) error) error {
	errs := make([]error, e.layout.Streams)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = fn(i) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// created notes that all streams exist.
func (e *engine) created() error {
	if err := durable.SyncTree(e.cfg.Dir); err != nil {
		return err
	}
	e.layout.Created = true
	return e.layout.save(e.cfg.Dir)
}

// openStream opens a stream and brings its configuration up to date. create
// makes one that is not there.
func (e *engine) openStream(ctx context.Context, js jetstream.JetStream, stream int, create bool) error {
	want := e.streamConfig(stream)
	there, err := js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) && create {
		if _, err := js.CreateStream(ctx, want); err != nil {
			return fmt.Errorf("create stream %s: %w", want.Name, err)
		}
		return nil
	}
	if errors.Is(err, jetstream.ErrStreamNotFound) && e.cfg.alone() {
		return fmt.Errorf("stream %s is missing from the data directory: restore it from a backup, or start with another directory", want.Name)
	}
	if err != nil {
		return fmt.Errorf("open stream %s: %w", want.Name, err)
	}
	have := there.CachedInfo()
	if !e.cfg.alone() && have.Cluster != nil && have.Cluster.Leader == "" {
		return fmt.Errorf("stream %s: %w", want.Name, errNobody)
	}
	c := have.Config
	if c.MaxBytes == want.MaxBytes && c.MaxAge == want.MaxAge && c.Replicas == want.Replicas && c.AllowAtomicPublish == want.AllowAtomicPublish {
		return nil
	}
	c.MaxBytes, c.MaxAge, c.Replicas, c.AllowAtomicPublish = want.MaxBytes, want.MaxAge, want.Replicas, want.AllowAtomicPublish
	if _, err := js.UpdateStream(ctx, c); err != nil {
		return fmt.Errorf("change stream %s: %w", want.Name, err)
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
func (e *engine) streamState(ctx context.Context, stream int) (streamState, error) {
	var info struct {
		State *streamState `json:"state"`
	}
	name := e.layout.streamName(stream)
	if err := e.api(ctx, "STREAM.INFO."+name, nil, &info); err != nil {
		return streamState{}, fmt.Errorf("%w: state of %s: %w", ErrUnavailable, name, err)
	}
	if info.State == nil {
		return streamState{}, fmt.Errorf("%w: state of %s not told", ErrUnavailable, name)
	}
	return *info.State, nil
}

// api makes a request to JetStream and reads the answer.
func (e *engine) api(ctx context.Context, what string, request, answer any) error {
	var body []byte
	if request != nil {
		var err error
		if body, err = json.Marshal(request); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, e.cfg.AnswerWithin)
	defer cancel()
	m, err := e.read.RequestWithContext(ctx, "$JS.API."+what, body)
	if trouble := e.check(); trouble != nil {
		return trouble
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	return json.Unmarshal(m.Data, answer)
}

// purge removes a subject's messages before the sequence; 0 for all.
func (e *engine) purge(ctx context.Context, stream int, subject string, below uint64) error {
	return e.purgeOf(ctx, e.layout.streamName(stream), subject, below)
}

// purgeOf is purge for any stream, by its name.
func (e *engine) purgeOf(ctx context.Context, stream, subject string, below uint64) error {
	request := struct {
		Subject string `json:"filter"`
		Below   uint64 `json:"seq,omitempty"`
	}{subject, below}
	var a struct {
		Success bool `json:"success"`
		Error   *struct {
			Description string `json:"description"`
		} `json:"error"`
	}
	if err := e.api(ctx, "STREAM.PURGE."+stream, request, &a); err != nil {
		return err
	}
	if a.Error != nil {
		return fmt.Errorf("purge refused: %s", a.Error.Description)
	}
	if !a.Success {
		return errors.New("purge not confirmed")
	}
	return nil
}

// lastMarker asks the stream's leader for the last marker of a slot.
func (e *engine) lastMarker(ctx context.Context, slot int) (placed, error) {
	var a struct {
		Message *struct {
			Seq  uint64 `json:"seq"`
			Data []byte `json:"data"`
		} `json:"message"`
		Error *struct {
			Code        jetstream.ErrorCode `json:"err_code"`
			Description string              `json:"description"`
		} `json:"error"`
	}
	request := struct {
		Last string `json:"last_by_subj"`
	}{markerSubject(slot)}
	stream := e.layout.streamOf(slot)
	ctx, done := e.await(ctx, stream)
	err := e.api(ctx, "STREAM.MSG.GET."+e.layout.streamName(stream), request, &a)
	done(errUncounted)
	if err != nil {
		return placed{}, err
	}
	switch {
	case a.Error != nil && a.Error.Code == jetstream.JSErrCodeMessageNotFound:
		return placed{}, nil
	case a.Error != nil:
		return placed{}, fmt.Errorf("%w: marker: %s", errNoAnswer, a.Error.Description)
	case a.Message == nil:
		return placed{}, fmt.Errorf("%w: marker not told", errNoAnswer)
	}
	return unsealMarker(a.Message.Seq, a.Message.Data)
}

// lastMarkers returns the last markers of a stream's slots as some replica has
// them, which need not be the newest.
func (e *engine) lastMarkers(ctx context.Context, stream int) (map[int]placed, error) {
	found := map[int]placed{}
	request := `{"multi_last":["` + entryPrefix + "*." + markerPart + `"]}`
	_, err := e.direct(ctx, e.layout.streamName(stream), []byte(request), min(replicaWithin, e.cfg.AnswerWithin), func(m *nats.Msg) error {
		seq, err := sequenceOf(m)
		if err != nil {
			return err
		}
		p, ok := parseSubject(m.Header.Get("Nats-Subject"))
		if !ok {
			return fmt.Errorf("%w: subject of a marker", errMessage)
		}
		found[p.slot], err = unsealMarker(seq, m.Data)
		return err
	})
	return found, err
}
