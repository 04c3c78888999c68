package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/carillon-meetings/carillon/internal/api"
	"github.com/carillon-meetings/carillon/internal/config"
	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/signal"
	"github.com/carillon-meetings/carillon/internal/testmode"
)

// testMode is what --test-mode adds to a server. The methods of a nil one leave
// everything as it is.
type testMode struct {
	clock  testmode.Clock
	faults testmode.Faults
	events *testmode.Events
	door   *testmode.Door
}

// newTestMode returns nil unless the configuration asks for the mode.
func newTestMode(cfg *config.Serve) *testMode {
	if !cfg.Test.Mode {
		return nil
	}
	return &testMode{events: testmode.NewEvents()}
}

// onControl gives the control plane the clock, and returns the ledger that it is
// to write to.
func (t *testMode) onControl(cfg *control.Config, ledger control.Ledger) control.Ledger {
	if t == nil {
		return ledger
	}
	cfg.Clock = &t.clock
	return t.events.Tap(ledger)
}

func (t *testMode) onSignal(cfg *signal.Config) {
	if t != nil {
		cfg.Now, cfg.AfterFunc = t.clock.Now, t.clock.AfterFunc
	}
}

func (t *testMode) onAPI(cfg *api.Config) {
	if t != nil {
		cfg.Now, cfg.Intercept = t.clock.Now, t.faults.Intercept
	}
}

// now is the clock of what has one of its own; nil for the system's.
func (t *testMode) now() func() time.Time {
	if t == nil {
		return nil
	}
	return t.clock.Now
}

// openTestMode puts the calls of the test mode before the doors, and keeps
// strangers away.
func (s *server) openTestMode(doors http.Handler) http.Handler {
	if s.test == nil {
		return doors
	}
	s.test.door = testmode.NewDoor(testmode.Config{
		Clock: &s.test.clock, Faults: &s.test.faults, Events: s.test.events, Meetings: s.control, Connections: s.signal,
		Tombstone: s.cfg.Timers.Tombstone, Refill: s.api.Refill, WithActor: control.WithActor, Logger: s.log.With("part", "test"),
	})
	noted := func(door http.Handler) http.Handler { return s.noting(door, "test", slog.LevelWarn) }
	own := noted(s.test.door)
	return testmode.Admit(s.cfg.Test.Networks, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, testmode.Prefix) {
			own.ServeHTTP(w, r)
			return
		}
		doors.ServeHTTP(w, r)
	}), noted)
}

// close ends the calls that wait for events.
func (t *testMode) close() {
	if t != nil {
		t.events.Close()
	}
}

// temporaryData gives a server in test mode a data directory of its own, unless
// one is named. The caller removes it.
func temporaryData(cfg *config.Serve, named bool) (remove func() error, err error) {
	none := func() error { return nil }
	if !cfg.Test.Mode || named {
		return none, nil
	}
	dir, err := os.MkdirTemp("", "carillon-test-")
	if err != nil {
		return none, fmt.Errorf("a temporary directory for the test mode: %w", err)
	}
	cfg.Data = dir
	return func() error { return os.RemoveAll(dir) }, nil
}

// untilEOF returns a context that ends with ctx, and when r does. Nothing ends
// the reading of a standard input that goes on: it ends with the process.
func untilEOF(ctx context.Context, r io.Reader) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, r) // one that fails is at its end, too
		cancel()
	}()
	return ctx, cancel
}

// given reports whether a flag has a value from the command line, a file or the
// environment.
func given(k *kong.Context, name string) bool {
	for _, p := range k.Path {
		if p.Flag != nil && p.Flag.Name == name {
			return true
		}
	}
	for _, flag := range k.Selected().Flags {
		if flag.Name == name {
			return slices.ContainsFunc(flag.Envs, func(env string) bool { _, set := os.LookupEnv(env); return set })
		}
	}
	return false
}
