package reports

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/plainweb"
)

const (
	maxReport  = 64 << 10 // bytes of one request
	maxEvents  = 50       // events that count of one request
	retryAfter = "5"      // seconds
)

// Config says how to take reports. Check is required.
type Config struct {
	// Check says whether a join token lets into the meeting, as an HTTP status:
	// 200 if so, 404 when the meeting has ended, or another refusal. attendee
	// is for the log.
	Check func(ctx context.Context, id meeting.ID, token string) (attendee string, status int)
	// OriginAllowed says whether the page that a request comes from may read
	// the answer; nil allows any.
	OriginAllowed func(*http.Request) bool

	Logger *slog.Logger // nil discards
}

// Handler takes reports. It is for a path with and without the wildcard
// "{meeting}".
type Handler struct {
	cfg    Config
	counts *counts
	limits *limits
}

// New returns a Handler.
func New(cfg Config) *Handler {
	cfg.Logger = cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler))
	return &Handler{cfg: cfg, counts: newCounts(), limits: newLimits()}
}

// report is the body that clients send.
type report struct {
	Metadata struct {
		MeetingID      string `json:"meetingId"`
		BrowserName    string `json:"browserName"`
		BrowserVersion string `json:"browserVersion"`
		SDKVersion     string `json:"sdkVersion"`
	} `json:"metadata"`
	Events        json.RawMessage `json:"events"`
	Authorization string          `json:"authorization"`
}

// ServeHTTP takes a report. Requests come from pages' scripts, so each is
// preceded by a CORS preflight, except the last one of a page.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.allowOrigin(w, r)
	if !plainweb.IsPost(w, r, "authorization, content-type") {
		return
	}
	id, token := r.PathValue("meeting"), plainweb.Bearer(r.Header)
	attendee, status := "", http.StatusOK
	early := id != "" && token != ""
	if early {
		attendee, status = h.check(r.Context(), id, token)
	}
	var in report
	if status == http.StatusOK {
		status = plainweb.ReadJSON(w, r, maxReport, &in)
	}
	if status == http.StatusOK && !early {
		attendee, status = h.check(r.Context(), cmp.Or(id, in.Metadata.MeetingID), cmp.Or(token, in.Authorization))
	}
	if status == http.StatusOK {
		status = h.take(cmp.Or(id, in.Metadata.MeetingID), attendee, &in)
	}
	answer(w, status)
}

// allowOrigin lets the page's script read the answer.
func (h *Handler) allowOrigin(w http.ResponseWriter, r *http.Request) {
	w.Header().Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin != "" && (h.cfg.OriginAllowed == nil || h.cfg.OriginAllowed(r)) {
		w.Header().Set("Access-Control-Allow-Origin", origin)
	}
}

// check checks whose report it is.
func (h *Handler) check(ctx context.Context, meetingID, token string) (attendee string, status int) {
	id, ok := meeting.ParseID(meetingID)
	if !ok || token == "" {
		return "", http.StatusForbidden
	}
	attendee, status = h.cfg.Check(ctx, id, token)
	if status == http.StatusOK && !h.limits.allow(id) {
		return "", http.StatusTooManyRequests
	}
	return attendee, status
}

// take counts the events of a report and returns the status of the answer.
func (h *Handler) take(meetingID, attendee string, in *report) int {
	var events []struct {
		Payloads []struct {
			Name string `json:"name"`
		} `json:"payloads"`
	}
	if len(in.Events) > 0 && json.Unmarshal(in.Events, &events) != nil {
		return http.StatusBadRequest
	}
	var names []string
	for _, e := range events {
		for _, p := range e.Payloads {
			names = append(names, p.Name)
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool { return name == "" })
	names = names[:min(len(names), maxEvents)]
	for i, name := range names {
		names[i] = h.counts.add(name)
	}
	m := &in.Metadata
	h.cfg.Logger.Debug("client reported", "meeting", meetingID, "attendee", attendee, "events", names,
		"browser", clip(m.BrowserName), "version", clip(m.BrowserVersion), "sdk", clip(m.SDKVersion))
	return http.StatusOK
}

// clip shortens what a client says, for the log.
func clip(s string) string { return s[:min(len(s), 32)] }

// answer sends the answer. A report to a meeting that has ended is its clients'
// last word: anything but success has them try again.
func answer(w http.ResponseWriter, status int) {
	switch status {
	case http.StatusOK, http.StatusNotFound:
		plainweb.Reply(w, http.StatusOK, `{}`)
	case http.StatusForbidden:
		plainweb.Reply(w, status, `{"message":"join token not valid"}`)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", retryAfter)
		plainweb.Reply(w, status, `{"message":"try again later"}`)
	default:
		plainweb.Reply(w, status, `{"message":"not a report"}`)
	}
}
