package meeting

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"
)

func at(second int) Stamp {
	return Stamp{Command: ID{byte(second)}, Time: time.Unix(1_700_000_000+int64(second), 0).UTC()}
}

// newPipeline is a capture of a meeting, as its first record makes it.
func newPipeline(t *testing.T) *Pipeline {
	t.Helper()
	n := NewPipeline{Kind: CapturePipeline, Owner: Owner{Account: "123456789012", Region: "us-east-1", Flavour: Pipelines}, Meeting: ID{2},
		Settings: PipelineSettings{SourceArn: "arn:m", SinkArn: "arn:b", Bucket: "b", Artifacts: Artifacts{Audio: true}}, Tags: []Tag{{"k", "v"}}}
	of := &Profile{ID: ID{2}, ExternalMeetingID: "standup", MediaRegion: "eu-west-3"}
	rec := DecidePipeline(at(1), ID{7}, TokenHash{8}, n, of, func() ID { return ID{0xab, 0xcd, 0xef} })
	p, err := (*Pipeline)(nil).Fold(rec)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAPipelineBeginsAsAsked(t *testing.T) {
	p := newPipeline(t)
	if p.ID != (ID{7}) || p.Status != PipelineInitializing || !p.Created.Equal(p.Updated) || p.ExternalMeetingID != "standup" || p.Tags[0] != (Tag{"k", "v"}) {
		t.Errorf("%+v", p)
	}
	if p.Attendee != (ID{0xab, 0xcd, 0xef}) || p.AttendeeUser != "aws:MediaPipeline-abcde" {
		t.Errorf("attendee %s, user %q", p.Attendee, p.AttendeeUser)
	}
}

func TestAPipelineOnlyGoesForward(t *testing.T) {
	all := []PipelineStatus{PipelineInitializing, PipelineInProgress, PipelineStopping, PipelineStopped, PipelineFailed}
	for _, from := range all {
		for _, to := range all {
			p := newPipeline(t)
			p.Status = from
			rec := p.DecideStatus(at(9), to, "why")
			if want := to > from && !from.Over(); (rec != nil) != want {
				t.Errorf("%s to %s: decided %v, want %t", from, to, rec, want)
			}
			if rec == nil {
				continue
			}
			next, err := p.Fold(rec)
			if err != nil || next.Status != to || !next.Updated.Equal(at(9).Time) || p.Status != from {
				t.Errorf("%s to %s: %+v, %v", from, to, next, err)
			}
			if to.Over() != (next.Failure == "why") {
				t.Errorf("%s to %s: failure %q", from, to, next.Failure)
			}
		}
	}
}

func TestStatusesHaveTheAPIsNames(t *testing.T) {
	names := fmt.Sprint(PipelineInitializing, PipelineInProgress, PipelineStopping, PipelineStopped, PipelineFailed, PipelineStatus(0), PipelineStatus(9))
	if names != "Initializing InProgress Stopping Stopped Failed unknown unknown" {
		t.Error(names)
	}
}

func TestTagsOfAPipelineOutliveIt(t *testing.T) {
	p := newPipeline(t)
	for range 2 { // while it is active, and when it is over
		rec, err := p.DecideTags(at(3), []Tag{{"k", "w"}, {"more", "x"}})
		if err != nil {
			t.Fatal(err)
		}
		if p, err = p.Fold(rec); err != nil || !reflect.DeepEqual(p.Tags, []Tag{{"k", "w"}, {"more", "x"}}) {
			t.Fatalf("%+v, %v", p, err)
		}
		if again, _ := p.DecideTags(at(4), []Tag{{"k", "w"}}); again != nil {
			t.Errorf("nothing changes, and is written: %+v", again)
		}
		if p, err = p.Fold(p.DecideUntag(at(5), []string{"more", "absent"})); err != nil || !reflect.DeepEqual(p.Tags, []Tag{{"k", "w"}}) {
			t.Fatalf("%+v, %v", p, err)
		}
		if p.DecideUntag(at(6), []string{"absent"}) != nil {
			t.Error("nothing is removed, and is written")
		}
		if p.Status.Over() {
			break
		}
		if p, err = p.Fold(p.DecideStatus(at(6), PipelineStopped, "")); err != nil {
			t.Fatal(err)
		}
	}
	if p.Status != PipelineStopped || !p.Updated.Equal(at(6).Time) {
		t.Errorf("tags changed the status: %+v", p)
	}
	many := make([]Tag, MaxPipelineTags)
	for i := range many {
		many[i] = Tag{Key: fmt.Sprint("t", i)}
	}
	_, err := p.DecideTags(at(7), many)
	var refused *Error
	if !errors.As(err, &refused) || refused.Kind != Invalid {
		t.Errorf("one tag too many: %v", err)
	}
}

func TestRecordsThatDoNotFitAPipelineAreRefused(t *testing.T) {
	p := newPipeline(t)
	over, _ := p.Fold(p.DecideStatus(at(2), PipelineStopped, ""))
	for name, c := range map[string]struct {
		p    *Pipeline
		body Body
	}{
		"created twice":         {p, &PipelineCreated{}},
		"moved before creation": {nil, &PipelineMoved{Status: PipelineInProgress}},
		"tags before creation":  {nil, &TagsSet{}},
		"moved back":            {p, &PipelineMoved{Status: PipelineInitializing}},
		"moved after the end":   {over, &PipelineMoved{Status: PipelineStopping}},
		"tags of an attendee":   {p, &TagsSet{Attendee: ID{1}}},
		"a meeting's record":    {p, &AttendeeDeleted{}},
		"newer before creation": {nil, &Newer{}},
	} {
		if next, err := c.p.Fold(&Record{Body: c.body}); !errors.Is(err, ErrOrder) {
			t.Errorf("%s: %+v, %v", name, next, err)
		}
	}
	if same, err := p.Fold(&Record{Body: &Newer{}}); err != nil || !reflect.DeepEqual(same, p) {
		t.Errorf("what a newer version added: %+v, %v", same, err)
	}
}

func TestAMeetingRefusesAPipelinesRecords(t *testing.T) {
	for _, body := range []Body{&PipelineCreated{}, &PipelineMoved{Status: PipelineInProgress}, &PipelineEnded{Pipeline: Pipeline{Status: PipelineStopped}}} {
		s := activeState(t)
		if err := s.Apply(&Record{Body: body}); !errors.Is(err, ErrOrder) {
			t.Errorf("%s: applied: %v", body.Kind(), err)
		}
		data := (&Record{Body: body}).Encode()
		if err := new(Outline).Add(data); !errors.Is(err, ErrOrder) && !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: outlined: %v", body.Kind(), err)
		}
		if !BeginsPipeline(data) {
			t.Errorf("%s is not taken for a pipeline's", body.Kind())
		}
	}
	for _, data := range [][]byte{nil, {2}, (&Record{Body: &TagsSet{}}).Encode(), (&Record{Body: &Created{}}).Encode()} {
		if BeginsPipeline(data) {
			t.Errorf("%x is taken for a pipeline's", data)
		}
	}
}

