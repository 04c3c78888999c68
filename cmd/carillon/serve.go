package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/carillon-meetings/carillon/internal/api"
	"github.com/carillon-meetings/carillon/internal/api/sigv4"
	"github.com/carillon-meetings/carillon/internal/app"
	"github.com/carillon-meetings/carillon/internal/audit"
	"github.com/carillon-meetings/carillon/internal/capture"
	"github.com/carillon-meetings/carillon/internal/config"
	"github.com/carillon-meetings/carillon/internal/console"
	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/gate"
	"github.com/carillon-meetings/carillon/internal/history"
	"github.com/carillon-meetings/carillon/internal/identity"
	"github.com/carillon-meetings/carillon/internal/jointoken"
	"github.com/carillon-meetings/carillon/internal/keyuse"
	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/logtail"
	"github.com/carillon-meetings/carillon/internal/notify"
	"github.com/carillon-meetings/carillon/internal/operators"
	"github.com/carillon-meetings/carillon/internal/signal"
	"github.com/carillon-meetings/carillon/internal/tracing"
	"github.com/carillon-meetings/carillon/internal/transcribe"
	"github.com/carillon-meetings/carillon/internal/vitals"
)

type serveCommand struct {
	config.Serve
}

// serve runs a server until ctx ends, then shuts it down. dataNamed says that the
// data directory is not the default one; settings are for people to see.
func serve(ctx context.Context, cfg *config.Serve, dataNamed bool, settings []console.Setting) (err error) {
	remove, err := temporaryData(cfg, dataNamed)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	if cfg.Test.StopAtEOF {
		var cancel context.CancelFunc
		ctx, cancel = untilEOF(ctx, os.Stdin)
		defer cancel()
	}
	found, err := prepare(cfg)
	if err != nil {
		return err
	}
	if cfg.MemoryLimitMiB > 0 {
		debug.SetMemoryLimit(int64(cfg.MemoryLimitMiB) << 20)
	}
	s := &server{cfg: cfg, prepared: found, tail: logtail.New(logtail.Kept), settings: settings}
	s.log = newLogger(cfg, s.tail)
	if err = s.start(ctx); err == nil {
		printBanner(os.Stdout, s)
		settle()
		err = s.wait(ctx)
	}
	if errors.Is(err, errDisk) {
		return err // without the courtesies of a shutdown: nothing may be acknowledged
	}
	return errors.Join(err, s.stop())
}

// newLogger returns what writes the log, and keeps the end of it.
func newLogger(cfg *config.Serve, tail *logtail.Tail) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.LogLevel)); err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	var out slog.Handler = slog.NewTextHandler(os.Stderr, options)
	if cfg.LogFormat == "json" {
		out = slog.NewJSONHandler(os.Stderr, options)
	}
	return slog.New(slog.NewMultiHandler(out, tail.Handler(level)))
}

// server is a running carillon: its parts, from the ground floor up. A part is
// nil until start has built it, so that stop can take down what there is.
type server struct {
	cfg *config.Serve
	prepared
	log      *slog.Logger
	tail     *logtail.Tail  // the end of the log
	vitals   *vitals.Keeper // how this node fares
	id       identity.Identity
	joinKeys *jointoken.Ring

	roster   *operators.Roster
	audit    *audit.Log
	used     *keyuse.Book
	watching []*reloaded
	settings []console.Setting // in force, for people to see

	certificates certificates
	verifier     *sigv4.Verifier // of both APIs' doors

	lock       *os.File // of the data directory; the first thing taken, the last given back
	ports      ports
	member     *member // of a cluster; nil alone
	ledger     *ledger.Log
	notifier   *notify.Notifier // nil when nobody is told of events
	control    *control.Control
	media      *mediaPlane
	signal     *signal.Server
	capture    *capture.Service
	transcribe *transcribe.Service
	archive    *history.Archive
	kept       keptMeetings // the archive, and in a cluster what makes it one of all nodes
	archiver   *history.Archiver
	api        *api.Server
	app        *app.Server
	console    *console.Console
	demo       *innerDoor
	test       *testMode // nil without --test-mode
	doors      *doors
	front      entrance
	conns      *gate.Connections // of the HTTP port
	http       *http.Server
	metrics    *metrics

	metricsHTTP  *http.Server    // nil unless the metrics have an address of their own
	consoleHTTP  *http.Server    // nil unless the console has one
	pprofHTTP    *http.Server    // nil without --pprof-listen
	tracer       *tracing.Tracer // nil unless traces are sent
	consoleFront entrance

	keyCheck string // stands for the key of join tokens
	ready    atomic.Bool
	leaving  atomic.Bool        // hands its slots over to end
	lifeEnds context.CancelFunc // stops control.Run
	failures chan error         // what ends the process before it is asked to
	tasks    chan struct{}      // one receive for each background task that ended
	running  int                // background tasks
	stopping sync.Once
	stopped  error // what stopping found
}

