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
	people  roster

	facts     []meeting.Fact
	factsRead time.Time
}

func newMeetingSource(cfg Config, id meeting.ID) *meetingSource {
	return &meetingSource{cfg: cfg, id: id, records: make(map[string]json.RawMessage), people: newRoster()}
}

func (s *meetingSource) read(ctx context.Context) (reading, error) {
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
	addLoad(&m, s.cfg.Live)
	row, err := json.Marshal(m)
	if err != nil {
		return reading{}, err
	}
	sessions := s.cfg.Live.Sessions(s.id)
	people, err := s.people.table(attendees, sessions, m.Ended.IsZero())
	if err != nil {
		return reading{}, err
	}
	refusals, err := refusalTable(s.cfg.Live.Refusals(s.id))
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

func (s *meetingSource) readRecords(ctx context.Context) error {
	fresh, err := s.cfg.Directory.Records(ctx, s.id, s.last)
	if err != nil {
		return err
	}
	for _, e := range fresh {
		if e.Record != nil {
			s.people.learn(e.Record)
		}
		if err := s.keep(lineOf(e, &s.people)); err != nil {
			return err
		}
		if err := s.keepDepartures(e); err != nil {
			return err
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

// keepDepartures tells who was still there when the meeting ended: of an ended
// meeting's log only the last record is left, and nothing the media side saw.
func (s *meetingSource) keepDepartures(e meeting.LogEntry) error {
	if e.Record == nil {
		return nil
	}
	if end, ok := e.Record.Body.(*meeting.Ended); ok {
		for i, f := range end.Departures {
			f.Time = e.Time
			if err := s.keep(factLine(fmt.Sprintf("media-end-%08d", i), f)); err != nil {
				return err
			}
		}
	}
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
	for i := max(0, len(s.facts)-maxRecords); i < len(s.facts); i++ {
		f := s.facts[i]
		line := factLine(fmt.Sprintf("media-%d-%08d", f.Time.UnixMilli(), i), f)
		encoded, err := json.Marshal(line)
		if err != nil {
			return err
		}
		log[line.ID] = encoded
	}
	return nil
}

func refusalTable(refusals []observe.Refusal) (map[string]json.RawMessage, error) {
	table := make(map[string]json.RawMessage, len(refusals))
	for _, r := range refusals {
		encoded, err := json.Marshal(r)
		if err != nil {
			return nil, err
		}
		table[r.ID] = encoded
	}
	return table, nil
}

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
