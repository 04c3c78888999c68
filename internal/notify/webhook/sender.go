package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/notify/event"
	"github.com/carillon-meetings/carillon/internal/notify/outbox"
	"github.com/carillon-meetings/carillon/internal/publicaddr"
)

// The forms of a request's body.
const (
	FormBus               = "bus"                // as event buses deliver it
	FormDirect            = "direct"             // as queues get it
	FormCloudEvents       = "cloudevents"        // CloudEvents 1.0, one JSON object
	FormCloudEventsInHTTP = "cloudevents-binary" // CloudEvents 1.0, attributes in headers
)

// Forms are all of them.
func Forms() []string {
	return []string{FormBus, FormDirect, FormCloudEvents, FormCloudEventsInHTTP}
}

// dialTimeout bounds a connection to one address.
const dialTimeout = 5 * time.Second

// answerMost is how much of an answer's body is read, in bytes.
const answerMost = 64 << 10

// Config is one endpoint. All fields but TLS and Origin are required.
type Config struct {
	URL          *url.URL
	Secrets      []Secret
	Form         string
	Timeout      time.Duration // of one attempt
	AllowPrivate bool          // loopback, private and link-local addresses
	TLS          *tls.Config   // authorities and client certificates of the endpoint; nil for the system's
	Version      string        // of this server, for User-Agent
	Width        int           // connections that are kept
	Origin       string        // as whom to ask for permission before anything is sent; empty: nobody is asked
}

// Sender hands events to one endpoint.
type Sender struct {
	cfg    Config
	client *http.Client

	permission permission
}

// New returns a Sender. It opens no connection yet.
func New(cfg Config) *Sender {
	return &Sender{cfg: cfg, client: &http.Client{
		Timeout:       cfg.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{ // without a proxy: that would resolve names where nobody looks at the address
			DialContext: publicaddr.Dialer(cfg.AllowPrivate, dialTimeout).DialContext, TLSClientConfig: cfg.TLS, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: dialTimeout, MaxIdleConnsPerHost: cfg.Width, IdleConnTimeout: time.Minute, DisableCompression: true,
			MaxResponseHeaderBytes: answerMost,
		},
	}}
}

// Close closes connections that nothing is sent on.
func (s *Sender) Close() { s.client.CloseIdleConnections() }

// Send makes one attempt. The error is an *outbox.Refusal.
func (s *Sender) Send(ctx context.Context, e *event.Event, attempt int) error {
	if err := s.mayPost(ctx); err != nil {
		return err
	}
	r, err := s.request(ctx, e, attempt)
	if err != nil {
		return &outbox.Refusal{Class: outbox.Permanent, Code: err.Error()}
	}
	answer, err := s.client.Do(r)
	if err != nil {
		return refusal(err)
	}
	defer answer.Body.Close()
	if _, err := io.CopyN(io.Discard, answer.Body, answerMost); err != nil && err != io.EOF && answer.StatusCode/100 == 2 {
		return refusal(err)
	}
	if answer.StatusCode/100 == 2 {
		return nil
	}
	refused := &outbox.Refusal{Code: "HTTP " + strconv.Itoa(answer.StatusCode), After: retryAfter(answer.Header.Get("Retry-After"))}
	if answer.StatusCode == http.StatusGone {
		refused.Class = outbox.Off
	}
	return refused
}

// refusal says in a few words why there is no answer; an address or a URL may be
// nobody's business.
func refusal(err error) error {
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		err = urlErr.Err
	}
	class := outbox.Passing
	if errors.Is(err, publicaddr.ErrPrivate) {
		class = outbox.Configuration
	}
	if t, ok := err.(interface{ Timeout() bool }); ok && t.Timeout() {
		return &outbox.Refusal{Class: class, Code: "no answer in time"}
	}
	return &outbox.Refusal{Class: class, Code: err.Error()}
}

// retryAfter reads the header's seconds or date.
func retryAfter(text string) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(min(max(seconds, 0), 1<<20)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}

// request makes the signed request of one attempt.
func (s *Sender) request(ctx context.Context, e *event.Event, attempt int) (*http.Request, error) {
	body, contentType := []byte(nil), "application/json"
	var headers map[string]string
	switch s.cfg.Form {
	case FormBus:
		body = e.Bus()
	case FormDirect:
		body = e.Direct()
	case FormCloudEvents:
		body, contentType = e.Cloud().Structured(), "application/cloudevents+json; charset=UTF-8"
	case FormCloudEventsInHTTP:
		c := e.Cloud()
		body, headers = c.Data, c.Headers()
	default:
		return nil, fmt.Errorf("no such form: %q", s.cfg.Form)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cfg.URL.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	id, timestamp := "evt_"+strings.ReplaceAll(e.ID.String(), "-", ""), strconv.FormatInt(time.Now().Unix(), 10)
	for name, value := range map[string]string{
		"Content-Type": contentType, "User-Agent": "Carillon/" + s.cfg.Version,
		"webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": sign(s.cfg.Secrets, id, timestamp, body),
		"carillon-event-type": e.Type, "carillon-sequence": strconv.FormatUint(e.Sequence, 10), "carillon-attempt": strconv.Itoa(attempt),
	} {
		r.Header.Set(name, value)
	}
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	return r, nil
}
