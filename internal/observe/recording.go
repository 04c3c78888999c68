package observe

import "github.com/carillon-meetings/carillon/internal/meeting"

// Recording is one media pipeline of a meeting: a capture, or the
// concatenation of what one has recorded.
type Recording struct {
	ID       meeting.ID        `json:"id"`
	Meeting  meeting.ID        `json:"meeting"`
	External string            `json:"external"` // the meeting's ExternalMeetingId
	Kind     RecordingKind     `json:"kind"`
	Status   string            `json:"status"` // as the API spells it
	Failure  string            `json:"failure,omitempty"`
	Source   meeting.ID        `json:"source,omitzero"` // of a concatenation: the capture
	Created  Time              `json:"created"`
	Updated  Time              `json:"updated"` // when the status became what it is
	Bucket   string            `json:"bucket"`
	Prefix   string            `json:"prefix"`  // of the names of its objects; may be empty
	Waiting  int64             `json:"waiting"` // bytes that are not stored yet
	Streams  []RecordingStream `json:"streams"`
}

// RecordingKind says what a Recording is.
type RecordingKind string

// The kinds.
const (
	CaptureRecording       RecordingKind = "capture"
	ConcatenationRecording RecordingKind = "concatenation"
)

// RecordingStream sums up the objects that belong together: the sound, one
// camera, one share, the data messages, the events.
type RecordingStream struct {
	Name   string `json:"name"`  // a folder, and for a video a slash and the attendee
	Type   string `json:"type"`  // of its objects, as of HTTP
	Codec  string `json:"codec"` // of the pictures, in the first object that has some; "" for none
	Files  int    `json:"files"`
	First  int    `json:"first"` // the number of its first object, see RecordingFile
	Bytes  int64  `json:"bytes"`
	Length Span   `json:"length"` // of all its objects together
}

// RecordingFile is one object of a recording.
type RecordingFile struct {
	Number int    `json:"number"` // within the recording, from 0; it never changes
	Stream string `json:"stream"`
	Name   string `json:"name"` // the last part of its key
	Type   string `json:"type"` // as of HTTP
	Bytes  int64  `json:"bytes"`
	Start  Time   `json:"start"`
	Length Span   `json:"length"`
	Stored bool   `json:"stored"` // in the store; until then it lies in the spool
	SHA256 string `json:"-"`      // of the content, in hexadecimal; "" when not known
}

// RecordingWish says what an operator wants recorded beside the sound.
type RecordingWish struct {
	Cameras bool `json:"cameras"` // each camera
	Shares  bool `json:"shares"`  // each content share
}
