package meeting

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

var testOwner = Owner{Account: "123456789012", Region: "eu-central-1", Flavour: Meetings}

// ids gives ids 1, 2, 3…
func ids() func() ID {
	n := byte(0)
	return func() ID { n++; return ID{n} }
}

// active returns a meeting with these features and users.
func active(t *testing.T, f *Features, users ...string) *State {
	t.Helper()
	n := NewMeeting{Owner: testOwner, MediaRegion: "us-east-1", Features: f}
	for _, u := range users {
		n.Attendees = append(n.Attendees, NewAttendee{ExternalUserID: u})
	}
	rec, _, err := DecideCreate(Stamp{}, ID{0xee}, TokenHash{}, n, DefaultLimits(), ids())
	if err != nil {
		t.Fatal(err)
	}
	s := new(State)
	apply(t, s, rec)
	return s
}

func apply(t *testing.T, s *State, rec *Record) {
	t.Helper()
	if rec == nil {
		t.Fatal("nothing to apply")
	}
	if err := s.Apply(rec); err != nil {
		t.Fatal(err)
	}
}

func kindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return 0
}

func wantKind(t *testing.T, err error, want Kind) {
	t.Helper()
	if kindOf(err) != want {
		t.Errorf("got %v (kind %d), want kind %d", err, kindOf(err), want)
	}
}

func users(names ...string) (items []NewAttendee) {
	for _, n := range names {
		items = append(items, NewAttendee{ExternalUserID: n})
	}
	return items
}

func TestDefaultCapabilities(t *testing.T) {
	for _, c := range []struct {
		video, content string
		want           Capabilities
	}{
		{"", "", Capabilities{SendReceive, SendReceive, SendReceive}},
		{"HD", "UHD", Capabilities{SendReceive, SendReceive, SendReceive}},
		{"None", "", Capabilities{SendReceive, Receive, SendReceive}},
		{"None", "None", Capabilities{SendReceive, None, None}},
		{"", "None", Capabilities{SendReceive, SendReceive, None}},
	} {
		f := &Features{VideoMax: c.video, ContentMax: c.content, MaxCount: 20}
		a := active(t, f, "someone").members[0]
		if a.caps != c.want {
			t.Errorf("video %q content %q: %v, want %v", c.video, c.content, a.caps, c.want)
		}
	}
}

func TestCapabilityRules(t *testing.T) {
	all := []Access{SendReceive, Send, Receive, None}
	for _, f := range []Features{{}, {VideoMax: "None"}, {ContentMax: "None"}, {VideoMax: "None", ContentMax: "None"}} {
		for _, audio := range all {
			for _, video := range all {
				for _, content := range all {
					c := Capabilities{audio, video, content}
					want := (f.VideoMax != "None" || video == None) &&
						(f.ContentMax != "None" || content == None) &&
						(content == Send || content == None || video == SendReceive || video == Receive)
					if got := f.CheckCapabilities(c) == nil; got != want {
						t.Errorf("%+v in %+v: allowed %v", c, f, got)
					}
				}
			}
		}
	}
	wantKind(t, Capabilities{Audio: Send}.Check(), Invalid)
}

// The default combination of a meeting without cameras can be had by default
// only.
func TestTheDefaultWithoutCamerasCannotBeAskedFor(t *testing.T) {
	s := active(t, &Features{VideoMax: "None"}, "someone")
	_, _, err := DecideCapabilities(s, Stamp{}, s.members[0].id, s.members[0].caps)
	wantKind(t, err, Invalid)
}

func TestFeatureCombinations(t *testing.T) {
	for _, c := range []struct {
		f  Features
		ok bool
	}{
		{Features{}, true},
		{Features{MaxCount: 250}, true},
		{Features{MaxCount: 251}, false},
		{Features{VideoMax: "FHD"}, false},
		{Features{VideoMax: "FHD", MaxCount: 25}, true},
		{Features{VideoMax: "FHD", MaxCount: 26}, false},
		{Features{ContentMax: "UHD", MaxCount: 26}, false},
		{Features{ContentMax: "UHD", MaxCount: 1}, true},
		{Features{ContentMax: "FHD", VideoMax: "HD"}, true},
	} {
		if err := c.f.Check(DefaultLimits()); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c.f, err)
		}
	}
}

