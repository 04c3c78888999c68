package main

import (
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/config"
)

func TestHealthIsAskedWhereTheServerListens(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:8480": "http://127.0.0.1:8480/readyz",
		"0.0.0.0:80":     "http://localhost:80/readyz",
		"[::]:80":        "http://localhost:80/readyz",
		":8480":          "http://localhost:8480/readyz",
		"meet:443":       "http://meet:443/readyz",
	} {
		if got, err := readyURL(&config.Serve{Listen: listen}); got != want || err != nil {
			t.Errorf("%s: %q, %v; want %q", listen, got, err, want)
		}
	}
	if got, _ := readyURL(&config.Serve{Listen: "127.0.0.1:443", TLSCert: "cert.pem"}); got != "https://127.0.0.1:443/readyz" {
		t.Errorf("with TLS: %q", got)
	}
	if _, err := readyURL(&config.Serve{Listen: "no port"}); err == nil {
		t.Error("an address without a port was taken")
	}
}

func TestHealthFollowsReadiness(t *testing.T) {
	s := startServer(t, t.TempDir())
	check := func() error {
		return run(t.Context(), []string{"check", "health", "--listen", s.ports.web.Addr().String()})
	}
	if err := check(); err != nil {
		t.Errorf("a server that serves: %v", err)
	}
	s.ready.Store(false)
	if err := check(); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("a server that shuts down: %v", err)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if err := check(); err == nil || !strings.Contains(err.Error(), "no answer") {
		t.Errorf("no server: %v", err)
	}
}
