package meeting

import (
	"strings"
	"time"
	"unique"
)

// TokenHash stands for a ClientRequestToken within its owner. Control makes it
// with a keyed hash, so that records do not give the tokens away.
type TokenHash [16]byte

// Profile is what is fixed about a meeting when it is created. It is never
// changed afterwards, so it may be shared.
type Profile struct {
	ID                ID
	Owner             Owner
	Token             TokenHash
	ExternalMeetingID string // "" when not given
	HostID            string // "" when not given
	MediaRegion       string
	Notifications     Notifications
	Features          *Features // nil when not given
	PrimaryID         ID        // zero unless a replica
	TenantIDs         []string
	DualStack         bool
	Capacity          int // the most attendees at a time
	CreatedAt         time.Time
	Extra             Extra // what a newer version added
}

// Replica reports whether the meeting is a replica of another one.
func (p *Profile) Replica() bool { return !p.PrimaryID.IsZero() }

// Summary returns what the API shows of the meeting.
func (p *Profile) Summary() Summary {
	return Summary{
		ID: p.ID, Owner: p.Owner, ExternalMeetingID: p.ExternalMeetingID, HostID: p.HostID,
		MediaRegion: p.MediaRegion, Features: p.Features, PrimaryID: p.PrimaryID,
		TenantIDs: p.TenantIDs, CreatedAt: p.CreatedAt,
	}
}

// features returns the features in force.
func (p *Profile) features() Features {
	if p.Features == nil {
		return Features{}
	}
	return *p.Features
}

// own returns a copy that shares no memory with the input it was made from:
// values that few meetings differ in are shared between all of them, the rest
// is copied out of the request or record it was part of.
func (p *Profile) own() *Profile {
	c := *p
	c.Owner.Account = unique.Make(p.Owner.Account).Value()
	c.Owner.Region = unique.Make(p.Owner.Region).Value()
	c.MediaRegion = unique.Make(p.MediaRegion).Value()
	c.ExternalMeetingID = strings.Clone(p.ExternalMeetingID)
	c.HostID = strings.Clone(p.HostID)
	c.Extra = Extra(strings.Clone(string(p.Extra)))
	c.Notifications = Notifications{
		LambdaFunctionArn: strings.Clone(p.Notifications.LambdaFunctionArn),
		SnsTopicArn:       strings.Clone(p.Notifications.SnsTopicArn),
		SqsQueueArn:       strings.Clone(p.Notifications.SqsQueueArn),
	}
	if p.Features != nil {
		f := *p.Features
		c.Features = &f
		f.EchoReduction = unique.Make(f.EchoReduction).Value()
		f.VideoMax = unique.Make(f.VideoMax).Value()
		f.ContentMax = unique.Make(f.ContentMax).Value()
	}
	c.TenantIDs = nil
	for _, t := range p.TenantIDs {
		c.TenantIDs = append(c.TenantIDs, strings.Clone(t))
	}
	return &c
}
