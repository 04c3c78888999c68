package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
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

	facts     []meeting.Fact
	factsRead time.Time
}

func newMeetingSource(cfg Config, id meeting.ID) *meetingSource {
	return &meetingSource{
		cfg:     cfg,
		id:      id,
		records: make(map[string]json.RawMessage),
	}
}

func (s *meetingSource) read(ctx context.Context) (reading, error) {
	m, ok := s.cfg.Directory.Meeting(ctx, s.id)
	if !ok {
		return reading{}, errNoMeeting
	}
	attendees, err := s.cfg.Directory.Attendees(ctx, s.id)
	if err != nil {
		return reading{}, fmt.Errorf("the attendees cannot be read: %w", err)
	}
	if err := s.readRecords(ctx); err != nil {
		return reading{}, fmt.Errorf("the records cannot be read: %w", err)
	}
	log := maps.Clone(s.records)
	if err := s.addFacts(ctx, log); err != nil {
		return reading{}, fmt.Errorf("the media side's reports cannot be read: %w", err)
	}
	sessions := s.cfg.Live.Sessions(s.id)
	row, err := json.Marshal(newMeetingRow(m, s.cfg.Live))
	if err != nil {
		return reading{}, err
	}
	people, err := attendeeTable(attendees, sessions)
	if err != nil {
		return reading{}, err
	}
	return reading{
		state: state{
			"meeting":   {s.id.String(): row},
			"attendees": people,
			"records":   log,
			"refusals":  refusalTable(s.cfg.Live.Refusals(s.id)),
		},
		sample: measure(s.cfg.Now(), sessions),
	}, nil
}

// recordRow is one entry of a meeting's log.
type recordRow struct {
	ID       string `json:"id"` // the revision, in decimal with leading zeros
	At       int64  `json:"at"` // Unix ms
	Kind     string `json:"kind"`
	Actor    string `json:"actor"`
	Detail   string `json:"detail"`
	Attendee string `json:"attendee,omitempty"`
}

func (s *meetingSource) readRecords(ctx context.Context) error {
	fresh, err := s.cfg.Directory.Records(ctx, s.id, s.last)
	if err != nil {
		return err
	}
	for _, r := range fresh {
		row := recordRow{ID: fmt.Sprintf("%020d", r.Revision), At: r.At.UnixMilli(), Kind: r.Kind, Actor: r.Actor, Detail: r.Detail}
		if !r.Attendee.IsZero() {
			row.Attendee = r.Attendee.String()
		}
		encoded, err := json.Marshal(row)
		if err != nil {
			return err
		}
		if _, known := s.records[row.ID]; !known {
			s.order = append(s.order, row.ID)
		}
		s.records[row.ID] = encoded
		s.last = max(s.last, r.Revision)
	}
	for len(s.order) > maxRecords {
		delete(s.records, s.order[0])
		s.order = s.order[1:]
	}
	return nil
}

// factsEvery is how often the media side's reports are read: they come from the
// disk as a whole, and the sessions show the same at once.
const factsEvery = 3 * time.Second

// addFacts puts what the media side reported beside the records.
func (s *meetingSource) addFacts(ctx context.Context, log map[string]json.RawMessage) (err error) {
	if now := s.cfg.Now(); now.Sub(s.factsRead) >= factsEvery {
		if s.facts, err = s.cfg.Directory.Facts(ctx, s.id); err != nil {
			return err
		}
		s.factsRead = now
	}
	for i, f := range s.facts[max(0, len(s.facts)-maxRecords):] {
		row := recordRow{
			ID: fmt.Sprintf("media-%d-%08d", f.Time.UnixMilli(), i), At: f.Time.UnixMilli(),
			Kind: f.Kind.String(), Actor: "media", Attendee: f.Attendee.String(),
		}
		if log[row.ID], err = json.Marshal(row); err != nil {
			return err
		}
	}
	return nil
}

// refusalRow is a join refused for its token.
type refusalRow struct {
	ID     string `json:"id"`
	At     int64  `json:"at"`
	Remote string `json:"remote"`
	Words  string `json:"words"`
}

func refusalTable(refusals []Refusal) map[string]json.RawMessage {
	table := make(map[string]json.RawMessage, len(refusals))
	for _, r := range refusals {
		row := refusalRow{At: r.At.UnixMilli(), Remote: r.Remote, Words: r.Words}
		row.ID = fmt.Sprintf("%d-%s-%s", r.At.UnixNano(), r.Remote, r.Words)
		encoded, err := json.Marshal(row)
		if err != nil {
			continue // cannot happen: a row is made of plain values
		}
		table[row.ID] = encoded
	}
	return table
}

// point is one measurement: time in Unix ms, level in dB below full scale,
// loss in tenths of a percent, video rates in kbit/s, round trip in ms.
type point struct {
	At      int64 `json:"at"`
	Level   int   `json:"level"`
	LossIn  int   `json:"lossIn"`
	LossOut int   `json:"lossOut"`
	RateIn  int   `json:"rateIn"`
	RateOut int   `json:"rateOut"`
	Trip    int   `json:"trip"`
}

// sampleView is the present measurement of all sessions that are up.
type sampleView struct {
	At     int64            `json:"at"`
	Points map[string]point `json:"points"` // by session key
}

// measure takes each session's newest sample, with the level of this moment.
func measure(now time.Time, sessions []Session) sampleView {
	view := sampleView{At: now.UnixMilli(), Points: make(map[string]point)}
	for _, s := range sessions {
		if s.State != Connected {
			continue
		}
		var p point
		if n := len(s.Samples); n > 0 {
			p = newPoint(s.Samples[n-1])
		}
		p.At, p.Level = now.UnixMilli(), int(s.Level)
		if s.Muted {
			p.Level = silence
		}
		view.Points[sessionKeyOf(s)] = p
	}
	return view
}

// silence is the level of an attendee who cannot be heard.
const silence = 127

func newPoint(s Sample) point {
	return point{
		At:      s.At.UnixMilli(),
		Level:   int(s.Level),
		LossIn:  int(math.Round(s.LossIn * 10)),
		LossOut: int(math.Round(s.LossOut * 10)),
		RateIn:  s.KbpsIn,
		RateOut: s.KbpsOut,
		Trip:    int(s.RoundTrip.Milliseconds()),
	}
}
