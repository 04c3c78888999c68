package control_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

func TestListMeetingsIsStable(t *testing.T) {
	v := newEnv(t, func(c *control.Config) { c.Limits.Meetings = 1000 }, nil)
	ctx := context.Background()
	var made []meeting.ID
	for i := range 30 {
		if i%3 == 0 { // several in one millisecond are ordered by id
			v.clock.advance(time.Millisecond)
		}
		made = append(made, v.create(legacy, fmt.Sprint("token-", i)).ID)
	}
	v.create(owner, "not in this list")
	var listed []meeting.ID
	token := ""
	for page := 0; ; page++ {
		list, next, err := v.ListMeetings(ctx, legacy, 7, token)
		must(t, err)
		for _, s := range list {
			listed = append(listed, s.ID)
		}
		if next == "" {
			break
		}
		if !regexp.MustCompile(`^[A-Za-z0-9_-]{1,1000}$`).MatchString(next) {
			t.Fatalf("token %q", next)
		}
		token = next
		if page == 0 { // what happens between two pages
			must(t, v.DeleteMeeting(ctx, legacy, listed[6])) // the place the token is about
			must(t, v.DeleteMeeting(ctx, legacy, listed[0]))
			v.clock.advance(time.Millisecond)
			made = append(made, v.create(legacy, "late").ID)
			v.restart()
		}
	}
	if len(listed) != 31 {
		t.Errorf("%d meetings were listed of 31", len(listed))
	}
	byID := func(a, b meeting.ID) int { return slices.Compare(a[:], b[:]) }
	for i := 0; i < 30; i += 3 {
		slices.SortFunc(made[i:i+3], byID)
	}
	if !slices.Equal(listed, made) {
		t.Errorf("listed %v\nmade   %v", listed, made)
	}
}

func TestPageTokensServeTheirListOnly(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	other := meeting.Owner{Account: "999999999999", Region: legacy.Region, Flavour: meeting.Legacy}
	s := v.create(legacy, "a", users("user", 5)...)
	s2 := v.create(legacy, "b", users("user", 5)...)
	v.create(other, "c")
	_, meetings, err := v.ListMeetings(ctx, legacy, 1, "")
	must(t, err)
	_, attendees, err := v.ListAttendees(ctx, legacy, s.ID, 2, "")
	must(t, err)
	if meetings == "" || attendees == "" {
		t.Fatal("no tokens")
	}
	refusedMeetings := func(name string, o meeting.Owner, token string) {
		t.Helper()
		if _, _, err := v.ListMeetings(ctx, o, 1, token); !isKind(err, meeting.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	refusedAttendees := func(name string, id meeting.ID, token string) {
		t.Helper()
		if _, _, err := v.ListAttendees(ctx, legacy, id, 2, token); !isKind(err, meeting.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	refusedMeetings("another owner's", other, meetings)
	refusedMeetings("another list's", legacy, attendees)
	refusedAttendees("another list's", s.ID, meetings)
	refusedAttendees("another meeting's", s2.ID, attendees)
	for i := range attendees {
		altered := []byte(attendees)
		altered[i] = 'A' + (altered[i]+1)%26
		if string(altered) != attendees {
			refusedAttendees("altered", s.ID, string(altered))
		}
	}
	refusedAttendees("made up", s.ID, "abc")
	if list, next, err := v.ListAttendees(ctx, legacy, s.ID, 3, attendees); err != nil || len(list) != 3 || next != "" {
		t.Errorf("the rest: %d, %q, %v", len(list), next, err)
	}
	if list, next, err := v.ListMeetings(ctx, meeting.Owner{Account: "1"}, 0, ""); err != nil || len(list) != 0 || next != "" {
		t.Errorf("of nobody: %v, %q, %v", list, next, err)
	}
}
