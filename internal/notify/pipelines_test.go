package notify

import (
	"context"
	"slices"
	"testing"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify/event"
)

var recorder = meeting.Owner{Account: owner.Account, Region: owner.Region, Flavour: meeting.Pipelines}

func (v *env) pipeline(n meeting.NewPipeline) meeting.ID {
	v.t.Helper()
	n.Owner, n.Settings.Bucket = recorder, "bucket"
	p, err := v.CreatePipeline(context.Background(), n, func(context.Context) error { return nil })
	if err != nil {
		v.t.Fatal(err)
	}
	return p.ID
}

// capture records a meeting.
func (v *env) capture(id meeting.ID) meeting.ID {
	return v.pipeline(meeting.NewPipeline{Kind: meeting.CapturePipeline, ClientRequestToken: "capture " + id.String(), Meeting: id})
}

// join concatenates what a capture has recorded.
func (v *env) join(source meeting.ID) meeting.ID {
	return v.pipeline(meeting.NewPipeline{
		Kind: meeting.ConcatenationPipeline, ClientRequestToken: "join " + source.String(), Settings: meeting.PipelineSettings{Source: source},
	})
}

func (v *env) move(id meeting.ID, to meeting.PipelineStatus) {
	v.t.Helper()
	if err := v.MovePipeline(context.Background(), id, to, ""); err != nil {
		v.t.Fatal(err)
	}
}

func (v *env) trouble(id meeting.ID, message string) {
	v.t.Helper()
	if err := v.TroublePipeline(context.Background(), id, message); err != nil {
		v.t.Fatal(err)
	}
}

// heard waits until these events of a meeting came, each once or more, in this
// order and counted from 1, and no other.
func (v *env) heard(b *inbox, id meeting.ID, want ...string) {
	v.t.Helper()
	var got []string
	eventually(v.t, "all came", func() bool {
		got = got[:0]
		ids := map[uint64]meeting.ID{}
		for _, e := range b.events() {
			if e.Meeting.ID != id {
				continue
			}
			if first, twice := ids[e.Sequence]; twice && first != e.ID {
				v.t.Fatalf("two events have the number %d; of the second type %s", e.Sequence, e.Type)
			} else if !twice {
				got = append(got, e.Type[len("chime:"):])
				if e.Sequence != uint64(len(got)) {
					v.t.Fatalf("event %d is %s, with the number %d", len(got), e.Type, e.Sequence)
				}
			}
			ids[e.Sequence] = e.ID
		}
		return len(got) >= len(want)
	})
	if !slices.Equal(got, want) {
		v.t.Errorf("got  %v\nwant %v", got, want)
	}
}

// vanish takes a log out of the ledger, as its end does in time.
func (v *env) vanish(id meeting.ID) {
	v.t.Helper()
	if err := v.held()[id.Slot()].under.Discard(context.Background(), id); err != nil {
		v.t.Fatal(err)
	}
}

func TestPipelinesAreToldInTheOrderOfTheirMeeting(t *testing.T) {
	var b inbox
	v := newEnv(t, channel("a", &b, nil))
	id, people := v.create("one", "ann")
	v.fact(id, people[0], meeting.Joined)
	p := v.capture(id)
	v.move(p, meeting.PipelineInProgress)
	v.trouble(p, "the store does not answer")
	v.trouble(p, "")
	v.end(id)
	v.move(p, meeting.PipelineStopping)
	v.move(p, meeting.PipelineStopped)
	if err := v.TagPipeline(context.Background(), recorder, p, []meeting.Tag{{Key: "a", Value: "b"}}); err != nil {
		t.Fatal(err)
	}
	join := v.join(p)
	v.move(join, meeting.PipelineInProgress)
	v.move(join, meeting.PipelineStopped)
	v.heard(&b, id, "MeetingStarted", "AttendeeAdded", "AttendeeJoined", "AttendeeAdded", "MediaPipelineInProgress", "MediaPipelineTemporaryFailure",
		"MediaPipelineResumed", "AttendeeLeft", "MeetingEnded", "MediaPipelineDeleted", "MediaPipelineInProgress", "MediaPipelineDeleted")
	for _, e := range b.events() {
		if e.DetailType == event.PipelineStateChange && (e.Pipeline != p.String() && e.Pipeline != join.String() || e.Meeting.ExternalMeetingID != "one") {
			t.Errorf("%+v", e)
		}
	}
}

