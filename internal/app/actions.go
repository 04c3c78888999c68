package app

import (
	"slices"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// TimersInput gives a meeting timers of its own. What is not given, or null, is
// as the server has it for all meetings.
type TimersInput struct {
	IdleSeconds   *int `json:"idleSeconds,omitempty"`   // the meeting ends when nobody has been connected for so long
	MaxAgeSeconds *int `json:"maxAgeSeconds,omitempty"` // the meeting ends at this age, at once if it is older; at most the server's maximum
}

// MessageInput is a data message: exactly one of text and data.
type MessageInput struct {
	Topic      string  `json:"topic"`                // that clients have subscribed to: letters, digits, "_" and "-"
	Text       *string `json:"text,omitempty"`       // the data as text, at most 2048 bytes in UTF-8
	Data       []byte  `json:"data,omitempty"`       // the data as base64, at most 2048 bytes
	AttendeeID *string `json:"attendeeId,omitempty"` // the only one who gets it; otherwise everybody does
	LifetimeMs int     `json:"lifetimeMs,omitempty"` // for how long whoever joins later gets it as well
}

// Delivery tells what became of a message.
type Delivery struct {
	Sent int `json:"sent"` // connections that it went to; 0 when nobody is there
}

// setTimers sets when a meeting ends by itself, and returns the meeting. It
// replaces what was set before.
func (s *Server) setTimers(c *call) (any, error) {
	m, err := s.meeting(c)
	if err != nil {
		return nil, err
	}
	var in TimersInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := s.cfg.Control.SetTimers(c.ctx, m.ID, meeting.Timers{Idle: seconds(in.IdleSeconds), MaxAge: seconds(in.MaxAgeSeconds)}); err != nil {
		return nil, err
	}
	return s.meeting(c)
}

// seconds is a number of seconds that may be missing. One that is not positive
// becomes a length that no rule allows.
func seconds(n *int) time.Duration {
	switch {
	case n == nil:
		return 0
	case *n <= 0 || *n > int(time.Duration(1<<62)/time.Second):
		return -1
	}
	return time.Duration(*n) * time.Second
}

// sendMessage sends a data message to everybody in a meeting, or to one
// attendee, who receive it as one from another client, without a sender.
func (s *Server) sendMessage(c *call) (any, error) {
	m, err := s.activeMeeting(c)
	if err != nil {
		return nil, err
	}
	var in MessageInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	msg, err := in.message()
	if err != nil {
		return nil, err
	}
	if !msg.Attendee.IsZero() {
		if _, err := s.invited(c, m.ID, msg.Attendee); err != nil {
			return nil, err
		}
	}
	sent, err := s.cfg.Post(m.ID, m.Primary, msg)
	if err != nil {
		return nil, err
	}
	return Delivery{Sent: sent}, nil
}

// message checks the input.
func (in *MessageInput) message() (msg meeting.Message, err error) {
	msg = meeting.Message{Topic: in.Topic, Data: in.Data, Lifetime: time.Duration(in.LifetimeMs) * time.Millisecond}
	if in.Text != nil {
		msg.Data = []byte(*in.Text)
	}
	if in.AttendeeID != nil { // an empty one is nobody, not everybody
		if msg.Attendee, err = idOf("attendeeId", *in.AttendeeID); err != nil {
			return msg, err
		}
	}
	switch {
	case !meeting.ValidTopic(msg.Topic):
		return msg, invalid("topic must be 1 to %d letters, digits, \"_\" or \"-\".", meeting.MaxTopic)
	case (in.Text == nil) == (in.Data == nil):
		return msg, invalid("Exactly one of text and data must be given.")
	case len(msg.Data) > meeting.MaxData:
		return msg, invalid("The data of a message must have at most %d bytes.", meeting.MaxData)
	case in.LifetimeMs < 0 || in.LifetimeMs > int(meeting.MaxLifetime.Milliseconds()):
		return msg, invalid("lifetimeMs must be between 0 and %d.", meeting.MaxLifetime.Milliseconds())
	}
	return msg, nil
}

// muteAttendee takes from an attendee the right to send audio, whatever its
// client does, and returns the attendee.
func (s *Server) muteAttendee(c *call) (any, error) { return s.mute(c, true) }

// unmuteAttendee gives an attendee the right to send audio back, and returns the
// attendee.
func (s *Server) unmuteAttendee(c *call) (any, error) { return s.mute(c, false) }

func (s *Server) mute(c *call, muted bool) (any, error) {
	m, attendee, err := s.activeAttendee(c)
	if err != nil {
		return nil, err
	}
	if _, err := s.cfg.Control.Mute(c.ctx, m.ID, attendee, muted); err != nil {
		return nil, err
	}
	return s.getAttendee(c)
}

// removeAttendee throws an attendee out of a meeting and makes its join token
// useless, as DeleteAttendee of the AWS API does.
func (s *Server) removeAttendee(c *call) (any, error) {
	m, attendee, err := s.activeAttendee(c)
	if err != nil {
		return nil, err
	}
	return nil, s.cfg.Control.RemoveAttendee(c.ctx, m.ID, attendee)
}

// activeMeeting returns the meeting that the path names if it has not ended.
func (s *Server) activeMeeting(c *call) (m observe.Meeting, err error) {
	if m, err = s.meeting(c); err == nil && !m.Ended.IsZero() {
		return m, meeting.MissingMeeting(m.ID)
	}
	return m, err
}

func (s *Server) activeAttendee(c *call) (m observe.Meeting, attendee meeting.ID, err error) {
	if m, err = s.activeMeeting(c); err != nil {
		return m, attendee, err
	}
	attendee, err = c.attendeeID()
	return m, attendee, err
}

// invited returns an attendee of an active meeting who was not removed.
func (s *Server) invited(c *call, id, attendee meeting.ID) (a meeting.Attendee, err error) {
	list, err := s.cfg.Directory.Attendees(c.ctx, id)
	if err != nil {
		return a, err
	}
	at := slices.IndexFunc(list, func(a meeting.Attendee) bool { return a.ID == attendee })
	if at < 0 {
		return a, meeting.MissingAttendee(attendee)
	}
	return list[at], nil
}
