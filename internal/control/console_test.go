package control_test

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

func TestOperatorsSeeAndActOnEverything(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	first := v.create(owner, "first", "ann", "bob")
	v.clock.advance(time.Second)
	second := v.create(legacy, "second")
	v.SetConnected(first.ID, 2)
	must(t, v.TagMeeting(ctx, owner, first.ID, []meeting.Tag{{Key: "team", Value: "red"}}))

	all, err := v.Meetings(ctx)
	must(t, err)
	if len(all) != 2 || all[0].ID != second.ID || all[1].Attendees != 2 || all[1].Connected != 2 || len(all[1].Tags) != 1 {
		t.Errorf("%+v", all)
	}
	people, err := v.Attendees(ctx, first.ID)
	if err != nil || len(people) != 2 || people[0].ExternalUserID != "ann" {
		t.Fatalf("%+v, %v", people, err)
	}
	operator := control.WithActor(ctx, "operator:10.0.0.1")
	mute := meeting.Capabilities{Audio: meeting.None, Video: meeting.None, Content: meeting.None}
	must(t, v.SetCapabilities(operator, first.ID, people[0].ID, mute))
	must(t, v.RemoveAttendee(operator, first.ID, people[1].ID))
	wantKind(t, v.RemoveAttendee(operator, first.ID, people[1].ID), meeting.NotFound)

	records, err := v.Records(ctx, first.ID, 0)
	must(t, err)
	kinds := []string{}
	for _, r := range records {
		kinds = append(kinds, r.Record.Body.Kind())
	}
	if got := strings.Join(kinds, ", "); got != "created, tags set, capabilities set, attendee deleted" {
		t.Errorf("records: %s", got)
	}
	last := records[3]
	if body, ok := last.Record.Body.(*meeting.AttendeeDeleted); !ok || body.Attendee != people[1].ID ||
		last.Record.Actor != "operator:10.0.0.1" || !last.Time.Equal(v.clock.Now()) {
		t.Errorf("%+v", last)
	}
	if rest, err := v.Records(ctx, first.ID, last.Revision); err != nil || len(rest) != 0 {
		t.Errorf("after the last: %v, %v", rest, err)
	}
	if o := v.Overview(); o.Active != 2 || o.Attendees != 1 || o.Connected != 2 || o.CacheBytes == 0 {
		t.Errorf("%+v", o)
	}
	must(t, v.EndMeeting(operator, first.ID))
	if reason := v.ended(first.ID); reason != meeting.EndedByOperator {
		t.Errorf("ended: %s", reason)
	}
	wantKind(t, v.EndMeeting(operator, first.ID), meeting.NotFound)
	records, err = v.Records(ctx, first.ID, 0)
	if err != nil || len(records) != 5 || records[4].Record.Body.Kind() != "ended" || records[4].Record.Actor != "operator:10.0.0.1" {
		t.Errorf("%+v, %v", records, err)
	}
	if people, err := v.Attendees(ctx, first.ID); err != nil || len(people) != 0 {
		t.Errorf("an ended meeting has the attendees %+v, %v", people, err)
	}
	_, err = v.Attendees(ctx, meeting.ID{99})
	wantKind(t, err, meeting.NotFound)
}

func TestAllThatIsKnownOfAMeetingIsShown(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := control.WithActor(context.Background(), "key:AKID")
	primary := v.create(owner, "primary")
	wish := newMeeting(owner, "weekly", "ann")
	wish.HostID, wish.PrimaryID, wish.TenantIDs = "host-17", primary.ID.String(), []string{"tenant"}
	wish.Tags = []meeting.Tag{{Key: "team", Value: "red"}}
	wish.Features = &meeting.Features{EchoReduction: "AVAILABLE", VideoMax: "HD", ContentMax: "FHD", MaxCount: 25}
	made, _, err := v.CreateMeeting(ctx, wish)
	must(t, err)
	want := observe.Meeting{
		ID: made.ID, External: "meeting of weekly", HostID: "host-17", Account: owner.Account, Region: owner.Region, Flavour: "meetings",
		MediaRegion: "eu-west-3", Primary: primary.ID, TenantIDs: []string{"tenant"}, Created: observe.At(made.CreatedAt), Attendees: 1,
		Tags:     []observe.Tag{{Key: "team", Value: "red"}},
		Features: &observe.Features{EchoReduction: "AVAILABLE", VideoMax: "HD", ContentMax: "FHD", MaxCount: 25},
	}
	if got, ok := v.Meeting(ctx, made.ID); !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("shown as\n%+v, want\n%+v", got, want)
	}
	must(t, v.DeleteMeeting(ctx, owner, made.ID))
	want.Ended, want.Reason, want.EndedBy = observe.At(v.clock.Now()), meeting.EndedByRequest.String(), "key:AKID"
	if got, ok := v.Meeting(ctx, made.ID); !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("after its end it is shown as\n%+v, want\n%+v", got, want)
	}
}

func TestLongActorsAreCut(t *testing.T) {
	v := newEnv(t, nil, nil)
	id := v.create(owner, "token").ID
	ctx := control.WithActor(context.Background(), strings.Repeat("x", 5000))
	must(t, v.TagMeeting(ctx, owner, id, []meeting.Tag{{Key: "k", Value: "v"}}))
	records, err := v.Records(ctx, id, 0)
	if err != nil || len(records) != 2 || records[1].Record.Actor != strings.Repeat("x", 200) {
		t.Errorf("%+v, %v", records, err)
	}
}

func TestTagsOfMeetingsAndAttendees(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	id := v.create(legacy, "token", "ann").ID
	ann := v.roster(legacy, id)["ann"].ID
	must(t, v.TagMeeting(ctx, legacy, id, []meeting.Tag{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}}))
	must(t, v.UntagMeeting(ctx, legacy, id, []string{"a", "never there"}))
	must(t, v.TagAttendee(ctx, legacy, id, ann, []meeting.Tag{{Key: "c", Value: "3"}, {Key: "d", Value: "4"}}))
	must(t, v.UntagAttendee(ctx, legacy, id, ann, []string{"d"}))
	v.restart()
	if tags, err := v.MeetingTags(ctx, legacy, id); err != nil || len(tags) != 1 || tags[0] != (meeting.Tag{Key: "b", Value: "2"}) {
		t.Errorf("meeting: %v, %v", tags, err)
	}
	if tags, err := v.AttendeeTags(ctx, legacy, id, ann); err != nil || len(tags) != 1 || tags[0] != (meeting.Tag{Key: "c", Value: "3"}) {
		t.Errorf("attendee: %v, %v", tags, err)
	}
	_, err := v.MeetingTags(ctx, owner, id)
	wantKind(t, err, meeting.NotFound)
	_, err = v.AttendeeTags(ctx, legacy, id, meeting.ID{1})
	wantKind(t, err, meeting.NotFound)
	wantKind(t, v.TagAttendee(ctx, legacy, meeting.ID{1}, ann, nil), meeting.NotFound)
}
