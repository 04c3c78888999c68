package signal

import (
	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

// apply acts on a committed change of the meeting. Changes come in order, from
// its queue.
func (meet *openMeeting) apply(change control.Change) {
	conf := meet.conference
	conf.update(func() { meet.applied++ })
	switch c := change.(type) {
	case control.AttendeeDeleted:
		conf.update(func() { meet.expelLocked(c.Attendee) })
	case control.CapabilitiesChanged:
		conf.update(func() {
			for _, a := range c.Attendees {
				meet.changeCapabilitiesLocked(a)
			}
		})
	case control.TranscriptionRefused:
		conf.server.TellTranscription(meet.id, speech.Status{
			State: speech.Failed, At: conf.now(), Region: c.Config.Region, Config: c.Config.JSON, Message: c.Failure,
		})
	case control.Moved:
		conf.update(func() { meet.endAllLocked(moved) })
		conf.server.retire(meet)
		conf.server.history.Forget(meet.id) // should it come back, the store tells what has been
	case control.Ended:
		conf.update(func() {
			meet.endTranscriptionLocked()
			meet.endAllLocked(meetingEnded)
		})
		conf.server.retire(meet)
	}
}

// expelLocked throws an attendee out, with every connection there is of it.
func (meet *openMeeting) expelLocked(attendee meeting.ID) {
	conf := meet.conference
	meet.endPromotionOfLocked(attendee)
	if !meet.replica {
		conf.giveUpLocked(attendee, false)
	}
	for _, content := range []bool{false, true} {
		if part := conf.participants[participantKey{meet.id, attendee, content}]; part != nil {
			conf.kickLocked(part, attendeeRemoved, departure{fact: meeting.Left})
		}
	}
	for s := range meet.sessions {
		if s.key.attendee == attendee && s.state == opened {
			s.turnAwayLocked(attendeeRemoved)
		}
	}
}

// turnAwayLocked has a session that has not joined refused when it tries, and
// closed if it does not.
func (s *session) turnAwayLocked(why cause) {
	s.refused = why
	s.armLocked(s.server.cfg.Timers.Farewell, func() { s.finishLocked(why) })
}

// endAllLocked sends everybody away because the meeting is over, here at
// least. What that means for who was present is in the meeting's last record,
// or for the server that the meeting moves to, so no facts are written.
func (meet *openMeeting) endAllLocked(why cause) {
	conf := meet.conference
	meet.over = why
	meet.overLocked()
	for _, content := range []bool{true, false} { // a share would else be told that its owner left
		for _, part := range conf.participants {
			if part.meeting == meet && part.key.content == content {
				conf.kickLocked(part, why, departure{quiet: !meet.replica})
			}
		}
	}
	for s := range meet.sessions {
		if s.state == opened {
			s.turnAwayLocked(why)
		}
	}
}

// changeCapabilitiesLocked has what an attendee may send and receive take
// effect on its connections at once.
func (meet *openMeeting) changeCapabilitiesLocked(a meeting.Attendee) {
	conf := meet.conference
	for s := range meet.sessions {
		if s.key.attendee == a.ID {
			s.grant.Attendee.Capabilities = a.Capabilities
		}
	}
	for _, content := range []bool{false, true} {
		part := conf.participants[participantKey{meet.id, a.ID, content}]
		if part == nil {
			continue
		}
		part.session.grant.Attendee.Capabilities = a.Capabilities // also of one whose socket is lost
		if content && !a.Capabilities.Content.MaySend() {
			conf.kickLocked(part, contentNotPermitted, departure{fact: meeting.Left})
			continue
		}
		conf.applyPermissionsLocked(part)
	}
	meet.changePromotedLocked(a)
}

// applyPermissionsLocked hands a participant's permissions to media and tells
// whom it concerns.
func (conf *conference) applyPermissionsLocked(part *participant) {
	s := part.session
	p := s.permissionsLocked()
	wasMuted := part.mutedLocked()
	part.silenced = !p.AudioSend
	conf.tellMutedLocked(part, wasMuted)
	if peer := s.peer; peer != nil {
		conf.laterLocked(func() { peer.SetPermissions(p) })
	}
	if s.video && !p.VideoSend {
		s.conn.send(s.viewOnlyLocked())
	}
}

// viewOnlyLocked tells a client that it may no longer send video: it takes its
// own picture down. It rides on an index, whose news is the same.
func (s *session) viewOnlyLocked() []byte {
	index := s.index.last
	index.AtCapacity = true
	s.index.last = index
	f := newFrame(wire.Frame_INDEX, s.conference.now())
	f.Index, f.Error = s.conference.indexBodyLocked(index, s.index.participants), errorOf(statusViewOnly)
	return mustEncode(f)
}
