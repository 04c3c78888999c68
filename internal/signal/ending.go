package signal

import (
	"errors"
	"time"

	"github.com/coder/websocket"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// The ways a session ends. In each, the member goes first (media stops, the
// others are told), then the client is told, and the socket is closed last:
// a connected client acts on frames and hardly on close codes.
//
//	LEAVE             leave    left at once; LEAVE_ACK
//	socket lost       lost     the member stays for Timers.Dropped, then dropped
//	media lost        failed   dropped; closed with "retry" so that the client
//	                           reconnects without waiting to find out itself
//	removed, ended    kick     left at once; AUDIO_STATUS, LEAVE awaited
//	second device     displace AUDIO_STATUS 301, the member is the new one's
//	misuse            hangUp   left at once; error frame, LEAVE awaited

// departure is how a member goes.
type departure struct {
	fact  meeting.FactKind // Left or Dropped
	quiet bool             // the others need not be told: they are going too
}

// remove takes a member out of the meeting, and its content share with it.
// The caller deals with the session's socket.
func (h *hall) remove(m *member, how departure) {
	m.stopGrace()
	delete(h.members, m.key)
	if m.promoted != nil {
		h.endPromotion(m, how)
	}
	if s := m.session; s != nil {
		h.release(s)
	}
	if m.present {
		h.unannounce(m, how)
		m.branch.fact(factFor(m, how.fact), m)
		m.branch.history.Attended(h.now().Sub(m.since))
	}
	m.branch.recount()
	if m.key.content {
		return
	}
	content := m.key
	content.content = true
	if share := h.members[content]; share != nil {
		h.kick(share, attendeeGone, departure{fact: meeting.Left, quiet: how.quiet})
	}
}

// factFor returns the kind of fact for the member: content sessions have
// their own.
func factFor(m *member, kind meeting.FactKind) meeting.FactKind {
	if !m.key.content {
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

// kick removes a member and tells its client why.
func (h *hall) kick(m *member, why cause, how departure) {
	s := m.session
	h.remove(m, how)
	if s == nil {
		return
	}
	s.ends(observe.Removed, why.outcome().words)
	s.dismiss(why)
}

// dismiss tells a session's client of the cause, in the way it understands at
// the point it has come to, and closes its connection: after its LEAVE, if
// it will say that.
func (s *session) dismiss(why cause) {
	o := why.outcome()
	said := o.joined
	if s.state <= joining {
		said = o.atJoin
	}
	if said.typ == 0 || s.state >= ending {
		s.finish(why)
		return
	}
	s.conn.send(said.frame(s.hall.now()))
	if s.state > joining && o.comesBack() {
		s.finish(why)
		return
	}
	s.depart(why)
}

// depart gives the client a moment to say LEAVE before its socket is closed.
func (s *session) depart(why cause) {
	s.state = ending
	s.arm(s.server.cfg.Timers.Farewell, func() { s.finish(why) })
}

// finish closes the socket once everything queued is written. From there on
// nothing is expected of the client.
func (s *session) finish(why cause) {
	o := why.outcome()
	s.state = over
	s.conn.close(o.code, o.reason)
}

// leave acts on LEAVE: the client waits for the answer.
func (s *session) leave() {
	h := s.hall
	h.update(func() {
		if m := s.member; m != nil {
			h.remove(m, departure{fact: meeting.Left})
			s.ends(observe.Left, "")
		}
		s.conn.send(clientLeft.outcome().joined.frame(h.now()))
		if s.state != over {
			s.depart(clientLeft) // the client closes first
		}
	})
}

// ends closes the session's record; the first reason given is the one kept.
func (s *session) ends(state observe.State, reason string) {
	s.rec.End(state, s.hall.now(), reason)
}

// fails closes the session's record with the step of joining that went wrong.
func (s *session) fails(step, words string) { s.rec.Fail(step, s.hall.now(), words) }

// hangUp ends a session for misuse. It returns the error that ends its reader
// in case the client does not care.
func (s *session) hangUp(why cause, detail string) error {
	o := why.outcome()
	h := s.hall
	h.update(func() {
		if s.state < ending {
			s.log.Warn("client hung up on", "why", detail)
			s.ends(observe.Removed, o.words+": "+detail)
			s.conn.send(o.joined.frame(h.now()))
			if m := s.member; m != nil {
				h.remove(m, departure{fact: meeting.Dropped})
			}
		}
		s.state = over
		s.conn.close(o.code, detail)
	})
	return errMisuse
}

// lost is called once, when the reader has ended. A present attendee who did
// not say LEAVE may be back within a moment and is kept for that long.
func (s *session) lost(err error) {
	h := s.hall
	s.socketLost = true
	delete(s.branch.sessions, s)
	if s.timer != nil {
		s.timer.Stop()
	}
	code := websocket.CloseStatus(err)
	s.log.Debug("connection ended", "state", s.state, "code", int(code))
	s.conn.close(closeDone, "") // in case it is the reader that gave up
	if !errors.Is(err, errMisuse) {
		s.conn.cut()
	}
	m := s.member
	switch {
	case m == nil:
		s.rec.Close() // before its end: opened early and never used, it is forgotten
		s.ends(observe.Left, "")
	case m.present:
		h.await(m)
	default:
		s.fails("", "the client closed the connection while joining")
		h.remove(m, departure{fact: meeting.Dropped})
	}
	s.rec.Close()
}

// await keeps a lost member for a while.
func (h *hall) await(m *member) {
	s := m.session
	if m.grace != nil {
		return
	}
	m.grace = time.AfterFunc(h.server.cfg.Timers.Dropped, func() {
		h.update(func() {
			if m.session == s && h.members[m.key] == m && m.grace != nil {
				s.ends(observe.Dropped, connectionLost.outcome().words)
				h.remove(m, departure{fact: meeting.Dropped})
				s.dismiss(connectionLost)
			}
		})
	})
}

func (m *member) stopGrace() {
	if m.grace != nil {
		m.grace.Stop()
		m.grace = nil
	}
}

// abandon drops a session whose media failed, and has its client reconnect.
func (h *hall) abandon(s *session, why cause) {
	if m := s.member; m != nil {
		h.remove(m, departure{fact: meeting.Dropped})
	}
	s.ends(observe.Failed, why.outcome().words)
	s.dismiss(why)
}

// shut records everybody present as dropped and closes their media, because
// the server is stopping.
func (h *hall) shut() {
	h.update(func() {
		for _, b := range h.branches {
			h.later(func() { <-b.ready; b.unwatch() })
		}
		for _, m := range h.members {
			if m.session != nil {
				m.session.ends(observe.Dropped, stopping.outcome().words)
			}
			if !m.key.content || h.members[memberKey{m.key.meeting, m.key.attendee, false}] == nil {
				h.remove(m, departure{fact: meeting.Dropped, quiet: true})
			}
		}
		h.index.stop()
	})
}

// cutAll cuts whatever is still connected.
func (h *hall) cutAll() {
	h.update(func() {
		for _, b := range h.branches {
			for s := range b.sessions {
				s.conn.cut()
			}
		}
	})
}
