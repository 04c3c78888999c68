package webhook

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/carillon-meetings/carillon/internal/notify/outbox"
)

// handshakeAge is how long an endpoint's word is good for.
const handshakeAge = 24 * time.Hour

// permission is what an endpoint has said of whether it wants events, and how
// many (CloudEvents "HTTP 1.1 Web Hooks for Event Delivery" 1.0.2, section 4).
type permission struct {
	mu    sync.Mutex
	until time.Time     // guarded by mu
	limit *rate.Limiter // nil for any number; guarded by mu
}

// mayPost asks the endpoint for its permission, unless it has given it, and
// waits until the next request is due. The error is an *outbox.Refusal.
func (s *Sender) mayPost(ctx context.Context) error {
	if s.cfg.Origin == "" {
		return nil
	}
	p := &s.permission
	p.mu.Lock()
	if time.Now().After(p.until) {
		limit, err := s.askPermission(ctx)
		if err != nil {
			p.mu.Unlock()
			return err
		}
		p.until, p.limit = time.Now().Add(handshakeAge), limit
	}
	limit := p.limit
	p.mu.Unlock()
	if limit == nil {
		return nil
	}
	if err := limit.Wait(ctx); err != nil {
		return &outbox.Refusal{Code: "too many for the rate that the endpoint allows"}
	}
	return nil
}

// askPermission asks once; limit is nil for any number.
func (s *Sender) askPermission(ctx context.Context) (limit *rate.Limiter, err error) {
	answer, err := s.ask(ctx, http.MethodOptions)
	if err != nil {
		return nil, err
	}
	switch status := answer.StatusCode; {
	case status == http.StatusTooManyRequests || status >= 500:
		return nil, &outbox.Refusal{Code: "handshake: HTTP " + strconv.Itoa(status), After: retryAfter(answer.Header.Get("Retry-After"))}
	case status/100 != 2:
		return nil, &outbox.Refusal{Class: outbox.Configuration, Code: "handshake: HTTP " + strconv.Itoa(status)}
	}
	if allowed := answer.Header.Get("WebHook-Allowed-Origin"); allowed != "*" && !strings.EqualFold(allowed, s.cfg.Origin) {
		return nil, &outbox.Refusal{Class: outbox.Configuration, Code: "handshake: the endpoint does not allow events of " + s.cfg.Origin}
	}
	perMinute, err := strconv.Atoi(answer.Header.Get("WebHook-Allowed-Rate"))
	if err != nil || perMinute <= 0 {
		return nil, nil // "*", or nothing said
	}
	return rate.NewLimiter(rate.Limit(float64(perMinute)/60), max(perMinute/60, 1)), nil
}

// ask makes a request without a body.
func (s *Sender) ask(ctx context.Context, method string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, s.cfg.URL.String(), nil)
	if err != nil {
		return nil, &outbox.Refusal{Class: outbox.Permanent, Code: err.Error()}
	}
	r.Header.Set("User-Agent", "Carillon/"+s.cfg.Version)
	if method == http.MethodOptions {
		r.Header.Set("WebHook-Request-Origin", s.cfg.Origin)
	}
	answer, err := s.client.Do(r)
	if err != nil {
		return nil, refusal(err)
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, answerMost)
	return answer, nil
}

// Probe asks whether the endpoint is there, without telling it anything: with
// the handshake if there is one, else with HEAD, to which any answer but a
// failure of the server's will do.
func (s *Sender) Probe(ctx context.Context) error {
	if s.cfg.Origin != "" {
		_, err := s.askPermission(ctx)
		return err
	}
	answer, err := s.ask(ctx, http.MethodHead)
	if err == nil && answer.StatusCode >= 500 {
		err = &outbox.Refusal{Code: "HTTP " + strconv.Itoa(answer.StatusCode)}
	}
	return err
}
