package api_test

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/api"
	"github.com/carillon-meetings/carillon/internal/api/sigv4"
	"github.com/carillon-meetings/carillon/internal/logtail"
	"github.com/carillon-meetings/carillon/internal/tracing"
)

// BenchmarkTelemetry is what is told of a call: nothing, its line in the log, as
// the server has it from the start, its spans, and both.
func BenchmarkTelemetry(b *testing.B) {
	for _, v := range []struct {
		name       string
		line, span bool
	}{{name: "nothing"}, {name: "line", line: true}, {name: "spans", span: true}, {name: "both", line: true, span: true}} {
		b.Run(v.name, func(b *testing.B) {
			cfg := api.Config{Control: newCanned(), Verifier: benchmarkVerifier(b)}
			if v.line {
				file, err := os.Create(filepath.Join(b.TempDir(), "log"))
				if err != nil {
					b.Fatal(err)
				}
				defer file.Close()
				cfg.Logger = slog.New(slog.NewMultiHandler(slog.NewTextHandler(file, nil), logtail.New(logtail.Kept).Handler(slog.LevelInfo)))
			}
			if v.span {
				cfg.Tracer = tracing.New(tracing.Config{Endpoint: "http://receiver.test/v1/traces", Client: taken{}, Ratio: 1})
				defer cfg.Tracer.Close(b.Context())
			}
			benchmarkHandler(b, api.New(cfg), newReplay(b, "GET", "/meetings/"+unknownID+"/attendees/"+unknownID, ""), http.StatusOK)
		})
	}
}

func benchmarkVerifier(b *testing.B) *sigv4.Verifier {
	b.Helper()
	keys, err := sigv4.Single(accessKey, secret, "")
	if err != nil {
		b.Fatal(err)
	}
	return sigv4.New(sigv4.Config{Keys: keys, Window: time.Hour})
}

// taken takes every request.
type taken struct{}

func (taken) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}
