package signal

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/history"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/serial"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

// conference is everything that happens around one primary meeting: its own
// attendees, and those of its replicas, who hear and see it without being
// seen. Without replicas, which is the common case, it has one meeting.
//
// mu guards all of the conference's fields, those of its meetings and
// participants, the and the fields of its sessions that say so. It is held
// briefly, and never while calling media: a media call may wait for one of our
// event handlers, which wait for mu. What has to be called is left in after,
// and update runs it once mu is free.
type conference struct {
	server *Server
	id     meeting.ID // of the primary meeting
	room   Room

	mu            sync.Mutex // guards what follows
	meetings      map[meeting.ID]*openMeeting
	participants  map[participantKey]*participant
	byAudioID     map[uint32]*participant        // present participants by audio stream id
	order         []uint32                       // the keys of byAudioID, in order
	aliases       map[string]*participant        // promoted participants by the id media knows
	awaited       map[meeting.ID]*wire.RosterRow // attendees of the primary meeting whom the server before this one lost
	listeners     map[*listener]struct{}
	nextAudio     uint32
	messages      messageStore
	transcription *speech.Status // the last, while it goes on; nil when there is none
	renames       uint64         // promotions begun and ended, which change whose a video is
	index         indexer
	levels        levelState
	after         []func()
}

// openMeeting is one meeting of a conference, the primary or a replica, from
// when somebody connects to it until it ends.
type openMeeting struct {
	conference *conference
	id         meeting.ID
	replica    bool
	ready      chan struct{} // closed once the meeting is watched
	unwatch    func()        // valid after ready
	changes    *serial.Queue // committed changes, acted on in order
	facts      *serial.Queue // facts, written in order
	sessions   map[*session]struct{}
	joins      map[participantKey]*rate.Limiter
	counted    int    // what SetConnected was told last
	over       cause  // why the meeting goes on here no more; 0 while it does
	applied    uint64 // committed changes acted on
	history    *history.Meeting
}

// participantKey tells apart the attendees of a conference. A content session
// is a participant of its own.
type participantKey struct {
	meeting, attendee meeting.ID
	content           bool
}

// participant is an attendee, or an attendee's content share, that is connected,
// connecting, or was lost a moment ago and may be back.
type participant struct {
	key     participantKey
	meeting *openMeeting
	session *session // the latest to have joined; its socket may be lost

	// wireID and external are the identity the others see: the attendee's own,
	// or while promoted the one in the primary meeting.
	wireID, external string

	// present participants have been announced to the others under audioID.
	present bool
	audioID uint32
	since   time.Time
	hidden  bool // an attendee of a replica: announced to nobody

	promoted *promotion  // set while speaking in the primary meeting
	grace    func() bool // stops the wait for a lost client; nil while nobody waits
	silenced bool        // by capabilities: may not send audio
}

// newConference returns an empty conference. Audio stream ids start from the
// clock, so that they keep growing for clients that come back after a restart.
func newConference(s *Server, id meeting.ID) *conference {
	return &conference{
		server: s, id: id, room: s.cfg.Room(id.String()),
		meetings: make(map[meeting.ID]*openMeeting), participants: make(map[participantKey]*participant), byAudioID: make(map[uint32]*participant), aliases: make(map[string]*participant),
		listeners: make(map[*listener]struct{}),
		nextAudio: uint32(s.cfg.Now().Unix() - idEpoch), messages: newMessageStore(),
	}
}

// idEpoch is 2025-01-01, to keep the ids short.
const idEpoch = 1_735_689_600

// update runs fn with the conference locked, and then what fn left in after.
func (conf *conference) update(fn func()) {
	conf.mu.Lock()
	fn()
	after := conf.after
	conf.after = nil
	conf.mu.Unlock()
	for _, f := range after {
		f()
	}
}

// laterLocked leaves fn to be called once the conference is unlocked.
func (conf *conference) laterLocked(fn func()) { conf.after = append(conf.after, fn) }

func (conf *conference) now() time.Time { return conf.server.cfg.Now() }

// addMeetingLocked adds the meeting to the conference. The caller watches it
// and then closes ready.
func (conf *conference) addMeetingLocked(id meeting.ID) *openMeeting {
	meet := &openMeeting{
		conference: conf, id: id, replica: id != conf.id, ready: make(chan struct{}),
		sessions: make(map[*session]struct{}), joins: make(map[participantKey]*rate.Limiter), history: conf.server.history.Meeting(id),
	}
	meet.changes, meet.facts = serial.New(&conf.server.tasks), serial.New(&conf.server.tasks)
	conf.meetings[id] = meet
	return meet
}

// watch subscribes to the meeting's committed changes.
func (meet *openMeeting) watch() {
	s := meet.conference.server
	meet.unwatch = s.cfg.Control.Watch(meet.id, func(c control.Change) {
		if !s.stopped.Load() {
			meet.changes.Push(func() { meet.apply(c) })
		}
	})
	close(meet.ready)
}

// factLocked leaves a fact about the participant to be written down, in order.
func (meet *openMeeting) factLocked(kind meeting.FactKind, part *participant) {
	attendee := part.key.attendee
	if p := part.promoted; p != nil && p.meeting == meet {
		attendee = p.attendee
	}
	meet.factOfLocked(kind, attendee, part.external)
}

func (meet *openMeeting) factOfLocked(kind meeting.FactKind, attendee meeting.ID, external string) {
	s := meet.conference.server
	if meet.over != 0 {
		return // the meeting's last record tells who was there, or the server that it moved to
	}
	f := meeting.Fact{Kind: kind, Attendee: attendee, ExternalUserID: external, Time: s.cfg.Now()}
	meet.hearFactLocked(kind, attendee, f.Time)
	meet.facts.Push(func() {
		ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
		defer cancel()
		if err := s.cfg.Control.RecordFact(ctx, meet.id, f); err != nil {
			s.log.Warn("fact not recorded", "meeting", meet.id, "attendee", f.Attendee, "fact", f.Kind, "err", err)
		}
	})
}

// recountLocked tells the control plane how many attendees of the meeting are
// connected, if that changed.
func (meet *openMeeting) recountLocked() {
	n := 0
	for _, part := range meet.conference.participants {
		if part.meeting == meet && !part.key.content || part.promoted != nil && part.promoted.meeting == meet {
			n++
		}
	}
	if n != meet.counted {
		meet.counted = n
		meet.conference.server.cfg.Control.SetConnected(meet.id, n)
	}
}

// visibleLocked counts the people in the meeting, content shares left out.
func (conf *conference) visibleLocked() int {
	n := 0
	for _, part := range conf.byAudioID {
		if !part.hidden && !part.key.content {
			n++
		}
	}
	return n
}

// broadcastLocked queues a message for every session that has joined, except
// one.
func (conf *conference) broadcastLocked(msg []byte, except *session) {
	for _, part := range conf.participants {
		if s := part.session; s != nil && s != except && s.state == live {
			s.conn.send(msg)
		}
	}
}

// logOf is the server's log with the participant's ids, and no more, in it.
func (meet *openMeeting) logOf(attendee meeting.ID, content bool) *slog.Logger {
	return meet.conference.server.log.With("meeting", meet.id, "attendee", attendee, "content", content)
}