// activeState is a meeting that holds two people.
func activeState(t *testing.T) *State {
	t.Helper()
	n := 0
	newID := func() ID { n++; return ID{0xf0, byte(n)} }
	rec, _, err := DecideCreate(at(1), ID{2}, TokenHash{}, NewMeeting{Features: &Features{MaxCount: 2}}, DefaultLimits(), newID)
	if err != nil {
		t.Fatal(err)
	}
	s := new(State)
	if err := s.Apply(rec); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheAttendeeOfARecordingCountsAgainstNoLimit(t *testing.T) {
	s, p := activeState(t), newPipeline(t)
	rec, err := DecideCaptureAttendee(s, at(2), p)
	if err != nil || s.Apply(throughBytes(t, rec)) != nil {
		t.Fatal(err)
	}
	if again, err := DecideCaptureAttendee(s, at(3), p); again != nil || err != nil {
		t.Errorf("a second one: %+v, %v", again, err)
	}
	if of, ok := s.Recorder(p.Attendee); !ok || of != p.ID {
		t.Errorf("stands for %s, %t", of, ok)
	}
	a, found := s.Attendee(p.Attendee)
	if want := (Capabilities{Receive, Receive, Receive}); !found || a.Capabilities != want || a.ExternalUserID != p.AttendeeUser {
		t.Errorf("%+v, %t", a, found)
	}
	n := 0
	newID := func() ID { n++; return ID{0xe0, byte(n)} }
	rec, results, err := DecideAddAttendees(s, at(4), []NewAttendee{{ExternalUserID: "ann"}, {ExternalUserID: "bob"}, {ExternalUserID: "cleo"}}, DefaultLimits(), newID)
	if err != nil || results[1].Err != nil || results[2].Err == nil {
		t.Fatalf("%+v, %v", results, err)
	}
	if err := s.Apply(rec); err != nil {
		t.Fatal(err)
	}
	if _, person := s.Recorder(results[0].Attendee.ID); person {
		t.Error("a person stands for a recording")
	}
	gone, err := DecideCaptureAttendeeGone(s, at(5), p)
	if err != nil || s.Apply(gone) != nil {
		t.Fatal(err)
	}
	if _, ok := s.Recorder(p.Attendee); ok || s.Len() != 2 || s.people() != 2 {
		t.Errorf("it is there still: %d attendees", s.Len())
	}
	if gone, err := DecideCaptureAttendeeGone(s, at(6), p); gone != nil || err != nil {
		t.Errorf("gone twice: %+v, %v", gone, err)
	}
	var removed *Error
	if again, err := DecideCaptureAttendee(s, at(6), p); again != nil || !errors.As(err, &removed) || removed.Kind != NotFound {
		t.Errorf("made again after its removal: %+v, %v", again, err)
	}
	if _, err := DecideCaptureAttendee(new(State), at(7), p); err == nil {
		t.Error("made in a meeting that does not exist")
	}
	if gone, err := DecideCaptureAttendeeGone(new(State), at(7), p); gone != nil || err != nil {
		t.Errorf("of a meeting that is over: %+v, %v", gone, err)
	}
}

// throughBytes returns the record as the ledger would give it back.
func throughBytes(t *testing.T, rec *Record) *Record {
	t.Helper()
	back, err := DecodeRecord(rec.Encode())
	if err != nil {
		t.Fatal(err)
	}
	return back
}

func TestSelectedVideosAreThoseNamed(t *testing.T) {
	everybody := &PipelineSettings{}
	some := &PipelineSettings{Attendees: []string{"AAAA-1"}, Users: []string{"bob"}}
	for _, c := range []struct {
		s              *PipelineSettings
		attendee, user string
		want           bool
	}{{everybody, "x", "y", true}, {some, "aaaa-1", "ann", true}, {some, "bbbb-2", "bob", true}, {some, "bbbb-2", "Bob", false}, {some, "", "", false}} {
		if got := c.s.Selects(c.attendee, c.user); got != c.want {
			t.Errorf("%+v selects %q %q: %t", c.s, c.attendee, c.user, got)
		}
	}
}

func TestPipelinesAreOrderedByTheirCreation(t *testing.T) {
	a, b := newPipeline(t), newPipeline(t)
	b.ID[15]++
	if a.Before(b) >= 0 || b.Before(a) <= 0 || a.Before(a) != 0 {
		t.Error("by id, when they were created together")
	}
	b.Created = b.Created.Add(-time.Second)
	if a.Before(b) <= 0 {
		t.Error("the older one comes first")
	}
}
