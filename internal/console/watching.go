package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/observe/timeline"
)

// errNoMeeting is shown when a meeting is not known, or not any more.
var errNoMeeting = errors.New("there is no such meeting, or its record has gone")

// maxRecords bounds how many entries of a meeting's log are kept and shown; the
// newest stay.
const maxRecords = 5000

// meetingSource reads one meeting with everything an operator may want to know.
type meetingSource struct {
	cfg     Config
	id      meeting.ID
	records map[string]json.RawMessage
	order   []string // keys of records, oldest first
	last    uint64   // newest revision read
	people  timeline.Roster

	facts     []meeting.Fact
	factsRead time.Time

	kept state // of an ended meeting; nil while it goes on
}

func newMeetingSource(cfg Config, id meeting.ID) *meetingSource {
	return &meetingSource{cfg: cfg, id: id, records: make(map[string]json.RawMessage), people: timeline.NewRoster()}
}

func (s *meetingSource) read(ctx context.Context) (reading, error) {
	got, err := s.readMeeting(ctx)
	if err != nil {
		return got, err
	}
	got.state = maps.Clone(got.state) // that of an ended meeting is kept; what follows goes on changing
	if s.cfg.Recordings != nil {
		if got.state["recordings"], err = tableOf(s.cfg.Recordings.Of(s.id), recordingKey); err != nil {
			return got, err
		}
	}
	if s.cfg.Deliveries != nil {
		got.state["events"], err = tableOf(s.cfg.Deliveries.Told(s.id), toldKey)
	}
	return got, err
}

// readMeeting reads all but the recordings and what became of events.
func (s *meetingSource) readMeeting(ctx context.Context) (reading, error) {
	if kept, ok, err := s.readKept(ctx); ok || err != nil {
		return kept, err
	}
	if err := s.readRecords(ctx); err != nil {
		return reading{}, fmt.Errorf("the records cannot be read: %w", err)
	}
	// After the records: whoever they name and is not here now was removed. And
	// before the meeting: while it goes on, its attendees are these.
	attendees, attendeesErr := s.cfg.Directory.Attendees(ctx, s.id)
	m, ok := s.cfg.Directory.Meeting(ctx, s.id)
	switch {
	case !ok:
		return reading{}, errNoMeeting
	case attendeesErr != nil:
		return reading{}, fmt.Errorf("the attendees cannot be read: %w", attendeesErr)
	}
	log := maps.Clone(s.records)
	if err := s.addFacts(ctx, log); err != nil {
		return reading{}, fmt.Errorf("the media side's reports cannot be read: %w", err)
	}
	timeline.AddLoad(&m, s.cfg.Live)
	row, err := json.Marshal(m)
	if err != nil {
		return reading{}, err
	}
	sessions := s.cfg.Live.Sessions(s.id)
	people, err := tableOf(s.people.Everybody(attendees, timeline.Connections(s.facts, sessions), m.Ended.IsZero()), attendeeKey)
	if err != nil {
		return reading{}, err
	}
	refusals, err := tableOf(s.cfg.Live.Refusals(s.id), refusalKey)
	if err != nil {
		return reading{}, err
	}
	return reading{
		state: state{
			"meeting":   {s.id.String(): row},
			"attendees": people,
			"records":   log,
			"refusals":  refusals,
		},
		sample: measure(s.cfg.Now(), sessions),
	}, nil
}

// readKept reads a meeting that has ended and is kept. Nothing of it changes any
// more, so it is read once.
func (s *meetingSource) readKept(ctx context.Context) (reading, bool, error) {
	if s.kept != nil {
		return reading{state: s.kept}, true, nil
	}
	m, known := s.cfg.Directory.Meeting(ctx, s.id)
	if known && m.Ended.IsZero() {
		return reading{}, false, nil
	}
	d, ok, err := s.cfg.Ended.Detail(ctx, s.id)
	if err != nil && !known {
		return reading{}, false, fmt.Errorf("the ended meeting cannot be read: %w", err)
	}
	if !ok {
		return reading{}, false, nil
	}
	state, err := stateOf(&d)
	if err != nil {
		return reading{}, false, err
	}
	s.kept = state
	return reading{state: state}, true, nil
}

