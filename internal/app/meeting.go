package app

import (
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/observe/timeline"
)

// MeetingDetail is one meeting with who is connected now.
type MeetingDetail struct {
	observe.Meeting
	// Connections are those that are open, oldest first: of people and of content
	// shares, with what is measured now. An ended meeting has none.
	Connections []observe.Session `json:"connections"`
}

// getMeeting returns one meeting, active or ended, and who is connected to it.
func (s *Server) getMeeting(c *call) (any, error) {
	m, err := s.meeting(c)
	if err != nil {
		return nil, err
	}
	open := []observe.Session{}
	if m.Ended.IsZero() {
		for _, one := range s.cfg.Live.Sessions(m.ID) {
			if one.Ended.IsZero() {
				one.Samples = nil
				open = append(open, one)
			}
		}
	}
	return MeetingDetail{Meeting: m, Connections: open}, nil
}

// meeting returns the meeting that the path names. One of another account is
// not found.
func (s *Server) meeting(c *call) (m observe.Meeting, err error) {
	id, err := c.meetingID()
	if err != nil {
		return m, err
	}
	m, ok := timeline.Summary(c.ctx, s.cfg.Directory, s.cfg.Live, id)
	if !ok || !m.Ended.IsZero() {
		kept, found, err := s.cfg.Ended.Meeting(c.ctx, id)
		switch {
		case err != nil && !ok:
			return m, err
		case found:
			m, ok = kept, true
		}
	}
	if !ok || m.Account != c.identity.Account {
		return observe.Meeting{}, meeting.MissingMeeting(id)
	}
	return m, nil
}
