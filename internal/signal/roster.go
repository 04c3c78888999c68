package signal

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// Who is here is told by roster frames and by nothing else. A client takes the
// first one after it has (re)connected for the whole truth and every later one
// for a change. So a session gets nothing until its media is up, then the full
// roster with itself in it, then changes.

// announceLocked makes a participant present whose session has its media up.
func (conf *conference) announceLocked(part *participant) {
	s := part.session
	was, before := part.present, part.audioID
	if was {
		conf.takeOffLocked(before)
	} else {
		part.since = conf.now()
	}
	seen := was
	if row := conf.awaited[part.key.attendee]; row != nil && !part.hidden && !part.key.content {
		delete(conf.awaited, part.key.attendee)
		seen, before = true, row.GetAudioStreamId()
	}
	part.present, part.audioID = true, s.audioID
	conf.putOnLocked(part)
	s.conn.send(conf.roster(conf.fullRosterLocked(part)))
	if !part.hidden {
		rows := []*wire.RosterRow{part.rowLocked()}
		if seen {
			// Who came back has the higher id, and the old one is taken away
			// after it: in this order clients see nobody leave.
			rows = append(rows, goneRow(before, false))
		}
		conf.broadcastLocked(conf.roster(rows), s)
	}
	if !was {
		part.meeting.factLocked(factFor(part, meeting.Joined), part)
	}
	conf.startLevelsLocked()
	conf.index.markAllLocked(conf)
}

// putOnLocked adds a present participant by its audio stream id.
func (conf *conference) putOnLocked(part *participant) {
	if at, there := slices.BinarySearch(conf.order, part.audioID); !there {
		conf.order = slices.Insert(conf.order, at, part.audioID)
	}
	conf.byAudioID[part.audioID] = part
}

// takeOffLocked removes the participant with the audio stream id.
func (conf *conference) takeOffLocked(id uint32) {
	if at, there := slices.BinarySearch(conf.order, id); there {
		conf.order = slices.Delete(conf.order, at, at+1)
	}
	delete(conf.byAudioID, id)
}

// unannounceLocked takes a present participant off the roster.
func (conf *conference) unannounceLocked(part *participant, how departure) {
	conf.takeOffLocked(part.audioID)
	part.present = false
	if !part.hidden && !how.quiet {
		conf.broadcastLocked(conf.roster([]*wire.RosterRow{goneRow(part.audioID, how.fact == meeting.Dropped)}), part.session)
	}
	if len(conf.byAudioID) == 0 {
		conf.stopLevelsLocked()
	}
	conf.index.markAllLocked(conf)
}

// fullRosterLocked is everybody that the participant may see, itself included, in
// the order of their coming: a client knows no other, and shows people in it.
func (conf *conference) fullRosterLocked(part *participant) []*wire.RosterRow {
	rows := make([]*wire.RosterRow, 0, len(conf.byAudioID)+1)
	for _, id := range conf.order {
		if other := conf.byAudioID[id]; !other.hidden || other == part {
			rows = append(rows, other.rowLocked())
		}
	}
	for one := range conf.listeners {
		rows = append(rows, one.rowLocked())
	}
	for _, row := range conf.awaited {
		rows = append(rows, row)
	}
	// Mostly they are in order already, which takes one look at each.
	slices.SortFunc(rows, func(a, b *wire.RosterRow) int { return cmp.Compare(a.GetAudioStreamId(), b.GetAudioStreamId()) })
	return rows
}

// rowLocked announces the participant.
func (part *participant) rowLocked() *wire.RosterRow {
	return &wire.RosterRow{
		AudioStreamId: proto.Uint32(part.audioID), AttendeeId: proto.String(part.wireID),
		ExternalUserId: proto.String(part.external), Muted: proto.Bool(part.mutedLocked()),
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
func (conf *conference) roster(rows []*wire.RosterRow) []byte {
	f := newFrame(wire.Frame_AUDIO_STREAM_ID_INFO, conf.now())
	f.Roster = &wire.Roster{Streams: rows}
	return mustEncode(f)
}

// mutedLocked is what the others are told: by the client itself, or because the
// attendee may not speak.
func (part *participant) mutedLocked() bool {
	return part.silenced || part.session != nil && part.session.muted
}

// setMutedLocked takes over the client's mute state.
func (s *session) setMutedLocked(muted bool) {
	if s.muted == muted {
		return
	}
	part := s.participant
	if part == nil {
		s.muted = muted
		return
	}
	was := part.mutedLocked()
	s.muted = muted
	if p := s.peer; p != nil {
		s.conference.laterLocked(func() { p.SetMuted(muted) })
	}
	s.conference.tellMutedLocked(part, was)
}

// tellMutedLocked tells everybody, the participant too, when its mute state has
// changed.
func (conf *conference) tellMutedLocked(part *participant, was bool) {
	if !part.present || part.mutedLocked() == was {
		return
	}
	if !part.hidden {
		for one := range conf.listeners {
			one.To.Muted(part.wireID, part.mutedLocked(), conf.now())
		}
	}
	row := &wire.RosterRow{AudioStreamId: proto.Uint32(part.audioID), Muted: proto.Bool(part.mutedLocked())}
	msg := conf.roster([]*wire.RosterRow{row})
	if part.hidden {
		part.session.conn.send(msg)
		return
	}
	conf.broadcastLocked(msg, nil)
}
