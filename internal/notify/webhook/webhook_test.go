package webhook

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify/event"
	"github.com/carillon-meetings/carillon/internal/notify/outbox"
)

const vectorSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLwSw"

// The test vector of Standard Webhooks.
func TestTheSignature(t *testing.T) {
	s, err := ParseSecret(vectorSecret)
	if err != nil {
		t.Fatal(err)
	}
	const want = "v1,pZN3CVESPCUuihODVQNgWONmlcH9xCz9b1ykcK53XqY="
	body := []byte(`{"test": 2432232314}`)
	if got := sign([]Secret{s}, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	other, err := ParseSecret(NewSecret())
	if err != nil {
		t.Fatal(err)
	}
	both := strings.Fields(sign([]Secret{other, s}, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body))
	if len(both) != 2 || both[1] != want || both[0] == want {
		t.Errorf("with two secrets: %v", both)
	}
}

func TestSecrets(t *testing.T) {
	if a, b := NewSecret(), NewSecret(); a == b || len(a) != len("whsec_")+44 {
		t.Errorf("made %s and %s", a, b)
	}
	for _, text := range []string{"", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLwSw", "whsec_c2hvcnQ=", "whsec_*", "whsec_" + strings.Repeat("QUFB", 22)} {
		if _, err := ParseSecret(text); !errors.Is(err, ErrSecret) || text != "" && strings.Contains(err.Error(), strings.TrimPrefix(text, "whsec_")) && len(text) > 10 {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func sample() *event.Event {
	f := event.Fold{Profile: &meeting.Profile{ID: meeting.ID{1}, Owner: meeting.Owner{Account: "123456789012", Region: "eu-central-1"}, MediaRegion: "eu-west-3"}}
	return f.Fact(7, meeting.Fact{Kind: meeting.Joined, Attendee: meeting.ID{2}, ExternalUserID: "ann", Time: time.UnixMilli(1772600767123)})[0]
}

// newSender returns a sender to an address; change may alter it.
func newSender(t testing.TB, address string, change func(*Config)) *Sender {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := ParseSecret(vectorSecret)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{URL: u, Secrets: []Secret{secret}, Form: FormBus, Timeout: 5 * time.Second, AllowPrivate: true, Version: "1.2.3", Width: 2}
	if change != nil {
		change(&cfg)
	}
	s := New(cfg)
	t.Cleanup(s.Close)
	return s
}

func TestTheRequest(t *testing.T) {
	e := sample()
	for form, want := range map[string]struct{ contentType, body string }{
		FormBus:               {"application/json", string(e.Bus())},
		FormDirect:            {"application/json", string(e.Direct())},
		FormCloudEvents:       {"application/cloudevents+json; charset=UTF-8", string(e.Cloud().Structured())},
		FormCloudEventsInHTTP: {"application/json", string(e.Detail(false))},
	} {
		t.Run(form, func(t *testing.T) {
			var header http.Header
			var body string
			server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				text, _ := io.ReadAll(r.Body)
				header, body = r.Header, r.Method+string(text)
			}))
			defer server.Close()
			s := newSender(t, server.URL+"/hook?x=1", func(c *Config) { c.Form = form })
			if err := s.Send(t.Context(), e, 3); err != nil {
				t.Fatal(err)
			}
			id := "evt_" + strings.ReplaceAll(e.ID.String(), "-", "")
			for name, value := range map[string]string{
				"Content-Type": want.contentType, "User-Agent": "Carillon/1.2.3", "Webhook-Id": id, "Carillon-Event-Type": e.Type,
				"Carillon-Sequence": "1", "Carillon-Attempt": "3",
				"Webhook-Signature": sign(s.cfg.Secrets, id, header.Get("Webhook-Timestamp"), []byte(want.body)),
			} {
				if header.Get(name) != value {
					t.Errorf("%s is %q, want %q", name, header.Get(name), value)
				}
			}
			if body != "POST"+want.body {
				t.Errorf("the body is %s, want %s", body, want.body)
			}
			if binary := header.Get("Ce-Id") != ""; binary != (form == FormCloudEventsInHTTP) {
				t.Errorf("attributes in headers: %t", binary)
			}
		})
	}
}

func TestWhatAnAnswerMeans(t *testing.T) {
	later := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	for name, c := range map[string]struct {
		status int
		after  string
		class  outbox.Class
		least  time.Duration
	}{
		"unavailable": {503, "120", outbox.Passing, 2 * time.Minute}, "with a date": {429, later, outbox.Passing, 59 * time.Minute},
		"bad": {400, "", outbox.Passing, 0}, "moved": {302, "", outbox.Passing, 0}, "gone": {410, "", outbox.Off, 0}, "odd": {500, "soon", outbox.Passing, 0},
	} {
		t.Run(name, func(t *testing.T) {
			visits := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				visits++
				w.Header().Set("Location", "/elsewhere")
				w.Header().Set("Retry-After", c.after)
				w.WriteHeader(c.status)
			}))
			defer server.Close()
			var r *outbox.Refusal
			err := newSender(t, server.URL, nil).Send(t.Context(), sample(), 1)
			if !errors.As(err, &r) || r.Class != c.class || r.After < c.least || visits != 1 {
				t.Errorf("got %+v after %d requests", err, visits)
			}
		})
	}
}

func TestEndpointsThatMisbehave(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		fails   bool
	}{
		"ten megabytes of thanks": {func(w http.ResponseWriter, _ *http.Request) {
			for range 160 {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}, false},
		"no answer": {func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		}, true},
		"an answer by drops": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			for r.Context().Err() == nil {
				_, _ = w.Write([]byte{' '})
				w.(http.Flusher).Flush()
				time.Sleep(10 * time.Millisecond)
			}
		}, true},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_ = c.(*net.TCPConn).SetLinger(0)
				_ = c.Close()
			}
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(c.handler)
			defer server.Close()
			s := newSender(t, server.URL, func(c *Config) { c.Timeout = 300 * time.Millisecond })
			start := time.Now()
			err := s.Send(t.Context(), sample(), 1)
			if (err != nil) != c.fails || time.Since(start) > 5*time.Second {
				t.Errorf("got %v after %v", err, time.Since(start))
			}
			var r *outbox.Refusal
			if err != nil && (!errors.As(err, &r) || r.Class != outbox.Passing) {
				t.Errorf("it means %#v", err)
			}
		})
	}
}

// The address is looked at when the connection is made, so a name that resolves
// to a private one is refused as the address itself.
func TestPrivateAddressesAreRefused(t *testing.T) {
	visits := 0
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits++ }))
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]"} {
		s := newSender(t, "http://"+host+":"+port, func(c *Config) { c.AllowPrivate = false })
		var r *outbox.Refusal
		if err := s.Send(t.Context(), sample(), 1); !errors.As(err, &r) || r.Class != outbox.Configuration || !strings.Contains(r.Code, "private") {
			t.Errorf("%s: %v", host, err)
		}
	}
	if visits != 0 {
		t.Errorf("%d requests came through", visits)
	}
}

func TestCertificatesAreVerified(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	server.Config.ErrorLog = nil
	if err := newSender(t, server.URL, nil).Send(t.Context(), sample(), 1); err == nil {
		t.Error("a certificate of nobody's is accepted")
	}
	known := x509.NewCertPool()
	known.AddCert(server.Certificate())
	s := newSender(t, server.URL, func(c *Config) { c.TLS = func() *tls.Config { return &tls.Config{RootCAs: known} } })
	if err := s.Send(t.Context(), sample(), 1); err != nil {
		t.Errorf("a known authority: %v", err)
	}
}
