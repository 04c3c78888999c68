package testmode

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
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
	if err := readBody(r, &body); err != nil {
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
	if err := readBody(r, &wanted); err != nil {
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
