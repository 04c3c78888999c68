//go:build figures

package transcribe_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/load/gauge"
	"github.com/carillon-meetings/carillon/internal/servertest"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

const (
	rounds = 5
	window = 8 * time.Second
)

// TestFigures measures what transcribing one who talks all the time costs the
// server, beside the same meeting without, and how long after the engine's first
// word a client has it. The engine is another process: this one.
func TestFigures(t *testing.T) {
	engine := newToneServer(t)
	server := servertest.Start(t, "--transcription-vosk", "ws"+strings.TrimPrefix(engine.http.URL, "http"))
	m := newMeeting(t, server, "ada", "eve")
	eve := m.join("eve", 0)
	m.pause = 0
	m.join("ada", 600)
	var costs, waits []time.Duration
	for range rounds {
		without := spent(t, server)
		m.transcribe()
		eve.until("first word", func() bool { return len(eve.results(m.ids["ada"])) > 0 })
		with := spent(t, server)
		costs = append(costs, with-without)
		m.stop()
		eve.status(wire.TranscriptionStatus_STOPPED)
		waits = append(waits, eve.waited(engine.forget()))
	}
	for i := range rounds {
		t.Logf("the talker costs %.4f core; a client waits %.1f ms for the first partial result after the engine's word", costs[i].Seconds()/window.Seconds(), gauge.Milliseconds(waits[i]))
	}
	slices.Sort(costs)
	slices.Sort(waits)
	t.Logf("medians of %d: %.4f core, %v", rounds, costs[rounds/2].Seconds()/window.Seconds(), waits[rounds/2])
}

// spent returns the processor time of the server in a window.
func spent(t *testing.T, s *servertest.Server) time.Duration {
	t.Helper()
	before, err := gauge.CPUTime(s.PID())
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(window)
	after, err := gauge.CPUTime(s.PID())
	if err != nil {
		t.Fatal(err)
	}
	return after - before
}

// waited returns how long after the engine's first word the first result came, and
// forgets all results.
func (r *reader) waited(said time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.events, func(e *wire.TranscriptEvent) bool { return e.GetTranscript() != nil })
	d := r.at[i].Sub(said)
	r.events, r.at = nil, nil
	return d
}

// forget returns when a word was said first since the last call.
func (s *toneServer) forget() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	said := s.said
	s.said = time.Time{}
	return said
}
