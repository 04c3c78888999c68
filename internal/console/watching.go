package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
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

	meters meters
}

func newMeetingSource(cfg Config, id meeting.ID) *meetingSource {
	return &meetingSource{
		cfg:     cfg,
		id:      id,
		records: make(map[string]json.RawMessage),
		meters:  meters{byKey: make(map[string]*meter)},
	}
}

func (s *meetingSource) read(ctx context.Context) (reading, error) {
	m, err := s.find(ctx)
	if err != nil {
		return reading{}, err
	}
	attendees, err := s.cfg.Directory.Attendees(ctx, s.id)
	if err != nil {
		return reading{}, fmt.Errorf("the attendees cannot be read: %w", err)
	}
	if err := s.readRecords(ctx); err != nil {
		return reading{}, fmt.Errorf("the records cannot be read: %w", err)
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
			"records":   copyTable(s.records),
		},
		sample: s.meters.measure(s.cfg.Now(), sessions),
	}, nil
}

func (s *meetingSource) find(ctx context.Context) (Meeting, error) {
	all, err := s.cfg.Directory.Meetings(ctx)
	if err != nil {
		return Meeting{}, fmt.Errorf("the meeting cannot be read: %w", err)
	}
	for _, m := range all {
		if m.ID == s.id {
			return m, nil
		}
	}
	return Meeting{}, errNoMeeting
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

// copyTable returns a table of its own for a state, since states are compared
// later.
func copyTable(t map[string]json.RawMessage) map[string]json.RawMessage {
	c := make(map[string]json.RawMessage, len(t))
	for k, v := range t {
		c[k] = v
	}
	return c
}

// historyLength is how many measurements of each session are kept: ten minutes.
const historyLength = 600

// meters measure the sessions of a watched meeting once per reading.
type meters struct {
	mu    sync.Mutex
	byKey map[string]*meter
	at    time.Time // of the last measurement
}

// meter is the memory of one session. Points are kept in a ring.
type meter struct {
	opened time.Time
	before Traffic
	points []point
	next   int // index of the oldest point once the ring is full
}

// point is one measurement: time in Unix ms, level in dB below full scale,
// loss in tenths of a percent since the previous one, rates in kbit/s.
type point struct {
	At      int64 `json:"at"`
	Level   int   `json:"level"`
	LossIn  int   `json:"lossIn"`
	LossOut int   `json:"lossOut"`
	RateIn  int   `json:"rateIn"`
	RateOut int   `json:"rateOut"`
	Trip    int   `json:"trip"` // round trip in ms
}

// sampleView is the measurement of all sessions that are up.
type sampleView struct {
	At     int64            `json:"at"`
	Points map[string]point `json:"points"` // by session key
}

// measure returns the present measurement and remembers it.
func (m *meters) measure(now time.Time, sessions []Session) sampleView {
	m.mu.Lock()
	defer m.mu.Unlock()
	seconds := now.Sub(m.at).Seconds()
	m.at = now
	view := sampleView{At: now.UnixMilli(), Points: make(map[string]point)}
	for _, s := range sessions {
		if s.State != Connected {
			continue
		}
		key := sessionKeyOf(s)
		mt, ok := m.byKey[key]
		if !ok || !mt.opened.Equal(s.Opened) {
			kept := []point(nil)
			if ok {
				kept = mt.history()
			}
			mt = &meter{opened: s.Opened, before: s.Traffic, points: kept}
			m.byKey[key] = mt
		}
		p := newPoint(now, s, mt.before, seconds)
		mt.before = s.Traffic
		mt.add(p)
		view.Points[key] = p
	}
	return view
}

func newPoint(now time.Time, s Session, before Traffic, seconds float64) point {
	p := point{
		At:      now.UnixMilli(),
		Level:   int(s.Level),
		LossIn:  lossTenths(s.Traffic.LostIn-before.LostIn, s.Traffic.PacketsIn-before.PacketsIn),
		LossOut: lossTenths(s.Traffic.LostOut-before.LostOut, s.Traffic.PacketsOut-before.PacketsOut),
		Trip:    int(s.Traffic.RoundTrip.Milliseconds()),
	}
	if s.Muted {
		p.Level = 127
	}
	if seconds > 0 {
		p.RateIn = int(float64(s.Traffic.BytesIn-before.BytesIn) * 8 / 1000 / seconds)
		p.RateOut = int(float64(s.Traffic.BytesOut-before.BytesOut) * 8 / 1000 / seconds)
	}
	return p
}

// lossTenths returns lost packets as tenths of a percent of those sent. A
// counter that went backwards counts as no loss.
func lossTenths(lost, arrived uint64) int {
	if lost == 0 || lost > 1<<40 || arrived > 1<<40 {
		return 0
	}
	return int(lost * 1000 / (lost + arrived))
}

func (m *meter) add(p point) {
	if len(m.points) < historyLength {
		m.points = append(m.points, p)
		return
	}
	m.points[m.next] = p
	m.next = (m.next + 1) % historyLength
}

// history returns the points, oldest first.
func (m *meter) history() []point {
	return append(append([]point{}, m.points[m.next:]...), m.points[:m.next]...)
}

// historyOf returns what is remembered of a session, oldest first.
func (m *meters) historyOf(key string) []point {
	m.mu.Lock()
	defer m.mu.Unlock()
	if mt, ok := m.byKey[key]; ok {
		return mt.history()
	}
	return []point{}
}
