package signal

import (
	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// When a server dies, its clients come back one after the other. Whoever is
// first takes the roster for the whole truth and would show all others as gone,
// only to show them come again. So those whom the former server had connected
// stay on the roster for as long as any lost client does. They have no session
// and take part in nothing; what becomes of them is written down by control.

// awaitLostLocked puts attendees on the roster who may be back in a moment.
func (conf *conference) awaitLostLocked(lost []control.Awaited) {
	if len(lost) == 0 {
		return
	}
	conf.awaited = make(map[meeting.ID]*wire.RosterRow, len(lost))
	for _, a := range lost {
		conf.nextAudio++
		conf.awaited[a.Attendee] = &wire.RosterRow{
			AudioStreamId: proto.Uint32(conf.nextAudio), AttendeeId: proto.String(wireID(participantKey{conf.id, a.Attendee, false})),
			ExternalUserId: proto.String(a.ExternalUserID), Muted: proto.Bool(false),
		}
	}
	conf.server.cfg.AfterFunc(conf.server.cfg.Timers.Dropped, func() {
		conf.update(func() {
			for attendee := range conf.awaited {
				conf.giveUpLocked(attendee, true)
			}
		})
	})
}

// giveUpLocked takes an attendee off the roster who was waited for.
func (conf *conference) giveUpLocked(attendee meeting.ID, dropped bool) {
	row := conf.awaited[attendee]
	if row == nil {
		return
	}
	delete(conf.awaited, attendee)
	conf.broadcastLocked(conf.roster([]*wire.RosterRow{goneRow(row.GetAudioStreamId(), dropped)}), nil)
}
