package gate

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/refusals"
)

// Rules say which requests come in.
type Rules struct {
	Hosts Hosts
	// Body is how long a request's body may take to arrive; 0: as long as it
	// keeps the least pace.
	Body time.Duration
	// Logger hears of host names that are not served; nil discards.
	Logger *slog.Logger
}

// A body may be late by bodyGrace and then arrives at bodyPace or faster. Both
// hold besides Rules.Body.
const (
	bodyGrace = 5 * time.Second
	bodyPace  = 1 << 10 // bytes per second
)

// Handler returns a handler that lets in the requests that keep to the rules.
func Handler(next http.Handler, rules Rules) http.Handler {
	rules.Body = cmp.Or(rules.Body, math.MaxInt64)
	return &handler{next: next, rules: rules, log: cmp.Or(rules.Logger, slog.New(slog.DiscardHandler)), told: make(map[string]bool)}
}

type handler struct {
	next  http.Handler
	rules Rules
	log   *slog.Logger

	mu   sync.Mutex
	told map[string]bool // the hosts the log was told of
}

// ServeHTTP serves one request.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if ambiguous(r) {
		w.Header().Set("Connection", "close")
	}
	if hasBody(r) {
		// A copy: the server must find its own body in its request, to see
		// whether the client is still sending when the answer is out.
		paced := *r
		paced.Body = newPacedBody(w, r, h.rules.Body)
		r = &paced
	}
	if !h.rules.Hosts.Accept(r) {
		h.misdirected(w, r)
		return
	}
	h.next.ServeHTTP(w, r)
}

func hasBody(r *http.Request) bool {
	return r.Body != nil && r.Body != http.NoBody && r.ContentLength != 0
}

// ambiguous reports whether a proxy may have seen the request end elsewhere:
// net/http follows Transfer-Encoding and forgets a Content-Length beside it, or
// in HTTP/1.0 the other way round, so that neither can be seen here. Nothing
// else may be read from such a connection (RFC 9112, sections 6.1 and 6.3).
func ambiguous(r *http.Request) bool {
	return len(r.TransferEncoding) > 0 || !r.ProtoAtLeast(1, 1) && hasBody(r)
}

// maxTold bounds the host names that are logged: they are a stranger's words.
const maxTold = 100

// misdirectedRequest is what the refusal is called.
const misdirectedRequest = "MisdirectedRequestException"

// misdirected refuses a request for a host that is not served. Clients of the
// API read the message, people the whole.
func (h *handler) misdirected(w http.ResponseWriter, r *http.Request) {
	host := r.Host[:min(len(r.Host), 255)]
	h.mu.Lock()
	tell := !h.told[host] && len(h.told) < maxTold
	id := rand.Text()
	if tell {
		h.told[host] = true
	}
	h.mu.Unlock()
	if tell {
		from, _ := netip.ParseAddrPort(r.RemoteAddr) // of a listener that has no addresses none is told
		h.log.Warn("refused a request for a host name that is not served here", "host", host, "from", from.Addr().Unmap().String(), "request_id", id,
			"method", r.Method, "operation", "", "path", refusals.Shape(r.URL.Path), "error", misdirectedRequest, "reason", "the host name is not served here", "status", http.StatusMisdirectedRequest)
	}
	body, err := json.Marshal(map[string]string{
		"message": "This server does not answer to the host name \"" + host + "\". If that is its name, start it with --public-url or --allowed-hosts.",
	})
	if err != nil {
		body = nil
	}
	head := w.Header()
	head.Set("Content-Type", "application/json")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("X-Amzn-Errortype", misdirectedRequest)
	head.Set("X-Amzn-Requestid", id)
	w.WriteHeader(http.StatusMisdirectedRequest)
	_, _ = w.Write(body) // the client has gone if this fails
}

// pacedBody is a body that must arrive in time. Its deadline holds also when
// nobody but the server, cleaning up, reads it.
type pacedBody struct {
	io.ReadCloser
	conn     *http.ResponseController
	within   time.Duration
	began    time.Time // of reading; a client that asks with Expect waits for that
	received int64
	deadline time.Time // in force
}

func newPacedBody(w http.ResponseWriter, r *http.Request, within time.Duration) *pacedBody {
	b := &pacedBody{ReadCloser: r.Body, conn: http.NewResponseController(w), within: within}
	b.set(time.Now().Add(min(within, bodyGrace)))
	return b
}

// Read reads what has arrived. It fails with os.ErrDeadlineExceeded when the
// client is too slow.
func (b *pacedBody) Read(p []byte) (int, error) {
	if b.began.IsZero() {
		b.began = time.Now()
	}
	pace := bodyGrace + time.Duration(b.received)*time.Second/bodyPace
	b.set(b.began.Add(min(b.within, pace)))
	n, err := b.ReadCloser.Read(p)
	b.received += int64(n)
	if err == io.EOF {
		// The server goes on reading, to see the client go away.
		b.set(time.Time{})
	}
	return n, err
}

// set sets the connection's deadline, unless it would move by a trifle. A
// writer without deadlines, as in tests without a connection, has no slow client
// either: the error means nothing.
func (b *pacedBody) set(t time.Time) {
	if t.IsZero() || t.Sub(b.deadline).Abs() > bodyGrace/10 {
		b.deadline = t
		_ = b.conn.SetReadDeadline(t)
	}
}