func TestAFullMeeting(t *testing.T) {
	s := active(t, &Features{MaxCount: 3}, "a", "b")
	add := func(names ...string) ([]AttendeeResult, error) {
		rec, results, err := DecideAddAttendees(s, Stamp{}, users(names...), DefaultLimits(), ids())
		if rec != nil {
			apply(t, s, rec)
		}
		return results, err
	}
	results, err := add("c", "d", "a", "d", "c")
	if err != nil {
		t.Fatal(err)
	}
	for i, refused := range []bool{false, true, false, true, false} {
		if (results[i].Err != nil) != refused {
			t.Errorf("item %d: %+v", i, results[i])
		}
	}
	wantKind(t, results[1].Err, LimitExceeded)
	if results[0].Attendee.ID != results[4].Attendee.ID {
		t.Error("the same user twice in a batch got two attendees")
	}
	_, err = add("d", "e")
	wantKind(t, err, LimitExceeded)
	_, err = add("d")
	wantKind(t, err, LimitExceeded)
	if results, err := add("a"); err != nil || results[0].Attendee.ID != s.members[0].id {
		t.Errorf("a known user in a full meeting: %+v, %v", results, err)
	}
	// A repeated CreateMeetingWithAttendees found its meeting: never refused.
	_, results, err = DecideReplayAttendees(s, Stamp{}, users("d", "e"), DefaultLimits(), ids())
	if err != nil || results[0].Err == nil || results[1].Err == nil {
		t.Errorf("replay: %+v, %v", results, err)
	}
}

func TestCreateMeetingTakesWhatFits(t *testing.T) {
	n := NewMeeting{Owner: testOwner, Features: &Features{MaxCount: 2}, Attendees: users("a", "b", "c")}
	rec, results, err := DecideCreate(Stamp{}, ID{1}, TokenHash{}, n, DefaultLimits(), ids())
	if err != nil || len(rec.Body.(*Created).Attendees) != 2 || results[2].Err == nil || results[1].Err != nil {
		t.Errorf("%+v, %v", results, err)
	}
}

func TestOneBadItemRefusesTheBatch(t *testing.T) {
	s := active(t, nil)
	items := users("a", "b")
	items[1].Capabilities = Capabilities{Audio: SendReceive, Video: None, Content: Receive}
	rec, _, err := DecideAddAttendees(s, Stamp{}, items, DefaultLimits(), ids())
	wantKind(t, err, Invalid)
	if rec != nil {
		t.Error("something is to be written all the same")
	}
}

func TestARepeatedUserKeepsWhatIsStored(t *testing.T) {
	s := active(t, nil)
	items := []NewAttendee{{ExternalUserID: "a", Capabilities: Capabilities{Send, None, None}}, {ExternalUserID: "a"}}
	rec, results, err := DecideAddAttendees(s, Stamp{}, items, DefaultLimits(), ids())
	if err != nil || results[1].Attendee.Capabilities != items[0].Capabilities {
		t.Fatalf("the second of a pair: %+v, %v", results, err)
	}
	apply(t, s, rec)
	items[0].Capabilities = Capabilities{None, None, None}
	rec, results, err = DecideAddAttendees(s, Stamp{}, items[:1], DefaultLimits(), ids())
	if err != nil || rec != nil || results[0].Attendee.Capabilities.Audio != Send {
		t.Errorf("the repeat: %+v, %v, writes %v", results, err, rec)
	}
}

func TestExternalUserIDsAreComparedExactly(t *testing.T) {
	s := active(t, nil)
	rec, _, err := DecideAddAttendees(s, Stamp{}, users("ann", "Ann", " ann", "a\u0308nn", "änn"), DefaultLimits(), ids())
	if err != nil || len(rec.Body.(*AttendeesAdded).Attendees) != 5 {
		t.Errorf("%+v, %v", rec, err)
	}
}

func TestCallsOnAMeetingThatEnded(t *testing.T) {
	s := active(t, nil, "a")
	id := s.members[0].id
	rec, err := DecideEnd(s, Stamp{}, EndedByRequest, nil)
	if err != nil {
		t.Fatal(err)
	}
	apply(t, s, rec)
	if s.Ended().Attendees != 1 || s.Active() || !s.Exists() {
		t.Errorf("%+v", s.Ended())
	}
	_, _, err = DecideAddAttendees(s, Stamp{}, users("a"), DefaultLimits(), ids())
	wantKind(t, err, NotFound)
	if !strings.Contains(err.Error(), s.profile.ID.String()) {
		t.Errorf("%v names no meeting", err)
	}
	_, err = DecideDeleteAttendee(s, Stamp{}, id)
	wantKind(t, err, NotFound)
	_, err = DecideEnd(s, Stamp{}, EndedIdle, nil)
	wantKind(t, err, NotFound)
	_, err = DecideStopTranscription(new(State), Stamp{})
	wantKind(t, err, NotFound)
}

