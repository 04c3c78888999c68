package signal

import (
	"slices"
	"strings"

	"golang.org/x/time/rate"
	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// join answers JOIN with JOIN_ACK and the first INDEX, without which the
// client does not go on.
func (s *session) join(f *wire.Join) error {
	if f == nil {
		f = &wire.Join{}
	}
	var refusal cause
	again := false
	s.conference.update(func() {
		if again = s.state != opened; again {
			return
		}
		s.rec.Describe(clientName(f.GetClientDetails()))
		if refusal = s.mayJoinLocked(); refusal == 0 {
			s.audioSession = f.GetAudioSessionId()
			s.full = wantsFullAdaption(f)
			s.takeOverLocked()
		}
	})
	switch {
	case again:
		return s.hangUp(badFrames, "JOIN repeated")
	case refusal != 0:
		s.refuseJoin(refusal)
		return nil
	}
	s.conn.limit = wire.MaxMessage
	peer, err := s.conference.room.Join(s.peerConfig(f))
	if err != nil {
		s.refuseJoin(err)
		return nil
	}
	s.welcome(f, peer)
	return nil
}

// mayJoinLocked returns why the session may not join; 0 when it may.
func (s *session) mayJoinLocked() cause {
	switch {
	case s.server.draining.Load():
		return stopping
	case s.refused != 0:
		return s.refused
	case !s.meeting.mayTryLocked(s.key):
		return joinsTooOften
	case s.key.content && (contentOff(s.grant.Features) || !s.mayShareLocked()):
		return contentNotPermitted
	}
	return 0
}

// mayShareLocked reports whether the attendee may share content. One of a replica
// may while it takes part in the primary meeting, if both of its identities may.
func (s *session) mayShareLocked() bool {
	if !s.grant.Attendee.Capabilities.Content.MaySend() {
		return false
	}
	if !s.meeting.replica {
		return true
	}
	owner := s.conference.participants[participantKey{s.meeting.id, s.key.attendee, false}]
	return owner != nil && owner.promoted != nil && owner.promoted.caps.Content.MaySend()
}

// How often one attendee may join. Each join is written down.
const (
	joinRate  = 1 // per second
	joinBurst = 30
)

// mayTryLocked counts another join of the attendee.
func (meet *openMeeting) mayTryLocked(key participantKey) bool {
	l := meet.joins[key]
	if l == nil {
		l = rate.NewLimiter(joinRate, joinBurst)
		meet.joins[key] = l
	}
	return l.AllowN(meet.conference.now(), 1)
}

func contentOff(f *meeting.Features) bool { return f != nil && f.ContentOff() }

// noteRefusal tells operators why the client may not join.
func (s *session) noteRefusal(why cause, reason string) {
	s.log.Info("join refused", "operation", joinOperation, "error", why.exception(), "reason", reason)
}

// keepOutLocked closes a connection that is not asked what it wants.
func (s *session) keepOutLocked(why cause) {
	s.noteRefusal(why, why.outcome().words)
	s.finishLocked(why)
}

// refuseJoin tells the client why it may not join.
func (s *session) refuseJoin(err error) {
	why := joinCause(err)
	s.noteRefusal(why, why.explain(err))
	s.conference.update(func() {
		s.fails(observe.StepJoin, why.explain(err))
		if part := s.participant; part != nil {
			s.conference.removeLocked(part, departure{fact: meeting.Dropped})
		}
		if s.state < ending {
			s.dismissLocked(why)
		}
	})
}

// takeOverLocked makes the session its attendee's. An earlier one is replaced:
// in silence if it belongs to the same client, which is reconnecting, else with
// word that the attendee has joined from elsewhere.
func (s *session) takeOverLocked() {
	conf := s.conference
	s.state = joining
	conf.nextAudio++
	s.audioID = conf.nextAudio
	part := conf.participants[s.key]
	if part == nil {
		part = &participant{key: s.key, meeting: s.meeting, hidden: s.meeting.replica, external: s.grant.Attendee.ExternalUserID}
		part.wireID = wireID(s.key)
		conf.participants[s.key] = part
		s.meeting.recountLocked()
	}
	if old := part.session; old != nil {
		conf.displaceLocked(old, old.audioSession == s.audioSession && s.audioSession != 0)
	}
	part.session, s.participant = s, part
	part.silenced = !s.permissionsLocked().AudioSend
	part.stopGraceLocked()
	if !s.key.content {
		s.meeting.factLocked(meeting.Authorized, part)
	}
}

// displaceLocked takes the attendee from an older session. Whatever the older
// client had going on goes with it, unless the newcomer is that client,
// reconnecting.
func (conf *conference) displaceLocked(old *session, sameClient bool) {
	if old.participant.promoted != nil {
		conf.endPromotionLocked(old.participant, departure{fact: meeting.Left})
	}
	conf.releaseLocked(old)
	if sameClient {
		conf.replaceLocked(old, "the client reconnected")
		return
	}
	if !old.key.content {
		old.meeting.endShareLocked(old.key.attendee)
	}
	if old.socketLost {
		conf.replaceLocked(old, joinedElsewhere.outcome().words) // as a page that was loaded again
		return
	}
	old.ends(observe.Removed, joinedElsewhere.outcome().words)
	old.dismissLocked(joinedElsewhere)
}

// endShareLocked ends what a client shared that is no longer its attendee's, and
// refuses what it was about to share.
func (meet *openMeeting) endShareLocked(attendee meeting.ID) {
	key := participantKey{meet.id, attendee, true}
	if share := meet.conference.participants[key]; share != nil {
		meet.conference.kickLocked(share, joinedElsewhere, departure{fact: meeting.Left})
	}
	for s := range meet.sessions {
		if s.key == key && s.state == opened {
			s.turnAwayLocked(joinedElsewhere)
		}
	}
}

// replaceLocked ends a session whose client needs no telling.
func (conf *conference) replaceLocked(old *session, why string) {
	old.state = over
	old.ends(observe.Replaced, why)
	old.conn.cut()
}

// releaseLocked takes a session's media down and its participant away.
func (conf *conference) releaseLocked(s *session) {
	s.stopVideoLocked(s.participant)
	s.participant = nil
	if p := s.peer; p != nil {
		s.peer = nil
		conf.laterLocked(p.Close)
	}
}

// wireID is the attendee id as clients know it.
func wireID(k participantKey) string { return observe.SessionKey(k.attendee, k.content) }

// peerConfig describes the session to media.
func (s *session) peerConfig(f *wire.Join) media.PeerConfig {
	conf := s.conference
	conf.mu.Lock()
	defer conf.mu.Unlock()
	return media.PeerConfig{
		AttendeeID: wireID(s.key), Content: s.key.content, Owner: s.key.attendee.String(),
		ExternalUserID: s.grant.Attendee.ExternalUserID, AudioStreamID: s.audioID,
		Permissions: s.permissionsLocked(), MaxVideo: videoLimit(s.grant.Features, s.key.content),
		ServerSideAdaption: s.full, NoPeriodicKeyFrames: f.GetNoPeriodicContentKeyframes(),
		Events: peerEvents{s},
	}
}

// videoLimit is what the meeting's features allow a session to send. The
// bitrates leave room above what clients aim at by themselves.
func videoLimit(f *meeting.Features, content bool) media.VideoLimit {
	var level string
	if f != nil {
		level = f.VideoMax
		if content {
			level = f.ContentMax
		}
	}
	switch {
	case level == "None":
		return media.VideoLimit{Off: true}
	case level == "UHD":
		return media.VideoLimit{Height: 2160, MaxKbps: 8000}
	case level == "FHD", content && level == "":
		return media.VideoLimit{Height: 1080, MaxKbps: 4000}
	}
	return media.VideoLimit{Height: 720, MaxKbps: 2500}
}

// wantsFullAdaption reports whether the client leaves the choice of video
// layers to the server.
func wantsFullAdaption(f *wire.Join) bool {
	switch f.GetAdaption() {
	case wire.Adaption_FULL:
		return true
	case wire.Adaption_DEFAULT, wire.Adaption_ADAPTION_UNSET:
		return slices.Contains(f.GetSupportedAdaptions(), wire.Adaption_FULL)
	}
	return false
}

// welcome sends JOIN_ACK, the first INDEX, and the data messages kept for
// whoever joins.
func (s *session) welcome(f *wire.Join, peer Peer) {
	conf := s.conference
	if f.GetWantsCompressedSdp() {
		s.deflate = s.server.sdp.NewDeflater()
	}
	index := peer.Index()
	abandoned := false
	conf.update(func() {
		if abandoned = s.state != joining; abandoned {
			return // sent away or replaced meanwhile
		}
		s.peer, s.state = peer, joined
		s.conn.send(s.joinAckLocked(f))
		conf.sendIndexLocked(s, index, new(indexMessage))
		conf.index.markLocked(conf, s) // for what changed since it was read
		for _, m := range conf.messages.replay(conf.now(), s.key) {
			s.conn.send(dataFrame(conf.now(), &m))
		}
		s.welcomeTranscriptionLocked()
		s.rec.Step(observe.StepJoin, conf.now())
		s.armLocked(s.server.cfg.Timers.Connect, s.neverConnectedLocked)
	})
	if abandoned {
		peer.Close()
	}
}

// joinAckLocked is the answer to JOIN. The TURN credentials are there even when
// empty: without them clients wait until they have gathered all candidates.
func (s *session) joinAckLocked(f *wire.Join) []byte {
	var t TURN
	switch {
	case s.server.cfg.TURN != nil:
		t = s.server.cfg.TURN(wireID(s.key))
	case s.native && s.server.cfg.MediaHost != "":
		// It does not begin without one. That nobody answers there costs it
		// nothing: the direct way works.
		t.URIs = []string{"turn:" + s.server.cfg.MediaHost + "?transport=udp"}
	}
	ack := &wire.JoinAck{
		TurnCredentials: &wire.TurnCredentials{
			Username: proto.String(t.Username), Password: proto.String(t.Password),
			Ttl: proto.Uint32(uint32(t.TTL.Seconds())), Uris: t.URIs,
		},
		VideoSubscriptionLimit: proto.Uint32(uint32(s.server.cfg.VideoSubscriptions)),
		WantsCompressedSdp:     proto.Bool(s.deflate != nil),
	}
	switch {
	case s.full:
		ack.DefaultAdaption = wire.Adaption_FULL.Enum()
	case f.GetAdaption() == wire.Adaption_PROBING:
		ack.DefaultAdaption = wire.Adaption_PROBING.Enum()
	}
	out := newFrame(wire.Frame_JOIN_ACK, s.conference.now())
	out.JoinAck = ack
	return mustEncode(out)
}

// neverConnectedLocked ends a session whose media did not come up in time. The
// client gave up long before, or is one that does not.
func (s *session) neverConnectedLocked() {
	why := mediaCause(nil, s.rec.Took)
	s.fails("", why.outcome().words)
	s.conference.abandonLocked(s, why)
}

// clientName puts what a client says about itself into one line.
func clientName(d *wire.ClientDetails) string {
	if d == nil {
		return ""
	}
	parts := []string{
		d.GetPlatformName() + " " + d.GetPlatformVersion(), "on " + d.GetOsName() + " " + d.GetOsVersion(),
		d.GetClientSource() + " " + d.GetSdkVersion(), d.GetAppName() + " " + d.GetAppVersion(),
	}
	kept := parts[:0]
	for _, p := range parts {
		if p = strings.TrimSpace(p); p != "" && p != "on" {
			kept = append(kept, p)
		}
	}
	return shorten(strings.ToValidUTF8(strings.Join(kept, ", "), "?"), maxClientName)
}

const maxClientName = 200

// shorten cuts s to at most n bytes.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
