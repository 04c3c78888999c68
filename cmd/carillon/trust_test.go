package main

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"

	"github.com/carillon-meetings/carillon/internal/console"
	"github.com/carillon-meetings/carillon/internal/servertest"
	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

// Who renews the authority of a speech recogniser renews the file, as a web
// hook's: the next session trusts what is in it, and a spoilt one changes nothing.
func TestTheAuthoritiesOfARecogniserAreReadAgain(t *testing.T) {
	old, next := servertest.NewCertificate(t), servertest.NewCertificate(t)
	var served atomic.Pointer[tls.Certificate]
	served.Store(&old.TLS.Certificates[0])
	recogniser := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ws, err := websocket.Accept(w, r, nil); err == nil {
			_, _, _ = ws.Read(r.Context()) // until the client has gone
			_ = ws.CloseNow()
		}
	}))
	recogniser.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	recogniser.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: []tls.Certificate{*served.Load()}}, nil
	}}
	recogniser.StartTLS()
	t.Cleanup(recogniser.Close)
	authority := func(c servertest.Certificate) string {
		content, err := os.ReadFile(c.CertFile)
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	trusted := file(t, "ca.pem", authority(old))
	s := startServer(t, t.TempDir(), "--transcription", `[{"name":"own","kind":"vosk","url":"wss`+strings.TrimPrefix(recogniser.URL, "https")+`","ca-file":"`+trusted+`"}]`)
	opens := func(what string, want bool) {
		t.Helper()
		session, err := s.prepared.engines[0].Engine.Open(t.Context(), speech.Settings{LanguageCode: "en-US"}, func(speech.Hypothesis) {})
		if (err == nil) != want {
			t.Errorf("%s: %v", what, err)
		}
		if err == nil {
			session.Close()
			<-session.Done()
		}
	}
	told := func() (f console.WatchedFile) {
		for _, f = range s.sheet(t.Context()).Files {
			if f.What == "authorities of the speech recogniser own" {
				return f
			}
		}
		t.Fatal("the file is not watched")
		return f
	}
	opens("a recogniser with the authority of the start", true)
	replace(t, trusted, []byte("no certificate at all"))
	until(t, "the fault of the file", func() bool { return strings.Contains(told().Fault, "holds no certificate") })
	opens("though the file is spoilt", true)
	replace(t, trusted, []byte(authority(next)))
	until(t, "the renewed file", func() bool { return told().Fault == "" && !told().Read.IsZero() })
	opens("a recogniser with the old authority", false)
	served.Store(&next.TLS.Certificates[0])
	opens("a recogniser with the renewed authority", true)
	if scraped(t, s, `carillon_certificate_expiry_timestamp_seconds{use="transcription:own"}`) == "" {
		t.Error("when the authority ends is no metric")
	}
}
