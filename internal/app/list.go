package app

import (
	"slices"

	"github.com/carillon-meetings/carillon/internal/observe"
)

// MeetingList is a page of meetings.
type MeetingList struct {
	Meetings []observe.Meeting `json:"meetings"`
	// NextToken gives the next page; empty on the last one. A page may be short,
	// or empty, and still have one.
	NextToken string `json:"nextToken,omitempty"`
}

// The values of state.
const (
	stateActive = "active"
	stateEnded  = "ended"
)

// listMeetings returns the account's meetings: the active ones in the order of
// their creation, or those that have ended, the latest first.
func (s *Server) listMeetings(c *call) (any, error) {
	q, err := c.meetingQuery()
	if err != nil {
		return nil, err
	}
	pages := make([]observe.Page, len(s.cfg.Lists))
	for i, l := range slices.Backward(s.cfg.Lists) {
		if pages[i], err = l.List(c.ctx, q); err != nil {
			return nil, err
		}
	}
	page := q.Merge(pages...)
	return MeetingList{Meetings: notNil(page.Meetings), NextToken: c.tokenOf(placeText(page.Next))}, nil
}

// meetingQuery reads which meetings are asked for.
func (c *call) meetingQuery() (q observe.Query, err error) {
	q.Account = c.identity.Account
	switch state, given := c.query[paramState]; {
	case !given, state == stateActive:
	case state == stateEnded:
		q.Ended = true
	default:
		return q, invalid("The query parameter state must be active or ended.")
	}
	if q.External, err = c.text(paramExternal, maxExternal); err != nil {
		return q, err
	}
	if q.Tag.Key, err = c.text(paramTagKey, maxTagKey); err != nil {
		return q, err
	}
	if q.Tag.Value, err = c.text(paramTagValue, maxTagValue); err != nil {
		return q, err
	}
	if q.Tag.Value != "" && q.Tag.Key == "" {
		return q, invalid("The query parameter tagValue needs tagKey.")
	}
	if q.Limit, err = c.limit(); err != nil {
		return q, err
	}
	q.After, err = c.place()
	return q, err
}

// notNil makes sure that a list is a list in JSON.
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
