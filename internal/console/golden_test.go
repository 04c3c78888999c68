package console

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

var update = flag.Bool("update", false, "write the golden file anew")

// full is a server whose answers have something in every field.
func full() *server {
	eve := meeting.ID{3}
	at := func(ms int) observe.Time { return observe.At(start.Add(time.Duration(ms) * time.Millisecond)) }
	span := func(ms int) observe.Span { return observe.Span(time.Duration(ms) * time.Millisecond) }
	all := meeting.Capabilities{Audio: meeting.SendReceive, Video: meeting.SendReceive, Content: meeting.SendReceive}
	mute := meeting.Capabilities{Audio: meeting.Receive, Video: meeting.SendReceive, Content: meeting.SendReceive}
	s := newServer()
	s.meetings = []observe.Meeting{{
		ID: weekly, External: "weekly", HostID: "host-17", Account: "123456789012", Region: "us-east-1", Flavour: "meetings",
		MediaRegion: "eu-central-1", Primary: meeting.ID{8}, TenantIDs: []string{"tenant"}, Created: at(0), Ended: at(3_600_000),
		Reason: meeting.EndedByOperator.String(), EndedBy: "operator:192.0.2.1", Attendees: 2,
		Tags:      []observe.Tag{{Key: "team", Value: "red"}},
		Features:  &observe.Features{EchoReduction: "AVAILABLE", VideoMax: "HD", ContentMax: "FHD", MaxCount: 25},
		Timers:    observe.Timers{Idle: span(60_000), MaxAge: span(3_600_000)},
		Unreached: []string{"arn:aws:sqs:us-east-1:123456789012:meetings"},
	}}
	s.load = observe.Load{Host: "node-a", Connected: 2, Audio: 1, Video: 1, Content: 1, AttendeeTime: observe.Minutes(90 * time.Second), Failures: 1}
	s.attendees[weekly] = []meeting.Attendee{{ID: eve, ExternalUserID: "eve", Capabilities: all}}
	s.records[weekly] = []meeting.LogEntry{
		entry(7, "key:AKID", &meeting.Created{Attendees: []meeting.Attendee{{ID: ada, ExternalUserID: "ada", Capabilities: all, Tags: []meeting.Tag{{Key: "k", Value: "v"}}}}}),
		entry(8, "operator:192.0.2.1", &meeting.CapabilitiesSet{Attendees: []meeting.ID{ada}, Capabilities: mute}),
		entry(9, "operator:192.0.2.1", &meeting.AttendeeDeleted{Attendee: ada}),
	}
	s.sessions[weekly] = []observe.Session{{
		Key: ada.String(), Attendee: ada, External: "ada", State: observe.Connected, Reason: "removed from the meeting",
		Opened: at(1000), Ended: at(9000), Remote: "192.0.2.7", Client: "Chrome 140 on Linux",
		Steps:  []observe.Step{{Name: observe.StepToken, At: at(1000), Fault: "the page was closed"}},
		Timing: observe.Timing{Socket: span(20), JoinAck: span(30), SubscribeAck: span(70), ICE: span(90), FirstAudio: span(110), TimedOut: true},
		RTT:    span(12), Muted: true, Silenced: true, Video: true,
		Quality: &observe.Quality{
			Samples: 4, LossIn: 1.3, LossInMax: 2.5, LossOut: 0.2, LossOutMax: 0.4, RTT: span(20), RTTMax: span(35), Weak: 1, Concealed: 2,
		},
		Now: &observe.Now{Level: 30, Signal: 1, Stats: observe.Stats{Protocol: "udp", Remote: "192.0.2.7:40000", Connected: true, PacketsIn: 7, UplinkLoss: 1.5}},
		Samples: []observe.Sample{{
			At: at(2000), Level: 30, Signal: 1, LossIn: 1.3, LossOut: 0.2, RTT: span(20), KbpsIn: 900, KbpsOut: 300, Available: 2500, Concealing: true,
		}},
	}}
	return s
}

// aNode has something in every field.
func aNode() observe.Node {
	return observe.Node{
		ID: "n1", Here: true, Live: true, Leader: true, Draining: true, Slots: 21, Arriving: 2, Connected: 117, Address: "10.0.0.1:7401", Version: "0.2.0",
		Silent: observe.Span(1500 * time.Millisecond), Copies: 6, Behind: 1,
	}
}

