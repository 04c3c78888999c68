package console

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// attendeeRow is an attendee with its connections.
type attendeeRow struct {
	ID           string          `json:"id"`
	External     string          `json:"external"`
	Order        int             `json:"order"` // of creation
	Deleted      bool            `json:"deleted,omitempty"`
	Capabilities *capabilityView `json:"capabilities,omitempty"`
	Tags         []tagRow        `json:"tags"`
	State        string          `json:"state"` // of the person's newest session; empty when there was none
	Sessions     []sessionRow    `json:"sessions"`
}

// capabilityView is a set of capabilities in the API's spelling.
type capabilityView struct {
	Audio   string `json:"audio"`
	Video   string `json:"video"`
	Content string `json:"content"`
}

// sessionRow is one connection. Key names it in samples and histories.
type sessionRow struct {
	Key     string    `json:"key"`
	Content bool      `json:"content"`
	State   string    `json:"state"`
	Opened  int64     `json:"opened"`
	Ended   int64     `json:"ended"`
	Remote  string    `json:"remote"`
	Client  string    `json:"client"`
	Muted   bool      `json:"muted"`
	Video   bool      `json:"video"`
	Reason  string    `json:"reason,omitempty"`
	Steps   []stepRow `json:"steps"`
}

type stepRow struct {
	Name  string `json:"name"`
	At    int64  `json:"at"`
	Fault string `json:"fault,omitempty"`
}

// attendeeTable joins attendees with their sessions. Sessions of attendees that
// were deleted meanwhile are shown too, so that their end can be explained.
func attendeeTable(attendees []meeting.Attendee, sessions []Session) (map[string]json.RawMessage, error) {
	slices.SortStableFunc(sessions, func(a, b Session) int { return a.Opened.Compare(b.Opened) })
	rows := make(map[meeting.ID]*attendeeRow, len(attendees))
	for i, a := range attendees {
		rows[a.ID] = &attendeeRow{
			ID: a.ID.String(), External: a.ExternalUserID, Order: i + 1,
			Capabilities: viewOf(a.Capabilities), Tags: tagRows(a.Tags), Sessions: []sessionRow{},
		}
	}
	for _, s := range sessions {
		row, ok := rows[s.Attendee]
		if !ok {
			row = &attendeeRow{ID: s.Attendee.String(), Deleted: true, Order: len(attendees) + 1, Tags: []tagRow{}}
			rows[s.Attendee] = row
		}
		row.Sessions = append(row.Sessions, newSessionRow(s))
		if !s.Content {
			row.State = string(s.State)
		}
	}
	table := make(map[string]json.RawMessage, len(rows))
	for _, row := range rows {
		slices.SortStableFunc(row.Sessions, func(a, b sessionRow) int { return cmp.Compare(a.Opened, b.Opened) })
		encoded, err := json.Marshal(row)
		if err != nil {
			return nil, err
		}
		table[row.ID] = encoded
	}
	return table, nil
}

func viewOf(c meeting.Capabilities) *capabilityView {
	if c.IsZero() {
		return nil
	}
	return &capabilityView{Audio: c.Audio.String(), Video: c.Video.String(), Content: c.Content.String()}
}

func newSessionRow(s Session) sessionRow {
	row := sessionRow{
		Key: sessionKeyOf(s), Content: s.Content, State: string(s.State),
		Opened: unixMilli(s.Opened), Ended: unixMilli(s.Ended),
		Remote: s.Remote, Client: s.Client, Muted: s.Muted, Video: s.Video, Reason: s.Reason,
		Steps: make([]stepRow, len(s.Steps)),
	}
	for i, step := range s.Steps {
		row.Steps[i] = stepRow{Name: step.Name, At: unixMilli(step.At), Fault: step.Fault}
	}
	return row
}

// sessionKeyOf names an attendee's own session by its id, and its content share
// as clients do.
func sessionKeyOf(s Session) string {
	if s.Content {
		return s.Attendee.String() + "#content"
	}
	return s.Attendee.String()
}

// unixMilli is zero for the zero time.
func unixMilli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// history answers with the measurements of an attendee's own sessions in the
// last minutes, oldest first.
func (c *Console) history(w http.ResponseWriter, r *http.Request) {
	id, attendee, ok := pathAttendee(w, r)
	if !ok {
		return
	}
	points := []point{}
	for _, s := range c.cfg.Live.Sessions(id) {
		if s.Attendee != attendee || s.Content {
			continue
		}
		for _, sample := range s.Samples {
			points = append(points, newPoint(sample))
		}
	}
	writeJSON(w, http.StatusOK, map[string][]point{"points": points})
}
