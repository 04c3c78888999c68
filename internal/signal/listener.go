package signal

import (
	"errors"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

// Listener is told what happens in a meeting: a recorder. Attendees are named
// as clients see them, content shares with "#content" behind. The calls come one
// at a time with the conference locked: they must not block and must not call
// back.
type Listener interface {
	// Joined and Left: somebody is present, or no longer. Those there already
	// are told first.
	Joined(attendee string, at time.Time)
	Left(attendee string, at time.Time)
	// Muted says that somebody has muted or unmuted the microphone.
	Muted(attendee string, muted bool, at time.Time)
	// Speaking says who is the loudest; "" when nobody is. It comes several
	// times a second.
	Speaking(attendee string, at time.Time)
	// Message is a data message that was handed on to the others.
	Message(sender, topic string, data []byte, at time.Time)
	// Transcription says how the meeting's transcription is doing, and Transcript
	// what somebody says, in words: all that clients are shown. How one that goes on
	// when listening begins is doing is told first.
	Transcription(st speech.Status, at time.Time)
	Transcript(r speech.Result, at time.Time)
	// Over: the meeting has ended, or is served elsewhere from now on. It is the
	// last call.
	Over(at time.Time)
}

// Listening says who listens to what.
type Listening struct {
	Meeting  meeting.ID // no replica
	Attendee meeting.ID // as which the listener is shown to the others
	External string     // that attendee's external user id
	To       Listener
}

// listener is one who listens, in a conference.
type listener struct {
	Listening
	audioID uint32
}

// errNotListening is for a server that is closing.
var errNotListening = errors.New("signal: the server is closing")

// Listen shows a listener to everybody in the meeting, as an attendee who is
// muted, and tells it what happens, until leave is called or the meeting is over.
// A call under way when leave returns is not waited for.
func (s *Server) Listen(l Listening) (leave func(), err error) {
	meet := s.enter(l.Meeting, l.Meeting)
	if meet == nil {
		return nil, errNotListening
	}
	conf, one := meet.conference, &listener{Listening: l}
	conf.update(func() {
		if meet.over != 0 {
			l.To.Over(conf.now())
			return
		}
		conf.nextAudio++
		one.audioID = conf.nextAudio
		conf.listeners[one] = struct{}{}
		meet.factOfLocked(meeting.Authorized, l.Attendee, l.External)
		meet.factOfLocked(meeting.Joined, l.Attendee, l.External)
		for _, part := range conf.byAudioID {
			if !part.hidden {
				l.To.Joined(part.wireID, conf.now())
			}
		}
		if st := conf.transcription; st != nil {
			l.To.Transcription(*st, conf.now())
		}
		conf.broadcastLocked(conf.roster([]*wire.RosterRow{one.rowLocked()}), nil)
	})
	return func() { conf.update(func() { conf.unlistenLocked(meet, one) }) }, nil
}

// unlistenLocked takes a listener out again, if it is there.
func (conf *conference) unlistenLocked(meet *openMeeting, one *listener) {
	if _, there := conf.listeners[one]; !there {
		return
	}
	delete(conf.listeners, one)
	meet.factOfLocked(meeting.Left, one.Attendee, one.External)
	conf.broadcastLocked(conf.roster([]*wire.RosterRow{goneRow(one.audioID, false)}), nil)
}

// overLocked tells the listeners of the primary meeting that it is over.
func (meet *openMeeting) overLocked() {
	conf := meet.conference
	if meet.replica {
		return
	}
	for one := range conf.listeners {
		one.To.Over(conf.now())
	}
	clear(conf.listeners)
}

func (one *listener) rowLocked() *wire.RosterRow {
	return &wire.RosterRow{
		AudioStreamId: proto.Uint32(one.audioID), AttendeeId: proto.String(one.Attendee.String()),
		ExternalUserId: proto.String(one.External), Muted: proto.Bool(true),
	}
}

// hearFactLocked tells the listeners what they want to know of a fact about the
// primary meeting.
func (meet *openMeeting) hearFactLocked(kind meeting.FactKind, attendee meeting.ID, at time.Time) {
	if meet.replica {
		return
	}
	name := wireID(participantKey{meet.id, attendee, kind.Content()})
	for one := range meet.conference.listeners {
		switch {
		case one.Attendee == attendee:
		case kind == meeting.Joined || kind == meeting.ContentJoined:
			one.To.Joined(name, at)
		case kind == meeting.Left || kind == meeting.Dropped || kind == meeting.ContentLeft || kind == meeting.ContentDropped:
			one.To.Left(name, at)
		}
	}
}

// hearLevelsLocked tells the listeners who is the loudest.
func (conf *conference) hearLevelsLocked(readings []media.Level) {
	loudest, name := uint8(inaudible), ""
	for _, r := range readings {
		part := conf.byAudioID[r.AudioStreamID]
		if part != nil && !part.hidden && !part.key.content && r.Level < loudest && !r.Muted && !part.mutedLocked() {
			loudest, name = r.Level, part.wireID
		}
	}
	for one := range conf.listeners {
		one.To.Speaking(name, conf.now())
	}
}
