package signal

import (
	"github.com/carillon-meetings/carillon/internal/jointoken"
	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// promotion lets an attendee of a replica take part in the primary meeting,
// under an attendee of that meeting whose join token it has shown.
type promotion struct {
	meeting  *openMeeting // of the primary meeting
	attendee meeting.ID
	external string
	caps     meeting.Capabilities
	tokenKey jointoken.KeyID
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
	if !s.meeting.replica || s.key.content {
		return statusForbidden
	}
	meet, grant, err := s.server.admit(s.conn.ctx, s.conference.id, c.GetJoinToken(), &s.from)
	switch {
	case err != nil:
		return uint32(joinCause(err).outcome().http)
	case grant.Content || grant.Attendee.ID.String() != c.GetAttendeeId() || meet.conference != s.conference:
		return statusForbidden
	}
	status := uint32(statusBadRequest)
	s.conference.update(func() {
		switch {
		case s.state != live || s.participant == nil:
		case !meet.mayTryLocked(participantKey{meet.id, grant.Attendee.ID, false}):
			status = statusUnavailable // written down as a join is
		default:
			s.conference.endPromotionLocked(s.participant, departure{fact: meeting.Left})
			s.conference.beginPromotionLocked(s.participant, &promotion{
				meeting: meet, attendee: grant.Attendee.ID, external: grant.Attendee.ExternalUserID, caps: grant.Attendee.Capabilities,
				tokenKey: grant.TokenKey,
			})
			status = 0
		}
	})
	return status
}

// beginPromotionLocked shows the participant to everybody under its primary
// identity, which is taken from whoever has it.
func (conf *conference) beginPromotionLocked(part *participant, p *promotion) {
	p.meeting.endPromotionOfLocked(p.attendee)
	if other := conf.participants[participantKey{conf.id, p.attendee, false}]; other != nil {
		conf.kickLocked(other, joinedElsewhere, departure{fact: meeting.Left})
	}
	part.promoted, part.hidden = p, false
	part.wireID, part.external = p.attendee.String(), p.external
	conf.aliases[wireID(part.key)] = part
	conf.renames++
	p.meeting.factLocked(meeting.Authorized, part)
	p.meeting.factLocked(meeting.Joined, part)
	p.meeting.recountLocked()
	conf.applyPermissionsLocked(part)
	conf.broadcastLocked(conf.roster([]*wire.RosterRow{part.rowLocked()}), part.session)
	part.tellRenamedLocked()
	conf.index.markAllLocked(conf)
}

// tellRenamedLocked tells a client that its own audio stream goes by another
// identity now.
func (part *participant) tellRenamedLocked() {
	part.session.conn.send(part.meeting.conference.roster([]*wire.RosterRow{goneRow(part.audioID, false), part.rowLocked()}))
}

// endPromotionLocked hides the participant again. Its permissions are the
// caller's to apply, if it stays.
func (conf *conference) endPromotionLocked(part *participant, how departure) {
	p := part.promoted
	if p == nil {
		return
	}
	if part.session != nil {
		part.session.stopVideoLocked(part)
	}
	if how.fact != meeting.Dropped {
		how.fact = meeting.Left
	}
	p.meeting.factLocked(how.fact, part)
	delete(conf.aliases, wireID(part.key))
	conf.renames++
	part.promoted, part.hidden = nil, true
	part.wireID = wireID(part.key)
	if part.session != nil {
		part.external = part.session.grant.Attendee.ExternalUserID
	}
	p.meeting.recountLocked()
	conf.limitShareLocked(part, how.quiet)
	if !how.quiet {
		conf.broadcastLocked(conf.roster([]*wire.RosterRow{goneRow(part.audioID, how.fact == meeting.Dropped)}), part.session)
	}
	conf.index.markAllLocked(conf)
}

// limitShareLocked ends what a replica's attendee shares unless it may.
func (conf *conference) limitShareLocked(owner *participant, quiet bool) {
	share := conf.participants[participantKey{owner.key.meeting, owner.key.attendee, true}]
	if share != nil && !share.session.mayShareLocked() {
		conf.kickLocked(share, contentNotPermitted, departure{fact: meeting.Left, quiet: quiet})
	}
}

// demoteLocked answers the client's PRIMARY_MEETING_LEAVE, which wants no
// answer.
func (s *session) demoteLocked() {
	part := s.participant
	if part == nil || part.promoted == nil {
		return
	}
	s.conference.endPromotionLocked(part, departure{fact: meeting.Left})
	s.conference.applyPermissionsLocked(part)
	part.tellRenamedLocked()
}

// endPromotionOfLocked ends the promotion under an attendee of the meeting,
// whose client is told.
func (meet *openMeeting) endPromotionOfLocked(attendee meeting.ID) {
	part := meet.promotedAsLocked(attendee)
	if part == nil {
		return
	}
	conf, s := meet.conference, part.session
	conf.endPromotionLocked(part, departure{fact: meeting.Left})
	conf.applyPermissionsLocked(part)
	f := newFrame(wire.Frame_PRIMARY_MEETING_LEAVE, conf.now())
	f.PrimaryLeave = &wire.PrimaryLeave{}
	s.conn.send(mustEncode(f))
	part.tellRenamedLocked()
}

// changePromotedLocked has changed capabilities take effect on who is promoted
// under the attendee.
func (meet *openMeeting) changePromotedLocked(a meeting.Attendee) {
	if part := meet.promotedAsLocked(a.ID); part != nil {
		part.promoted.caps = a.Capabilities
		meet.conference.applyPermissionsLocked(part)
		meet.conference.limitShareLocked(part, false)
	}
}

// promotedAsLocked returns who is promoted under the attendee of the meeting,
// or nil.
func (meet *openMeeting) promotedAsLocked(attendee meeting.ID) *participant {
	for _, part := range meet.conference.aliases {
		if part.promoted.meeting == meet && part.promoted.attendee == attendee {
			return part
		}
	}
	return nil
}

// identityLocked is under whom a video is shown: its sender, or while promoted
// its sender's primary identity.
func (conf *conference) identityLocked(src media.Source) (attendee, external string) {
	if part := conf.aliases[src.AttendeeID]; part != nil {
		return part.wireID, part.external
	}
	return src.AttendeeID, src.ExternalUserID
}
