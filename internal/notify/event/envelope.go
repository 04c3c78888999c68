package event

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// The two forms of Amazon's envelope: the one of event buses, with an id and
// whole seconds, and the one in which targets get events directly, with
// milliseconds and without id and resources.
type (
	busEnvelope struct {
		Version    string     `json:"version"`
		ID         meeting.ID `json:"id"`
		DetailType string     `json:"detail-type"`
		Source     string     `json:"source"`
		Account    string     `json:"account"`
		Time       string     `json:"time"`
		Region     string     `json:"region"`
		Resources  []string   `json:"resources"`
		Detail     *detail    `json:"detail"`
	}
	directEnvelope struct {
		Version    string  `json:"version"`
		Source     string  `json:"source"`
		Account    string  `json:"account"`
		Region     string  `json:"region"`
		DetailType string  `json:"detail-type"`
		Time       string  `json:"time"`
		Detail     *detail `json:"detail"`
	}
)

// detail is what an event says. eventID is there only where a bus leaves no
// other place for it.
type detail struct {
	Version             string        `json:"version"`
	EventType           string        `json:"eventType"`
	Success             string        `json:"success,omitempty"`
	Timestamp           int64         `json:"timestamp"`
	MeetingID           meeting.ID    `json:"meetingId"`
	AttendeeID          string        `json:"attendeeId,omitempty"`
	ExternalUserID      string        `json:"externalUserId,omitempty"`
	ExternalMeetingID   string        `json:"externalMeetingId,omitempty"`
	PipelineID          string        `json:"mediaPipelineId,omitempty"`
	NetworkType         string        `json:"networkType,omitempty"`
	MediaRegion         string        `json:"mediaRegion"`
	Capabilities        *capabilities `json:"attendeeCapabilities,omitempty"`
	TranscriptionRegion *string       `json:"transcriptionRegion,omitempty"`
	Transcription       *string       `json:"transcriptionConfiguration,omitempty"` // JSON in a string (API decision D-62)
	Message             string        `json:"message,omitempty"`
	EventID             string        `json:"carillonEventId,omitempty"`
}

type capabilities struct {
	Audio   string `json:"audio"`
	Video   string `json:"video"`
	Content string `json:"content"`
}

func (e *Event) detail() *detail {
	m := e.Meeting
	d := &detail{
		Version: "0", EventType: e.Type, Timestamp: e.Time.UnixMilli(), MeetingID: m.ID, AttendeeID: e.Attendee, ExternalUserID: e.User,
		ExternalMeetingID: m.ExternalMeetingID, PipelineID: e.Pipeline, NetworkType: e.Network, MediaRegion: m.MediaRegion, Message: e.Message,
	}
	if c := e.Capabilities; c != nil {
		d.Success = "1"
		d.Capabilities = &capabilities{c.Audio.String(), c.Video.String(), c.Content.String()}
	}
	if t := e.Transcription; t != nil {
		d.TranscriptionRegion, d.Transcription = &t.Region, &t.JSON
	}
	return d
}

// Bus returns the event as event buses deliver it, compact JSON.
func (e *Event) Bus() []byte {
	return compact(busEnvelope{
		Version: "0", ID: e.ID, DetailType: e.DetailType, Source: Source, Account: e.Meeting.Owner.Account,
		Time: e.Time.UTC().Format(time.RFC3339), Region: e.Meeting.Owner.Region, Resources: []string{}, Detail: e.detail(),
	})
}

// Direct returns the event as queues, topics and functions get it, compact JSON.
func (e *Event) Direct() []byte {
	return compact(directEnvelope{
		Version: "0", Source: Source, Account: e.Meeting.Owner.Account, Region: e.Meeting.Owner.Region,
		DetailType: e.DetailType, Time: e.milliseconds(), Detail: e.detail(),
	})
}

// Detail returns the detail object alone; withID adds the event's id as
// carillonEventId.
func (e *Event) Detail(withID bool) []byte {
	d := e.detail()
	if withID {
		d.EventID = e.ID.String()
	}
	return compact(d)
}

func (e *Event) milliseconds() string { return e.Time.UTC().Format("2006-01-02T15:04:05.000Z") }

// compact returns v as JSON without white space, and without the escapes that
// only pages need.
func compact(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("event: a value of fixed types did not become JSON: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
