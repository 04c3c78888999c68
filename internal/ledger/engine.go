package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// engine is one running embedded server and what is said to it. A Log has one
// at a time; it takes another one when the engine has run out of something that
// comes back (see revive.go).
type engine struct {
	cfg     Config
	layout  layout
	trouble *trouble

	server *server.Server // nil when it is somebody else's
	write  *nats.Conn     // appends, so that long reads never stand before them
	read   *nats.Conn     // loads

	// By stream; nil when entries are not replicated.
	queues  []*queue
	leaders []*leader

	// ask sends one write and waits for its answer. It is
	// write.RequestMsgWithContext but for tests that lose answers.
	ask func(ctx context.Context, m *nats.Msg) (*nats.Msg, error)
}

// startEngine starts the embedded server on the directory and opens its
// streams, creating them when layout says that they never were.
func startEngine(ctx context.Context, cfg Config, l layout, t *trouble) (_ *engine, err error) {
	e := &engine{cfg: cfg, layout: l, trouble: t}
	defer func() {
		if err != nil {
			e.stop()
		}
	}()
	if cfg.URL == "" {
		if e.server, err = startServer(ctx, cfg, cfg.streams(), bridge{log: cfg.Logger, trouble: t}); err != nil {
			return nil, err
		}
	} else {
		cfg.Logger.Warn("the NATS server must sync every write (sync_interval: always), which cannot be checked from here")
	}
	if e.write, err = e.connect("append"); err != nil {
		return nil, err
	}
	e.ask = e.write.RequestMsgWithContext
	if e.read, err = e.connect("read"); err != nil {
		return nil, err
	}
	if err := e.openStreams(ctx); err != nil {
		return nil, err
	}
	if cfg.replicated() {
		if err := e.watchLeaders(); err != nil {
			return nil, fmt.Errorf("learning of elections: %w", err)
		}
		e.queues = startQueues(e)
	}
	return e, nil
}

// connect opens one connection, in memory unless the server is somebody else's.
// A message that the connection loses is an answer that does not come, and the
// asker asks again.
func (e *engine) connect(name string, more ...nats.Option) (*nats.Conn, error) {
	options := []nats.Option{
		nats.Name(name),
		nats.SyncQueueLen(batchMessages + 1), // room for a batch and its end; made anew for each read
		nats.MaxReconnects(-1),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
	}
	if e.server != nil {
		options = append(options, nats.InProcessServer(e.server), nats.ReconnectWait(10*time.Millisecond), nats.ReconnectJitter(0, 0))
	} else {
		options = append(options, nats.Timeout(e.cfg.AnswerWithin), nats.ReconnectWait(250*time.Millisecond))
	}
	if e.cfg.Credentials != "" {
		options = append(options, nats.UserCredentials(e.cfg.Credentials))
	}
	if e.cfg.CA != "" {
		options = append(options, nats.RootCAs(e.cfg.CA))
	}
	nc, err := nats.Connect(e.cfg.URL, append(options, more...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", e.cfg.where(), err)
	}
	if most := nc.MaxPayload(); most < maxPayload {
		nc.Close()
		return nil, fmt.Errorf("%s takes messages of %d bytes at most, and entries need %d: set max_payload to 4MB there", e.cfg.where(), most, maxPayload)
	}
	return nc, nil
}

// cut ends the connections, and with them the requests under way.
func (e *engine) cut() {
	for _, nc := range []*nats.Conn{e.write, e.read} {
		if nc != nil {
			nc.Close()
		}
	}
}

// stop takes the engine down and waits for it.
func (e *engine) stop() {
	e.cut()
	for _, q := range e.queues {
		q.close()
	}
	for _, l := range e.leaders {
		l.close()
	}
	if e.server != nil {
		e.server.Shutdown()
		e.server.WaitForShutdown()
	}
}

// check returns why the engine's answers must not be believed any more; nil
// while they can.
func (e *engine) check() error { return e.trouble.check() }

// What an attempt to write can come to, besides success. Nothing was stored but
// for errNoAnswer.
var (
	errNoAnswer = errors.New("no answer in time")          // nothing is known
	errNobody   = errors.New("the stream has no leader")   // nobody heard it
	errFence    = errors.New("another marker is expected") // the fence does not fit
	errInFlight = errors.New("another write is in flight") // try again
)

// answer is JetStream's reply to a publish.
type answer struct {
	Seq   uint64 `json:"seq"`
	Error *struct {
		Code        server.ErrorIdentifier `json:"err_code"`
		Description string                 `json:"description"`
	} `json:"error"`
}

// publish makes one attempt to write to a stream and returns the message's
// sequence.
func (e *engine) publish(stream int, m *nats.Msg) (uint64, error) {
	ctx, done := e.await(context.Background(), stream)
	reply, err := e.ask(ctx, m)
	done(err)
	// Checked after the answer: whatever was said while the disk failed is
	// worth nothing.
	if trouble := e.check(); trouble != nil {
		return 0, fmt.Errorf("%w: %w", errNoAnswer, trouble)
	}
	if errors.Is(err, nats.ErrNoResponders) {
		return 0, errNobody
	}
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	var a answer
	if err := json.Unmarshal(reply.Data, &a); err != nil {
		return 0, fmt.Errorf("%w: answer to a write: %w", errNoAnswer, err)
	}
	if a.Error != nil {
		return 0, refusal(a.Error.Code, a.Error.Description)
	}
	if a.Seq == 0 {
		return 0, fmt.Errorf("%w: answer to a write without a sequence", errNoAnswer)
	}
	return a.Seq, nil
}

// refusal turns an error of JetStream into one of ours.
func refusal(code server.ErrorIdentifier, description string) error {
	switch code {
	case server.JSStreamWrongLastSequenceErrF:
		return errFence
	case server.JSStreamWrongLastSequenceConstantErr, server.JSAtomicPublishIncompleteBatchErr, server.JSAtomicPublishTooManyInflight:
		return errInFlight
	case server.JSClusterNotLeaderErr, server.JSClusterNotAvailErr:
		return errNobody
	case server.JSAccountResourcesExceededErr, server.JSInsufficientResourcesErr:
		return ErrFull
	case server.JSStreamStoreFailedF:
		if strings.Contains(description, server.ErrMaxBytes.Error()) {
			return ErrFull
		}
	}
	return fmt.Errorf("%w: %s (%d)", ErrUnavailable, description, code)
}
