package signal

import (
	"errors"
	"time"

	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// peerEvents is what media tells of a session's peer. Calls come one at a
// time, in order, on a goroutine of media's; they only take the hall's lock.
type peerEvents struct{ s *session }

// update runs fn with the hall locked, unless the session has been replaced or
// sent away, in which case the peer no longer matters.
func (e peerEvents) update(fn func(h *hall, m *member)) {
	h := e.s.hall
	h.update(func() {
		if m := e.s.member; m != nil && e.s.state >= joined {
			fn(h, m)
		}
	})
}

// Connected: media is up, so the attendee is here.
func (e peerEvents) Connected() {
	e.update(func(h *hall, m *member) {
		s := e.s
		if s.state != joined {
			return
		}
		s.state = live
		if s.timer != nil {
			s.timer.Stop()
		}
		h.announce(m)
		s.ping()
		s.log.Info("connected", "client", s.rec.Client())
	})
}

// AudioStarted: from now on a weak signal means something.
func (e peerEvents) AudioStarted() {
	e.update(func(*hall, *member) { e.s.audio = true })
}

// Failed: media is lost. A client whose signaling still works is told to
// reconnect; it would notice by itself, but only after 25 s. One that shut its
// end itself is leaving or reconnecting, and says so in a moment.
func (e peerEvents) Failed(err error) {
	e.update(func(h *hall, m *member) {
		s := e.s
		s.log.Info("media lost", "err", err)
		switch {
		case s.state == live && (s.socketLost || errors.Is(err, media.ErrClosedByClient)):
			h.await(m)
		case s.state == live:
			s.ends(observe.Dropped, mediaSilent.outcome().words)
			h.abandon(s, mediaSilent)
		default:
			why := mediaCause(err, s.rec.Took)
			s.fails("", why.outcome().words)
			h.abandon(s, why)
		}
	})
}

// VideoStarted: the session's own video is live for the others.
func (e peerEvents) VideoStarted() {
	e.update(func(_ *hall, m *member) {
		if !e.s.video {
			e.s.video = true
			m.factAsSeen(meeting.VideoStarted)
		}
	})
}

// VideoStopped: it is gone.
func (e peerEvents) VideoStopped() {
	e.update(func(_ *hall, m *member) { e.s.stopVideo(m) })
}

// stopVideo notes that the video of the member's session is gone, also when
// media can no longer say so because the session is being taken down.
func (s *session) stopVideo(m *member) {
	if s.video {
		s.video = false
		m.factAsSeen(meeting.VideoStopped)
	}
}

// factAsSeen writes down a fact about the member under the identity the others
// see it by.
func (m *member) factAsSeen(kind meeting.FactKind) {
	if p := m.promoted; p != nil {
		p.branch.factOf(kind, p.attendee, p.external)
		return
	}
	m.branch.fact(factFor(m, kind), m)
}

// SourcesChanged: the session's index has to be looked at again.
func (e peerEvents) SourcesChanged() {
	e.update(func(h *hall, _ *member) {
		if e.s.index.sent {
			h.index.mark(h, e.s)
		}
	})
}

// Paused: videos are held back for want of bandwidth.
func (e peerEvents) Paused(groups []uint32) { e.pause(wire.Frame_PAUSE, groups) }

// Resumed: they are being sent again.
func (e peerEvents) Resumed(groups []uint32) { e.pause(wire.Frame_RESUME, groups) }

func (e peerEvents) pause(typ wire.Frame_Type, groups []uint32) {
	if len(groups) > 0 {
		e.s.conn.send(pauseGroups(e.s.server.cfg.Now(), typ, groups))
	}
}

// Bitrates are passed on as they come.
func (e peerEvents) Bitrates(streams []media.StreamBitrate, availableKbps int) {
	if len(streams) > 0 || availableKbps > 0 {
		e.s.conn.send(bitrates(e.s.server.cfg.Now(), streams, availableKbps))
	}
}

// StepDone goes into the record of the join.
func (e peerEvents) StepDone(step string, at time.Time) {
	switch step {
	case media.StepICE:
		e.s.rec.Step(observe.StepICE, at)
	case media.StepDTLS:
		e.s.rec.Step(observe.StepDTLS, at)
	case media.StepFirstAudioIn:
		e.s.rec.Step(observe.StepAudio, at)
	}
}
