package testmode

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// Prefix is what the paths of all calls begin with.
const Prefix = "/test/v1/"

// Meetings is the part of the control plane that tests reach.
type Meetings interface {
	Meetings(ctx context.Context) ([]observe.Meeting, error)
	EndMeeting(ctx context.Context, id meeting.ID) error
	RemoveAttendee(ctx context.Context, id, attendee meeting.ID) error
	EndDue(ctx context.Context) (next time.Time, err error)
	Pipelines() []*meeting.Pipeline
	MovePipeline(ctx context.Context, id meeting.ID, to meeting.PipelineStatus, failure string) error
}

// Connections is the part of the signaling door that tests reach.
type Connections interface {
	Cut(id, attendee meeting.ID) (connections int)
	Settle(ctx context.Context)
}

// Config says what a Door works on. Every field but Logger is required.
type Config struct {
	Clock       *Clock
	Faults      *Faults
	Events      *Events
	Meetings    Meetings
	Connections Connections
	Tombstone   time.Duration // how long ended meetings are remembered
	Refill      func()        // makes the throttle forget who has called
	// WithActor names who acts in the records of what a test does.
	WithActor func(ctx context.Context, actor string) context.Context
	Logger    *slog.Logger // nil: discard
}

// Door answers the calls below Prefix.
type Door struct {
	cfg     Config
	handler http.Handler
}

// NewDoor returns a Door.
func NewDoor(cfg Config) *Door {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	d := &Door{cfg: cfg}
	mux := http.NewServeMux()
	for pattern, c := range map[string]call{
		"GET clock":                    {answer: d.readClock},
		"POST clock":                   {answer: d.moveClock, body: true},
		"GET faults":                   {answer: d.listFaults},
		"POST faults":                  {answer: d.addFault, body: true},
		"DELETE faults":                {answer: d.clearFaults},
		"DELETE faults/{fault}":        {answer: d.clearFault},
		"GET meetings":                 {answer: d.listMeetings},
		"POST meetings/{meeting}/end":  {answer: d.endMeeting},
		"POST " + attendee + "/drop":   {answer: d.dropAttendee},
		"POST " + attendee + "/remove": {answer: d.removeAttendee},
		"GET events":                   {answer: d.readEvents, query: true},
		"POST reset":                   {answer: d.reset},
	} {
		mux.Handle(atPrefix(pattern), d.handle(c))
	}
	mux.HandleFunc(Prefix, func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, "There is no "+r.Method+" "+r.URL.Path+". docs/testing-your-app.md lists the calls of the test mode.")
	})
	// Pages of others that are open in a browser of this machine may not call.
	foreign := http.NewCrossOriginProtection()
	foreign.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusForbidden, "A page of another origin may not make this call. Let the test make it, or the page's own backend.")
	}))
	d.handler = foreign.Handler(mux)
	return d
}

const attendee = "meetings/{meeting}/attendees/{attendee}"

// ServeHTTP answers one call.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.handler.ServeHTTP(w, r) }

// fault is a refusal of a call.
type fault struct {
	status  int
	message string
}

func (f *fault) Error() string { return f.message }

func badRequest(err error) error { return &fault{http.StatusBadRequest, err.Error()} }

// call is one of the calls.
type call struct {
	answer      func(*http.Request) (any, error) // what it returns is the answer, in JSON; nil is 204
	body, query bool                             // whether it takes any
}

// handle returns what makes a call.
func (d *Door) handle(c call) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		err := c.refuseInput(r)
		var body any
		if err == nil {
			body, err = c.answer(r)
		}
		if err != nil {
			status, message := d.explain(err)
			refuse(w, status, message)
			return
		}
		if r.Method != http.MethodGet {
			d.cfg.Logger.Info("test call", "method", r.Method, "path", r.URL.Path)
		}
		if body == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		write(w, http.StatusOK, body)
	})
}

// explain returns status and words of a refusal.
func (d *Door) explain(err error) (status int, message string) {
	var (
		own     *fault
		refused *meeting.Error
	)
	switch {
	case errors.As(err, &own):
		return own.status, own.message
	case errors.As(err, &refused) && refused.Kind == meeting.NotFound:
		return http.StatusNotFound, refused.Message
	}
	d.cfg.Logger.Error("test call failed", "err", err)
	return http.StatusInternalServerError, "The server could not do this: " + err.Error()
}

func refuse(w http.ResponseWriter, status int, message string) {
	write(w, status, struct {
		Message string `json:"message"`
	}{message})
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false) // it is read by people, on their terminals
	_ = enc.Encode(body)     // a caller who has gone away is told nothing
}
