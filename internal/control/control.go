package control

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/carillon-meetings/carillon/internal/jointoken"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// Ledger is the part of the ledger control uses.
type Ledger interface {
	Exclusive() bool
}

// Clock tells the time and wakes Run. The zero Config uses the system's.
type Clock interface {
	Now() time.Time
	// Timer returns a channel that receives once d has passed, and a function
	// that stops the timer.
	Timer(d time.Duration) (<-chan time.Time, func() bool)
}

// Config holds the limits and timers of the control plane. A zero field takes
// the default.
type Config struct {
	Limits       meeting.Limits
	Idle         time.Duration // a meeting nobody is connected to ends after this; 5 min
	MaxAge       time.Duration // a meeting ends at this age; 24 h
	Tombstone    time.Duration // how long an ended meeting is remembered; 30 min
	ConflictWait time.Duration // how long a call waits for its turn before Conflict; 5 s
	CacheBytes   int64         // bound on folded meetings in memory; 256 MiB
	Clock        Clock
	Logger       *slog.Logger // nil: discard
}

// Control is the control plane. Its methods may be called from any goroutine.
// Every error they return is a *meeting.Error.
type Control struct {
	cfg Config
	log Ledger
	key jointoken.Key
}

var errNotYet = &meeting.Error{Kind: meeting.Unavailable, Message: "not built yet"}

// New reads the ledger and returns a control plane ready for calls.
func New(ctx context.Context, cfg Config, log Ledger, key jointoken.Key) (*Control, error) {
	return &Control{cfg: cfg, log: log, key: key}, nil
}

// Run ends meetings when their time has come, until ctx ends.
func (c *Control) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Close refuses new calls with Unavailable and waits for the running ones.
func (c *Control) Close() error { return nil }

func (c *Control) CreateMeeting(ctx context.Context, n meeting.NewMeeting) (meeting.Summary, []meeting.AttendeeResult, error) {
	return meeting.Summary{}, nil, errNotYet
}
func (c *Control) GetMeeting(ctx context.Context, owner meeting.Owner, id meeting.ID) (meeting.Summary, error) {
	return meeting.Summary{}, errNotYet
}
func (c *Control) DeleteMeeting(ctx context.Context, owner meeting.Owner, id meeting.ID) error {
	return errNotYet
}
func (c *Control) ListMeetings(ctx context.Context, owner meeting.Owner, limit int, token string) ([]meeting.Summary, string, error) {
	return nil, "", errNotYet
}
func (c *Control) CreateAttendees(ctx context.Context, owner meeting.Owner, id meeting.ID, items []meeting.NewAttendee) ([]meeting.AttendeeResult, error) {
	return nil, errNotYet
}
func (c *Control) GetAttendee(ctx context.Context, owner meeting.Owner, id, attendee meeting.ID) (meeting.Attendee, error) {
	return meeting.Attendee{}, errNotYet
}
func (c *Control) ListAttendees(ctx context.Context, owner meeting.Owner, id meeting.ID, limit int, token string) ([]meeting.Attendee, string, error) {
	return nil, "", errNotYet
}
func (c *Control) DeleteAttendee(ctx context.Context, owner meeting.Owner, id, attendee meeting.ID) error {
	return errNotYet
}
func (c *Control) UpdateCapabilities(ctx context.Context, owner meeting.Owner, id, attendee meeting.ID, caps meeting.Capabilities) (meeting.Attendee, error) {
	return meeting.Attendee{}, errNotYet
}
func (c *Control) UpdateCapabilitiesExcept(ctx context.Context, owner meeting.Owner, id meeting.ID, except []meeting.ID, caps meeting.Capabilities) error {
	return errNotYet
}
func (c *Control) StartTranscription(ctx context.Context, owner meeting.Owner, id meeting.ID, config meeting.TranscriptionConfig) error {
	return errNotYet
}
func (c *Control) StopTranscription(ctx context.Context, owner meeting.Owner, id meeting.ID) error {
	return errNotYet
}
func (c *Control) MeetingTags(ctx context.Context, owner meeting.Owner, id meeting.ID) ([]meeting.Tag, error) {
	return nil, errNotYet
}
func (c *Control) TagMeeting(ctx context.Context, owner meeting.Owner, id meeting.ID, tags []meeting.Tag) error {
	return errNotYet
}
func (c *Control) UntagMeeting(ctx context.Context, owner meeting.Owner, id meeting.ID, keys []string) error {
	return errNotYet
}
func (c *Control) AttendeeTags(ctx context.Context, owner meeting.Owner, id, attendee meeting.ID) ([]meeting.Tag, error) {
	return nil, errNotYet
}
func (c *Control) TagAttendee(ctx context.Context, owner meeting.Owner, id, attendee meeting.ID, tags []meeting.Tag) error {
	return errNotYet
}
func (c *Control) UntagAttendee(ctx context.Context, owner meeting.Owner, id, attendee meeting.ID, keys []string) error {
	return errNotYet
}

// HomeFlavour returns the flavour through which the account created the
// meeting in the Region.
func (c *Control) HomeFlavour(ctx context.Context, account, region string, id meeting.ID) (meeting.Flavour, bool) {
	return 0, false
}

// JoinToken returns the attendee's join token.
func (c *Control) JoinToken(meetingID, attendee meeting.ID) string {
	return c.key.Mint(meetingID, attendee)
}

// JoinTokens returns the join tokens of the attendees, in their order.
func (c *Control) JoinTokens(meetingID meeting.ID, attendees []meeting.Attendee) []string {
	return nil
}

// Causes of a refused Authorize, for errors.Is. The error around them is a
// *meeting.Error: Forbidden for ErrBadToken, NotFound for the others.
var (
	ErrBadToken = errors.New("join token not valid for this meeting")
	ErrEnded    = errors.New("meeting has ended")
	ErrRemoved  = errors.New("attendee was removed")
)

// Grant is what a valid join token entitles to.
type Grant struct {
	MeetingID         meeting.ID
	Attendee          meeting.Attendee
	Content           bool // a content session: the token ended in "#content"
	Features          *meeting.Features
	MediaRegion       string
	ExternalMeetingID string
	PrimaryID         meeting.ID // zero unless the meeting is a replica
	MaxAttendees      int
}

// Authorize checks a join token, which may end in "#content".
func (c *Control) Authorize(ctx context.Context, meetingID meeting.ID, token string) (Grant, error) {
	return Grant{}, errNotYet
}

// Watch calls fn for each committed change of the meeting, in order, until
// cancel is called. fn must not block and must not change the same meeting.
// If the meeting is not active, fn gets Ended before Watch returns; so watch
// first, then Authorize.
func (c *Control) Watch(meetingID meeting.ID, fn func(Change)) (cancel func()) { return func() {} }

// RecordFact writes down what the media side saw.
func (c *Control) RecordFact(ctx context.Context, meetingID meeting.ID, fact meeting.Fact) error {
	return errNotYet
}

// SetConnected tells how many attendees, content sessions not counted, are
// connected to the meeting now.
func (c *Control) SetConnected(meetingID meeting.ID, attendees int) {}

type actorKey struct{}

// WithActor returns a context whose calls are written down as the actor's, as
// in "key:AKID…" or "operator:…".
func WithActor(ctx context.Context, actor string) context.Context {
	return context.WithValue(ctx, actorKey{}, actor)
}
