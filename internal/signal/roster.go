package signal

import (
	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// Who is here is told by roster frames and by nothing else. A client takes the
// first one after it has (re)connected for the whole truth and every later one
// for a change. So a session gets nothing until its media is up, then the full
// roster with itself in it, then changes.

// announce makes a member present whose session has its media up.
func (h *hall) announce(m *member) {
	s := m.session
	was, before := m.present, m.audioID
	if was {
		delete(h.audio, before)
	} else {
		m.since = h.now()
	}
	m.present, m.audioID = true, s.audioID
	h.audio[m.audioID] = m
	s.conn.send(h.roster(h.fullRoster(m)))
	if !m.hidden {
		rows := []*wire.RosterRow{m.row()}
		if was {
			// Who came back has the higher id, and the old one is taken away
			// after it: in this order clients see nobody leave.
			rows = append(rows, goneRow(before, false))
		}
		h.broadcast(h.roster(rows), s)
	}
	if !was {
		m.branch.fact(factFor(m, meeting.Joined), m)
	}
	h.server.louden(h)
	h.index.markAll(h)
}

// unannounce takes a present member off the roster.
func (h *hall) unannounce(m *member, how departure) {
	delete(h.audio, m.audioID)
	m.present = false
	if !m.hidden && !how.quiet {
		h.broadcast(h.roster([]*wire.RosterRow{goneRow(m.audioID, how.fact == meeting.Dropped)}), m.session)
	}
	if len(h.audio) == 0 {
		h.server.quiet(h)
	}
	h.index.markAll(h)
}

// fullRoster is everybody m may see, and m.
func (h *hall) fullRoster(m *member) []*wire.RosterRow {
	rows := make([]*wire.RosterRow, 0, len(h.audio)+1)
	for _, other := range h.audio {
		if !other.hidden || other == m {
			rows = append(rows, other.row())
		}
	}
	return rows
}

// row announces the member.
func (m *member) row() *wire.RosterRow {
	return &wire.RosterRow{
		AudioStreamId: proto.Uint32(m.audioID), AttendeeId: proto.String(m.wireID),
		ExternalUserId: proto.String(m.external), Muted: proto.Bool(m.muted()),
	}
}

// goneRow takes an audio stream away: neither attendee nor muted may be set.
func goneRow(audioID uint32, dropped bool) *wire.RosterRow {
	row := &wire.RosterRow{AudioStreamId: proto.Uint32(audioID)}
	if dropped {
		row.Dropped = proto.Bool(true)
	}
	return row
}

// roster encodes rows.
func (h *hall) roster(rows []*wire.RosterRow) []byte {
	f := newFrame(wire.Frame_AUDIO_STREAM_ID_INFO, h.now())
	f.Roster = &wire.Roster{Streams: rows}
	return mustEncode(f)
}

// muted is what the others are told: by the client itself, or because the
// attendee may not speak.
func (m *member) muted() bool { return m.silenced || m.session != nil && m.session.muted }

// setMuted takes over the client's mute state.
func (s *session) setMuted(muted bool) {
	if s.muted == muted {
		return
	}
	m := s.member
	if m == nil {
		s.muted = muted
		return
	}
	was := m.muted()
	s.muted = muted
	if p := s.peer; p != nil {
		s.hall.later(func() { p.SetMuted(muted) })
	}
	s.hall.tellMuted(m, was)
}

// tellMuted tells everybody, the member too, when its mute state has changed.
func (h *hall) tellMuted(m *member, was bool) {
	if !m.present || m.muted() == was {
		return
	}
	row := &wire.RosterRow{AudioStreamId: proto.Uint32(m.audioID), Muted: proto.Bool(m.muted())}
	msg := h.roster([]*wire.RosterRow{row})
	if m.hidden {
		m.session.conn.send(msg)
		return
	}
	h.broadcast(msg, nil)
}