// start builds every part and opens the port. When it fails, stop still has to
// be called.
func (s *server) start(ctx context.Context) (err error) {
	s.failures, s.tasks = make(chan error, 8), make(chan struct{}, 8)
	s.metrics, s.conns, s.test = newMetrics(s), s.newConnections(), newTestMode(s.cfg)
	s.openTracer()
	tellRoom(s.log, wantedRoom(s.cfg), s.files)
	s.tellTURN()
	if err := s.openData(); err != nil {
		return err
	}
	s.roster = operators.NewRoster(s.operatorSecret(), s.prepared.operators, s.test.now())
	if err := errors.Join(s.openAudit(), s.openKeyUse()); err != nil {
		return err
	}
	if err := s.openCertificate(); err != nil {
		return err
	}
	s.watching = s.watched()
	s.tellCertificates()
	if err := s.ports.open(ctx, s.cfg, s.certificates.config(), s.conns); err != nil {
		return err
	}
	if s.member != nil {
		s.openFront() // it may wait long for the other nodes
	}
	for _, build := range []func(context.Context) error{
		s.openLedger, s.joinCluster, s.openMedia, s.openSignal, s.openArchive, s.openGather, s.openCapture, s.openTranscribe, s.openVitals, s.adopt, s.openAPI, s.openPages, s.openMetrics, s.openConsole, s.openPprof,
	} {
		if err := build(ctx); err != nil {
			return err
		}
	}
	life, ends := context.WithCancel(context.Background())
	s.lifeEnds = ends
	s.background(func() error { return s.control.Run(life) })
	s.background(func() error { return s.watchFiles(life) })
	s.background(func() error { return s.storeKeyUse(life) })
	s.background(func() error { s.vitals.Run(life); return nil })
	if err := s.openAll(life); err != nil {
		return err
	}
	s.ready.Store(true)
	s.noteServer("start", "version "+thisBuild().String(), nil)
	s.log.Info("started", "version", thisBuild().String(), "url", s.ports.public.String(), "data", s.cfg.Data)
	return nil
}

// openFront opens the HTTP port.
func (s *server) openFront() {
	s.http = s.newHTTPServer(&s.front, s.conns)
	s.background(func() error { return ignoreClosed(s.http.Serve(s.ports.web)) })
}

// openAll lets callers through to the doors.
func (s *server) openAll(life context.Context) (err error) {
	if s.doors, err = s.openDoors(); err != nil {
		return err
	}
	if s.member == nil {
		s.openFronts(s.openTestMode(s.doors))
		s.openFront()
		return nil
	}
	s.member.router = s.newRouter(s.api, s.doors, http.HandlerFunc(s.doors.away))
	s.openFronts(s.member.router)
	s.runCluster(life)
	return nil
}

// background runs a task that stop waits for. Its error ends the process.
func (s *server) background(task func() error) {
	s.running++
	go func() {
		if err := task(); err != nil {
			s.failures <- err
		}
		s.tasks <- struct{}{}
	}()
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// errDisk ends the process at once.
var errDisk = errors.New("the ledger's disk failed")

// wait returns nil when ctx ends, or the failure that must end the process.
func (s *server) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failures:
		return err
	case err := <-s.ledger.Fault():
		s.log.Error("the ledger's disk failed; ending so that nothing is acknowledged that may be lost", "err", err)
		return fmt.Errorf("%w: %w", errDisk, err)
	}
}

// stop takes the server down in the order that loses nothing: new calls are
// refused, running ones finish, clients are told to come back, and the ledger
// closes last. Further calls wait for the first and return what it does.
func (s *server) stop() error {
	s.stopping.Do(func() { s.stopped = s.shutDown() })
	return s.stopped
}

func (s *server) shutDown() error {
	if s.ready.Load() {
		s.log.Info("stopping")
		s.noteServer("stop", "", nil)
		defer s.log.Info("stopped")
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.ShutdownTimeout)
	defer cancel()
	s.leaving.Store(true)
	s.handOver(ctx)
	s.ready.Store(false)
	var errs []error
	if s.api != nil {
		s.api.Drain()
		s.app.Drain()
	}
	if s.signal != nil {
		s.signal.Drain()
	}
	errs = append(errs, s.closePages())
	if s.http != nil {
		_ = s.ports.web.Close() // no new connections
		if s.doors != nil {
			s.doors.finish(ctx)
		}
		errs = append(errs, ignoreClosed(s.http.Shutdown(ctx)))
	}
	if s.capture != nil {
		errs = append(errs, s.capture.Close())
	}
	if s.transcribe != nil {
		s.transcribe.Close()
	}
	if s.signal != nil {
		errs = append(errs, s.excused(s.signal.Close(ctx)))
	}
	if s.archiver != nil {
		errs = append(errs, s.archiver.Close(ctx)) // while what it reads is there
	}
	s.closeTracer(ctx) // which has heard of every end
	errs = append(errs, s.stopBelow(ctx))
	return errors.Join(errs...)
}

// closePages ends what people look at.
func (s *server) closePages() error {
	var errs []error
	if s.console != nil {
		errs = append(errs, s.console.Close())
	}
	if s.demo != nil {
		errs = append(errs, s.demo.Close())
	}
	s.test.close()
	for _, own := range []*http.Server{s.metricsHTTP, s.consoleHTTP, s.pprofHTTP} {
		if own != nil {
			errs = append(errs, own.Close())
		}
	}
	return errors.Join(errs...)
}

// excused passes over an end that was waited for in vain because the other nodes
// have ended too: who was connected counts as dropped once the cluster is back.
func (s *server) excused(err error) error {
	if s.member == nil || s.member.node == nil || s.member.node.Ready() || !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	s.log.Warn("the last departures are not recorded: no majority of the nodes answers", "err", err)
	return nil
}

// stopBelow closes what the doors stand on.
func (s *server) stopBelow(ctx context.Context) error {
	var errs []error
	if s.media != nil {
		errs = append(errs, s.media.Close())
	}
	if s.lifeEnds != nil {
		s.lifeEnds()
	}
	if s.control != nil {
		errs = append(errs, s.control.Close())
	}
	if s.notifier != nil {
		s.notifier.Close(ctx)
	}
	if s.member != nil {
		errs = append(errs, s.member.Close())
	}
	errs = append(errs, s.ports.close())
	for ; s.running > 0; s.running-- {
		<-s.tasks
	}
	if s.member != nil && s.member.link != nil {
		s.member.link.Close()
	}
	if s.ledger != nil {
		errs = append(errs, s.ledger.Close())
	}
	if s.audit != nil {
		errs = append(errs, s.audit.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}
