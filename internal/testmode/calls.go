package testmode

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify/event"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// atPrefix puts Prefix before the path of a pattern.
func atPrefix(pattern string) string {
	method, path, _ := strings.Cut(pattern, " ")
	return method + " " + Prefix + path
}

// clockReading is the clock as tests see it.
type clockReading struct {
	Now      time.Time `json:"now"`
	Advanced Duration  `json:"advanced"` // ahead of the system's clock by so much
}

func (d *Door) readClock(*http.Request) (any, error) {
	return clockReading{d.cfg.Clock.Now().UTC(), Duration(d.cfg.Clock.Ahead())}, nil
}

func (d *Door) moveClock(r *http.Request) (any, error) {
	var body struct {
		Advance Duration `json:"advance"`
	}
	if err := read(r, &body); err != nil {
		return nil, err
	}
	if body.Advance <= 0 || time.Duration(body.Advance) > maxAdvance {
		return nil, badRequest(fmt.Errorf("advance: %v is not more than 0 and at most %v", time.Duration(body.Advance), maxAdvance))
	}
	if err := d.advance(r.Context(), time.Duration(body.Advance)); err != nil {
		return nil, err
	}
	return d.readClock(r)
}

// advance moves the clock; when it returns, what was due has happened and is
// written down.
func (d *Door) advance(ctx context.Context, by time.Duration) error {
	return d.cfg.Clock.Advance(ctx, by, func(ctx context.Context) (next time.Time, err error) {
		d.cfg.Connections.Settle(ctx)
		next, err = d.cfg.Meetings.EndDue(ctx)
		d.cfg.Connections.Settle(ctx)
		return next, err
	})
}

func (d *Door) listFaults(*http.Request) (any, error) {
	return struct {
		Faults []Fault `json:"faults"`
	}{d.cfg.Faults.List()}, nil
}

func (d *Door) addFault(r *http.Request) (any, error) {
	var wanted Fault
	if err := read(r, &wanted); err != nil {
		return nil, err
	}
	added, err := d.cfg.Faults.Add(wanted)
	if err != nil {
		return nil, badRequest(err)
	}
	return added, nil
}

func (d *Door) clearFaults(*http.Request) (any, error) {
	d.cfg.Faults.ClearAll()
	return nil, nil
}

func (d *Door) clearFault(r *http.Request) (any, error) {
	id, err := strconv.Atoi(r.PathValue("fault"))
	if err != nil || !d.cfg.Faults.Clear(id) {
		return nil, &fault{http.StatusNotFound, "There is no fault " + r.PathValue("fault") + ": it has happened as often as was asked for, or was cleared."}
	}
	return nil, nil
}

func (d *Door) listMeetings(r *http.Request) (any, error) {
	all, err := d.cfg.Meetings.Meetings(r.Context())
	if err != nil {
		return nil, err
	}
	list := []listed{}
	for _, m := range all {
		if m.Ended.IsZero() {
			list = append(list, listed{m.ID, m.External, m.Account, m.Region, m.Flavour, m.Attendees, m.Connected})
		}
	}
	return struct {
		Meetings []listed `json:"meetings"`
	}{list}, nil
}

// listed is an active meeting.
type listed struct {
	ID        meeting.ID `json:"meetingId"`
	External  string     `json:"externalMeetingId,omitempty"`
	Account   string     `json:"account"`
	Region    string     `json:"region"`
	Flavour   string     `json:"flavour"`
	Attendees int        `json:"attendees"` // created and not deleted
	Connected int        `json:"connected"` // of these
}

// id reads one of the ids in a path.
func id(r *http.Request, what string) (meeting.ID, error) {
	parsed, ok := meeting.ParseID(r.PathValue(what))
	if !ok {
		return parsed, badRequest(fmt.Errorf("%q is not an id, as that of the %s has to be", r.PathValue(what), what))
	}
	return parsed, nil
}

func ids(r *http.Request) (in, who meeting.ID, err error) {
	if in, err = id(r, "meeting"); err == nil {
		who, err = id(r, "attendee")
	}
	return in, who, err
}

// actor is who acts, in the records of what a test does.
const actor = "test"

