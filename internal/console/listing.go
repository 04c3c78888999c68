package console

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// listSource reads the list of all meetings.
type listSource struct {
	directory Directory
	live      Live
}

// meetingRow is a meeting as the console's pages get it. Times are Unix ms,
// zero for none.
type meetingRow struct {
	ID          string     `json:"id"`
	External    string     `json:"external"`
	Account     string     `json:"account"`
	Region      string     `json:"region"`
	Flavour     string     `json:"flavour"`
	MediaRegion string     `json:"mediaRegion"`
	Primary     string     `json:"primary,omitempty"`
	Host        string     `json:"host"`
	Created     int64      `json:"created"`
	Ended       int64      `json:"ended"`
	Reason      string     `json:"reason,omitempty"`
	Attendees   int        `json:"attendees"`
	Connected   int        `json:"connected"`
	Audio       int        `json:"audio"`
	Video       int        `json:"video"`
	Content     int        `json:"content"`
	Minutes     int        `json:"minutes"` // attendee-minutes, whole ones
	Faults      int        `json:"faults"`
	Tags        []tagRow   `json:"tags"`
	Features    []labelRow `json:"features"`
}

type tagRow struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// labelRow is a name and a value fit to be shown.
type labelRow struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

func (s *listSource) read(ctx context.Context) (reading, error) {
	all, err := s.directory.Meetings(ctx)
	if err != nil {
		return reading{}, fmt.Errorf("the list of meetings cannot be read: %w", err)
	}
	rows := make(map[string]json.RawMessage, len(all))
	for _, m := range all {
		row := newMeetingRow(m, s.live)
		if rows[row.ID], err = json.Marshal(row); err != nil {
			return reading{}, err
		}
	}
	return reading{state: state{"meetings": rows}}, nil
}

func newMeetingRow(m Meeting, live Live) meetingRow {
	row := meetingRow{
		ID:          m.ID.String(),
		External:    m.ExternalMeetingID,
		Account:     m.Owner.Account,
		Region:      m.Owner.Region,
		Flavour:     m.Owner.Flavour.String(),
		MediaRegion: m.MediaRegion,
		Created:     m.CreatedAt.UnixMilli(),
		Attendees:   m.Attendees,
		Tags:        tagRows(m.Tags),
		Features:    featureRows(m.Features),
	}
	if !m.PrimaryID.IsZero() {
		row.Primary = m.PrimaryID.String()
	}
	load := live.Load(m.ID)
	row.Minutes = int(load.AttendeeTime.Minutes())
	row.Faults = load.Failures
	if !m.EndedAt.IsZero() {
		row.Ended, row.Reason = m.EndedAt.UnixMilli(), m.EndReason.String()
		return row
	}
	row.Host, row.Connected = load.Host, load.Connected
	row.Audio, row.Video, row.Content = load.Audio, load.Video, load.Content
	return row
}

func tagRows(tags []meeting.Tag) []tagRow {
	rows := make([]tagRow, len(tags))
	for i, t := range tags {
		rows[i] = tagRow(t)
	}
	return rows
}

// featureRows lists what the creator asked for, not the defaults.
func featureRows(f *meeting.Features) []labelRow {
	rows := []labelRow{}
	if f == nil {
		return rows
	}
	add := func(label, value string) {
		if value != "" {
			rows = append(rows, labelRow{Label: label, Value: value})
		}
	}
	add("Echo reduction", f.EchoReduction)
	add("Video up to", f.VideoMax)
	add("Content up to", f.ContentMax)
	if f.MaxCount > 0 {
		add("Attendees up to", fmt.Sprint(f.MaxCount))
	}
	return rows
}
