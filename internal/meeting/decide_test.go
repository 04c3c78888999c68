package meeting

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
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
	wantKind(t, err, LimitExceeded) // creating a meeting has no error of its own for tags
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
