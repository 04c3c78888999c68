package ledger

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const (
	// MaxEntry is the largest Data of an entry, in bytes. The largest legal
	// call is a legacy batch of 100 attendees with 10 tags each, all of it in
	// characters of four bytes: 1.6 MB.
	MaxEntry = maxPayload - 4096

	maxPayload  = 4 << 20
	readyWithin = 60 * time.Second // recovery of a large directory after a crash
)

// engine is one running embedded server and what is said to it. A Log has one
// at a time; it takes another one when the engine has run out of something that
// comes back (see revive.go).
type engine struct {
	cfg     Config
	layout  layout
	trouble *trouble

	server *server.Server
	write  *nats.Conn // appends, so that long reads never stand before them
	read   *nats.Conn // loads

	// ask sends one write and waits for its answer. It is write.RequestMsg
	// but for tests that lose answers.
	ask func(m *nats.Msg, within time.Duration) (*nats.Msg, error)
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
	if e.server, err = startServer(filepath.Join(cfg.Dir, streamsDir), bridge{cfg.Logger, t}); err != nil {
		return nil, err
	}
	if e.write, err = connect(e.server, "append"); err != nil {
		return nil, err
	}
	e.ask = e.write.RequestMsg
	if e.read, err = connect(e.server, "read"); err != nil {
		return nil, err
	}
	return e, e.openStreams(ctx)
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
	if e.server != nil {
		e.server.Shutdown()
		e.server.WaitForShutdown()
	}
}

// check returns why the engine's answers must not be believed any more; nil
// while they can.
func (e *engine) check() error { return e.trouble.check() }

// startServer starts JetStream in dir. It listens on nothing.
func startServer(dir string, log bridge) (*server.Server, error) {
	opts := &server.Options{
		ServerName:         "carillon",
		DontListen:         true,
		NoSigs:             true,
		NoLog:              true, // the bridge is set below
		NoSystemAccount:    true, // no statistics for nobody
		JetStream:          true,
		StoreDir:           dir,
		SyncAlways:         true,
		JetStreamMaxStore:  1 << 50, // the streams and space.go limit
		JetStreamMaxMemory: 1,       // nothing of ours lives in memory
		MaxPayload:         maxPayload,
	}
	s, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("embedded server: %w", err)
	}
	s.SetLoggerV2(log, false, false, false)
	s.Start() // returns once JetStream has recovered its streams
	if err := verifyServer(s, log.trouble); err != nil {
		s.Shutdown()
		s.WaitForShutdown()
		return nil, err
	}
	return s, nil
}

// verifyServer refuses a server that would acknowledge before the disk did.
func verifyServer(s *server.Server, t *trouble) error {
	if err := t.check(); err != nil {
		return fmt.Errorf("embedded server: %w", err)
	}
	if !s.ReadyForConnections(readyWithin) || !s.JetStreamEnabled() {
		return errors.New("embedded server did not start")
	}
	return verifySync(s.JetStreamConfig())
}

func verifySync(cfg *server.JetStreamConfig) error {
	if cfg == nil || !cfg.SyncAlways {
		return errors.New("embedded server does not sync every write (sync_interval is not always): refusing to run")
	}
	return nil
}

// connect opens one in-memory connection. A message that the connection loses
// is an answer that does not come, and the asker asks again.
func connect(s *server.Server, name string) (*nats.Conn, error) {
	nc, err := nats.Connect("", nats.InProcessServer(s), nats.Name(name),
		nats.SyncQueueLen(batchMessages+1), // room for a batch and its end; made anew for each read
		nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond), nats.ReconnectJitter(0, 0),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		return nil, fmt.Errorf("connect to embedded server: %w", err)
	}
	return nc, nil
}
