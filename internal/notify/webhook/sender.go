package webhook

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
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

// headMost is about how long the headers of a request are, in bytes.
const headMost = 512

// dialTimeout bounds a connection to one address.
const dialTimeout = 5 * time.Second

// answerMost is how much of an answer's body is read, in bytes.
const answerMost = 64 << 10

// Config is one endpoint. All fields but TLS and Origin are required.
type Config struct {
	URL          *url.URL
	Secrets      []Secret
	Form         string
	Timeout      time.Duration      // of one attempt
	AllowPrivate bool               // loopback, private and link-local addresses
	TLS          func() *tls.Config // authorities and client certificates of the endpoint, asked for each connection; nil for the system's
	Version      string             // of this server, for User-Agent
	Width        int                // connections that are kept
	Origin       string             // as whom to ask for permission before anything is sent; empty: nobody is asked
}

// Sender hands events to one endpoint.
type Sender struct {
	cfg    Config
	client *http.Client // for what is not an event
	lines  lines
	head   []byte // of every request, without what differs

	permission permission
}

// New returns a Sender. It opens no connection yet.
func New(cfg Config) *Sender {
	s := &Sender{cfg: cfg}
	s.head = fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: Carillon/%s\r\n", cfg.URL.RequestURI(), cfg.URL.Host, cfg.Version)
	port, encryption := cfg.URL.Port(), (func() *tls.Config)(nil)
	if cfg.URL.Scheme == "https" {
		encryption, port = cfg.encryption, cmp.Or(port, "443")
	}
	address := net.JoinHostPort(cfg.URL.Hostname(), cmp.Or(port, "80"))
	s.lines.dial, s.lines.most = dialing(publicaddr.Dialer(cfg.AllowPrivate, dialTimeout), address, encryption), cfg.Width
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, 2*dialTimeout) // the connection and the handshake
		defer cancel()
		return s.lines.dial(ctx)
	}
	s.client = &http.Client{
		Timeout:       cfg.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		// Without a proxy: that would resolve names where nobody looks at the address.
		Transport: &http.Transport{DialContext: dial, DialTLSContext: dial, DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: answerMost},
	}
	return s
}

// encryption is how the next connection is encrypted.
func (c *Config) encryption() *tls.Config {
	encryption := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.TLS != nil {
		encryption = c.TLS().Clone()
	}
	encryption.ServerName, encryption.NextProtos = c.URL.Hostname(), []string{"http/1.1"}
	return encryption
}

// Close closes connections that nothing is sent on.
func (s *Sender) Close() { s.lines.close() }

// Send makes one attempt. The error is an *outbox.Refusal.
func (s *Sender) Send(ctx context.Context, e *event.Event, attempt int) error {
	if err := s.mayPost(ctx); err != nil {
		return err
	}
	request, err := s.request(e, attempt)
	if err != nil {
		return &outbox.Refusal{Class: outbox.Permanent, Code: err.Error()}
	}
	answer, err := s.lines.post(ctx, time.Now().Add(s.cfg.Timeout), request)
	if err != nil && (answer == nil || answer.StatusCode/100 == 2) {
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

// refusal says why there is no answer.
func refusal(err error) error {
	r := &outbox.Refusal{Code: outbox.Unanswered(err)}
	if errors.Is(err, publicaddr.ErrPrivate) {
		r.Class = outbox.Configuration
	}
	return r
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

// request makes the signed request of one attempt: all that goes over the wire.
func (s *Sender) request(e *event.Event, attempt int) ([]byte, error) {
	body, contentType := []byte(nil), "application/json"
	var attributes map[string]string
	switch s.cfg.Form {
	case FormBus:
		body = e.Bus()
	case FormDirect:
		body = e.Direct()
	case FormCloudEvents:
		body, contentType = e.Cloud().Structured(), "application/cloudevents+json; charset=UTF-8"
	case FormCloudEventsInHTTP:
		c := e.Cloud()
		body, attributes = c.Data, c.Headers()
	default:
		return nil, fmt.Errorf("no such form: %q", s.cfg.Form)
	}
	id, timestamp := "evt_"+strings.ReplaceAll(e.ID.String(), "-", ""), strconv.FormatInt(time.Now().Unix(), 10)
	r := make([]byte, 0, len(s.head)+len(body)+headMost)
	r = append(r, s.head...)
	header := func(name, value string) {
		r = append(r, name...)
		r = append(r, ": "...)
		r = append(r, value...)
		r = append(r, "\r\n"...)
	}
	header("Content-Type", contentType)
	header("Content-Length", strconv.Itoa(len(body)))
	header("webhook-id", id)
	header("webhook-timestamp", timestamp)
	header("webhook-signature", sign(s.cfg.Secrets, id, timestamp, body))
	header("carillon-event-type", e.Type)
	header("carillon-sequence", strconv.FormatUint(e.Sequence, 10))
	header("carillon-attempt", strconv.Itoa(attempt))
	for name, value := range attributes {
		header(name, value)
	}
	r = append(r, "\r\n"...)
	return append(r, body...), nil
}