// TestWhatThePagesAreSent compares the richest row of each kind, as the real
// handlers send it, with the golden file that the pages' types are compared
// with (web/test/rows.test.ts). Run with -update after a change that is meant.
func TestWhatThePagesAreSent(t *testing.T) {
	s := open(t, func(c *Config) {
		world := full()
		c.Directory, c.Live, c.Ended, c.Actions = world, world, world, world
		c.Nodes = func(context.Context) ([]observe.Node, error) { return []observe.Node{aNode()}, nil }
		c.Recordings = &shelf{server: world}
		c.Health = &ward{}
	})
	s.signIn()
	m := "/operator/api/meetings/" + weekly.String()
	events := s.watch(m + "/events")
	var tables map[string][]json.RawMessage
	var sample, b json.RawMessage
	events.next("snapshot", &tables)
	events.next("sample", &sample)
	events.next("beat", &b)
	var cluster map[string][]json.RawMessage
	s.watch("/operator/api/nodes/events").next("snapshot", &cluster)
	var history struct{ Sessions []json.RawMessage }
	if err := json.Unmarshal([]byte(s.send("GET", m+"/attendees/"+ada.String()+"/history", "").body), &history); err != nil {
		t.Fatal(err)
	}
	var shown struct{ Files []json.RawMessage }
	if err := json.Unmarshal([]byte(s.send("GET", m+"/recordings/"+joined.String()+"/files", "").body), &shown); err != nil {
		t.Fatal(err)
	}
	var ofNow sampleView
	if err := json.Unmarshal(sample, &ofNow); err != nil || len(ofNow.Points) != 1 {
		t.Fatalf("sample %s, %v", sample, err)
	}
	withFault, err := json.Marshal(beat{At: start.UnixMilli(), Every: 1000, Fault: "the store is down"})
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]json.RawMessage{
		"MeetingRow": tables["meeting"][0], "AttendeeRow": tables["attendees"][0], "RecordRow": tables["records"][2],
		"RefusalRow": tables["refusals"][0], "SessionRow": history.Sessions[0], "Sample": sample, "Beat": withFault,
		"Health": []byte(s.send("GET", "/operator/api/health", "").body), "LogPart": []byte(s.send("GET", "/operator/api/log", "").body),
		"NodeRow": cluster["nodes"][0], "RecordingRow": tables["recordings"][0], "RecordingFile": shown.Files[0],
	}
	for name, v := range map[string]any{
		"MeetingRow": observe.Meeting{}, "RecordRow": observe.Record{}, "RefusalRow": observe.Refusal{}, "SessionRow": observe.Session{}, "NodeRow": observe.Node{},
		"RecordingRow": observe.Recording{},
	} {
		wantEveryField(t, name, reflect.TypeOf(v), rows[name])
	}
	for name, list := range map[string][]string{"states": states(), "steps": observe.StepNames()} {
		if rows[name], err = json.Marshal(list); err != nil {
			t.Fatal(err)
		}
	}
	maps.Copy(rows, goldenDeliveries(t))
	compare(t, rows)
	if !bytes.Contains(b, []byte(`"every":5`)) {
		t.Errorf("beat %s", b)
	}
}

func states() []string {
	return []string{
		string(observe.Joining), string(observe.Connected), string(observe.Left), string(observe.Dropped),
		string(observe.Failed), string(observe.Removed), string(observe.Replaced),
	}
}

// wantEveryField fails for a field of the type that the object lacks: a golden
// file without it would not show whether the pages know it.
func wantEveryField(t *testing.T, path string, typ reflect.Type, raw json.RawMessage) {
	t.Helper()
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		t.Fatalf("%s is %s: %v", path, raw, err)
	}
	for _, f := range reflect.VisibleFields(typ) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous {
			continue
		}
		value, ok := object[name]
		if !ok {
			t.Errorf("%s.%s is not in the golden file", path, name)
			continue
		}
		inner := f.Type
		if inner.Kind() == reflect.Slice {
			var list []json.RawMessage
			if err := json.Unmarshal(value, &list); err != nil || len(list) == 0 {
				t.Errorf("%s.%s is %s, %v", path, name, value, err)
				continue
			}
			inner, value = inner.Elem(), list[0]
		}
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct && inner != reflect.TypeFor[observe.Time]() {
			wantEveryField(t, path+"."+name, inner, value)
		}
	}
}

// compare compares with the golden file, or writes it.
func compare(t *testing.T, rows map[string]json.RawMessage) {
	t.Helper()
	got, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	file := filepath.Join("testdata", "rows.json")
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the pages are sent something else than %s says; if that is meant, run this test with -update, and follow in web/src/console/rows.ts\n%s", file, got)
	}
}
