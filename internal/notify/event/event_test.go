package event

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// id parses an id or fails.
func id(t *testing.T, text string) meeting.ID {
	t.Helper()
	id, ok := meeting.ParseID(text)
	if !ok {
		t.Fatalf("%q is no id", text)
	}
	return id
}

// subject is a meeting with one attendee, as in the documentation's examples.
type subject struct {
	profile  *meeting.Profile
	attendee meeting.Attendee
	at       time.Time
}

func newSubject(t *testing.T) subject {
	return subject{
		profile: &meeting.Profile{
			ID:                id(t, "5b1d7c02-90aa-4c3e-8f21-77a1c0de7979"),
			Owner:             meeting.Owner{Account: "210987654321", Region: "eu-central-1", Flavour: meeting.Meetings},
			ExternalMeetingID: "standup-monday", MediaRegion: "eu-west-3",
		},
		attendee: meeting.Attendee{ID: id(t, "e3c1f0aa-1b2c-9d3e-4f50-61728394a5b6"), ExternalUserID: "guest-17"},
		at:       time.UnixMilli(1772600767123).UTC(),
	}
}

func (s subject) record(b meeting.Body) *meeting.Record {
	return &meeting.Record{Stamp: meeting.Stamp{Time: s.at}, Body: b}
}

func (s subject) fact(kind meeting.FactKind) meeting.Fact {
	return meeting.Fact{Kind: kind, Attendee: s.attendee.ID, ExternalUserID: s.attendee.ExternalUserID, Time: s.at}
}

const (
	head    = `{"version":"0","source":"aws.chime","account":"210987654321","region":"eu-central-1","detail-type":"Chime Meeting State Change","time":"2026-03-04T05:06:07.123Z","detail":{"version":"0","eventType":"chime:`
	middle  = `"timestamp":1772600767123,"meetingId":"5b1d7c02-90aa-4c3e-8f21-77a1c0de7979",`
	person  = `"attendeeId":"e3c1f0aa-1b2c-9d3e-4f50-61728394a5b6","externalUserId":"guest-17",`
	content = `"attendeeId":"e3c1f0aa-1b2c-9d3e-4f50-61728394a5b6#content","externalUserId":"guest-17",`
	tail    = `"externalMeetingId":"standup-monday","mediaRegion":"eu-west-3"`
	voip    = `"externalMeetingId":"standup-monday","networkType":"Voip","mediaRegion":"eu-west-3"`
)

