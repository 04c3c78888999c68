package carillontest_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"

	"github.com/carillon-meetings/carillon/carillontest"
	"github.com/carillon-meetings/carillon/internal/load/door"
	"github.com/carillon-meetings/carillon/internal/media/client"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// join has a new attendee of the meeting join as a client does, with media, and
// waits until that is told. The client stays until the test ends.
func join(t *testing.T, srv *carillontest.Server, sdk *chimesdkmeetings.Client, meetingID, user string) (attendeeID string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	got, err := sdk.GetMeeting(ctx, &chimesdkmeetings.GetMeetingInput{MeetingId: &meetingID})
	if err != nil {
		t.Fatal(err)
	}
	made, err := sdk.CreateAttendee(ctx, &chimesdkmeetings.CreateAttendeeInput{MeetingId: &meetingID, ExternalUserId: &user})
	if err != nil {
		t.Fatal(err)
	}
	cert, err := client.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	media, err := client.New(cert)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = media.Close() })
	url := aws.ToString(got.Meeting.MediaPlacement.SignalingUrl)
	d, err := door.Dial(ctx, nil, url, aws.ToString(made.Attendee.JoinToken), func(*wire.Index) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	answer, err := d.Enter(ctx, 1, media.Offer(false, 0), true)
	if err != nil {
		t.Fatal(err)
	}
	if err := media.Connect(ctx, answer); err != nil {
		t.Fatal(err)
	}
	srv.WaitForEvent(carillontest.Filter{Type: "AttendeeJoined", AttendeeID: *made.Attendee.AttendeeId})
	return *made.Attendee.AttendeeId
}

// A meeting lives while somebody is connected. Whoever loses the connection and
// does not come back has dropped twelve seconds later, and five minutes after
// that the meeting is over: at those times, however far the clock is moved at once.
func TestWhatFollowsALostConnectionHappensInItsOrder(t *testing.T) {
	srv := carillontest.Start(t)
	client := sdk(srv)
	id := create(t, client, "standup-1")
	ada := join(t, srv, client, id, "ada")
	srv.Advance(time.Hour)
	if _, err := client.GetMeeting(t.Context(), &chimesdkmeetings.GetMeetingInput{MeetingId: &id}); err != nil {
		t.Fatalf("with somebody connected: %v", err)
	}
	lost := srv.Now().Truncate(time.Millisecond) // as events tell time
	srv.Drop(id, ada)
	srv.Advance(11 * time.Second)
	if gone := srv.Events(carillontest.Filter{Type: "AttendeeDropped"}); len(gone) > 0 {
		t.Errorf("dropped at once: %+v", gone)
	}
	srv.Advance(10 * time.Minute)
	var types []string
	at := map[string]time.Duration{}
	for _, e := range srv.Events(carillontest.Filter{MeetingID: id}) {
		kind := strings.TrimPrefix(e.Detail.EventType, "chime:")
		types = append(types, kind)
		at[kind] = time.UnixMilli(e.Detail.Timestamp).Sub(lost)
	}
	if got, want := strings.Join(types, " "), "MeetingStarted AttendeeAdded AttendeeAuthorized AttendeeJoined AttendeeDropped MeetingEnded"; got != want {
		t.Errorf("events %s, want %s", got, want)
	}
	slack := 3 * time.Second // for a busy machine: the clock runs by itself, too
	if d := at["AttendeeDropped"]; d < 12*time.Second || d > 12*time.Second+slack {
		t.Errorf("dropped after %v", d)
	}
	if d := at["MeetingEnded"] - at["AttendeeDropped"]; d < 5*time.Minute-time.Second || d > 5*time.Minute+slack {
		t.Errorf("ended %v later", d)
	}
}
