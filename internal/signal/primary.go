package signal

import (
	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// promotion lets an attendee of a replica take part in the primary meeting,
// under an attendee of that meeting whose join token it has shown.
type promotion struct {
	branch   *branch // of the primary meeting
	attendee meeting.ID
	external string
	caps     meeting.Capabilities
}

// promote answers PRIMARY_MEETING_JOIN.
func (s *session) promote(c *wire.Credentials) {
	status := s.tryPromote(c)
	f := newFrame(wire.Frame_PRIMARY_MEETING_JOIN_ACK, s.server.cfg.Now())
	f.PrimaryJoinAck = &wire.PrimaryJoinAck{}
	if status != 0 {
		f.Error = errorOf(status)
	}
	s.conn.send(mustEncode(f))
}

// tryPromote returns 0 or the status of the refusal.
func (s *session) tryPromote(c *wire.Credentials) uint32 {
	if !s.branch.replica || s.key.content {
		return statusForbidden
	}
	b, grant, err := s.server.admit(s.conn.ctx, s.hall.id, c.GetJoinToken())
	switch {
	case err != nil:
		return uint32(joinCause(err).outcome().http)
	case grant.Content || grant.Attendee.ID.String() != c.GetAttendeeId() || b.hall != s.hall:
		return statusForbidden
	}
	status := uint32(statusBadRequest)
	s.hall.update(func() {
		if s.state == live && s.member != nil {
			s.hall.endPromotion(s.member, departure{fact: meeting.Left})
			s.hall.beginPromotion(s.member, &promotion{
				branch: b, attendee: grant.Attendee.ID, external: grant.Attendee.ExternalUserID, caps: grant.Attendee.Capabilities,
			})
			status = 0
		}
	})
	return status
}

// beginPromotion shows the member to everybody under its primary identity,
// which is taken from whoever has it.
func (h *hall) beginPromotion(m *member, p *promotion) {
	p.branch.endPromotionOf(p.attendee)
	if other := h.members[memberKey{h.id, p.attendee, false}]; other != nil {
		h.kick(other, joinedElsewhere, departure{fact: meeting.Left})
	}
	m.promoted, m.hidden = p, false
	m.wireID, m.external = p.attendee.String(), p.external
	h.aliases[wireID(m.key)] = m
	h.renames++
	p.branch.fact(meeting.Authorized, m)
	p.branch.fact(meeting.Joined, m)
	p.branch.recount()
	h.applyPermissions(m)
	h.broadcast(h.roster([]*wire.RosterRow{m.row()}), m.session)
	m.tellRenamed()
	h.index.markAll(h)
}

// tellRenamed tells a client that its own audio stream goes by another
// identity now.
func (m *member) tellRenamed() {
	m.session.conn.send(m.branch.hall.roster([]*wire.RosterRow{goneRow(m.audioID, false), m.row()}))
}

// endPromotion hides the member again. Its permissions are the caller's to
// apply, if it stays.
func (h *hall) endPromotion(m *member, how departure) {
	p := m.promoted
	if p == nil {
		return
	}
	if m.session != nil {
		m.session.stopVideo(m)
	}
	if how.fact != meeting.Dropped {
		how.fact = meeting.Left
	}
	p.branch.fact(how.fact, m)
	delete(h.aliases, wireID(m.key))
	h.renames++
	m.promoted, m.hidden = nil, true
	m.wireID = wireID(m.key)
	if m.session != nil {
		m.external = m.session.grant.Attendee.ExternalUserID
	}
	p.branch.recount()
	if !how.quiet {
		h.broadcast(h.roster([]*wire.RosterRow{goneRow(m.audioID, how.fact == meeting.Dropped)}), m.session)
	}
	h.index.markAll(h)
}

// demote answers the client's PRIMARY_MEETING_LEAVE, which wants no answer.
func (s *session) demote() {
	m := s.member
	if m == nil || m.promoted == nil {
		return
	}
	s.hall.endPromotion(m, departure{fact: meeting.Left})
	s.hall.applyPermissions(m)
	m.tellRenamed()
}

// endPromotionOf ends the promotion under an attendee of the branch, whose
// client is told.
func (b *branch) endPromotionOf(attendee meeting.ID) {
	m := b.promotedAs(attendee)
	if m == nil {
		return
	}
	h, s := b.hall, m.session
	h.endPromotion(m, departure{fact: meeting.Left})
	h.applyPermissions(m)
	f := newFrame(wire.Frame_PRIMARY_MEETING_LEAVE, h.now())
	f.PrimaryLeave = &wire.PrimaryLeave{}
	s.conn.send(mustEncode(f))
	m.tellRenamed()
}

// changePromoted has changed capabilities take effect on who is promoted
// under the attendee.
func (b *branch) changePromoted(a meeting.Attendee) {
	if m := b.promotedAs(a.ID); m != nil {
		m.promoted.caps = a.Capabilities
		b.hall.applyPermissions(m)
	}
}

// promotedAs returns who is promoted under the attendee of the branch, or nil.
func (b *branch) promotedAs(attendee meeting.ID) *member {
	for _, m := range b.hall.aliases {
		if m.promoted.branch == b && m.promoted.attendee == attendee {
			return m
		}
	}
	return nil
}

// identity is under whom a video is shown: its sender, or while promoted its
// sender's primary identity.
func (h *hall) identity(src media.Source) (attendee, external string) {
	if m := h.aliases[src.AttendeeID]; m != nil {
		return m.wireID, m.external
	}
	return src.AttendeeID, src.ExternalUserID
}
