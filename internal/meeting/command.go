package meeting

import "time"

// NewMeeting is the input of CreateMeeting and CreateMeetingWithAttendees
// after stateless validation.
type NewMeeting struct {
	Owner              Owner
	ClientRequestToken string // idempotency token, secret
	MediaRegion        string
	ExternalMeetingID  string
	HostID             string // MeetingHostId: stored and echoed, never interpreted
	Notifications      Notifications
	Tags               []Tag
	Features           *Features // nil when the caller gave no MeetingFeatures
	PrimaryID          string    // as given; not necessarily a GUID
	TenantIDs          []string
	DualStack          bool
	Attendees          []NewAttendee
}

// NewAttendee is one attendee to create. Zero Capabilities ask for the
// meeting's default.
type NewAttendee struct {
	ExternalUserID string
	Capabilities   Capabilities
	Tags           []Tag
}

// AttendeeResult is the outcome of one NewAttendee of a batch: either the
// attendee (new or already there) or the refusal.
type AttendeeResult struct {
	Attendee Attendee
	Err      *Error // nil on success; then Attendee is set
}

// TranscriptionConfig is the accepted configuration of StartMeetingTranscription
// as canonical JSON, with the Region it asks for.
type TranscriptionConfig struct {
	JSON   string
	Region string
}

// Summary is what the API shows of a meeting.
type Summary struct {
	ID                ID
	Owner             Owner
	ExternalMeetingID string
	HostID            string
	MediaRegion       string
	Features          *Features
	PrimaryID         ID // zero unless a replica
	TenantIDs         []string
	CreatedAt         time.Time
	MediaHost         string // where its sound and pictures go, host:port; "" when that is this server's own
}
