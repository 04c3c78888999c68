package testmode

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify/event"
)

// maxWait bounds how long a call waits for an event.
const maxWait = time.Minute

func (d *Door) readEvents(r *http.Request) (any, error) {
	q, err := watched(r.URL)
	if err != nil {
		return nil, badRequest(err)
	}
	ctx, cancel := context.WithTimeout(r.Context(), q.wait)
	defer cancel()
	return d.cfg.Events.Wait(ctx, q.after, filter(q.eventType, q.meeting, q.attendee)), nil
}

// watch is what a watcher asks for.
type watch struct {
	after                        uint64
	wait                         time.Duration
	eventType, meeting, attendee string // "" for any
}

// watched reads the parameters. Whatever could never be an event is refused,
// so that nobody waits for it.
func watched(u *url.URL) (w watch, err error) {
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return w, fmt.Errorf("the parameters cannot be read: %w", err)
	}
	for name, values := range q {
		switch {
		case !slices.Contains([]string{"after", "wait", "type", "meeting", "attendee"}, name):
			return w, fmt.Errorf("%s: there are the parameters after, wait, type, meeting and attendee", name)
		case len(values) > 1:
			return w, fmt.Errorf("%s is given more than once", name)
		}
	}
	if q.Has("after") {
		if w.after, err = strconv.ParseUint(q.Get("after"), 10, 64); err != nil {
			return w, fmt.Errorf("after: %q is not a number", q.Get("after"))
		}
	}
	if q.Has("wait") {
		var d Duration
		if err = d.UnmarshalText([]byte(q.Get("wait"))); err != nil || d < 0 || time.Duration(d) > maxWait {
			return w, fmt.Errorf("wait: %q is not a time between 0s and %v", q.Get("wait"), maxWait)
		}
		w.wait = time.Duration(d)
	}
	w.eventType, w.meeting, w.attendee = q.Get("type"), q.Get("meeting"), q.Get("attendee")
	return w, w.check(q)
}

func (w *watch) check(q url.Values) error {
	if w.eventType != "" {
		w.eventType = eventPrefix + strings.TrimPrefix(w.eventType, eventPrefix)
		if types := event.Types(); !slices.Contains(types, w.eventType) {
			slices.Sort(types)
			return fmt.Errorf("type: there is no %q; there are %s", strings.TrimPrefix(w.eventType, eventPrefix),
				strings.ReplaceAll(strings.Join(types, ", "), eventPrefix, ""))
		}
	}
	if _, ok := meeting.ParseID(w.meeting); q.Has("meeting") && !ok {
		return fmt.Errorf("meeting: %q is not an id", w.meeting)
	}
	// Content shares have their attendee's id with an end of its own.
	if _, ok := meeting.ParseID(strings.TrimSuffix(w.attendee, "#content")); q.Has("attendee") && !ok {
		return fmt.Errorf("attendee: %q is not an id", w.attendee)
	}
	return nil
}

// eventPrefix is what the types of events begin with.
const eventPrefix = "chime:"

// filter returns a function that accepts events of a type, about a meeting and an
// attendee; "" stands for any.
func filter(eventType, in, who string) func(*event.Event) bool {
	return func(e *event.Event) bool {
		return (eventType == "" || e.Type == eventType) &&
			(in == "" || strings.EqualFold(e.Meeting.ID.String(), in)) &&
			(who == "" || strings.EqualFold(e.Attendee, who))
	}
}
