package testmode

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify/event"
)

var (
	at   = time.Date(2026, 3, 4, 5, 6, 7, 89_000_000, time.UTC)
	room = meeting.ID{1}
	ada  = meeting.ID{2}
)

// written has events of a meeting with one attendee.
func written(bodies ...meeting.Body) *Events {
	e := NewEvents()
	created := &meeting.Created{
		Profile:   meeting.Profile{ID: room, ExternalMeetingID: "standup", MediaRegion: "eu-west-3", Owner: meeting.Owner{Account: "210987654321", Region: "eu-central-1", Flavour: meeting.Meetings}},
		Attendees: []meeting.Attendee{{ID: ada, ExternalUserID: "ada"}},
	}
	for _, b := range append([]meeting.Body{created}, bodies...) {
		e.record(room, &meeting.Record{Stamp: meeting.Stamp{Time: at}, Body: b})
	}
	return e
}

func all(*event.Event) bool { return true }

// seen are the members of an event that the tests look at.
type seen struct {
	Detail struct{ EventType, ExternalUserID string }
}

func parsed(t *testing.T, text json.RawMessage) (s seen) {
	t.Helper()
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// types lists the types of the events so far.
func types(t *testing.T, e *Events) string {
	t.Helper()
	var list []string
	for _, text := range e.Wait(t.Context(), 0, all).Events {
		list = append(list, strings.TrimPrefix(parsed(t, text).Detail.EventType, "chime:"))
	}
	return strings.Join(list, " ")
}

func TestRecordsAndFactsBecomeEvents(t *testing.T) {
	e := written(
		&meeting.CapabilitiesSet{Attendees: []meeting.ID{ada}, Capabilities: meeting.Capabilities{Audio: meeting.Receive, Video: meeting.SendReceive, Content: meeting.None}},
		&meeting.TranscriptionStarted{Config: meeting.TranscriptionConfig{Region: "us-east-1", JSON: "{}"}, Failure: "no engine"},
	)
	for kind := meeting.Authorized; kind <= meeting.ContentVideoStopped; kind++ {
		e.fact(room, meeting.Fact{Kind: kind, Attendee: ada, ExternalUserID: "ada", Time: at})
	}
	e.fact(room, meeting.Fact{Kind: meeting.ContentVideoStopped + 1, Attendee: ada, Time: at})
	for _, b := range []meeting.Body{
		&meeting.TranscriptionStopped{}, &meeting.AttendeeDeleted{Attendee: ada},
		&meeting.TranscriptionStarted{},
		&meeting.Ended{
			Profile:       meeting.Profile{ID: room, ExternalMeetingID: "standup"},
			Departures:    []meeting.Fact{{Kind: meeting.Left, Attendee: ada}, {Kind: meeting.ContentLeft, Attendee: ada}},
			Transcription: &meeting.TranscriptionConfig{Region: "us-east-1"},
		},
	} {
		e.record(room, &meeting.Record{Stamp: meeting.Stamp{Time: at}, Body: b})
	}
	want := "MeetingStarted AttendeeAdded AttendeeCapabilitiesUpdated TranscriptionFailed " +
		"AttendeeAuthorized AttendeeJoined AttendeeLeft AttendeeDropped AttendeeVideoStarted AttendeeVideoStopped " +
		"AttendeeContentJoined AttendeeContentLeft AttendeeContentDropped AttendeeContentVideoStarted AttendeeContentVideoStopped " +
		"AttendeeDeleted TranscriptionStarted AttendeeLeft AttendeeContentLeft TranscriptionStopped MeetingEnded"
	if got := types(t, e); got != want {
		t.Errorf("events\n%s, want\n%s", got, want)
	}
	e.fact(room, meeting.Fact{Kind: meeting.Left, Attendee: ada, Time: at})
	if got := types(t, e); got != want {
		t.Error("a fact after the end became an event")
	}
}

// A recording is told of with its meeting, and after it.
func TestPipelinesBecomeEvents(t *testing.T) {
	e := written()
	p := meeting.Pipeline{ID: meeting.ID{7}, Meeting: room, Status: meeting.PipelineInitializing, Created: at, Updated: at}
	ended := p
	ended.Status = meeting.PipelineStopped
	tagged := &meeting.Record{Stamp: meeting.Stamp{Time: at.Add(time.Second)}, Body: &meeting.PipelineEnded{Pipeline: ended}}
	for _, b := range []meeting.Body{&meeting.PipelineCreated{Pipeline: p}, &meeting.PipelineMoved{Status: meeting.PipelineInProgress}} {
		e.record(p.ID, &meeting.Record{Stamp: meeting.Stamp{Time: at}, Body: b})
	}
	e.record(room, &meeting.Record{Stamp: meeting.Stamp{Time: at}, Body: &meeting.Ended{Profile: meeting.Profile{ID: room}}})
	e.record(p.ID, &meeting.Record{Stamp: meeting.Stamp{Time: at}, Body: &meeting.PipelineEnded{Pipeline: ended}})
	e.record(p.ID, tagged)
	want := "MeetingStarted AttendeeAdded MediaPipelineInProgress MeetingEnded MediaPipelineDeleted"
	if got := types(t, e); got != want {
		t.Errorf("events %s, want %s", got, want)
	}
	if len(e.logs) != 0 {
		t.Errorf("%d pipelines are kept that are over", len(e.logs))
	}
}

// The members are those of the example in Amazon's documentation.
func TestEventsHaveTheFormOfTheBus(t *testing.T) {
	e := written()
	e.fact(room, meeting.Fact{Kind: meeting.ContentJoined, Attendee: ada, ExternalUserID: "ada", Time: at})
	text := regexp.MustCompile(`"id":"[0-9a-f-]{36}"`).ReplaceAllString(string(e.Wait(t.Context(), 2, all).Events[0]), `"id":"…"`)
	want := `{"version":"0","id":"…","detail-type":"Chime Meeting State Change","source":"aws.chime",` +
		`"account":"210987654321","time":"2026-03-04T05:06:07Z","region":"eu-central-1","resources":[],"detail":{"version":"0",` +
		`"eventType":"chime:AttendeeContentJoined","timestamp":1772600767089,"meetingId":"01000000-0000-0000-0000-000000000000",` +
		`"attendeeId":"02000000-0000-0000-0000-000000000000#content","externalUserId":"ada","externalMeetingId":"standup",` +
		`"networkType":"Voip","mediaRegion":"eu-west-3"}}`
	if text != want {
		t.Errorf("got\n%s, want\n%s", text, want)
	}
}

func TestWhoeverWaitsGetsTheNextEventThatIsWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := written()
		got := make(chan Page, 1)
		go func() { got <- e.Wait(t.Context(), 0, filter("chime:AttendeeDeleted", room.String(), "")) }()
		synctest.Wait()
		e.fact(room, meeting.Fact{Kind: meeting.Joined, Attendee: ada, Time: at})
		synctest.Wait()
		select {
		case page := <-got:
			t.Fatalf("got %+v", page)
		default:
		}
		e.record(room, &meeting.Record{Stamp: meeting.Stamp{Time: at}, Body: &meeting.AttendeeDeleted{Attendee: ada}})
		if page := <-got; len(page.Events) != 1 || page.Next != 4 || parsed(t, page.Events[0]).Detail.ExternalUserID != "ada" {
			t.Errorf("got %+v", page)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if page := e.Wait(ctx, 4, all); len(page.Events) != 0 || page.Next != 4 {
			t.Errorf("got %+v", page)
		}
		go func() { got <- e.Wait(t.Context(), 4, all) }()
		synctest.Wait()
		e.Close()
		if page := <-got; len(page.Events) != 0 || page.Next != 4 {
			t.Errorf("after the end: %+v", page)
		}
	})
}

