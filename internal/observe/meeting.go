package observe

import "github.com/carillon-meetings/carillon/internal/meeting"

// Meeting is one meeting, active or ended a while ago.
type Meeting struct {
	ID          meeting.ID `json:"id"`
	External    string     `json:"external"`                // ExternalMeetingId
	HostID      string     `json:"meetingHostId,omitempty"` // as the creator gave it
	Account     string     `json:"account"`
	Region      string     `json:"region"`  // the control Region
	Flavour     string     `json:"flavour"` // "meetings" or "legacy"
	MediaRegion string     `json:"mediaRegion"`
	Primary     meeting.ID `json:"primary,omitzero"` // zero unless a replica
	TenantIDs   []string   `json:"tenantIds,omitempty"`
	Created     Time       `json:"created"`
	Ended       Time       `json:"ended"`             // zero while the meeting is active
	Reason      string     `json:"reason,omitempty"`  // why it ended
	EndedBy     string     `json:"endedBy,omitempty"` // the actor; empty when it ended by itself
	Attendees   int        `json:"attendees"`         // created and not deleted; at the end, for an ended meeting
	Tags        []Tag      `json:"tags"`
	Features    *Features  `json:"features,omitempty"`  // nil when the creator gave none
	Timers      Timers     `json:"timers"`              // of its own, while it is active
	Unreached   []string   `json:"unreached,omitempty"` // targets of its events that nothing can be sent to, as ARNs
	Load
}

// Load sums up the connections of one meeting. All but the last two are about
// now, and zero for an ended meeting.
type Load struct {
	Host      string `json:"host"`      // the node that carries the meeting's media; empty before somebody has connected
	Connected int    `json:"connected"` // attendees present, content shares not counted
	Audio     int    `json:"audio"`     // of these, from whom audio has arrived
	Video     int    `json:"video"`     // cameras being sent
	Content   int    `json:"content"`   // content shares

	AttendeeTime Minutes `json:"minutes"`  // summed over all attendees since the meeting began
	Failures     int     `json:"failures"` // connections that failed while joining
}

// Past is what of a Load is still true once everybody has gone.
func (l Load) Past() Load { return Load{AttendeeTime: l.AttendeeTime, Failures: l.Failures} }

// Tag is one key and value on a meeting or attendee.
type Tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Tags returns the tags of the domain; never nil.
func Tags(tags []meeting.Tag) []Tag {
	list := make([]Tag, len(tags))
	for i, t := range tags {
		list[i] = Tag(t)
	}
	return list
}

// Timers are when a meeting ends by itself; 0 is what holds for all meetings.
type Timers struct {
	Idle   Span `json:"idle"`   // when nobody has been connected for so long
	MaxAge Span `json:"maxAge"` // at this age
}

// Features are the MeetingFeatures as the creator gave them.
type Features struct {
	EchoReduction string `json:"echoReduction,omitempty"`
	VideoMax      string `json:"videoMax,omitempty"`
	ContentMax    string `json:"contentMax,omitempty"`
	MaxCount      int    `json:"maxCount,omitempty"` // of attendees
}

// Capabilities are what an attendee may do, in the API's spelling.
type Capabilities struct {
	Audio   string `json:"audio"`
	Video   string `json:"video"`
	Content string `json:"content"`
}

// Attendee is somebody who was invited to a meeting.
type Attendee struct {
	ID       meeting.ID `json:"id"`
	External string     `json:"external"`          // ExternalUserId
	Order    int        `json:"order"`             // of creation, from 1
	Deleted  bool       `json:"deleted,omitempty"` // removed before the meeting ended

	// Capabilities are nil when they are not known (any more), and
	// CapabilitiesBy is who changed them last, empty for nobody since the
	// attendee was created.
	Capabilities   *Capabilities `json:"capabilities,omitempty"`
	CapabilitiesBy string        `json:"capabilitiesBy,omitempty"`

	Tags     []Tag     `json:"tags"`
	State    State     `json:"state"`    // of the person's newest session; empty when there was none
	Sessions []Session `json:"sessions"` // the person's and the content shares', oldest first
}

// Record is one line of a meeting's log: an accepted call, or what the media
// side saw.
type Record struct {
	ID       string     `json:"id"` // sorts by time within a kind of lines
	At       Time       `json:"at"`
	Kind     string     `json:"kind"`               // what happened, a short phrase
	Actor    string     `json:"actor"`              // "key:…", "operator:…", "media"; empty for what happened by itself
	Detail   string     `json:"detail"`             // what it did, without secrets
	Attendee meeting.ID `json:"attendee,omitzero"`  // the one it is about, or zero
	External string     `json:"external,omitempty"` // that attendee's ExternalUserId, also after its removal
}
