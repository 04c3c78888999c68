package webhook

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/notify/outbox"
)

// asked is an endpoint that wants to be asked first.
type asked struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	header map[string]string
	told   []string // methods of the requests, with the origin of OPTIONS
}

func startAsked(t *testing.T, status int, header map[string]string) *asked {
	a := &asked{status: status, header: header}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.told = append(a.told, strings.TrimSpace(r.Method+" "+r.Header.Get("WebHook-Request-Origin")))
		if r.Method != http.MethodPost {
			for name, value := range a.header {
				w.Header().Set(name, value)
			}
			w.WriteHeader(a.status)
		}
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *asked) requests() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return strings.Join(a.told, ", ")
}

func TestAnEndpointIsAskedFirst(t *testing.T) {
	const ask, post = "OPTIONS meetings.example.org", "POST"
	for name, c := range map[string]struct {
		status int
		header map[string]string
		want   string // requests of two events
		class  outbox.Class
		code   string
	}{
		"it wants ours":    {200, map[string]string{"WebHook-Allowed-Origin": "Meetings.example.org", "WebHook-Allowed-Rate": "6000"}, ask + ", POST, POST", 0, ""},
		"it wants anybody": {204, map[string]string{"WebHook-Allowed-Origin": "*", "WebHook-Allowed-Rate": "*"}, ask + ", POST, POST", 0, ""},
		"it wants others'": {200, map[string]string{"WebHook-Allowed-Origin": "example.com"}, ask + ", " + ask, outbox.Configuration, "does not allow"},
		"it says nothing":  {200, nil, ask + ", " + ask, outbox.Configuration, "does not allow"},
		"it knows no such": {405, nil, ask + ", " + ask, outbox.Configuration, "HTTP 405"},
		"it is broken":     {503, map[string]string{"Retry-After": "7"}, ask + ", " + ask, outbox.Passing, "HTTP 503"},
	} {
		t.Run(name, func(t *testing.T) {
			a := startAsked(t, c.status, c.header)
			s := newSender(t, a.URL, func(c *Config) { c.Origin = "meetings.example.org" })
			for range 2 {
				err := s.Send(t.Context(), sample(), 1)
				var r *outbox.Refusal
				if c.code == "" && err != nil || c.code != "" && (!errors.As(err, &r) || r.Class != c.class || !strings.Contains(r.Code, c.code)) {
					t.Errorf("got %+v", err)
				}
			}
			if got := a.requests(); got != c.want {
				t.Errorf("it got %s, want %s", got, c.want)
			}
			if err := s.Probe(t.Context()); (err == nil) != (c.code == "") {
				t.Errorf("whether it is there: %v", err)
			}
		})
	}
	a := startAsked(t, 200, nil)
	if err := newSender(t, a.URL, nil).Send(t.Context(), sample(), 1); err != nil || a.requests() != post {
		t.Errorf("one that need not be asked: %v, %s", err, a.requests())
	}
}

// 60 a minute are one a second after the first.
func TestTheRateThatAnEndpointAllows(t *testing.T) {
	a := startAsked(t, 200, map[string]string{"WebHook-Allowed-Origin": "*", "WebHook-Allowed-Rate": "120"})
	s := newSender(t, a.URL, func(c *Config) { c.Origin = "meetings.example.org" })
	start := time.Now()
	for range 4 {
		if err := s.Send(t.Context(), sample(), 1); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(start); took < 900*time.Millisecond {
		t.Errorf("four events took %v, at 120 a minute and two at once", took)
	}
}

func TestWhetherAnEndpointIsThere(t *testing.T) {
	for status, there := range map[int]bool{200: true, 404: true, 405: true, 500: false} {
		a := startAsked(t, status, nil)
		if err := newSender(t, a.URL, nil).Probe(t.Context()); (err == nil) != there || a.requests() != "HEAD" {
			t.Errorf("%d: %v after %s", status, err, a.requests())
		}
	}
	a := startAsked(t, 200, nil)
	a.Close()
	if err := newSender(t, a.URL, nil).Probe(t.Context()); err == nil {
		t.Error("one that is not there is")
	}
}

// Receivers of the public half can verify.
func TestASignatureOfAPair(t *testing.T) {
	secret, public := NewPair()
	s, err := ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	shared, err := ParseSecret(vectorSecret)
	if err != nil {
		t.Fatal(err)
	}
	verify, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(public, "whpk_"))
	if err != nil || !strings.HasPrefix(public, "whpk_") {
		t.Fatalf("%s: %v", public, err)
	}
	both := strings.Fields(sign([]Secret{s, shared}, "evt_1", "1614265330", []byte(`{"a":1}`)))
	signature, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(both[0], "v1a,"))
	if err != nil || !ed25519.Verify(verify, []byte(`evt_1.1614265330.{"a":1}`), signature) || !strings.HasPrefix(both[1], "v1,") {
		t.Errorf("signed as %v", both)
	}
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsk_"))
	if seed, err := ParseSecret("whsk_" + base64.StdEncoding.EncodeToString(key[:32])); err != nil || !seed.own.Equal(s.own) {
		t.Errorf("the seed alone: %v", err)
	}
	key[40]++
	for _, text := range []string{"whsk_", "whsk_AAAA", "whsk_*", "whsk_" + base64.StdEncoding.EncodeToString(key), public} {
		if _, err := ParseSecret(text); !errors.Is(err, ErrSecret) || strings.Contains(err.Error(), "AAAA") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