func TestOldEventsGoAndThatIsTold(t *testing.T) {
	e := written()
	for range maxEvents {
		e.fact(room, meeting.Fact{Kind: meeting.Joined, Attendee: ada, Time: at})
	}
	page := e.Wait(t.Context(), 1, all)
	if page.Missed != 1 || len(page.Events) != maxEvents || page.Next != maxEvents+2 {
		t.Errorf("missed %d, %d events, next %d", page.Missed, len(page.Events), page.Next)
	}
	e.Clear()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if page = e.Wait(over, page.Next, all); len(page.Events) != 0 || page.Missed != 0 || page.Next != maxEvents+2 {
		t.Errorf("after Clear: %+v", page)
	}
	// A new test looks from the beginning, and has missed nothing of its own.
	e.fact(room, meeting.Fact{Kind: meeting.Left, Attendee: ada, Time: at})
	if page = e.Wait(t.Context(), 0, all); len(page.Events) != 1 || page.Missed != 0 {
		t.Errorf("from the beginning after Clear: missed %d, %d events", page.Missed, len(page.Events))
	}
	for range maxEvents {
		e.fact(room, meeting.Fact{Kind: meeting.Joined, Attendee: ada, Time: at})
	}
	if page = e.Wait(t.Context(), 0, all); page.Missed != 1 {
		t.Errorf("of its own it missed %d", page.Missed)
	}
}
