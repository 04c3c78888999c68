package main

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"

	"github.com/carillon-meetings/carillon/internal/config"
	"github.com/carillon-meetings/carillon/internal/console"
	"github.com/carillon-meetings/carillon/internal/notify/webhook"
	"github.com/carillon-meetings/carillon/internal/servertest"
)

// until waits for what a reload brings.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func replace(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path+".next", content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".next", path); err != nil {
		t.Fatal(err)
	}
}

func TestARenewedCertificateIsServed(t *testing.T) {
	old, next := servertest.NewCertificate(t), servertest.NewCertificate(t)
	s := startServer(t, t.TempDir(), "--tls-cert", old.CertFile, "--tls-key", old.KeyFile)
	trusts := func(c servertest.Certificate) bool {
		conn, err := tls.Dial("tcp", s.ports.addr.String(), &tls.Config{RootCAs: c.Pool})
		if err == nil {
			conn.Close()
		}
		return err == nil
	}
	if !trusts(old) || trusts(next) {
		t.Fatal("the first certificate is not served")
	}
	certificate := s.watched()[0]
	replace(t, old.KeyFile, []byte("half a key"))
	s.reload(certificate)
	if !trusts(old) {
		t.Error("a broken file ended the service of the good certificate")
	}
	for from, to := range map[string]string{next.CertFile: old.CertFile, next.KeyFile: old.KeyFile} {
		content, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		replace(t, to, content)
	}
	until(t, "the renewed certificate", func() bool { return trusts(next) })
}

func TestAKeyTakenAwayIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys.yaml")
	keys := func(ids ...string) (content []byte) {
		content = []byte("keys:\n")
		for _, id := range ids {
			content = append(content, "  - {access-key-id: "+id+", secret-access-key: secret-of-"+id+"}\n"...)
		}
		return content
	}
	replace(t, file, keys("AKIAFIRST", "AKIASECOND"))
	s := startServer(t, t.TempDir(), "--key-file", file)
	client := &http.Client{}
	t.Cleanup(client.CloseIdleConnections)
	works := func(id string) bool {
		_, err := s.sdk(id, "secret-of-"+id, client).CreateMeeting(t.Context(), &chimesdkmeetings.CreateMeetingInput{
			ClientRequestToken: aws.String("same"), ExternalMeetingId: aws.String("x1"), MediaRegion: aws.String("us-east-1"),
		})
		return err == nil
	}
	if !works("AKIAFIRST") || !works("AKIASECOND") || works("AKIATHIRD") {
		t.Fatal("the key file does not hold what it should")
	}
	replace(t, file, keys("AKIASECOND", "AKIATHIRD"))
	until(t, "the new key", func() bool { return works("AKIATHIRD") })
	if works("AKIAFIRST") || !works("AKIASECOND") {
		t.Error("a key that was taken away still works, or one that was left does not")
	}
	keyFile := s.watched()[0]
	replace(t, file, []byte("keys: nonsense"))
	s.reload(keyFile)
	if !works("AKIATHIRD") {
		t.Error("a broken key file ended the service of the good one")
	}
	testAPipeIsNotWaitedFor(t, s, keyFile, file)
	if !works("AKIATHIRD") {
		t.Error("a pipe in place of the key file ended the service of the good one")
	}
}

// Nobody writes to the pipe: whoever read from it would wait for ever.
func testAPipeIsNotWaitedFor(t *testing.T, s *server, keyFile *reloaded, file string) {
	t.Helper()
	if err := errors.Join(syscall.Mkfifo(file+".pipe", 0o600), os.Rename(file+".pipe", file)); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.reload(keyFile)
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("a pipe in place of the key file is waited for")
	}
	if _, fault := keyFile.state(); fault == nil || !strings.Contains(fault.Error(), "not a regular file") {
		t.Errorf("a pipe in place of the key file: %v", fault)
	}
}

