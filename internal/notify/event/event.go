package event

import (
	"crypto/sha1"
	"encoding/binary"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// The detail-types and the source of events.
const (
	MeetingStateChange  = "Chime Meeting State Change"
	PipelineStateChange = "Chime Media Pipeline State Change"
	Source              = "aws.chime"
)

// The types of events, as Amazon names them.
const (
	MeetingStarted           = "chime:MeetingStarted"
	MeetingEnded             = "chime:MeetingEnded"
	AttendeeAdded            = "chime:AttendeeAdded"
	AttendeeDeleted          = "chime:AttendeeDeleted"
	CapabilitiesUpdated      = "chime:AttendeeCapabilitiesUpdated"
	TranscriptionStarted     = "chime:TranscriptionStarted"
	TranscriptionInterrupted = "chime:TranscriptionInterrupted"
	TranscriptionResumed     = "chime:TranscriptionResumed"
	TranscriptionStopped     = "chime:TranscriptionStopped"
	TranscriptionFailed      = "chime:TranscriptionFailed"
	PipelineInProgress       = "chime:MediaPipelineInProgress"
	PipelineTroubled         = "chime:MediaPipelineTemporaryFailure"
	PipelineResumed          = "chime:MediaPipelineResumed"
	PipelineDeleted          = "chime:MediaPipelineDeleted"
	PipelineFailed           = "chime:MediaPipelinePermanentFailure"
)

// Position is where an event comes from: the revision of its record or fact in
// the slot's order, and which of the events of that one it is, from 0.
type Position struct {
	Seq   uint64 `json:"s"`
	Index int    `json:"i,omitempty"`
}

// Compare orders positions as their events happened.
func (p Position) Compare(other Position) int {
	switch {
	case p.Seq < other.Seq:
		return -1
	case p.Seq > other.Seq:
		return 1
	}
	return p.Index - other.Index
}

// Event is one thing told about a meeting. It is never changed.
type Event struct {
	Position
	ID         meeting.ID // a UUID of version 5; the same whenever the event is made
	Sequence   uint64     // counts the meeting's events from 1
	Type       string
	DetailType string
	Time       time.Time // of the record or fact
	Meeting    *meeting.Profile

	// What belongs to the type; the rest is empty.
	Attendee      string // id of the attendee, with "#content" for a content share
	User          string // its external id: secret, never logged
	Network       string // networkType of connections
	Capabilities  *meeting.Capabilities
	Transcription *meeting.TranscriptionConfig
	Pipeline      string // id of the media pipeline
	Message       string
}

// Size is roughly how many bytes of memory the event holds until it is
// delivered.
func (e *Event) Size() int { return 256 + len(e.User) + len(e.Attendee) }

// namespace is that of the ids (RFC 9562, 5.5), made once for this purpose.
var namespace = meeting.ID{0x5c, 0x1e, 0x0a, 0x6d, 0x93, 0x0b, 0x4f, 0x3e, 0x9a, 0x41, 0x7b, 0x26, 0xd8, 0xc4, 0x11, 0xe7}

// idOf makes the id of the event of a meeting at a position.
func idOf(m meeting.ID, p Position) (id meeting.ID) {
	b := make([]byte, 0, 16+16+8+8)
	b = append(b, namespace[:]...)
	b = append(b, m[:]...)
	b = binary.BigEndian.AppendUint64(b, p.Seq)
	b = binary.BigEndian.AppendUint64(b, uint64(p.Index))
	sum := sha1.Sum(b)
	copy(id[:], sum[:])
	id[6] = id[6]&0x0f | 0x50
	id[8] = id[8]&0x3f | 0x80
	return id
}
