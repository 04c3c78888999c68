package signal

import (
	"time"

	"github.com/carillon-meetings/carillon/internal/history"
	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// Load returns the sum of a meeting's connections; zero for a meeting nobody
// has connected to, or that ended long ago.
func (s *Server) Load(id meeting.ID) observe.Load {
	l := s.history.Load(id)
	l.AttendeeTime += observe.Minutes(s.cfg.Control.Attended(id))
	meet := s.find(id)
	if meet == nil {
		return l
	}
	l.Host = s.cfg.Host
	conf := meet.conference
	conf.mu.Lock()
	defer conf.mu.Unlock()
	for _, part := range conf.participants {
		if part.meeting != meet || !part.present {
			continue
		}
		l.AttendeeTime += observe.Minutes(conf.now().Sub(part.since))
		switch {
		case part.key.content:
			l.Content++
		default:
			l.Connected++
			l.Audio += oneIf(part.session.audio)
			l.Video += oneIf(part.session.video)
		}
	}
	return l
}

func oneIf(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Sessions returns a meeting's connections, those that are open and the last
// ones that ended, in the order they were opened. Joins refused for their
// token are not among them; see Refusals.
func (s *Server) Sessions(id meeting.ID) []observe.Session {
	meet := s.find(id)
	if meet == nil {
		return s.history.Sessions(id, nil)
	}
	return s.history.Sessions(id, meet.present())
}

// Refusals returns the latest refused joins to a meeting, oldest first.
func (s *Server) Refusals(id meeting.ID) []observe.Refusal { return s.history.Refusals(id) }

// Open reports whether somebody has connected to a meeting that is not over, as
// far as is known here: a moment after its end it is not.
func (s *Server) Open(id meeting.ID) bool { return s.find(id) != nil }

// find returns an open meeting; nil when nobody has connected to it,
// or it has ended.
func (s *Server) find(id meeting.ID) *openMeeting {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.meetings[id]
}

// present returns what is known only of the connections in use now.
func (meet *openMeeting) present() map[*history.Connection]history.Present {
	conf := meet.conference
	peers := make(map[*history.Connection]Peer)
	found := make(map[*history.Connection]history.Present)
	conf.mu.Lock()
	for _, part := range conf.participants {
		one := part.session
		if part.meeting != meet || one == nil {
			continue
		}
		found[one.rec] = history.Present{
			Connected: part.present && one.state == live, Muted: part.mutedLocked(), Silenced: part.silenced, Video: one.video,
			Now: observe.Now{Level: one.level, Signal: one.signal},
		}
		if one.peer != nil {
			peers[one.rec] = one.peer
		}
	}
	conf.mu.Unlock()
	for rec, peer := range peers { // without the lock: see conference
		p := found[rec]
		p.Now.Stats = observe.Stats(peer.Stats())
		found[rec] = p
	}
	return found
}

// sample keeps a moment of every connection, for drawing them over time.
func (conf *conference) sample() {
	type seen struct {
		s     *session
		peer  Peer
		stats media.PeerStats
	}
	var all []seen
	conf.update(func() {
		for _, part := range conf.byAudioID {
			if one := part.session; one != nil && one.peer != nil {
				all = append(all, seen{s: one, peer: one.peer})
			}
		}
	})
	for i := range all {
		all[i].stats = all[i].peer.Stats()
	}
	conf.update(func() {
		for _, a := range all {
			if a.s.peer == a.peer {
				a.s.keepLocked(conf.now(), a.stats)
			}
		}
	})
}

// keepLocked adds a sample to the session's record.
func (s *session) keepLocked(now time.Time, st media.PeerStats) {
	s.rec.Add(observe.Sample{
		At: observe.At(now), Level: s.loudest, Signal: s.signal, LossIn: observe.Tenth(st.UplinkLoss), LossOut: observe.Tenth(st.DownlinkLoss),
		RTT:    observe.Span(time.Duration(st.RTTMillis) * time.Millisecond),
		KbpsIn: st.VideoKbpsIn, KbpsOut: st.VideoKbpsOut, Available: st.AvailableKbps,
		Concealing: st.AudioConcealed > s.concealed,
	})
	s.loudest, s.concealed = silence, st.AudioConcealed
}

// clientTiming is what a client says about its start.
func clientTiming(t *wire.Timing) observe.Timing {
	if len(t.GetSignaling()) == 0 {
		return observe.Timing{}
	}
	s := t.GetSignaling()[0]
	since := func(ms int64) observe.Span {
		d := time.Duration(ms-s.GetStartMs()) * time.Millisecond
		if s.GetStartMs() == 0 || ms == 0 || d < 0 || d > time.Hour {
			return 0
		}
		return observe.Span(d)
	}
	told := observe.Timing{
		Socket: since(s.GetTransportConnectedMs()), JoinAck: since(s.GetJoinAckReceivedMs()),
		SubscribeAck: since(s.GetSubscribeAckMs()), ICE: since(s.GetIceConnectedMs()), TimedOut: s.GetTimedOut(),
	}
	for _, a := range t.GetRemoteAudio() {
		told.FirstAudio = since(a.GetFirstPacketReceivedMs())
	}
	return told
}
