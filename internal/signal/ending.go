package signal

import (
	"errors"

	"github.com/coder/websocket"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// The ways a session ends. In each, the participant goes first (media stops, the
// others are told), then the client is told, and the socket is closed last.
// What the client is told is in outcomes.
//
//	LEAVE             leave           left at once
//	socket lost       lostLocked      stays for Timers.Dropped, then dropped
//	media lost        abandonLocked   dropped; the client is to come back
//	removed, ended    kickLocked      left at once; LEAVE awaited
//	second device     displaceLocked  stays, as the newer session's
//	misuse            hangUp          dropped at once

// departure is how a participant goes.
type departure struct {
	fact  meeting.FactKind // Left or Dropped
	quiet bool             // the others need not be told: they are going too
}

// removeLocked takes a participant out of the meeting, and its content share
// with it. The caller deals with the session's socket.
func (conf *conference) removeLocked(part *participant, how departure) {
	part.stopGraceLocked()
	delete(conf.participants, part.key)
	if part.promoted != nil {
		conf.endPromotionLocked(part, how)
	}
	if s := part.session; s != nil {
		conf.releaseLocked(s)
	}
	if part.present {
		conf.unannounceLocked(part, how)
		part.meeting.factLocked(factFor(part, how.fact), part)
		part.meeting.history.Attended(conf.now().Sub(part.since))
	}
	part.meeting.recountLocked()
	if part.key.content {
		return
	}
	content := part.key
	content.content = true
	if share := conf.participants[content]; share != nil {
		conf.kickLocked(share, attendeeGone, departure{fact: meeting.Left, quiet: how.quiet})
	}
}

// factFor returns the kind of fact for the participant: content sessions have
// their own.
func factFor(part *participant, kind meeting.FactKind) meeting.FactKind {
	if !part.key.content {
		return kind
	}
	switch kind {
	case meeting.Joined:
		return meeting.ContentJoined
	case meeting.Dropped:
		return meeting.ContentDropped
	case meeting.VideoStarted:
		return meeting.ContentVideoStarted
	case meeting.VideoStopped:
		return meeting.ContentVideoStopped
	}
	return meeting.ContentLeft
}

// kickLocked removes a participant and tells its client why.
func (conf *conference) kickLocked(part *participant, why cause, how departure) {
	s := part.session
	conf.removeLocked(part, how)
	if s == nil {
		return
	}
	s.ends(observe.Removed, why.outcome().words)
	s.dismissLocked(why)
}

// dismissLocked tells a session's client of the cause, in the way it
// understands at the point it has come to, and closes its connection: after its
// LEAVE, if it will say that.
func (s *session) dismissLocked(why cause) {
	o := why.outcome()
	said := o.joined
	if s.state <= joining {
		said = o.atJoin
	}
	if said.typ == 0 || s.state >= ending {
		s.finishLocked(why)
		return
	}
	s.conn.send(said.frame(s.conference.now()))
	if s.state > joining && o.comesBack() {
		s.finishLocked(why)
		return
	}
	s.departLocked(why)
}

// departLocked gives the client a moment to say LEAVE before its socket is
// closed.
func (s *session) departLocked(why cause) {
	s.state = ending
	s.armLocked(s.server.cfg.Timers.Farewell, func() { s.finishLocked(why) })
}

// finishLocked closes the socket once everything queued is written. From there
// on nothing is expected of the client.
func (s *session) finishLocked(why cause) {
	o := why.outcome()
	s.state = over
	s.conn.close(o.code, o.reason)
}

// leave acts on LEAVE: the client waits for the answer.
func (s *session) leave() {
	conf := s.conference
	conf.update(func() {
		if part := s.participant; part != nil {
			conf.removeLocked(part, departure{fact: meeting.Left})
			s.ends(observe.Left, "")
		}
		s.conn.send(clientLeft.outcome().joined.frame(conf.now()))
		if s.state != over {
			s.departLocked(clientLeft) // the client closes first
		}
	})
}

// ends closes the session's record; the first reason given is the one kept.
func (s *session) ends(state observe.State, reason string) {
	if !s.rec.End(state, s.conference.now(), reason) {
		return
	}
	s.endTrace()
	if s.rec.Took(observe.StepJoin) {
		s.log.Info("left", "state", state, "reason", reason)
	}
}

// fails closes the session's record with the step of joining that went wrong.
func (s *session) fails(step, words string) {
	if s.rec.Fail(step, s.conference.now(), words) {
		s.endTrace()
		s.log.Info("join failed", "reason", words)
	}
}

// hangUp ends a session for misuse. It returns the error that ends its reader
// in case the client does not care.
func (s *session) hangUp(why cause, detail string) error {
	o := why.outcome()
	conf := s.conference
	conf.update(func() {
		if s.state < ending {
			s.log.Warn("client hung up on", "why", detail)
			s.ends(observe.Removed, o.words+": "+detail)
			s.conn.send(o.joined.frame(conf.now()))
			if part := s.participant; part != nil {
				conf.removeLocked(part, departure{fact: meeting.Dropped})
			}
		}
		s.state = over
		s.conn.close(o.code, detail)
	})
	return errMisuse
}

// lostLocked is called once, when the reader has ended. A present attendee who
// did not say LEAVE may be back within a moment and is kept for that long.
func (s *session) lostLocked(err error) {
	conf := s.conference
	s.socketLost = true
	delete(s.meeting.sessions, s)
	if s.timer != nil {
		s.timer.Stop()
	}
	code := websocket.CloseStatus(err)
	s.log.Debug("connection ended", "state", s.state, "code", int(code))
	s.conn.close(closeDone, "") // in case it is the reader that gave up
	if !errors.Is(err, errMisuse) && !errors.Is(err, errFraming) {
		s.conn.cut()
	}
	part := s.participant
	switch {
	case part == nil:
		s.rec.Close() // before its end: opened early and never used, it is forgotten
		s.ends(observe.Left, "")
	case part.present:
		conf.awaitLocked(part)
	default:
		s.fails("", "the client closed the connection while joining")
		conf.removeLocked(part, departure{fact: meeting.Dropped})
	}
	s.rec.Close()
}

// awaitLocked keeps a lost participant for a while.
func (conf *conference) awaitLocked(part *participant) {
	s := part.session
	if part.grace != nil {
		return
	}
	part.grace = conf.server.cfg.AfterFunc(conf.server.cfg.Timers.Dropped, func() {
		conf.update(func() {
			if part.session == s && conf.participants[part.key] == part && part.grace != nil {
				s.ends(observe.Dropped, connectionLost.outcome().words)
				conf.removeLocked(part, departure{fact: meeting.Dropped})
				s.dismissLocked(connectionLost)
			}
		})
	})
}

func (part *participant) stopGraceLocked() {
	if part.grace != nil {
		part.grace()
		part.grace = nil
	}
}

// abandonLocked drops a session whose media failed, and has its client
// reconnect.
func (conf *conference) abandonLocked(s *session, why cause) {
	if part := s.participant; part != nil {
		conf.removeLocked(part, departure{fact: meeting.Dropped})
	}
	s.ends(observe.Failed, why.outcome().words)
	s.dismissLocked(why)
}

// shut closes everybody's media, because the server is stopping. No facts are
// written any more: who is present may be back in a moment, at this server or
// another one, and then nothing has happened. That server writes down who is not.
func (conf *conference) shut() {
	conf.update(func() {
		for _, meet := range conf.meetings {
			meet.over = stopping
			conf.laterLocked(func() { <-meet.ready; meet.unwatch() })
		}
		for _, part := range conf.participants {
			if part.session != nil {
				part.session.ends(observe.Dropped, stopping.outcome().words)
			}
			if !part.key.content || conf.participants[participantKey{part.key.meeting, part.key.attendee, false}] == nil {
				conf.removeLocked(part, departure{fact: meeting.Dropped, quiet: true})
			}
		}
		conf.index.stopLocked()
	})
}

// cutAll cuts whatever is still connected.
func (conf *conference) cutAll() {
	conf.update(func() {
		for _, meet := range conf.meetings {
			for s := range meet.sessions {
				s.conn.cut()
			}
		}
	})
}
