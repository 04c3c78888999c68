package main

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/config"
	"github.com/carillon-meetings/carillon/internal/identity"
)

// What env prints is what the server said at its first start.
func TestEnvPrintsWhatTheStartSaid(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, dir, "--region", "eu-central-1")
	var said strings.Builder
	printBanner(&said, s)
	cfg := &config.Serve{Listen: s.ports.addr.String(), Data: dir}
	cfg.API.Region = "eu-central-1"
	var printed strings.Builder
	if err := (&envCommand{*cfg}).print(&printed); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), printed.String()) || !strings.Contains(printed.String(), s.id.SecretKey) {
		t.Errorf("env prints %q, the start %q", printed.String(), said.String())
	}
	for name, c := range map[string]*config.Serve{
		"no start yet":     {Listen: cfg.Listen, Data: t.TempDir()},
		"a key file":       {Listen: cfg.Listen, Data: dir, Credentials: config.Credentials{KeyFile: "keys.yaml"}},
		"a port of chance": {Listen: "127.0.0.1:0", Data: dir},
	} {
		if err := (&envCommand{*c}).print(&printed); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestASelfSignedServerCanBeTrusted(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, dir, "--tls-self-signed")
	pem, err := os.ReadFile(filepath.Join(dir, identity.SelfSignedFile))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	defer client.CloseIdleConnections()
	answer, err := client.Get(s.ports.public.String() + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK || s.ports.public.Scheme != "https" {
		t.Errorf("%s at %s", answer.Status, s.ports.public)
	}
}

// Browsers keep camera and microphone from plain http, except on this machine.
func TestTheStartSaysWhereThereIsNoCamera(t *testing.T) {
	s := startServer(t, t.TempDir())
	for base, want := range map[string]bool{
		"http://127.0.0.1:8480": false, "http://localhost:8480": false, "https://10.0.0.1": false,
		"http://10.0.0.1:8480": true, "http://meet.example.org": true,
	} {
		var err error
		if s.ports.public, err = url.Parse(base); err != nil {
			t.Fatal(err)
		}
		var said strings.Builder
		printBanner(&said, s)
		if got := strings.Contains(said.String(), "no camera or microphone"); got != want {
			t.Errorf("%s: said %t", base, got)
		}
	}
}