func TestEveryTypeInItsDirectForm(t *testing.T) {
	s := newSubject(t)
	config := meeting.TranscriptionConfig{JSON: `{"EngineTranscribeSettings":{"LanguageCode":"en-US"}}`, Region: "us-east-1"}
	transcript := tail + `,"transcriptionRegion":"us-east-1","transcriptionConfiguration":"{\"EngineTranscribeSettings\":{\"LanguageCode\":\"en-US\"}}"`
	caps := meeting.Capabilities{Audio: meeting.SendReceive, Video: meeting.None, Content: meeting.None}
	for name, c := range map[string]struct {
		body meeting.Body
		fact meeting.FactKind
		want []string
	}{
		"created": {body: &meeting.Created{Attendees: []meeting.Attendee{s.attendee}}, want: []string{
			head + `MeetingStarted",` + middle + tail + `}}`, head + `AttendeeAdded",` + middle + person + tail + `}}`}},
		"added":   {body: &meeting.AttendeesAdded{Attendees: []meeting.Attendee{s.attendee}}, want: []string{head + `AttendeeAdded",` + middle + person + tail + `}}`}},
		"deleted": {body: &meeting.AttendeeDeleted{Attendee: s.attendee.ID}, want: []string{head + `AttendeeDeleted",` + middle + person + tail + `}}`}},
		"capabilities": {body: &meeting.CapabilitiesSet{Attendees: []meeting.ID{s.attendee.ID}, Capabilities: caps}, want: []string{
			head + `AttendeeCapabilitiesUpdated","success":"1",` + middle + person + tail + `,"attendeeCapabilities":{"audio":"SendReceive","video":"None","content":"None"}}}`}},
		"transcription": {body: &meeting.TranscriptionStarted{Config: config}, want: []string{head + `TranscriptionStarted",` + middle + transcript + `}}`}},
		"no transcription": {body: &meeting.TranscriptionStarted{Config: config, Failure: "No engine"}, want: []string{
			head + `TranscriptionFailed",` + middle + transcript + `,"message":"No engine"}}`}},
		"transcription soon": {body: &meeting.TranscriptionStarted{Config: config, Pending: true}},
		"ended": {body: &meeting.Ended{Departures: []meeting.Fact{s.fact(meeting.Left)}, Transcription: &config}, want: []string{
			head + `AttendeeLeft",` + middle + person + voip + `}}`, head + `TranscriptionStopped",` + middle + transcript + `}}`, head + `MeetingEnded",` + middle + tail + `}}`}},
		"tags":             {body: &meeting.TagsSet{}},
		"authorized":       {fact: meeting.Authorized, want: []string{head + `AttendeeAuthorized",` + middle + person + tail + `}}`}},
		"joined":           {fact: meeting.Joined, want: []string{head + `AttendeeJoined",` + middle + person + voip + `}}`}},
		"left":             {fact: meeting.Left, want: []string{head + `AttendeeLeft",` + middle + person + voip + `}}`}},
		"lost":             {fact: meeting.Dropped, want: []string{head + `AttendeeDropped",` + middle + person + voip + `}}`}},
		"video":            {fact: meeting.VideoStarted, want: []string{head + `AttendeeVideoStarted",` + middle + person + tail + `}}`}},
		"no video":         {fact: meeting.VideoStopped, want: []string{head + `AttendeeVideoStopped",` + middle + person + tail + `}}`}},
		"content":          {fact: meeting.ContentJoined, want: []string{head + `AttendeeContentJoined",` + middle + content + voip + `}}`}},
		"no content":       {fact: meeting.ContentLeft, want: []string{head + `AttendeeContentLeft",` + middle + content + voip + `}}`}},
		"content lost":     {fact: meeting.ContentDropped, want: []string{head + `AttendeeContentDropped",` + middle + content + voip + `}}`}},
		"content video":    {fact: meeting.ContentVideoStarted, want: []string{head + `AttendeeContentVideoStarted",` + middle + content + tail + `}}`}},
		"no content video": {fact: meeting.ContentVideoStopped, want: []string{head + `AttendeeContentVideoStopped",` + middle + content + tail + `}}`}},
		"of the future":    {fact: 200},
	} {
		t.Run(name, func(t *testing.T) {
			f := Fold{Profile: s.profile}
			var events []*Event
			if c.body != nil {
				events = f.Record(7, s.record(c.body), func(meeting.ID) string { return "guest-17" })
			} else {
				events = f.Fact(7, s.fact(c.fact))
			}
			var got []string
			for _, e := range events {
				got = append(got, string(e.Direct()))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestTheBusForm(t *testing.T) {
	s := newSubject(t)
	f := Fold{Profile: s.profile}
	e := f.Fact(7, s.fact(meeting.Joined))[0]
	want := `{"version":"0","id":"` + e.ID.String() + `","detail-type":"Chime Meeting State Change","source":"aws.chime","account":"210987654321",` +
		`"time":"2026-03-04T05:06:07Z","region":"eu-central-1","resources":[],"detail":{"version":"0","eventType":"chime:AttendeeJoined",` + middle + person + voip + `}}`
	if got := string(e.Bus()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got, want := string(e.Detail(true)), `"carillonEventId":"`+e.ID.String()+`"}`; !strings.HasSuffix(got, want) {
		t.Errorf("the detail %s does not end in %s", got, want)
	}
}

func TestTheCloudEventsForms(t *testing.T) {
	s := newSubject(t)
	f := Fold{Profile: s.profile}
	f.Record(3, s.record(&meeting.Created{}), nil)
	c := f.Fact(7, s.fact(meeting.ContentJoined))[0].Cloud()
	var structured map[string]any
	if err := json.Unmarshal(c.Structured(), &structured); err != nil {
		t.Fatal(err)
	}
	data, _ := structured["data"].(map[string]any)
	delete(structured, "data")
	want := map[string]any{
		"specversion": "1.0", "id": c.ID, "source": "/carillon/210987654321/eu-central-1/meetings/5b1d7c02-90aa-4c3e-8f21-77a1c0de7979",
		"type": "chime:AttendeeContentJoined", "subject": "e3c1f0aa-1b2c-9d3e-4f50-61728394a5b6#content", "time": "2026-03-04T05:06:07.123Z",
		"datacontenttype": "application/json", "sequence": "2", "account": "210987654321", "region": "eu-central-1", "detailtype": "Chime Meeting State Change",
	}
	if !maps.Equal(structured, want) || data["eventType"] != "chime:AttendeeContentJoined" {
		t.Errorf("got %v with data %v, want %v", structured, data, want)
	}
	if h := c.Headers(); h["ce-subject"] != want["subject"] || h["ce-sequence"] != "2" || h["ce-detailtype"] != "Chime%20Meeting%20State%20Change" || h["ce-datacontenttype"] != "" {
		t.Errorf("in headers: %v", h)
	}
	if got := percent("a b\"é%"); got != "a%20b%22%C3%A9%25" {
		t.Errorf("a header is encoded as %s", got)
	}
}

func TestWhatIsNotGivenIsNotThere(t *testing.T) {
	s := newSubject(t)
	s.profile.ExternalMeetingID = ""
	f := Fold{Profile: s.profile}
	got := string(f.Record(7, s.record(&meeting.Created{}), nil)[0].Direct())
	if strings.Contains(got, "external") || strings.Contains(got, "attendee") {
		t.Errorf("a meeting without an external id is told as %s", got)
	}
}

// Read twice, a log tells the same events with the same ids; every event has one
// of its own, and they are counted without a gap.
func TestIDsAndSequencesComeFromTheLogAlone(t *testing.T) {
	s := newSubject(t)
	tell := func() (all []string) {
		f := Fold{Profile: s.profile}
		seen := map[meeting.ID]bool{}
		var list []meeting.Attendee
		for i := range 100 {
			list = append(list, meeting.Attendee{ID: meeting.ID{1, byte(i)}, ExternalUserID: fmt.Sprint("user", i)})
		}
		events := f.Record(10, s.record(&meeting.Created{Attendees: list}), nil)
		events = append(events, f.Fact(11, s.fact(meeting.Joined))...)
		events = append(events, f.Record(15, s.record(&meeting.Ended{Departures: []meeting.Fact{s.fact(meeting.Left)}}), nil)...)
		for i, e := range events {
			if seen[e.ID] || e.ID[6]>>4 != 5 || e.ID[8]>>6 != 2 || e.Sequence != uint64(i+1) {
				t.Fatalf("event %d has the id %v and the sequence %d", i, e.ID, e.Sequence)
			}
			if i > 0 && events[i-1].Position.Compare(e.Position) >= 0 {
				t.Fatalf("event %d does not come after the one before", i)
			}
			seen[e.ID] = true
			all = append(all, e.ID.String()+string(e.Bus()))
		}
		if !f.Ended || f.Count != 104 {
			t.Errorf("after the end: %+v", f)
		}
		return all
	}
	if !slices.Equal(tell(), tell()) {
		t.Error("the second reading tells something else")
	}
	other := Fold{Profile: &meeting.Profile{ID: meeting.ID{9}}}
	f := Fold{Profile: s.profile}
	if a, b := f.Fact(10, s.fact(meeting.Joined))[0], other.Fact(10, s.fact(meeting.Joined))[0]; a.ID == b.ID {
		t.Error("two meetings share an id")
	}
}