// While the end of a meeting waits to be taken, so does what follows of its
// recording, also after a crash.
func TestAPipelineWaitsForItsMeetingsEvents(t *testing.T) {
	var b inbox
	ch := channel("a", &b, nil)
	b.set(func(e *event.Event) error {
		if e.Type == event.MeetingEnded {
			return errDown
		}
		return nil
	})
	v := newEnv(t, ch)
	id, _ := v.create("one")
	p := v.capture(id)
	v.move(p, meeting.PipelineInProgress)
	v.end(id)
	v.move(p, meeting.PipelineStopped)
	eventually(t, "the end is tried", func() bool { return v.n.Destinations()[0].Trouble != "" })
	if !v.n.Needed(p) || !v.n.Needed(id) {
		t.Error("what was not told yet may go")
	}
	v.crash()
	v.start(ch)
	v.heard(&b, id, "MeetingStarted", "AttendeeAdded", "MediaPipelineInProgress")
	b.set(nil)
	v.heard(&b, id, "MeetingStarted", "AttendeeAdded", "MediaPipelineInProgress", "MeetingEnded", "MediaPipelineDeleted")
	v.written()
	if v.n.Needed(p) || v.n.Needed(id) {
		t.Error("what was told is still needed")
	}
}

// A recording is concatenated when its meeting is not in the ledger any more: the
// meeting's own target hears of it, and the count goes on, over restarts.
func TestAPipelineOutlivesItsMeeting(t *testing.T) {
	var b, all inbox
	own := channel("a", &b, nil)
	own.Route = func(p *meeting.Profile) (string, bool) {
		return "a " + p.Notifications.SqsQueueArn, p.Notifications.SqsQueueArn != ""
	}
	both := []Channel{own, channel("b", &all, nil)}
	v := newEnv(t, both...)
	s, _, err := v.CreateMeeting(context.Background(), meeting.NewMeeting{
		Owner: owner, ClientRequestToken: "a-token", MediaRegion: "eu-west-3", Notifications: meeting.Notifications{SqsQueueArn: "arn:q"},
	})
	if err != nil {
		t.Fatal(err)
	}
	p := v.capture(s.ID)
	v.move(p, meeting.PipelineInProgress)
	v.end(s.ID)
	v.move(p, meeting.PipelineStopped)
	want := []string{"MeetingStarted", "AttendeeAdded", "MediaPipelineInProgress", "MeetingEnded", "MediaPipelineDeleted"}
	v.heard(&b, s.ID, want...)
	v.written()
	v.vanish(s.ID)
	v.crash()
	v.start(both...)
	join := v.join(p)
	v.move(join, meeting.PipelineInProgress)
	want = append(want, "MediaPipelineInProgress")
	v.heard(&b, s.ID, want...)
	v.crash()
	v.start(both...)
	v.move(join, meeting.PipelineStopped)
	want = append(want, "MediaPipelineDeleted")
	v.heard(&b, s.ID, want...)
	v.heard(&all, s.ID, want...)
	v.written()
	slot := v.held()[s.ID.Slot()]
	slot.mu.Lock()
	defer slot.mu.Unlock()
	if y := slot.tallies[s.ID]; y.Count != uint64(len(want)) {
		t.Errorf("the tally is %+v, want %d events", y, len(want))
	}
}

// Nobody is told of a meeting, nor of its recording.
func TestAPipelineThatNobodyIsToldOf(t *testing.T) {
	var b inbox
	ch := channel("a", &b, nil)
	ch.Route = func(p *meeting.Profile) (string, bool) { return "a", p.ExternalMeetingID == "told" }
	v := newEnv(t, ch)
	id, _ := v.create("silent")
	p := v.capture(id)
	v.move(p, meeting.PipelineInProgress)
	v.crash()
	v.start(ch)
	v.move(p, meeting.PipelineStopped)
	told, _ := v.create("told")
	v.heard(&b, told, "MeetingStarted")
	if v.n.Needed(p) || len(b.events()) != 1 {
		t.Errorf("%d events, want 1", len(b.events()))
	}
}
