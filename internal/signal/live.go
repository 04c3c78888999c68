package signal

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// Load sums up the connections of one meeting.
type Load struct {
	Connected    int           // attendees present, content shares not counted
	Audio        int           // of these, from whom audio has arrived
	Video        int           // cameras being sent
	Content      int           // content shares
	AttendeeTime time.Duration // summed over all attendees since the meeting began
	Failures     int           // connections that failed while joining
}

// Session is one connection of an attendee, as shown to operators.
type Session struct {
	Attendee meeting.ID
	Content  bool // a content share
	State    SessionState
	Reason   string // why it ended, in words; may be empty
	Opened   time.Time
	Ended    time.Time // zero while it lasts
	Remote   netip.Addr
	Client   string // what the client says it is
	Steps    []Step
	Timing   ClientTiming  // the client's own account of its start
	RTT      time.Duration // of the signaling connection
	Muted    bool          // by the client or by capability
	Level    uint8         // dB below full scale, silence is 127
	Signal   uint8         // 0 lost, 1 weak, 2 good
	Video    bool          // own video is live
	Stats    media.PeerStats
	Samples  []Sample // the last minutes, oldest first
}

// Load returns the sum of a meeting's connections; zero for a meeting nobody
// has connected to, or that ended long ago.
func (s *Server) Load(id meeting.ID) Load {
	b, old := s.find(id)
	if b == nil {
		return Load{AttendeeTime: old.attended, Failures: old.failures}
	}
	h := b.hall
	h.mu.Lock()
	defer h.mu.Unlock()
	l := Load{AttendeeTime: b.history.attended, Failures: b.history.failures}
	for _, m := range h.members {
		if m.branch != b || !m.present {
			continue
		}
		l.AttendeeTime += h.now().Sub(m.since)
		switch {
		case m.key.content:
			l.Content++
		default:
			l.Connected++
			l.Audio += oneIf(m.session.audio)
			l.Video += oneIf(m.session.video)
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
func (s *Server) Sessions(id meeting.ID) []Session {
	b, old := s.find(id)
	if b == nil {
		return slices.Clone(old.sessions)
	}
	h := b.hall
	h.mu.Lock()
	out := b.history.sessions()
	peers := make(map[*record]Peer)
	at := make(map[*record]int)
	for i, r := range out.records {
		at[r] = i
	}
	for _, m := range h.members {
		one := m.session
		if i, ok := at[one.rec]; ok && m.branch == b {
			h.fill(&out.sessions[i], m)
			peers[one.rec] = one.peer
		}
	}
	h.mu.Unlock()
	for r, p := range peers {
		if p != nil {
			out.sessions[at[r]].Stats = p.Stats()
		}
	}
	return out.sessions
}

// fill adds what is known only of a member's current connection.
func (h *hall) fill(out *Session, m *member) {
	one := m.session
	out.Muted, out.Level, out.Signal, out.Video = m.muted(), one.level, one.signal, one.video
	if m.present && one.state == live && one.rec.ended.IsZero() {
		out.State = SessionConnected
	}
}

// listing is a history's sessions with the records behind them.
type listing struct {
	sessions []Session
	records  []*record
}

// sessions lists all records in the order they were opened.
func (h *history) sessions() listing {
	records := slices.Clone(h.ended)
	for r := range h.open {
		records = append(records, r)
	}
	slices.SortFunc(records, func(a, b *record) int {
		return cmp.Or(a.opened.Compare(b.opened), slices.Compare(a.key.attendee[:], b.key.attendee[:]))
	})
	out := make([]Session, len(records))
	for i, r := range records {
		out[i] = Session{
			Attendee: r.key.attendee, Content: r.key.content, State: r.state, Reason: r.reason,
			Opened: r.opened, Ended: r.ended, Remote: r.remote, Client: r.client,
			Steps: slices.Clone(r.steps), Timing: r.timing, RTT: r.signalingRTT, Level: silence, Samples: r.samples.all(),
		}
	}
	return listing{out, records}
}

// find returns the branch of a meeting, or what is left of it.
func (s *Server) find(id meeting.ID) (*branch, pastMeeting) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.branches[id], s.past.of[id]
}

// pastOf is what remains of a branch: the last connections, without samples.
func (h *hall) pastOf(b *branch) pastMeeting {
	for r := range b.history.open {
		r.end(SessionRemoved, h.now(), "the meeting ended")
	}
	all := b.history.sessions().sessions
	all = slices.Clone(all[max(0, len(all)-maxPastSessions):])
	for i := range all {
		all[i].Samples = nil
	}
	return pastMeeting{sessions: all, attended: b.history.attended, failures: b.history.failures}
}

// sample keeps a moment of every connection, for drawing them over time.
func (h *hall) sample() {
	type seen struct {
		s     *session
		peer  Peer
		stats media.PeerStats
	}
	var all []seen
	h.update(func() {
		for _, m := range h.audio {
			if one := m.session; one != nil && one.peer != nil {
				all = append(all, seen{s: one, peer: one.peer})
			}
		}
	})
	for i := range all {
		all[i].stats = all[i].peer.Stats()
	}
	h.update(func() {
		for _, a := range all {
			if a.s.peer == a.peer {
				a.s.keep(h.now(), a.stats)
			}
		}
	})
}

// keep adds a sample to the session's record.
func (s *session) keep(now time.Time, st media.PeerStats) {
	s.rec.samples.add(Sample{
		At: now, Level: s.loudest, LossIn: float32(st.UplinkLoss), LossOut: float32(st.DownlinkLoss),
		RoundTrip: time.Duration(st.RTTMillis) * time.Millisecond,
		KbpsIn:    st.VideoKbpsIn, KbpsOut: st.VideoKbpsOut, Available: st.AvailableKbps,
		Concealing: st.AudioConcealed > s.concealed,
	})
	s.loudest, s.concealed = silence, st.AudioConcealed
}

// Refusal is a join that was refused for its token. Whose token it was is not
// known.
type Refusal struct {
	Meeting meeting.ID
	At      time.Time
	Remote  netip.Addr
	Words   string // why, for the operator
}

// Refusals returns the latest refused joins to a meeting, oldest first.
func (s *Server) Refusals(id meeting.ID) []Refusal { return s.refusals.of(id) }
