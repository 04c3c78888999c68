package app

import "github.com/carillon-meetings/carillon/internal/observe"

// EventList is a page of what has become of a meeting's events.
type EventList struct {
	Events    []observe.Told `json:"events"`
	NextToken string         `json:"nextToken,omitempty"` // gives the next page; empty on the last one
}

// listEvents returns what has become of a meeting's latest events at each
// receiver, oldest first, as far as it is known: the server that has the meeting
// keeps it in memory only.
func (s *Server) listEvents(c *call) (any, error) {
	m, err := s.meeting(c)
	if err != nil {
		return nil, err
	}
	page, next, err := numbered(c, s.cfg.Told(m.ID), func(t *observe.Told) int { return int(t.Sequence) })
	return EventList{Events: page, NextToken: next}, err
}
