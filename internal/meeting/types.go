package meeting

import (
	"fmt"

	"github.com/carillon-meetings/carillon/internal/guid"
)

// Flavour names the API through which a meeting or a media pipeline was created.
// Each is visible only through the flavour that made it.
type Flavour uint8

// The flavours. Meetings belong to the first two, pipelines to the last two.
const (
	Meetings  Flavour = iota + 1 // the current chime-sdk-meetings API
	Legacy                       // the retired chime API
	Pipelines                    // the chime-sdk-media-pipelines API
)

// String returns "meetings", "legacy" or "pipelines".
func (f Flavour) String() string {
	switch f {
	case Meetings:
		return "meetings"
	case Legacy:
		return "legacy"
	case Pipelines:
		return "pipelines"
	}
	return fmt.Sprintf("Flavour(%d)", uint8(f))
}

// Owner is the partition a meeting belongs to: nobody outside it can see the
// meeting. Region is the control Region, taken from the request signature.
type Owner struct {
	Account string // twelve digits, or a word for a part of the server itself
	Region  string
	Flavour Flavour
}

// ID identifies a meeting or an attendee: 128 bits, printed as a lower-case
// GUID.
type ID [16]byte

// IsZero reports whether the id is unset.
func (id ID) IsZero() bool { return id == ID{} }

// String returns the 36-character lower-case GUID form.
func (id ID) String() string {
	var b [guid.Size]byte
	guid.Put(b[:], id)
	return string(b[:])
}

// ContentSuffix marks the id, and the join token, of an attendee's content
// share, which clients open as a second session.
const ContentSuffix = "#content"

// MarshalText returns the form of String, so that ids look the same in JSON.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (id *ID) UnmarshalText(text []byte) error {
	parsed, ok := ParseID(string(text))
	if !ok {
		return fmt.Errorf("%q is not an id", text)
	}
	*id = parsed
	return nil
}

// ParseID reads a GUID in either letter case. ok is false when s is not
// exactly 8-4-4-4-12 hexadecimal digits.
func ParseID(s string) (id ID, ok bool) {
	return guid.Parse(s)
}

// Access says in which directions an attendee may use one kind of media.
type Access uint8

// The four accesses, in the API's spelling. AccessUnset is never stored.
const (
	AccessUnset Access = iota
	SendReceive
	Send
	Receive
	None
)

// String returns the API's spelling, or "" for AccessUnset.
func (a Access) String() string {
	return [...]string{"", "SendReceive", "Send", "Receive", "None"}[a]
}

// ParseAccess reads the API's case-sensitive spelling.
func ParseAccess(s string) (Access, bool) {
	for a := SendReceive; a <= None; a++ {
		if a.String() == s {
			return a, true
		}
	}
	return AccessUnset, false
}

// MaySend reports whether sending is allowed.
func (a Access) MaySend() bool { return a == SendReceive || a == Send }

// MayReceive reports whether receiving is allowed.
func (a Access) MayReceive() bool { return a == SendReceive || a == Receive }

// Capabilities are the media an attendee may send and receive. The zero value
// means "not given"; a stored attendee always has all three set.
type Capabilities struct {
	Audio, Video, Content Access
}

// IsZero reports whether no capability was given.
func (c Capabilities) IsZero() bool { return c == Capabilities{} }

// Tag is one key and value on a meeting or, in the legacy flavour, attendee.
type Tag struct {
	Key, Value string
}

// Attendee is one created and not deleted attendee. Its join token is
// computed from the ids when asked for and never stored.
type Attendee struct {
	ID             ID
	ExternalUserID string // secret: never logged
	Capabilities   Capabilities
	Tags           []Tag // legacy only, at most 10

	// Pipeline is zero but for an attendee who stands for a recording: that one
	// was made by the server, cannot join, and counts against no limit.
	Pipeline ID
}

// Features are the MeetingFeatures exactly as the creator gave them; empty
// strings and zero stand for levels not given. The methods give what is in
// force.
type Features struct {
	EchoReduction string // "", "AVAILABLE" or "UNAVAILABLE"
	VideoMax      string // "", "None", "HD" or "FHD"
	ContentMax    string // "", "None", "FHD" or "UHD"
	MaxCount      int    // 0 when not given
}

// VideoOff reports whether cameras are switched off in this meeting.
func (f Features) VideoOff() bool { return f.VideoMax == "None" }

// ContentOff reports whether content share is switched off in this meeting.
func (f Features) ContentOff() bool { return f.ContentMax == "None" }

// HighDefinition reports whether the meeting is a high-definition session,
// which caps the number of attendees.
func (f Features) HighDefinition() bool { return f.VideoMax == "FHD" || f.ContentMax == "UHD" }

// Notifications are the targets of a meeting's events, as ARNs; any may be
// empty.
type Notifications struct {
	LambdaFunctionArn, SnsTopicArn, SqsQueueArn string
}

// Targets returns those that are given.
func (n Notifications) Targets() (arns []string) {
	for _, arn := range []string{n.LambdaFunctionArn, n.SnsTopicArn, n.SqsQueueArn} {
		if arn != "" {
			arns = append(arns, arn)
		}
	}
	return arns
}

// EndReason says why a meeting ended.
type EndReason uint8

// The reasons, kept in the tombstone of a meeting.
const (
	EndedByRequest   EndReason = iota + 1 // DeleteMeeting
	EndedIdle                             // nobody connected for the idle time
	EndedByAge                            // the maximum age was reached
	EndedWithPrimary                      // a replica whose primary ended
	EndedByOperator                       // ended from the console
)

// String returns a short English phrase fit for an operator's page.
func (r EndReason) String() string {
	switch r {
	case EndedByRequest:
		return "deleted by request"
	case EndedIdle:
		return "idle: nobody connected"
	case EndedByAge:
		return "maximum age reached"
	case EndedWithPrimary:
		return "primary meeting ended"
	case EndedByOperator:
		return "ended by an operator"
	}
	return "unknown"
}
