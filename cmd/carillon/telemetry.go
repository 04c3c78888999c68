package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/carillon-meetings/carillon/internal/tracing"
)

// flushTime bounds how long the last traces may take at shutdown.
const flushTime = 3 * time.Second

// openTracer begins to send traces, if somebody is to have them.
func (s *server) openTracer() {
	to := s.cfg.Telemetry.TracesURL()
	if to == "" {
		return
	}
	own := []tracing.Attr{
		tracing.Text("service.name", "carillon"), tracing.Text("service.version", thisBuild().Version), tracing.Text("service.instance.id", s.hostName()),
	}
	s.tracer = tracing.New(tracing.Config{
		Endpoint: to, Header: s.receiver.header, Ratio: s.cfg.Telemetry.Sample, Resource: append(own, s.receiver.resource...), Gather: s.receiver.gather, Logger: s.log.With("part", "traces"),
	})
}

// closeTracer sends what is left to be told.
func (s *server) closeTracer(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, flushTime)
	defer cancel()
	s.tracer.Close(ctx)
}

// watchTraces adds what became of the spans.
func (m *metrics) watchTraces(s *server) {
	m.counter("carillon_trace_spans_sent_total", "Spans of traces that the receiver has taken.", func() float64 { return float64(s.tracer.Stats().Sent) })
	for reason, read := range map[string]func(tracing.Stats) uint64{
		"no_room":   func(t tracing.Stats) uint64 { return t.NoRoom },
		"not_taken": func(t tracing.Stats) uint64 { return t.NotTaken },
		"rejected":  func(t tracing.Stats) uint64 { return t.Rejected },
	} {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name:        "carillon_trace_spans_dropped_total",
			Help:        "Spans that were dropped: no_room, as too many waited; not_taken, as the receiver did not answer or refused them; rejected, as it said afterwards.",
			ConstLabels: prometheus.Labels{"reason": reason},
		}, func() float64 { return float64(read(s.tracer.Stats())) }))
	}
}

// traceHeaders reads the headers for the receiver of traces, one on a line. Its
// errors name the line and repeat nothing of it.
func traceHeaders(file string) (http.Header, error) {
	if file == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--otlp-headers-file: %w", err)
	}
	header, n := http.Header{}, 0
	for line := range strings.Lines(string(raw)) {
		n++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || !isHeader(name, value) {
			return nil, fmt.Errorf("--otlp-headers-file: line %d is not of the form Name: value", n)
		}
		header.Add(name, value)
	}
	return header, nil
}

// isHeader tells whether a name is a token and a value is text that can be seen
// (RFC 9110 sections 5.6.2 and 5.5).
func isHeader(name, value string) bool {
	return regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$").MatchString(name) && regexp.MustCompile("^[ -~]+$").MatchString(value)
}

// pathPprof is where Go's profiles are, on the address of their own.
const pathPprof = "/debug/pprof/"

// openPprof opens the address of the profiles, if they have one. They tell what
// the program does, not what it holds; the command line, which may hold secrets,
// is not among them. A profile takes processor time: only operators get one.
func (s *server) openPprof(ctx context.Context) (err error) {
	if s.cfg.Telemetry.Pprof == "" {
		return nil
	}
	conns := s.newConnections()
	if s.ports.pprof, err = listen(ctx, s.cfg.Telemetry.Pprof, s.certificates.config(), conns); err != nil {
		return fmt.Errorf("--pprof-listen: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc(pathPprof, pprof.Index)
	mux.HandleFunc(pathPprof+"profile", pprof.Profile)
	mux.HandleFunc(pathPprof+"symbol", pprof.Symbol)
	mux.HandleFunc(pathPprof+"trace", pprof.Trace)
	operators := guard{s}
	s.pprofHTTP = s.newHTTPServer(s.noting(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		who, ok := operators.admits(w, r)
		if ok && !who.MayChange() { // it slows the server down
			operatorFault(w, http.StatusForbidden, "Profiles are not for operators whose role is read-only.")
		} else if ok {
			mux.ServeHTTP(w, r)
		}
	}), "operators", slog.LevelWarn), conns)
	s.background(func() error { return ignoreClosed(s.pprofHTTP.Serve(s.ports.pprof)) })
	return nil
}
