package testmode

import (
	"crypto/rand"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// Event is what Amazon's event bus delivers about a meeting.
type Event struct {
	Version    string     `json:"version"`
	ID         meeting.ID `json:"id"`
	DetailType string     `json:"detail-type"`
	Source     string     `json:"source"`
	Account    string     `json:"account"`
	Time       string     `json:"time"` // whole seconds, UTC
	Region     string     `json:"region"`
	Resources  []string   `json:"resources"`
	Detail     Detail     `json:"detail"`
}

// Detail is what an event says. What does not belong to its type is left out.
type Detail struct {
	Version             string        `json:"version"`
	EventType           string        `json:"eventType"`
	Success             string        `json:"success,omitempty"`
	Timestamp           int64         `json:"timestamp"` // Unix milliseconds
	MeetingID           meeting.ID    `json:"meetingId"`
	AttendeeID          string        `json:"attendeeId,omitempty"` // ends in "#content" for a content share
	ExternalUserID      string        `json:"externalUserId,omitempty"`
	ExternalMeetingID   string        `json:"externalMeetingId,omitempty"`
	NetworkType         string        `json:"networkType,omitempty"`
	MediaRegion         string        `json:"mediaRegion"`
	Capabilities        *Capabilities `json:"attendeeCapabilities,omitempty"`
	TranscriptionRegion string        `json:"transcriptionRegion,omitempty"`
	Transcription       string        `json:"transcriptionConfiguration,omitempty"` // JSON in a string
	Message             string        `json:"message,omitempty"`
}

// Capabilities are those of an attendee, as the API writes their values.
type Capabilities struct {
	Audio   string `json:"audio"`
	Video   string `json:"video"`
	Content string `json:"content"`
}

// known is what the events of a meeting need and its records do not repeat.
type known struct {
	profile       meeting.Profile
	users         map[meeting.ID]string // external user ids
	transcription *meeting.TranscriptionConfig
}

// record returns the details of the events of the meeting's next record, in
// order. When a meeting with people in it ends, they leave first, then
// transcription stops, then the meeting ends.
func (k *known) record(body meeting.Body) (details []Detail) {
	switch b := body.(type) {
	case *meeting.Created:
		k.profile, k.users = b.Profile, map[meeting.ID]string{}
		details = append([]Detail{{EventType: "chime:MeetingStarted"}}, k.added(b.Attendees)...)
	case *meeting.AttendeesAdded:
		details = k.added(b.Attendees)
	case *meeting.AttendeeDeleted:
		details = []Detail{k.about(b.Attendee, "chime:AttendeeDeleted")}
		delete(k.users, b.Attendee)
	case *meeting.CapabilitiesSet:
		for _, id := range b.Attendees {
			d := k.about(id, "chime:AttendeeCapabilitiesUpdated")
			d.Success, d.Capabilities = "1", &Capabilities{b.Capabilities.Audio.String(), b.Capabilities.Video.String(), b.Capabilities.Content.String()}
			details = append(details, d)
		}
	case *meeting.TranscriptionStarted:
		k.transcription = &b.Config
		details = []Detail{transcribing("chime:TranscriptionStarted", &b.Config)}
		if b.Failure != "" {
			failed := transcribing("chime:TranscriptionFailed", &b.Config)
			failed.Message = b.Failure
			details = append(details, failed)
		}
	case *meeting.TranscriptionStopped:
		if k.transcription != nil {
			details = []Detail{transcribing("chime:TranscriptionStopped", k.transcription)}
		}
		k.transcription = nil
	case *meeting.Ended:
		k.profile = b.Profile
		for _, f := range b.Departures {
			details = append(details, ofFact(f)...)
		}
		if b.Transcription != nil {
			details = append(details, transcribing("chime:TranscriptionStopped", b.Transcription))
		}
		details = append(details, Detail{EventType: "chime:MeetingEnded"})
	}
	return details
}

func (k *known) added(list []meeting.Attendee) (details []Detail) {
	for _, a := range list {
		k.users[a.ID] = a.ExternalUserID
		details = append(details, k.about(a.ID, "chime:AttendeeAdded"))
	}
	return details
}

func (k *known) about(attendee meeting.ID, eventType string) Detail {
	return Detail{EventType: eventType, AttendeeID: attendee.String(), ExternalUserID: k.users[attendee]}
}

func transcribing(eventType string, t *meeting.TranscriptionConfig) Detail {
	return Detail{EventType: eventType, TranscriptionRegion: t.Region, Transcription: t.JSON}
}

// ofFact returns the detail of the event of a fact; none for a fact that only a
// newer version knows.
func ofFact(f meeting.Fact) []Detail {
	d := Detail{AttendeeID: f.Attendee.String(), ExternalUserID: f.ExternalUserID}
	if f.Kind.Content() {
		d.AttendeeID += meeting.ContentSuffix
	}
	switch f.Kind {
	case meeting.Joined, meeting.Left, meeting.Dropped, meeting.ContentJoined, meeting.ContentLeft, meeting.ContentDropped:
		d.NetworkType = "Voip"
	}
	names := map[meeting.FactKind]string{
		meeting.Authorized: "Authorized", meeting.Joined: "Joined", meeting.Left: "Left", meeting.Dropped: "Dropped",
		meeting.VideoStarted: "VideoStarted", meeting.VideoStopped: "VideoStopped",
		meeting.ContentJoined: "ContentJoined", meeting.ContentLeft: "ContentLeft", meeting.ContentDropped: "ContentDropped",
		meeting.ContentVideoStarted: "ContentVideoStarted", meeting.ContentVideoStopped: "ContentVideoStopped",
	}
	if names[f.Kind] == "" {
		return nil
	}
	d.EventType = "chime:Attendee" + names[f.Kind]
	return []Detail{d}
}

// event puts a detail into its envelope.
func (k *known) event(d Detail, at time.Time) Event {
	d.Version, d.Timestamp = "0", at.UnixMilli()
	d.MeetingID, d.ExternalMeetingID, d.MediaRegion = k.profile.ID, k.profile.ExternalMeetingID, k.profile.MediaRegion
	return Event{
		Version: "0", ID: randomID(), DetailType: "Chime Meeting State Change", Source: "aws.chime",
		Account: k.profile.Owner.Account, Time: at.UTC().Format(time.RFC3339), Region: k.profile.Owner.Region, Resources: []string{}, Detail: d,
	}
}

// randomID returns a UUID of version 4 (RFC 9562, 5.4).
func randomID() (id meeting.ID) {
	_, _ = rand.Read(id[:]) // never fails: crypto/rand ends the process instead
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}
