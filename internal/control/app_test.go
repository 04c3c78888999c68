package control_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

func TestAMeetingsOwnTimersOutliveARestart(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	short, long, young := v.create(owner, "short").ID, v.create(owner, "long").ID, v.create(owner, "young").ID
	must(t, v.SetTimers(ctx, short, meeting.Timers{Idle: 10 * time.Second}))
	must(t, v.SetTimers(ctx, long, meeting.Timers{Idle: time.Hour}))
	must(t, v.SetTimers(ctx, young, meeting.Timers{Idle: time.Hour, MaxAge: time.Minute}))
	if m, _ := v.Meeting(ctx, young); m.Timers != (observe.Timers{Idle: observe.Span(time.Hour), MaxAge: observe.Span(time.Minute)}) {
		t.Errorf("shown as %+v", m.Timers)
	}
	v.restart()
	if m, _ := v.Meeting(ctx, long); m.Timers.Idle != observe.Span(time.Hour) {
		t.Errorf("after a restart %+v", m.Timers)
	}
	v.SetConnected(young, 1)
	v.clock.advance(10 * time.Second)
	if reason := v.ended(short); reason != meeting.EndedIdle {
		t.Errorf("short ended: %s", reason)
	}
	v.still(young)
	v.clock.advance(time.Minute)
	if reason := v.ended(young); reason != meeting.EndedByAge {
		t.Errorf("young ended: %s", reason)
	}
	v.clock.advance(50 * time.Minute)
	v.still(long)
	must(t, v.SetTimers(ctx, long, meeting.Timers{})) // as the server's again: its time is over
	if reason := v.ended(long); reason != meeting.EndedIdle {
		t.Errorf("long ended: %s", reason)
	}
	wantKind(t, v.SetTimers(ctx, long, meeting.Timers{}), meeting.NotFound)
}

func TestTimersAreBounded(t *testing.T) {
	v := newEnv(t, func(c *control.Config) { c.MaxAge = 2 * time.Hour }, nil)
	id := v.create(owner, "token").ID
	for _, bad := range []meeting.Timers{
		{Idle: meeting.MinIdle - 1}, {Idle: 2*time.Hour + 1}, {Idle: -1}, {MaxAge: meeting.MinMaxAge - 1}, {MaxAge: 2*time.Hour + 1}, {MaxAge: -1},
		{Idle: time.Minute, MaxAge: 1}, {Idle: 1 << 62},
	} {
		wantKind(t, v.SetTimers(context.Background(), id, bad), meeting.Invalid)
	}
	before := len(v.records(id))
	good := meeting.Timers{Idle: meeting.MinIdle, MaxAge: 2 * time.Hour}
	must(t, v.SetTimers(context.Background(), id, good))
	must(t, v.SetTimers(context.Background(), id, good)) // changes nothing
	if n := len(v.records(id)) - before; n != 1 {
		t.Errorf("%d records were written", n)
	}
	must(t, v.again(func(c *control.Config) { c.MaxAge = time.Hour }))
	if m, _ := v.Meeting(context.Background(), id); m.Timers != (observe.Timers{Idle: observe.Span(meeting.MinIdle), MaxAge: observe.Span(time.Hour)}) {
		t.Errorf("on a server that allows less now, the timers are told as %+v", m.Timers)
	}
	v.clock.advance(meeting.MinIdle)
	v.ended(id)
}

func TestMuteTakesOnlyTheRightToSendAudio(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	id := v.create(owner, "token", "ada").ID
	people, err := v.Attendees(ctx, id)
	must(t, err)
	ada := people[0].ID
	for _, c := range []struct{ before, muted meeting.Access }{
		{meeting.SendReceive, meeting.Receive}, {meeting.Send, meeting.None}, {meeting.Receive, meeting.Receive}, {meeting.None, meeting.None},
	} {
		caps := meeting.Capabilities{Audio: c.before, Video: meeting.Send, Content: meeting.None}
		must(t, v.SetCapabilities(ctx, id, ada, caps))
		got, err := v.Mute(ctx, id, ada, true)
		must(t, err)
		if want := (meeting.Capabilities{Audio: c.muted, Video: meeting.Send, Content: meeting.None}); got.Capabilities != want {
			t.Errorf("%s muted: %+v, want %+v", c.before, got.Capabilities, want)
		}
		got, err = v.Mute(ctx, id, ada, false)
		must(t, err)
		if !got.Capabilities.Audio.MaySend() || got.Capabilities.Audio.MayReceive() != c.before.MayReceive() {
			t.Errorf("%s unmuted: %+v", c.before, got.Capabilities)
		}
	}
	_, err = v.Mute(ctx, id, meeting.ID{1}, true)
	wantKind(t, err, meeting.NotFound)
}

