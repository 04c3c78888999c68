package tracing

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Config says where spans go. Endpoint is required; a zero field otherwise takes
// the default named beside it.
type Config struct {
	Endpoint string            // URL that batches are posted to, such as http://127.0.0.1:4318/v1/traces
	Header   http.Header       // sent with each batch, such as an authorization; a secret
	Ratio    float64           // share of the calls and joins without a parent that are told, 0 to 1
	Resource []Attr            // what is said of this process; of two with one name the last one holds
	Gather   time.Duration     // how long a batch that is not full is gathered; default: 5 s
	Client   http.RoundTripper // default: a transport of its own
	Logger   *slog.Logger      // nil discards
}

// Bounds of what waits and of how long.
const (
	maxQueue   = 8192             // spans that wait, about 150 bytes each
	maxBatch   = 2048             // spans in one request, 300 kB: a request costs as much as a thousand of them
	gatherTime = 5 * time.Second  // how long a batch that is not full is gathered, as in OpenTelemetry's own SDKs
	postTime   = 10 * time.Second // one request
	firstPause = time.Second      // before a batch is tried again, and then twice as long each time
	maxPause   = 30 * time.Second
	maxTries   = 5
	maxAnswer  = 64 << 10 // bytes that are read of an answer
	usualSpan  = 512      // bytes that most spans have room in
)

// Tracer sends spans. A nil Tracer makes none. All methods are safe for
// concurrent use.
type Tracer struct {
	cfg    Config
	client *http.Client
	wake   chan struct{} // there is something to send, or a full batch
	stop   chan struct{}
	done   chan struct{} // closed when the sender has ended
	cancel context.CancelFunc

	mu      sync.Mutex
	waiting []batch // guarded by mu; the last one may have room yet
	queued  int     // guarded by mu; spans in them
	spare   []byte  // guarded by mu; room of a batch that was taken, for another one
	closed  bool    // guarded by mu
	stats   Stats   // guarded by mu
}

// batch is spans that go in one request, as they are written in it: so a span is
// nothing to the collector of garbage once it has ended.
type batch struct {
	spans []byte
	n     int
	begun time.Time // when the first one came
}

// Stats are the spans of this process since its start.
type Stats struct {
	Sent     uint64 // taken by the receiver
	NoRoom   uint64 // dropped: too many waited
	NotTaken uint64 // dropped: the receiver did not answer, or refused the batch
	Rejected uint64 // dropped by the receiver, which said so
}

// New returns a Tracer that sends until it is closed.
func New(cfg Config) *Tracer {
	cfg.Logger = cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler))
	cfg.Gather = cmp.Or(cfg.Gather, gatherTime)
	if cfg.Client == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.MaxIdleConns = 1
		cfg.Client = own
	}
	ctx, cancel := context.WithCancel(context.Background())
	t := &Tracer{
		cfg:  cfg,
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}), cancel: cancel,
		client: &http.Client{Transport: cfg.Client, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	go t.run(ctx)
	return t
}

// Stats returns the counts; none of a nil Tracer.
func (t *Tracer) Stats() Stats {
	if t == nil {
		return Stats{}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stats
}

// push leaves a span to be sent. It is written before the lock is taken.
func (t *Tracer) push(s *Span) {
	var room [usualSpan]byte
	written := s.append(room[:0])
	t.mu.Lock()
	if t.closed || t.queued >= maxQueue {
		t.stats.NoRoom++
		t.mu.Unlock()
		return
	}
	if last := len(t.waiting) - 1; last < 0 || t.waiting[last].n == maxBatch {
		t.waiting = append(t.waiting, batch{spans: t.spare, begun: time.Now()})
		t.spare = nil
	}
	b := &t.waiting[len(t.waiting)-1]
	b.spans = appendMessage(b.spans, scopeSpansSpans, written)
	b.n++
	t.queued++
	n := t.queued
	t.mu.Unlock()
	if n == 1 || n == maxBatch {
		select {
		case t.wake <- struct{}{}:
		default:
		}
	}
}

// take takes the next batch, if there is one.
func (t *Tracer) take() (b batch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) > 0 {
		b = t.waiting[0]
		t.waiting = slices.Delete(t.waiting, 0, 1)
		t.queued -= b.n
	}
	return b
}

// reuse keeps the room of a batch for another one, if it is the largest so far.
func (t *Tracer) reuse(b batch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if cap(b.spans) > cap(t.spare) {
		t.spare = b.spans[:0]
	}
}

// next tells how many spans the next batch has, and since when it has waited.
func (t *Tracer) next() (n int, begun time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) > 0 {
		n, begun = t.waiting[0].n, t.waiting[0].begun
	}
	return n, begun
}

