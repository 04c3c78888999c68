package signal

import (
	"context"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/serial"
)

// Cut breaks the connections of an attendee, that of a content share too, as a
// failing line would: the client is told nothing and comes back by itself. It
// returns how many there were, once all of them are broken.
func (s *Server) Cut(id, attendee meeting.ID) (connections int) {
	meet := s.find(id)
	if meet == nil {
		return 0
	}
	var cut []*session
	meet.conference.update(func() {
		for one := range meet.sessions {
			if one.key.attendee == attendee {
				one.conn.cut()
				cut = append(cut, one)
			}
		}
	})
	for _, one := range cut {
		<-one.ended
	}
	return len(cut)
}

// Settle waits until every committed change that there is so far has been acted
// on, and everything that was seen is written down, or ctx ends.
func (s *Server) Settle(ctx context.Context) {
	for _, conf := range s.allConferences() {
		conf.drain(ctx, func(meet *openMeeting) *serial.Queue { return meet.changes })
		conf.drain(ctx, func(meet *openMeeting) *serial.Queue { return meet.facts }) // also of those changes
	}
}

// drain waits until what is in a queue of each meeting has been done, or ctx
// ends.
func (conf *conference) drain(ctx context.Context, queue func(*openMeeting) *serial.Queue) {
	var done []chan struct{}
	conf.update(func() {
		for _, meet := range conf.meetings {
			one := make(chan struct{})
			queue(meet).Push(func() { close(one) })
			done = append(done, one)
		}
	})
	for _, one := range done {
		select {
		case <-one:
		case <-ctx.Done():
		}
	}
}