// listed returns the names of all pages of a list.
func (v *env) listed(q observe.Query) string {
	v.t.Helper()
	var names []string
	for range 100 {
		page, err := v.List(context.Background(), q)
		must(v.t, err)
		for _, m := range page.Meetings {
			names = append(names, m.External)
		}
		if page.Next.IsZero() {
			return strings.Join(names, " ")
		}
		q.After = page.Next
	}
	v.t.Fatal("the list has no end")
	return ""
}

func TestAnAccountsMeetingsAreListed(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	other := owner
	other.Account = "999999999999"
	var ids []meeting.ID
	for i := range 9 {
		of := []meeting.Owner{owner, legacy, other}[i%3]
		s, _, err := v.CreateMeeting(ctx, meeting.NewMeeting{
			Owner: of, ClientRequestToken: fmt.Sprint(i), MediaRegion: "eu-central-1", ExternalMeetingID: fmt.Sprint("m", i),
			Tags: []meeting.Tag{{Key: "odd", Value: fmt.Sprint(i % 2)}},
		})
		must(t, err)
		ids = append(ids, s.ID)
		v.clock.advance(time.Second)
	}
	mine := observe.Query{Account: owner.Account, Limit: 2}
	if got := v.listed(mine); got != "m0 m1 m3 m4 m6 m7" {
		t.Errorf("active: %s", got)
	}
	tagged := mine
	tagged.Tag = observe.Tag{Key: "odd", Value: "1"}
	if got := v.listed(tagged); got != "m1 m3 m7" {
		t.Errorf("tagged: %s", got)
	}
	for _, i := range []int{4, 0, 5, 7} {
		must(t, v.EndMeeting(ctx, ids[i]))
		v.clock.advance(time.Second)
	}
	if got := v.listed(mine); got != "m1 m3 m6" {
		t.Errorf("active after ends: %s", got)
	}
	mine.Ended, tagged.Ended = true, true
	mine.Limit = 1
	if got := v.listed(mine); got != "m7 m0 m4" {
		t.Errorf("ended: %s", got)
	}
	if got := v.listed(tagged); got != "m7" {
		t.Errorf("ended and tagged: %s", got)
	}
	v.restart()
	if got := v.listed(mine); got != "m7 m0 m4" {
		t.Errorf("ended, after a restart: %s", got)
	}
	if got := v.listed(observe.Query{Account: "000000000000", Limit: 5, Ended: true}); got != "" {
		t.Errorf("of somebody else: %s", got)
	}
}

// Whoever keeps ended meetings is told of each, and again after a restart.
func TestEndsAreTold(t *testing.T) {
	var mu sync.Mutex
	var told []string
	v := newEnv(t, func(c *control.Config) {
		c.Ended = func(m observe.Meeting) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, fmt.Sprint(m.ID, m.Reason, m.EndedBy, m.Attendees, m.Tags))
		}
	}, nil)
	ctx := control.WithActor(context.Background(), "key:A")
	id := v.create(owner, "token", "ada").ID
	must(t, v.TagMeeting(ctx, owner, id, []meeting.Tag{{Key: "k", Value: "v"}}))
	must(t, v.DeleteMeeting(ctx, owner, id))
	records, err := v.Records(ctx, id, 0)
	must(t, err)
	if len(records) != 3 {
		t.Errorf("a moment after the end there are %d records", len(records))
	}
	v.restart()
	mu.Lock()
	defer mu.Unlock()
	want := fmt.Sprint(id, "deleted by request", "key:A", 1, []observe.Tag{{Key: "k", Value: "v"}})
	if len(told) != 2 || told[0] != want || told[1] != want {
		t.Errorf("told %q, want %q twice", told, want)
	}
}