// stateOf returns what is shown of an ended meeting.
func stateOf(d *observe.Detail) (state, error) {
	row, err := json.Marshal(d.Meeting)
	if err != nil {
		return nil, err
	}
	people, err := tableOf(d.Attendees, attendeeKey)
	if err != nil {
		return nil, err
	}
	log, err := tableOf(d.Records, func(r *observe.Record) string { return r.ID })
	if err != nil {
		return nil, err
	}
	refusals, err := tableOf(d.Refusals, refusalKey)
	return state{"meeting": {d.Meeting.ID.String(): row}, "attendees": people, "records": log, "refusals": refusals}, err
}

func (s *meetingSource) readRecords(ctx context.Context) error {
	fresh, err := s.cfg.Directory.Records(ctx, s.id, s.last)
	if err != nil {
		return err
	}
	for _, e := range fresh {
		if e.Record != nil {
			s.people.Learn(e.Record)
		}
		if err := s.keep(timeline.Line(e, &s.people)); err != nil {
			return err
		}
		for _, line := range timeline.Departures(e) {
			if err := s.keep(line); err != nil {
				return err
			}
		}
		s.last = max(s.last, e.Revision)
	}
	for len(s.order) > maxRecords {
		delete(s.records, s.order[0])
		s.order = s.order[1:]
	}
	return nil
}

// keep adds a line to the log.
func (s *meetingSource) keep(line observe.Record) error {
	encoded, err := json.Marshal(line)
	if err != nil {
		return err
	}
	if _, known := s.records[line.ID]; !known {
		s.order = append(s.order, line.ID)
	}
	s.records[line.ID] = encoded
	return nil
}

// factsEvery is how often the media side's reports are read: they come from the
// disk as a whole, and the sessions show the same at once.
const factsEvery = 3 * time.Second

// addFacts puts what the media side reported beside the records. An ended
// meeting has none any more; those read before stay.
func (s *meetingSource) addFacts(ctx context.Context, log map[string]json.RawMessage) error {
	if now := s.cfg.Now(); now.Sub(s.factsRead) >= factsEvery {
		facts, err := s.cfg.Directory.Facts(ctx, s.id)
		if err != nil {
			return err
		}
		if len(facts) >= len(s.facts) {
			s.facts = facts
		}
		s.factsRead = now
	}
	for _, line := range timeline.Facts(s.facts, maxRecords) {
		encoded, err := json.Marshal(line)
		if err != nil {
			return err
		}
		log[line.ID] = encoded
	}
	return nil
}

func toldKey(t *observe.Told) string { return t.ID.String() }

func refusalKey(r *observe.Refusal) string { return r.ID }

// sampleView is the present measurement of all sessions that are up.
type sampleView struct {
	At     observe.Time              `json:"at"`
	Points map[string]observe.Sample `json:"points"` // by session key
}

// measure takes each session's newest sample, with the level and the signal
// strength of this moment.
func measure(now time.Time, sessions []observe.Session) sampleView {
	view := sampleView{At: observe.At(now), Points: make(map[string]observe.Sample)}
	for _, s := range sessions {
		if s.State != observe.Connected || s.Now == nil {
			continue
		}
		var p observe.Sample
		if n := len(s.Samples); n > 0 {
			p = s.Samples[n-1]
		}
		p.At, p.Level, p.Signal = view.At, s.Now.Level, s.Now.Signal
		if s.Muted {
			p.Level = silence
		}
		view.Points[s.Key] = p
	}
	return view
}

// silence is the level of an attendee who cannot be heard.
const silence = 127