func TestTagLimits(t *testing.T) {
	s := active(t, nil, "a")
	var fifty []Tag
	for i := range 50 {
		fifty = append(fifty, Tag{fmt.Sprint("k", i), "v"})
	}
	rec, err := DecideTagMeeting(s, Stamp{}, fifty, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	apply(t, s, rec)
	_, err = DecideTagMeeting(s, Stamp{}, []Tag{{"one more", "v"}}, DefaultLimits())
	wantKind(t, err, TooManyTags)
	rec, err = DecideTagMeeting(s, Stamp{}, []Tag{{"k7", "new"}}, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	apply(t, s, rec)
	if s.tags[7] != (Tag{"k7", "new"}) || len(s.tags) != 50 {
		t.Errorf("tags %v", s.tags)
	}
	if rec, err = DecideTagMeeting(s, Stamp{}, []Tag{{"k7", "new"}}, DefaultLimits()); rec != nil || err != nil {
		t.Error("an unchanged tag was written")
	}
	_, err = DecideTagAttendee(s, Stamp{}, s.members[0].id, fifty[:11], DefaultLimits())
	wantKind(t, err, LimitExceeded)
	_, err = DecideTagAttendee(s, Stamp{}, ID{0xbb}, fifty[:1], DefaultLimits())
	wantKind(t, err, NotFound)
	n := NewMeeting{Tags: append(fifty, Tag{"x", "y"})}
	_, _, err = DecideCreate(Stamp{}, ID{1}, TokenHash{}, n, DefaultLimits(), ids())
	wantKind(t, err, TooManyTags)
}

func TestReplicas(t *testing.T) {
	wantKind(t, CheckPrimary(&Profile{PrimaryID: ID{1}}), Invalid)
	if err := CheckPrimary(&Profile{}); err != nil {
		t.Error(err)
	}
	_, _, err := DecideCreate(Stamp{}, ID{1}, TokenHash{}, NewMeeting{PrimaryID: "not-a-guid"}, DefaultLimits(), ids())
	wantKind(t, err, Invalid)
}

func TestPagesSurviveChangesBetweenThem(t *testing.T) {
	s := active(t, nil, "a", "b", "c", "d", "e")
	page, next := s.Page(0, 2)
	if len(page) != 2 || next == 0 {
		t.Fatalf("%v, %d", page, next)
	}
	for _, gone := range []int{1, 1} { // b, the cursor's own, and c
		rec, err := DecideDeleteAttendee(s, Stamp{}, s.members[gone].id)
		if err != nil {
			t.Fatal(err)
		}
		apply(t, s, rec)
	}
	newID := func() ID { return ID{0x77} }
	rec, _, err := DecideAddAttendees(s, Stamp{}, users("f"), DefaultLimits(), newID)
	if err != nil {
		t.Fatal(err)
	}
	apply(t, s, rec)
	var rest []string
	for next != 0 {
		page, next = s.Page(next, 2)
		for _, a := range page {
			rest = append(rest, a.ExternalUserID)
		}
	}
	if !slices.Equal(rest, []string{"d", "e", "f"}) {
		t.Errorf("the rest is %v", rest)
	}
	if page, next := s.Page(0, 4); len(page) != 4 || next != 0 {
		t.Errorf("a page as long as the list: %d, next %d", len(page), next)
	}
	if page, next := s.Page(999, 4); len(page) != 0 || next != 0 {
		t.Errorf("behind the end: %d, next %d", len(page), next)
	}
}

// A meeting that ends with people in it tells: they leave, transcription
// stops, the meeting ends; nobody is reported deleted.
func TestOrderOfEvents(t *testing.T) {
	s := active(t, nil, "a", "b")
	at := time.UnixMilli(5).UTC()
	start, err := DecideStartTranscription(s, Stamp{Time: at}, TranscriptionConfig{JSON: "{}"}, "no engine")
	if err != nil {
		t.Fatal(err)
	}
	got := kinds(Events(s, start))
	if !slices.Equal(got, []EventKind{EventTranscriptionStarted, EventTranscriptionFailed}) {
		t.Errorf("start of a transcription without an engine: %v", got)
	}
	apply(t, s, start)
	end, err := DecideEnd(s, Stamp{Time: at}, EndedByRequest, []Fact{{Kind: Left, Attendee: ID{1}, ExternalUserID: "a"}})
	if err != nil {
		t.Fatal(err)
	}
	events := Events(s, end)
	if got := kinds(events); !slices.Equal(got, []EventKind{EventFact, EventTranscriptionStopped, EventMeetingEnded}) {
		t.Errorf("end: %v", got)
	}
	if events[0].Fact != Left || events[0].ExternalUserID != "a" || !events[2].Time.Equal(at) {
		t.Errorf("%+v", events)
	}
}

func TestEventsOfAttendees(t *testing.T) {
	s := active(t, nil, "a")
	rec, _, err := DecideAddAttendees(s, Stamp{}, users("a", "b"), DefaultLimits(), func() ID { return ID{9} })
	if err != nil {
		t.Fatal(err)
	}
	if e := Events(s, rec); len(e) != 1 || e[0].Kind != EventAttendeeAdded || e[0].ExternalUserID != "b" {
		t.Errorf("a repeat and a new one: %+v", e)
	}
	apply(t, s, rec)
	caps, err := DecideCapabilitiesExcept(s, Stamp{}, []ID{{9}, {0x44}}, Capabilities{None, None, None})
	if err != nil {
		t.Fatal(err)
	}
	if e := Events(s, caps); len(e) != 1 || e[0].Kind != EventCapabilitiesUpdated || e[0].ExternalUserID != "a" {
		t.Errorf("capabilities: %+v", e)
	}
	apply(t, s, caps)
	if again, err := DecideCapabilitiesExcept(s, Stamp{}, []ID{{9}}, Capabilities{None, None, None}); again != nil || err != nil {
		t.Error("an update that changes nothing was written")
	}
	gone, err := DecideDeleteAttendee(s, Stamp{}, ID{9})
	if err != nil {
		t.Fatal(err)
	}
	if e := Events(s, gone); len(e) != 1 || e[0].Kind != EventAttendeeDeleted || e[0].ExternalUserID != "b" {
		t.Errorf("delete: %+v", e)
	}
	created := Events(new(State), &Record{Body: &Created{Attendees: []Attendee{{ID: ID{1}}}}})
	if got := kinds(created); !slices.Equal(got, []EventKind{EventMeetingStarted, EventAttendeeAdded}) {
		t.Errorf("create: %v", got)
	}
}

func kinds(events []Event) (k []EventKind) {
	for _, e := range events {
		k = append(k, e.Kind)
	}
	return k
}

func TestRecordsOutOfOrderAreRefused(t *testing.T) {
	s := active(t, nil, "a")
	before := *s
	for _, body := range []Body{
		&Created{}, &AttendeeDeleted{Attendee: ID{0x99}}, &TagsSet{Attendee: ID{0x99}},
		&CapabilitiesSet{Attendees: []ID{s.members[0].id, {0x99}}},
	} {
		if err := s.Apply(&Record{Body: body}); !errors.Is(err, ErrOrder) {
			t.Errorf("%s: %v", body.Kind(), err)
		}
	}
	if s.members[0] != before.members[0] {
		t.Error("a refused record changed the state")
	}
	if err := new(State).Apply(&Record{Body: &AttendeesAdded{}}); !errors.Is(err, ErrOrder) {
		t.Errorf("attendees of no meeting: %v", err)
	}
	var o Outline
	if err := o.Add((&Record{Body: &AttendeesAdded{}}).Encode()); !errors.Is(err, ErrOrder) {
		t.Errorf("outline: %v", err)
	}
}

func BenchmarkDecideAddAttendees100(b *testing.B) {
	items := make([]NewAttendee, 100)
	for i := range items {
		items[i].ExternalUserID = fmt.Sprintf("5b1d7c02-90aa-4c3e-8f21-77a1c0de%04d", i)
	}
	create, _, err := DecideCreate(Stamp{}, ID{1}, TokenHash{}, NewMeeting{}, DefaultLimits(), ids())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var s State
		n := uint32(0)
		newID := func() ID { n++; return ID{byte(n), byte(n >> 8)} }
		if err := s.Apply(create); err != nil {
			b.Fatal(err)
		}
		rec, _, err := DecideAddAttendees(&s, Stamp{}, items, DefaultLimits(), newID)
		if err != nil {
			b.Fatal(err)
		}
		rec.Encode()
		if err := s.Apply(rec); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeAndFold100(b *testing.B) {
	items := make([]Attendee, 100)
	for i := range items {
		items[i] = Attendee{ID: ID{byte(i)}, ExternalUserID: fmt.Sprintf("5b1d7c02-90aa-4c3e-8f21-77a1c0de%04d", i), Capabilities: Features{}.DefaultCapabilities()}
	}
	created := (&Record{Body: &Created{}}).Encode()
	data := (&Record{Body: &AttendeesAdded{Attendees: items}}).Encode()
	b.ReportAllocs()
	for b.Loop() {
		var s State
		for _, d := range [][]byte{created, data} {
			rec, err := DecodeRecord(d)
			if err != nil {
				b.Fatal(err)
			}
			if err := s.Apply(rec); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkOutline(b *testing.B) {
	created := (&Record{Body: &Created{Profile: Profile{Owner: testOwner, MediaRegion: "eu-west-3", ExternalMeetingID: "x"}}}).Encode()
	b.ReportAllocs()
	for b.Loop() {
		var o Outline
		if err := o.Add(created); err != nil {
			b.Fatal(err)
		}
	}
}
