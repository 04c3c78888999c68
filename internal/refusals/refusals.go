// Package refusals is the part of a door that answers for what it refuses: each
// request gets an id, which its answer carries, and each refusal a line in the
// log with the same id.
//
// A Door stands in front of handlers that know nothing of it. Those that know
// more of a refusal than its status and its words say so with Note. The two APIs
// have lines of their own for every call, in the same fields.
//
// A line holds no query, no header and nothing of a path but what the route has
// as its own: what callers write there may be secret.
package refusals

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// Header is where an answer has its request's id, as with AWS.
const Header = "X-Amzn-Requestid"

// Door gives each request that it passes on to Next an id, and writes down what
// was refused. All fields are required.
type Door struct {
	Next   http.Handler
	From   func(*http.Request) netip.Addr // where a request comes from
	Level  slog.Level                     // of refusals that are the caller's own doing
	Logger *slog.Logger
}

// visit is one request at a door.
type visit struct {
	id    string
	words string      // what the line begins with
	more  []slog.Attr // what else is known
}

type visitKey struct{}

// ID returns the id of the request whose context this is; "" behind no Door.
func ID(ctx context.Context) string {
	if v, ok := ctx.Value(visitKey{}).(*visit); ok {
		return v.id
	}
	return ""
}

// Note adds to the line that a refusal will get: what it begins with, unless it is
// empty, and further fields. It is called by the goroutine that answers.
func Note(ctx context.Context, words string, more ...slog.Attr) {
	if v, ok := ctx.Value(visitKey{}).(*visit); ok {
		v.words = cmp.Or(words, v.words)
		v.more = append(v.more, more...)
	}
}

// Name is what a refusal with an HTTP status is called: as the API's exceptions.
func Name(status int) string {
	switch status {
	case http.StatusTooManyRequests:
		return "ThrottlingException"
	case http.StatusInternalServerError:
		return "ServiceFailureException"
	}
	return strings.ReplaceAll(http.StatusText(status), " ", "") + "Exception"
}

// ServeHTTP implements http.Handler.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := &visit{id: rand.Text(), words: "request refused"}
	w.Header().Set(Header, v.id)
	r = r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
	began, a := time.Now(), &answer{ResponseWriter: w}
	d.Next.ServeHTTP(a, r)
	// 410 tells clients that ask for something this server has not got.
	if a.status >= http.StatusBadRequest && a.status != http.StatusGone {
		d.log(v, r, a, time.Since(began))
	}
}

func (d *Door) log(v *visit, r *http.Request, a *answer, took time.Duration) {
	level := d.Level
	switch {
	case a.status == http.StatusServiceUnavailable:
		level = slog.LevelWarn
	case a.status >= http.StatusInternalServerError:
		level = slog.LevelError
	}
	attrs := append(make([]slog.Attr, 0, 10+len(v.more)), slog.String("request_id", v.id), slog.String("method", r.Method))
	if r.Pattern == "" || strings.HasSuffix(r.Pattern, "/") { // no route, or the one for what there is not
		attrs = append(attrs, slog.String("operation", ""), slog.String("path", Shape(r.URL.Path)))
	} else {
		_, route, _ := strings.Cut(r.Pattern, "/")
		attrs = append(attrs, slog.String("operation", r.Method+" /"+route))
	}
	attrs = append(attrs, slog.String("error", Name(a.status)), slog.String("reason", a.reason(r.URL.Path)), slog.Int("status", a.status),
		slog.Duration("took", took), slog.String("from", d.From(r).String()))
	d.Logger.LogAttrs(r.Context(), level, v.words, append(attrs, v.more...)...)
}

// maxReason bounds what is kept of an answer, in bytes: more than any sentence of
// ours.
const maxReason = 1 << 10

// answer remembers what was answered.
type answer struct {
	http.ResponseWriter
	status int
	said   []byte // of a refusal
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.status < http.StatusOK {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(b []byte) (int, error) {
	a.status = cmp.Or(a.status, http.StatusOK)
	if a.status >= http.StatusBadRequest {
		a.said = append(a.said, b[:min(len(b), maxReason-len(a.said))]...)
	}
	return a.ResponseWriter.Write(b)
}

// ReadFrom implements io.ReaderFrom, so that files are sent as without a Door.
func (a *answer) ReadFrom(from io.Reader) (int64, error) {
	if a.status >= http.StatusBadRequest {
		return io.Copy(struct{ io.Writer }{a}, from)
	}
	a.status = cmp.Or(a.status, http.StatusOK)
	return io.Copy(a.ResponseWriter, from)
}

// reason is the sentence of a refusal, of a path. Where it repeats the path it is
// as Shape has it.
func (a *answer) reason(path string) string {
	sentence := a.sentence()
	if len(path) > 1 {
		sentence = strings.ReplaceAll(sentence, path, Shape(path))
	}
	return sentence
}

func (a *answer) sentence() string {
	var told struct {
		Error   string `json:"error"`
		Message string `json:"message"`
	}
	if json.Unmarshal(a.said, &told) == nil {
		return cmp.Or(told.Error, told.Message)
	}
	return strings.TrimSpace(string(a.said))
}

// maxSegment is how long a path's segment may be to be logged, in bytes: names
// of operations are shorter, ids and tokens longer.
const maxSegment = 24

// Shape returns what a path that leads nowhere looks like, without anything in
// it that could be somebody's.
func Shape(path string) string {
	parts := strings.SplitN(path, "/", 10)
	for i, part := range parts {
		if len(part) > maxSegment || strings.ContainsFunc(part, strange) {
			parts[i] = "…"
		}
	}
	return strings.Join(parts, "/")
}

func strange(r rune) bool {
	return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("-_.", r))
}