// A web hook shows the certificate that is in its files when a connection is
// made; while they are spoilt it shows the last good one.
func TestAWebHookShowsItsRenewedCertificate(t *testing.T) {
	first, next := servertest.NewCertificate(t), servertest.NewCertificate(t)
	receiver := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(r.TLS.PeerCertificates[0].Raw)
	}))
	receiver.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	receiver.StartTLS()
	t.Cleanup(receiver.Close)
	authorities := file(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: receiver.Certificate().Raw})))
	trust, err := hookTrust(config.Webhook{CAFile: authorities, ClientCert: first.CertFile, ClientKey: first.KeyFile})
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: trust.config(), DisableKeepAlives: true}}
	shows := func(c servertest.Certificate) {
		t.Helper()
		res, err := client.Get(receiver.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		shown, err := io.ReadAll(res.Body)
		if err != nil || !bytes.Equal(shown, c.TLS.Certificates[0].Certificate[0]) {
			t.Errorf("another certificate is shown, %v", err)
		}
	}
	shows(first)
	replace(t, first.KeyFile, []byte("half a key"))
	shows(first)
	for from, to := range map[string]string{next.CertFile: first.CertFile, next.KeyFile: first.KeyFile} {
		content, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		replace(t, to, content)
	}
	shows(next)
}

// Who renews the authority of a web hook's endpoint renews the file, and the next
// connection trusts what is in it. A spoilt file leaves the authorities in use,
// and is told as one of a certificate is.
func TestTheAuthoritiesOfAWebHookAreReadAgain(t *testing.T) {
	old, next := servertest.NewCertificate(t), servertest.NewCertificate(t)
	var served atomic.Pointer[tls.Certificate]
	served.Store(&old.TLS.Certificates[0])
	var taken atomic.Int64
	receiver := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { taken.Add(1) }))
	receiver.Config.SetKeepAlivesEnabled(false)
	receiver.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	receiver.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: []tls.Certificate{*served.Load()}}, nil
	}}
	receiver.StartTLS()
	t.Cleanup(receiver.Close)
	authority := func(c servertest.Certificate) []byte {
		content, err := os.ReadFile(c.CertFile)
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	trusted := file(t, "ca.pem", string(authority(old)))
	hooks := fmt.Sprintf(`[{"name":"own","url":%q,"secret-files":[%q],"allow-private":true,"ca-file":%q}]`, receiver.URL, file(t, "secret", webhook.NewSecret()), trusted)
	s := startServer(t, t.TempDir(), "--webhooks", hooks)
	client := &http.Client{}
	t.Cleanup(client.CloseIdleConnections)
	tells := func(what string) { // of a meeting
		t.Helper()
		before := taken.Load()
		_, err := s.sdk(s.id.AccessKey, s.id.SecretKey, client).CreateMeeting(t.Context(), &chimesdkmeetings.CreateMeetingInput{
			ClientRequestToken: aws.String(fmt.Sprint("after-", before)), ExternalMeetingId: aws.String("x1"), MediaRegion: aws.String("us-east-1"),
		})
		if err != nil {
			t.Fatal(err)
		}
		until(t, what, func() bool { return taken.Load() > before })
	}
	ends := func(c servertest.Certificate, why string) {
		t.Helper()
		want := fmt.Sprintf("%g", float64(leaf(nil, c.TLS.Certificates[0].Certificate).NotAfter.Unix()))
		if got := scraped(t, s, `carillon_certificate_expiry_timestamp_seconds{use="webhook:own"}`); got != want {
			t.Errorf("%s: the authority ends at %s, want %s", why, got, want)
		}
	}
	told := func() (f console.WatchedFile) {
		for _, f = range s.sheet(t.Context()).Files {
			if f.What == "authorities of the web hook own" {
				return f
			}
		}
		t.Fatal("the file is not watched")
		return f
	}
	tells("the event of a trusted endpoint")
	ends(old, "at the start")
	replace(t, trusted, []byte("no certificate at all"))
	until(t, "the fault of the file", func() bool { return strings.Contains(told().Fault, "holds no certificate") })
	tells("the event, though the file is spoilt")
	replace(t, trusted, authority(next))
	until(t, "the renewed file", func() bool { return told().Fault == "" && !told().Read.IsZero() })
	served.Store(&next.TLS.Certificates[0])
	tells("the event of an endpoint with the renewed authority")
	ends(next, "after it was read again")
}
