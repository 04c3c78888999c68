package conform

// The values of the API in a form both flavours share. Members a flavour lacks
// stay empty. Pointers and nil slices mean "not given".

// NewMeeting is the input of CreateMeeting and CreateMeetingWithAttendees.
type NewMeeting struct {
	Token             string
	MediaRegion       string
	ExternalMeetingID string
	HostID            string
	PrimaryID         string // current flavour only, as are the next three
	TenantIDs         []string
	NetworkType       string
	Features          *Features
	Notifications     *Notifications
	Tags              []Tag
	Attendees         []NewAttendee // CreateMeetingWithAttendees only
}

// Features are the meeting's features; empty strings and 0 mean "not given".
type Features struct {
	EchoReduction     string
	VideoResolution   string
	ContentResolution string
	MaxAttendees      int32
}

// Notifications are the targets of a meeting's events.
type Notifications struct {
	SNS, SQS, Lambda string
}

// NewAttendee is one attendee to create.
type NewAttendee struct {
	ExternalUserID string
	Capabilities   *Capabilities // current flavour only
	Tags           []Tag         // legacy flavour only
}

// Capabilities say in which directions an attendee may use each medium.
type Capabilities struct {
	Audio   string
	Video   string
	Content string
}

// Tag is a key with its value.
type Tag struct {
	Key   string
	Value string
}

// Meeting is a meeting as answered.
type Meeting struct {
	ID                string
	ARN               string
	ExternalMeetingID string
	MediaRegion       string
	HostID            string
	PrimaryID         string
	TenantIDs         []string
	Features          *Features
	Placement         Placement
}

// Placement is where a meeting's media is found.
type Placement struct {
	AudioHostURL, AudioFallbackURL, SignalingURL, TurnControlURL      string
	ScreenDataURL, ScreenSharingURL, ScreenViewingURL, EventIngestion string
}

// Attendee is an attendee as answered.
type Attendee struct {
	ID             string
	ExternalUserID string
	JoinToken      string
	Capabilities   *Capabilities
}

// ItemError tells why one item of a batch was not created.
type ItemError struct {
	ExternalUserID string
	Code           string
	Message        string
}

// Batch is the answer of BatchCreateAttendee, and with Meeting that of
// CreateMeetingWithAttendees.
type Batch struct {
	Meeting   Meeting
	Attendees []Attendee
	Errors    []ItemError
}

// AttendeePage is one page of ListAttendees.
type AttendeePage struct {
	Attendees []Attendee
	Next      string
}

// MeetingPage is one page of ListMeetings.
type MeetingPage struct {
	Meetings []Meeting
	Next     string
}

// Page asks for one page of a list; 0 and "" mean "not given".
type Page struct {
	Max  int32
	Next string
}

// Transcription configures a transcription; exactly one engine is to be given.
type Transcription struct {
	General *GeneralEngine
	Medical *MedicalEngine
}

// GeneralEngine are the settings of the general transcription engine.
type GeneralEngine struct {
	Language string
	Region   string
}

// MedicalEngine are the settings of the medical transcription engine.
type MedicalEngine struct {
	Language  string
	Specialty string
	Type      string
}

// None stands for an answer without a body.
type None struct{}