func (d *Door) endMeeting(r *http.Request) (any, error) {
	which, err := id(r, "meeting")
	if err != nil {
		return nil, err
	}
	err = d.cfg.Meetings.EndMeeting(d.cfg.WithActor(r.Context(), actor), which)
	d.cfg.Connections.Settle(r.Context())
	return nil, err
}

func (d *Door) removeAttendee(r *http.Request) (any, error) {
	in, who, err := ids(r)
	if err != nil {
		return nil, err
	}
	err = d.cfg.Meetings.RemoveAttendee(d.cfg.WithActor(r.Context(), actor), in, who)
	d.cfg.Connections.Settle(r.Context())
	return nil, err
}

func (d *Door) dropAttendee(r *http.Request) (any, error) {
	in, who, err := ids(r)
	if err != nil {
		return nil, err
	}
	n := d.cfg.Connections.Cut(in, who)
	if n == 0 {
		return nil, &fault{http.StatusNotFound, "Attendee " + who.String() + " is not connected to meeting " + in.String() + "."}
	}
	return struct {
		Connections int `json:"connections"`
	}{n}, nil
}

// maxWait bounds how long a call waits for an event.
const maxWait = time.Minute

func (d *Door) readEvents(r *http.Request) (any, error) {
	q := r.URL.Query()
	for name := range q {
		switch name {
		case "after", "wait", "type", "meeting", "attendee":
		default:
			return nil, badRequest(fmt.Errorf("%s: there are the parameters after, wait, type, meeting and attendee", name))
		}
		if len(q[name]) > 1 {
			return nil, badRequest(fmt.Errorf("%s: is given %d times", name, len(q[name])))
		}
	}
	var (
		after uint64
		wait  Duration
		err   error
	)
	if q.Has("after") {
		if after, err = strconv.ParseUint(q.Get("after"), 10, 64); err != nil {
			return nil, badRequest(fmt.Errorf("after: %q is not a number", q.Get("after")))
		}
	}
	if q.Has("wait") {
		if err = wait.UnmarshalText([]byte(q.Get("wait"))); err != nil || wait < 0 || time.Duration(wait) > maxWait {
			return nil, badRequest(fmt.Errorf("wait: %q is not a time between 0s and %v", q.Get("wait"), maxWait))
		}
	}
	for _, name := range []string{"meeting", "attendee"} {
		// The content share of an attendee has its id with a suffix.
		id, _, _ := strings.Cut(q.Get(name), "#")
		if _, ok := meeting.ParseID(id); !ok && q.Has(name) {
			return nil, badRequest(fmt.Errorf("%s: %q is not an id", name, q.Get(name)))
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), time.Duration(wait))
	defer cancel()
	return d.cfg.Events.Wait(ctx, after, filter(q.Get("type"), q.Get("meeting"), q.Get("attendee"))), nil
}

// filter returns a function that accepts events of a type, about a meeting and an
// attendee; "" stands for any. A type may be given without "chime:".
func filter(eventType, in, who string) func(*event.Event) bool {
	return func(e *event.Event) bool {
		return (eventType == "" || e.Type == eventType || e.Type == "chime:"+eventType) &&
			(in == "" || strings.EqualFold(e.Meeting.ID.String(), in)) &&
			(who == "" || strings.EqualFold(e.Attendee, who))
	}
}

// reset ends what there is and puts everything back as it was at the start.
// Events keep counting, so that a cursor stays good.
func (d *Door) reset(r *http.Request) (any, error) {
	ctx := d.cfg.WithActor(r.Context(), actor)
	d.cfg.Faults.ClearAll()
	all, err := d.cfg.Meetings.Meetings(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.endAll(ctx, all); err != nil {
		return nil, err
	}
	// Ended meetings are forgotten by their time.
	if err := d.advance(ctx, d.cfg.Tombstone+time.Second); err != nil {
		return nil, err
	}
	d.cfg.Clock.Reset()
	d.cfg.Events.Clear()
	_, err = d.cfg.Meetings.EndDue(ctx)
	return nil, err
}

func (d *Door) endAll(ctx context.Context, all []observe.Meeting) error {
	for _, m := range all {
		if !m.Ended.IsZero() {
			continue
		}
		err := d.cfg.Meetings.EndMeeting(ctx, m.ID)
		var refused *meeting.Error
		if err != nil && !(errors.As(err, &refused) && refused.Kind == meeting.NotFound) { // a replica went with its primary
			return err
		}
	}
	return nil
}
