package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"
	"github.com/coder/websocket"

	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// operator is somebody signed in to the console.
type operator struct {
	*testing.T
	base, csrf string
	cookie     *http.Cookie
}

func signIn(t *testing.T, s *server) *operator {
	t.Helper()
	o := &operator{T: t, base: s.ports.public.String() + "/operator/api/"}
	response := o.send("POST", "session", fmt.Sprintf(`{"secret":%q}`, s.id.OperatorSecret))
	defer response.Body.Close()
	var view struct{ CSRF string }
	if err := json.NewDecoder(response.Body).Decode(&view); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("sign-in answered %d, %v", response.StatusCode, err)
	}
	o.csrf, o.cookie = view.CSRF, response.Cookies()[0]
	return o
}

func (o *operator) send(method, path, body string) *http.Response {
	o.Helper()
	request, err := http.NewRequestWithContext(o.Context(), method, o.base+path, strings.NewReader(body))
	if err != nil {
		o.Fatal(err)
	}
	request.Header.Set("X-Carillon-Csrf", o.csrf)
	if o.cookie != nil {
		request.AddCookie(o.cookie)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		o.Fatal(err)
	}
	return response
}

// act carries out a change.
func (o *operator) act(method, path, body string) {
	o.Helper()
	response := o.send(method, path, body)
	defer response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		text, err := io.ReadAll(response.Body)
		o.Fatalf("%s %s answered %d %s (%v)", method, path, response.StatusCode, text, err)
	}
}

// page is what an operator's page has been told of a meeting.
type page struct {
	*operator
	lines    *bufio.Scanner
	meetings map[string]observe.Meeting
	people   map[string]observe.Attendee // by name
	records  map[string]observe.Record
	faults   []string
}

func (o *operator) open(meeting string) *page {
	o.Helper()
	response := o.send("GET", "meetings/"+meeting+"/events", "")
	o.Cleanup(func() { response.Body.Close() })
	p := &page{operator: o, lines: bufio.NewScanner(response.Body)}
	p.lines.Buffer(nil, 1<<20)
	return p
}

// until reads events until what they tell is as wanted.
func (p *page) until(what string, ok func() bool) {
	p.Helper()
	deadline := time.Now().Add(time.Minute)
	for p.lines.Scan() {
		if name, found := strings.CutPrefix(p.lines.Text(), "event: "); found && p.lines.Scan() {
			p.take(name, []byte(strings.TrimPrefix(p.lines.Text(), "data: ")))
		}
		if p.meetings != nil && ok() {
			return
		}
		if time.Now().After(deadline) {
			break
		}
	}
	p.Fatalf("never told: %s (%v)\nmeeting %+v\npeople %+v\nrecords %+v\nfaults %q", what, p.lines.Err(), p.meetings, p.people, p.records, p.faults)
}

func (p *page) take(event string, data []byte) {
	p.Helper()
	type tables struct {
		Meeting   []observe.Meeting
		Attendees []observe.Attendee
		Records   []observe.Record
	}
	var whole tables
	var change struct{ Set tables }
	var beat struct{ Fault string }
	var into any
	switch event {
	case "snapshot":
		p.meetings, p.people, p.records = map[string]observe.Meeting{}, map[string]observe.Attendee{}, map[string]observe.Record{}
		into = &whole
	case "delta":
		into = &change
	case "beat":
		into = &beat
	default:
		return
	}
	if err := json.Unmarshal(data, into); err != nil {
		p.Fatalf("%s %s: %v", event, data, err)
	}
	for _, m := range append(whole.Meeting, change.Set.Meeting...) {
		p.meetings[m.ID.String()] = m
	}
	for _, a := range append(whole.Attendees, change.Set.Attendees...) {
		p.people[a.External] = a
	}
	for _, r := range append(whole.Records, change.Set.Records...) {
		p.records[r.ID] = r
	}
	if beat.Fault != "" {
		p.faults = append(p.faults, beat.Fault)
	}
}

// kinds are what the log tells, in any order.
func (p *page) kinds() []string {
	var list []string
	for r := range maps.Values(p.records) {
		list = append(list, strings.TrimSpace(r.Kind+" "+r.External))
	}
	slices.Sort(list)
	return list
}

