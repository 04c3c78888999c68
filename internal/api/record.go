package api

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/audit"
	"github.com/carillon-meetings/carillon/internal/refusals"
)

// record writes the access log and tells the observer. External ids, tokens
// and query strings stay out of the log.
func (s *Server) record(c *call, status int) {
	s.observe(c, status)
	s.endTrace(c, status, "")
	s.audit(c, status, nil)
	s.log(c, slog.LevelInfo, status)
}

// recordRefusal does so for a request that was not answered as asked, and says
// why: in the words that the caller got and, when the fault is ours, with what
// broke.
func (s *Server) recordRefusal(c *call, e *wireError, err error) {
	s.observe(c, e.status)
	s.endTrace(c, e.status, e.name)
	s.audit(c, e.status, e)
	why := []slog.Attr{slog.String("error", e.name), slog.String("reason", shortened(e.message, maxReason))}
	if c.operation() == "" {
		why = append(why, slog.String("path", refusals.Shape(c.path)))
	}
	level := slog.LevelWarn
	if e.status >= http.StatusInternalServerError {
		level = slog.LevelError
		why = append(why, slog.Any("cause", err))
	}
	s.log(c, level, e.status, why...)
}

func (s *Server) observe(c *call, status int) {
	operation, flavour := "", ""
	if c.route != nil {
		operation, flavour = c.route.op.name, c.flavour.String()
	}
	s.cfg.Observe(operation, flavour, status, time.Since(c.began))
}

// audit writes down a change, done or refused. Calls of nobody who is known are
// in the log only: strangers could fill more than that.
func (s *Server) audit(c *call, status int, e *wireError) {
	if s.cfg.Audit == nil || c.r.Method == http.MethodGet || c.identity.AccessKeyID == "" {
		return
	}
	entry := audit.Entry{
		Via: audit.API, Who: c.actor(), From: fromText(s.cfg.ClientAddr(c.r)), Action: c.operation(), Request: c.id,
		Target:  audit.Target("meeting", c.labels.meetingID, "attendee", c.labels.attendeeID, "pipeline", c.labels.pipelineID),
		Outcome: audit.OutcomeOf(status),
	}
	if e != nil {
		entry.Error, entry.Reason = e.name, e.message
	}
	s.cfg.Audit(entry)
}

// log writes one line about a request. Its access key is the one that signed
// it or, in a request that was refused before that was known, the one that it
// claims.
func (s *Server) log(c *call, level slog.Level, status int, more ...slog.Attr) {
	if !s.cfg.Logger.Enabled(context.Background(), level) {
		return
	}
	flavour, key := "", c.identity.AccessKeyID
	if c.route != nil {
		flavour = c.flavour.String()
	}
	if key == "" {
		key = c.claimed
	}
	attrs := append(make([]slog.Attr, 0, 15),
		slog.String("request_id", c.id), slog.String("method", c.r.Method),
		slog.String("operation", c.operation()), slog.String("flavour", flavour),
		slog.Int("status", status), slog.Duration("took", time.Since(c.began)),
		slog.String("access_key", key), slog.String("region", c.identity.Region),
		slog.String("from", fromText(s.cfg.ClientAddr(c.r))),
	)
	if id := c.r.Header.Get("Amz-Sdk-Invocation-Id"); isGUID(id) {
		attrs = append(attrs, slog.String("invocation", id))
	}
	if id := c.span.TraceID(); id != "" {
		attrs = append(attrs, slog.String("trace_id", id))
	}
	// A Logger would find out first where in the code it is called, which nobody is
	// shown and which takes a tenth of the line's time.
	line := slog.NewRecord(time.Now(), level, "api request", 0)
	line.AddAttrs(append(attrs, more...)...)
	_ = s.cfg.Logger.Handler().Handle(context.Background(), line) // as a Logger does
}

// withoutEffect writes down that a meeting asked for what is accepted and does
// nothing yet: its owner waits for something that will not come. Only the names
// of the members are told, and the targets that events do not reach. When all
// that is missing are targets of which the log has spoken before, it is no news.
func (s *Server) withoutEffect(c *call, meetingID string, members, unreached []string) {
	if len(members) == 0 {
		return
	}
	for _, m := range members {
		s.cfg.WithoutEffect(m)
	}
	attrs := []any{"meeting", meetingID, "members", members, "operation", c.operation(), "request_id", c.id}
	level := slog.LevelWarn
	if len(unreached) > 0 {
		attrs = append(attrs, "unreached", unreached)
		if !s.targets.fresh(unreached) && len(members) == len(unreached) {
			level = slog.LevelDebug
		}
	}
	s.cfg.Logger.Log(context.Background(), level, "accepted without effect", attrs...)
}

// rememberedTargets bounds how many targets are remembered. Beyond them, each
// is news.
const rememberedTargets = 10_000

// targets are those that the log has spoken of.
type targets struct {
	mu    sync.Mutex
	known map[string]bool // guarded by mu
}

// fresh remembers the targets and reports whether one of them is new.
func (t *targets) fresh(names []string) (fresh bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, name := range names {
		if fresh = fresh || !t.known[name]; len(t.known) >= rememberedTargets {
			continue
		}
		if t.known == nil {
			t.known = map[string]bool{}
		}
		t.known[name] = true
	}
	return fresh
}

// maxReason bounds what is logged of a message, in bytes: some repeat a part of
// the request's header.
const maxReason = 512

func shortened(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}

// fromText is an address in the log; callers inside the process have none.
func fromText(addr netip.Addr) string {
	if !addr.IsValid() {
		return "inside"
	}
	return addr.String()
}
