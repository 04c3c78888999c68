package signal

import (
	"errors"
	"time"

	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// peerEvents is what media tells of a session's peer. Calls come one at a time,
// in order, on a goroutine of media's; they only take the conference's lock.
type peerEvents struct{ s *session }

// update runs fn with the conference locked, unless the session has been
// replaced or sent away, in which case the peer no longer matters.
func (e peerEvents) update(fn func(conf *conference, part *participant)) {
	conf := e.s.conference
	conf.update(func() {
		if part := e.s.participant; part != nil && e.s.state >= joined {
			fn(conf, part)
		}
	})
}

// Connected: media is up, so the attendee is here.
func (e peerEvents) Connected() {
	e.update(func(conf *conference, part *participant) {
		s := e.s
		if s.state != joined {
			return
		}
		s.state = live
		if s.timer != nil {
			s.timer.Stop()
		}
		conf.announceLocked(part)
		s.pingLocked()
		s.log.Info("connected", "client", s.rec.Client())
	})
}

// AudioStarted: from now on a weak signal means something.
func (e peerEvents) AudioStarted() {
	e.update(func(*conference, *participant) { e.s.audio = true })
}

// Failed: media is lost. A client whose signaling still works is told to
// reconnect; it would notice by itself, but only after 25 s. One that shut its
// end itself is leaving or reconnecting, and says so in a moment.
func (e peerEvents) Failed(err error) {
	e.update(func(conf *conference, part *participant) {
		s := e.s
		s.log.Info("media lost", "err", err)
		switch {
		case s.state == live && (s.socketLost || errors.Is(err, media.ErrClosedByClient)):
			conf.awaitLocked(part)
		case s.state == live:
			s.ends(observe.Dropped, mediaSilent.outcome().words)
			conf.abandonLocked(s, mediaSilent)
		default:
			why := mediaCause(err, s.rec.Took)
			s.fails("", why.outcome().words)
			conf.abandonLocked(s, why)
		}
	})
}

// VideoStarted: the session's own video is live for the others.
func (e peerEvents) VideoStarted() {
	e.update(func(_ *conference, part *participant) {
		if !e.s.video {
			e.s.video = true
			part.factAsSeenLocked(meeting.VideoStarted)
		}
	})
}

// VideoStopped: it is gone.
func (e peerEvents) VideoStopped() {
	e.update(func(_ *conference, part *participant) { e.s.stopVideoLocked(part) })
}

// stopVideoLocked notes that the video of the participant's session is gone,
// also when media can no longer say so because the session is being taken down.
func (s *session) stopVideoLocked(part *participant) {
	if s.video {
		s.video = false
		part.factAsSeenLocked(meeting.VideoStopped)
	}
}

// factAsSeenLocked writes down a fact about the participant under the identity
// the others see it by.
func (part *participant) factAsSeenLocked(kind meeting.FactKind) {
	if p := part.promoted; p != nil {
		p.meeting.factOfLocked(kind, p.attendee, p.external)
		return
	}
	part.meeting.factLocked(factFor(part, kind), part)
}

// SourcesChanged: the session's index has to be looked at again.
func (e peerEvents) SourcesChanged() {
	e.update(func(conf *conference, _ *participant) {
		if e.s.index.sent {
			conf.index.markLocked(conf, e.s)
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
		e.s.endTrace()
	}
}