func (t *Tracer) count(add func(*Stats)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	add(&t.stats)
}

// Close sends what waits, each batch once, and ends the sender. When ctx ends
// first, the rest is dropped and counted. Spans that end afterwards are dropped.
func (t *Tracer) Close(ctx context.Context) {
	if t == nil {
		return
	}
	t.mu.Lock()
	first := !t.closed
	t.closed = true
	t.mu.Unlock()
	if first {
		close(t.stop)
	}
	unbounded := context.AfterFunc(ctx, t.cancel)
	defer unbounded()
	<-t.done
	t.cancel()
	if own, ok := t.cfg.Client.(*http.Transport); ok {
		own.CloseIdleConnections()
	}
}

// run sends until the Tracer is closed.
func (t *Tracer) run(ctx context.Context) {
	defer close(t.done)
	works, encoder := true, newEncoder(t.cfg.Resource)
	for t.gather() {
		b := t.take()
		body := encoder.request(b.spans)
		t.reuse(b)
		works = t.send(ctx, body, b.n, works)
	}
}

// gather waits for a batch: until it is full, or its first span has waited for
// Config.Gather, or the Tracer is closed. So the spans that end while a request
// is at work wait for others: a request for each few would cost more than all
// else. It is false when the Tracer is closed and nothing is left.
func (t *Tracer) gather() bool {
	enough := time.NewTimer(t.cfg.Gather)
	defer enough.Stop()
	for {
		n, begun := t.next()
		if n == maxBatch {
			return true
		}
		var late <-chan time.Time
		if n > 0 {
			enough.Reset(time.Until(begun.Add(t.cfg.Gather)))
			late = enough.C
		}
		select {
		case <-t.wake:
		case <-late:
			return true
		case <-t.stop:
			n, _ = t.next()
			return n > 0
		}
	}
}

// tell says that the receiver takes nothing, or does again, when it worked, or
// did not, until now.
func (t *Tracer) tell(err error, worked bool) (works bool) {
	switch {
	case err != nil && worked:
		t.cfg.Logger.Warn("traces are not taken", "err", err)
	case err == nil && !worked:
		t.cfg.Logger.Info("traces are taken again")
	}
	return err == nil
}

// errFinal marks an answer after which another try is of no use.
var errFinal = errors.New("refused")

// send posts a batch of n spans until it is taken, is refused, or was tried often
// enough. The spans are counted. works tells, before and after, whether the receiver
// took the last request.
func (t *Tracer) send(ctx context.Context, body []byte, n int, works bool) bool {
	pause := firstPause
	for try := 1; ; try++ {
		lost, wait, err := t.post(ctx, body)
		if works = t.tell(err, works); works {
			lost = min(max(lost, 0), int64(n))
			t.count(func(s *Stats) { s.Rejected += uint64(lost); s.Sent += uint64(n) - uint64(lost) })
			return true
		}
		if errors.Is(err, errFinal) || try == maxTries || !t.rest(min(max(pause, wait), maxPause)) {
			t.count(func(s *Stats) { s.NotTaken += uint64(n) })
			return false
		}
		pause *= 2
	}
}

// rest waits before another try; false when there will be none, as the Tracer is
// being closed.
func (t *Tracer) rest(d time.Duration) bool {
	over := time.NewTimer(d)
	defer over.Stop()
	select {
	case <-over.C:
		return true
	case <-t.stop:
		return false
	}
}

// post sends one request. It returns how many spans the receiver has thrown
// away, or an error and how long the receiver wants to be left alone.
func (t *Tracer) post(ctx context.Context, body []byte) (lost int64, wait time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, postTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.cfg.Endpoint, bytes.NewReader(body))
	if err != nil {
		return 0, 0, fmt.Errorf("%w: %w", errFinal, err)
	}
	for name, values := range t.cfg.Header {
		r.Header[name] = values
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	answer, err := t.client.Do(r)
	if err != nil {
		return 0, 0, errors.Unwrap(err) // without the URL, which may hold a password
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	switch code := answer.StatusCode; {
	case code/100 == 2 && err == nil:
		lost, _ = rejected(text) // an answer that cannot be read says nothing against what was sent
		return lost, 0, nil
	case code/100 == 2:
		return 0, 0, nil
	case code == http.StatusTooManyRequests, code == http.StatusBadGateway, code == http.StatusServiceUnavailable, code == http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
		return 0, time.Duration(min(max(seconds, 0), int(maxPause/time.Second))) * time.Second, fmt.Errorf("status %d", code)
	default:
		return 0, 0, fmt.Errorf("%w with status %d", errFinal, code)
	}
}
