package console

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// A meeting that the directory has forgotten is shown as long as it is kept.
func TestEndedMeetingsThatAreKeptAreShown(t *testing.T) {
	s := open(t)
	old := meeting.ID{77}
	quality := &observe.Quality{Samples: 9, LossInMax: 3.5}
	s.server.kept = []observe.Detail{{
		Meeting: observe.Meeting{ID: old, External: "long ago", Ended: observe.At(start.Add(-48 * time.Hour)), Reason: "idle: nobody connected", Tags: []observe.Tag{}},
		Attendees: []observe.Attendee{{ID: ada, External: "ada", Deleted: true, Tags: []observe.Tag{}, Sessions: []observe.Session{
			{Key: ada.String(), Attendee: ada, State: observe.Removed, Steps: []observe.Step{}, Quality: quality},
		}}},
		Records:  []observe.Record{{ID: "00000000000000000007", Kind: "created"}},
		Refusals: []observe.Refusal{},
	}}
	s.signIn()
	var list, one map[string][]json.RawMessage
	s.watch("/operator/api/events").next("snapshot", &list)
	found := false
	for _, raw := range list["meetings"] {
		var m observe.Meeting
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatal(err)
		}
		found = found || m.ID == old && m.Reason == "idle: nobody connected"
	}
	if !found {
		t.Errorf("the list lacks the kept meeting: %s", list["meetings"])
	}
	s.watch("/operator/api/meetings/"+old.String()+"/events").next("snapshot", &one)
	if len(one["meeting"]) != 1 || len(one["attendees"]) != 1 || len(one["records"]) != 1 {
		t.Fatalf("%s", one)
	}
	var person observe.Attendee
	if err := json.Unmarshal(one["attendees"][0], &person); err != nil || person.External != "ada" || !person.Deleted {
		t.Errorf("%s, %v", one["attendees"][0], err)
	}
	var history struct{ Sessions []observe.Session }
	if err := json.Unmarshal([]byte(s.send("GET", "/operator/api/meetings/"+old.String()+"/attendees/"+ada.String()+"/history", "").body), &history); err != nil {
		t.Fatal(err)
	}
	if len(history.Sessions) != 1 || history.Sessions[0].Quality == nil || *history.Sessions[0].Quality != *quality {
		t.Errorf("%+v", history.Sessions)
	}
}

// What became of a meeting's events is shown while it goes on and after its end.
func TestWhatBecameOfEventsIsShown(t *testing.T) {
	old := meeting.ID{77}
	d := &told{events: map[meeting.ID][]observe.Told{
		weekly: {{ID: meeting.ID{1}, Sequence: 1, Type: "chime:MeetingStarted", Ways: []observe.Way{{Destination: "webhook:a", State: observe.WayWaits}}}},
		old:    {{ID: meeting.ID{2}, Sequence: 9, Type: "chime:MeetingEnded", Ways: []observe.Way{{Destination: "webhook:a", State: observe.WayTaken, Attempts: 3}}}},
	}}
	s := open(t, func(c *Config) { c.Deliveries = d })
	s.server.kept = []observe.Detail{{Meeting: observe.Meeting{ID: old, Ended: observe.At(start)}}}
	s.signIn()
	for id, want := range d.events {
		var tables map[string][]json.RawMessage
		s.watch("/operator/api/meetings/"+id.String()+"/events").next("snapshot", &tables)
		var got observe.Told
		if len(tables["events"]) != 1 || json.Unmarshal(tables["events"][0], &got) != nil || !reflect.DeepEqual(got, want[0]) {
			t.Errorf("of %v %s is shown, want %+v", id, tables["events"], want)
		}
	}
}