// tryToJoin opens a signaling connection, asks to join, and goes away.
func tryToJoin(t *testing.T, signalingURL, token string) {
	t.Helper()
	ws, _, err := websocket.Dial(t.Context(), signalingURL, &websocket.DialOptions{Subprotocols: []string{"_aws_wt_session", token}})
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	ws.SetReadLimit(1 << 20)
	join, err := wire.Encode(&wire.Frame{Type: wire.Frame_JOIN.Enum(), TimestampMs: aws.Uint64(1), Join: &wire.Join{ProtocolVersion: aws.Uint32(2)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := ws.Write(t.Context(), websocket.MessageBinary, join); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, _, err := ws.Read(ctx); err != nil {
		t.Fatal(err)
	}
}

// What operators are told of a meeting while it goes on, and after its end to
// a page that was open and to one that is opened then.
func TestOperatorsFollowAMeetingPastItsEnd(t *testing.T) {
	s := startServer(t, t.TempDir())
	client := s.sdk(s.id.AccessKey, s.id.SecretKey, http.DefaultClient)
	made, err := client.CreateMeeting(t.Context(), &chimesdkmeetings.CreateMeetingInput{
		ClientRequestToken: aws.String("followed"), ExternalMeetingId: aws.String("weekly"), MediaRegion: aws.String("us-east-1"),
	})
	if err != nil {
		t.Fatal(err)
	}
	id := *made.Meeting.MeetingId
	people := map[string]types.Attendee{}
	for _, name := range []string{"ada", "bob", "eve"} {
		out, err := client.CreateAttendee(t.Context(), &chimesdkmeetings.CreateAttendeeInput{MeetingId: &id, ExternalUserId: &name})
		if err != nil {
			t.Fatal(err)
		}
		people[name] = *out.Attendee
	}
	remove := func(name string) {
		t.Helper()
		_, err := client.DeleteAttendee(t.Context(), &chimesdkmeetings.DeleteAttendeeInput{MeetingId: &id, AttendeeId: people[name].AttendeeId})
		if err != nil {
			t.Fatal(err)
		}
	}
	o := signIn(t, s)
	early := o.open(id)
	early.until("three were invited", func() bool { return len(early.people) == 3 && early.meetings[id].Attendees == 3 })

	tryToJoin(t, *made.Meeting.MediaPlacement.SignalingUrl, *people["ada"].JoinToken)
	early.until("ada failed to join", func() bool { return early.people["ada"].State == observe.Failed })
	o.act("PUT", "meetings/"+id+"/attendees/"+*people["eve"].AttendeeId+"/capabilities", `{"audio":"Receive","video":"SendReceive","content":"SendReceive"}`)
	early.until("eve was muted by an operator", func() bool {
		eve := early.people["eve"]
		return eve.Capabilities.Audio == "Receive" && eve.CapabilitiesBy == "operator:127.0.0.1"
	})
	remove("ada")
	remove("bob")
	early.until("both keep their names", func() bool {
		return early.people["ada"].Deleted && early.people["bob"].Deleted && !early.people["eve"].Deleted && early.meetings[id].Attendees == 1
	})
	o.act("POST", "meetings/"+id+"/end", "")
	ended := func(p *page) func() bool {
		return func() bool {
			m := p.meetings[id]
			return !m.Ended.IsZero() && m.EndedBy == "operator:127.0.0.1" && m.Reason != "" && m.Attendees == 1 && m.Failures == 1 &&
				slices.Contains(p.kinds(), "ended")
		}
	}
	early.until("the meeting has ended", ended(early))
	for _, kind := range []string{"created", "attendees added ada", "capabilities set eve", "attendee deleted ada", "attendee deleted bob"} {
		if !slices.Contains(early.kinds(), kind) {
			t.Errorf("after the end the record lacks %q: %q", kind, early.kinds())
		}
	}
	if eve := early.people["eve"]; eve.ID.IsZero() || eve.Deleted || len(early.people) != 3 {
		t.Errorf("after the end: %+v", early.people)
	}

	late := o.open(id)
	late.until("the meeting has ended", ended(late))
	if ada := late.people["ada"]; ada.State != observe.Failed || len(ada.Sessions) != 1 || len(ada.Sessions[0].Steps) < 3 {
		t.Errorf("how ada fared is lost with the meeting's end: %+v", late.people)
	}
	if len(early.faults)+len(late.faults) > 0 {
		t.Errorf("told as faults: %q, %q", early.faults, late.faults)
	}
}
