package signal

import (
	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// transcriptionTopic carries the state of a meeting's transcription, and would
// carry transcripts. Clients cannot send on it: see validTopic.
const transcriptionTopic = "aws:chime:transcription"

// apply acts on a committed change of the branch's meeting. Changes come in
// order, on the branch's line.
func (b *branch) apply(change control.Change) {
	h := b.hall
	h.update(func() { b.applied++ })
	switch c := change.(type) {
	case control.AttendeeDeleted:
		h.update(func() { b.expel(c.Attendee) })
	case control.CapabilitiesChanged:
		h.update(func() {
			for _, a := range c.Attendees {
				b.changeCapabilities(a)
			}
		})
	case control.TranscriptionStarted:
		h.update(func() { h.tellTranscription(transcriptionStarted(c)) })
	case control.TranscriptionStopped:
		h.update(func() { h.tellTranscription(&wire.TranscriptionStatus{Type: wire.TranscriptionStatus_STOPPED.Enum()}) })
	case control.Moved:
		h.update(func() { b.endAll(moved) })
		h.server.retire(b)
	case control.Ended:
		h.update(func() { b.endAll(meetingEnded) })
		h.server.retire(b)
	}
}

// expel throws an attendee out, with every connection there is of it.
func (b *branch) expel(attendee meeting.ID) {
	h := b.hall
	b.endPromotionOf(attendee)
	for _, content := range []bool{false, true} {
		if m := h.members[memberKey{b.id, attendee, content}]; m != nil {
			h.kick(m, attendeeRemoved, departure{fact: meeting.Left})
		}
	}
	for s := range b.sessions {
		if s.key.attendee == attendee && s.state == opened {
			s.turnAway(attendeeRemoved)
		}
	}
}

// turnAway has a session that has not joined refused when it tries, and
// closed if it does not.
func (s *session) turnAway(why cause) {
	s.refused = why
	s.arm(s.server.cfg.Timers.Farewell, func() { s.finish(why) })
}

// endAll sends everybody away because the meeting is over, here at least. What
// that means for who was present is in the meeting's last record, or for the
// server that the meeting moves to, so no facts are written.
func (b *branch) endAll(why cause) {
	h := b.hall
	b.over = true
	for _, content := range []bool{true, false} { // a share would else be told that its owner left
		for _, m := range h.members {
			if m.branch == b && m.key.content == content {
				h.kick(m, why, departure{quiet: !b.replica})
			}
		}
	}
	for s := range b.sessions {
		if s.state == opened {
			s.turnAway(why)
		}
	}
}

// changeCapabilities has what an attendee may send and receive take effect on
// its connections at once.
func (b *branch) changeCapabilities(a meeting.Attendee) {
	h := b.hall
	for s := range b.sessions {
		if s.key.attendee == a.ID {
			s.grant.Attendee.Capabilities = a.Capabilities
		}
	}
	for _, content := range []bool{false, true} {
		m := h.members[memberKey{b.id, a.ID, content}]
		if m == nil {
			continue
		}
		m.session.grant.Attendee.Capabilities = a.Capabilities // also of one whose socket is lost
		if content && !a.Capabilities.Content.MaySend() {
			h.kick(m, contentNotPermitted, departure{fact: meeting.Left})
			continue
		}
		h.applyPermissions(m)
	}
	b.changePromoted(a)
}

// applyPermissions hands a member's permissions to media and tells whom it
// concerns.
func (h *hall) applyPermissions(m *member) {
	s := m.session
	p := s.permissions()
	wasMuted := m.muted()
	m.silenced = !p.AudioSend
	h.tellMuted(m, wasMuted)
	if peer := s.peer; peer != nil {
		h.later(func() { peer.SetPermissions(p) })
	}
	if s.video && !p.VideoSend {
		s.conn.send(s.viewOnly())
	}
}

// viewOnly tells a client that it may no longer send video: it takes its own
// picture down. It rides on an index, whose news is the same.
func (s *session) viewOnly() []byte {
	index := s.index.last
	index.AtCapacity = true
	s.index.last = index
	f := newFrame(wire.Frame_INDEX, s.hall.now())
	f.Index, f.Error = s.hall.indexBody(index, s.index.participants), errorOf(statusViewOnly)
	return mustEncode(f)
}

// transcriptionStarted describes the start, or why it came to nothing.
func transcriptionStarted(c control.TranscriptionStarted) *wire.TranscriptionStatus {
	st := &wire.TranscriptionStatus{
		Type: wire.TranscriptionStatus_STARTED.Enum(), Region: proto.String(c.Config.Region),
		Configuration: proto.String(c.Config.JSON),
	}
	if c.Failure != "" {
		st.Type = wire.TranscriptionStatus_FAILED.Enum()
		st.Message = proto.String(c.Failure)
	}
	return st
}

// tellTranscription sends everybody the state of the transcription.
func (h *hall) tellTranscription(st *wire.TranscriptionStatus) {
	st.EventTime = proto.Int64(h.now().UnixMilli())
	event := &wire.TranscriptEvent{Event: &wire.TranscriptEvent_Status{Status: st}}
	data, err := proto.Marshal(&wire.TranscriptFrame{Events: []*wire.TranscriptEvent{event}})
	if err != nil {
		h.server.log.Error("transcription status not encoded", "err", err)
		return
	}
	h.spread(&dataMessage{topic: transcriptionTopic, data: data, ingest: h.board.stamp(h.now())}, nil)
}
