package carillontest_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"

	"github.com/carillon-meetings/carillon/carillontest"
)

// TestMain sees that no goroutine outlives the tests.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func sdk(srv *carillontest.Server) *chimesdkmeetings.Client {
	return chimesdkmeetings.New(chimesdkmeetings.Options{
		BaseEndpoint: aws.String(srv.Endpoint), Region: carillontest.Region,
		Credentials: credentials.NewStaticCredentialsProvider(carillontest.AccessKey, carillontest.SecretKey, ""),
		HTTPClient:  awsClient(),
	})
}

func create(t *testing.T, client *chimesdkmeetings.Client, token string) (meetingID string) {
	t.Helper()
	made, err := client.CreateMeeting(t.Context(), &chimesdkmeetings.CreateMeetingInput{
		ClientRequestToken: &token, ExternalMeetingId: aws.String("standup"), MediaRegion: aws.String("us-east-1"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return *made.Meeting.MeetingId
}

func TestAMeetingThatNobodyJoinsEndsByTheClock(t *testing.T) {
	srv := carillontest.Start(t)
	client := sdk(srv)
	id := create(t, client, "idle")
	began := srv.Now()
	srv.Advance(5*time.Minute - 10*time.Second)
	if _, err := client.GetMeeting(t.Context(), &chimesdkmeetings.GetMeetingInput{MeetingId: &id}); err != nil {
		t.Errorf("before its time: %v", err)
	}
	srv.Advance(10 * time.Minute)
	var gone *types.NotFoundException
	if _, err := client.GetMeeting(t.Context(), &chimesdkmeetings.GetMeetingInput{MeetingId: &id}); !errors.As(err, &gone) {
		t.Errorf("after its time: %v", err)
	}
	ended := srv.Events(carillontest.Filter{Type: "MeetingEnded", MeetingID: id})
	if len(ended) != 1 {
		t.Fatalf("events %+v", srv.Events(carillontest.Filter{}))
	}
	after := time.UnixMilli(ended[0].Detail.Timestamp).Sub(began)
	if after < 5*time.Minute-2*time.Second || after > 5*time.Minute+2*time.Second {
		t.Errorf("the meeting ended after %v", after)
	}
	if ahead := time.Until(srv.Now()); ahead < 14*time.Minute || ahead > 16*time.Minute {
		t.Errorf("the clock is %v ahead", ahead)
	}
}

func TestSDKsComeThroughThrottling(t *testing.T) {
	srv := carillontest.Start(t)
	client := sdk(srv)
	srv.Throttle("CreateMeeting", 2)
	create(t, client, "throttled") // two tries more than usual

	clear := srv.Throttle("CreateMeeting", 0)
	_, err := client.CreateMeeting(t.Context(), &chimesdkmeetings.CreateMeetingInput{
		ClientRequestToken: aws.String("standup-2"), ExternalMeetingId: aws.String("standup"), MediaRegion: aws.String("us-east-1"),
	})
	var throttled *types.ThrottlingException
	if !errors.As(err, &throttled) {
		t.Errorf("while throttled: %v", err)
	}
	clear()
	create(t, client, "standup-2")
}

func TestFailuresComeInTheFormOfTheFlavour(t *testing.T) {
	srv := carillontest.Start(t)
	client := sdk(srv)
	id := create(t, client, "standup-1")
	clear := srv.Fail(carillontest.Fault{Operation: "GetMeeting", Error: "ForbiddenException", Message: "not today"})
	_, err := client.GetMeeting(t.Context(), &chimesdkmeetings.GetMeetingInput{MeetingId: &id})
	var refused *types.ForbiddenException
	if !errors.As(err, &refused) || refused.ErrorMessage() != "not today" || aws.ToString(refused.Code) != "Forbidden" {
		t.Errorf("got %v", err)
	}
	clear()
	srv.Fail(carillontest.Fault{Operation: "GetMeeting", Error: "TeapotException", Status: 418, Calls: 1})
	_, err = client.GetMeeting(t.Context(), &chimesdkmeetings.GetMeetingInput{MeetingId: &id})
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "TeapotException" {
		t.Errorf("got %v", err)
	}
	if _, err = client.GetMeeting(t.Context(), &chimesdkmeetings.GetMeetingInput{MeetingId: &id}); err != nil {
		t.Errorf("after the last fault: %v", err)
	}
}

func TestADelayIsWaitedOut(t *testing.T) {
	srv := carillontest.Start(t)
	client := sdk(srv)
	id := create(t, client, "standup-1")
	srv.Fail(carillontest.Fault{Operation: "GetMeeting", Delay: 2 * time.Minute, Calls: 1})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := client.GetMeeting(ctx, &chimesdkmeetings.GetMeetingInput{MeetingId: &id}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if _, err := client.GetMeeting(t.Context(), &chimesdkmeetings.GetMeetingInput{MeetingId: &id}); err != nil {
		t.Error(err)
	}
}

func TestResetLeavesNothing(t *testing.T) {
	srv := carillontest.Start(t)
	client := sdk(srv)
	id := create(t, client, "standup-1")
	srv.Throttle("CreateMeeting", 0)
	srv.Advance(time.Minute)
	srv.Reset()
	if ahead := time.Until(srv.Now()).Abs(); ahead > 30*time.Second {
		t.Errorf("the clock is still %v off", ahead)
	}
	if events := srv.Events(carillontest.Filter{}); len(events) != 0 {
		t.Errorf("events %+v", events)
	}
	if again := create(t, client, "standup-1"); again == id {
		t.Error("the token still names the meeting of before")
	}
	srv.WaitForEvent(carillontest.Filter{Type: "chime:MeetingStarted"})
	srv.Advance(6 * time.Minute) // what is due is found after the clock went back, too
	srv.WaitForEvent(carillontest.Filter{Type: "MeetingEnded"})
}

func TestAnAttendeeIsRemovedAndAMeetingEnded(t *testing.T) {
	srv := carillontest.Start(t)
	client := sdk(srv)
	id := create(t, client, "standup-1")
	made, err := client.CreateAttendee(t.Context(), &chimesdkmeetings.CreateAttendeeInput{MeetingId: &id, ExternalUserId: aws.String("ada")})
	if err != nil {
		t.Fatal(err)
	}
	who := *made.Attendee.AttendeeId
	srv.Remove(id, who)
	srv.EndMeeting(id)
	var types []string
	for _, e := range srv.Events(carillontest.Filter{MeetingID: id}) {
		types = append(types, strings.TrimPrefix(e.Detail.EventType, "chime:"))
	}
	if got := strings.Join(types, " "); got != "MeetingStarted AttendeeAdded AttendeeDeleted MeetingEnded" {
		t.Errorf("events: %s", got)
	}
	deleted := srv.WaitForEvent(carillontest.Filter{Type: "AttendeeDeleted"})
	if d := deleted.Detail; d.AttendeeID != who || d.ExternalUserID != "ada" || d.ExternalMeetingID != "standup" || d.MediaRegion != "us-east-1" {
		t.Errorf("%+v", d)
	}
}

func TestTheEnvironmentLeadsToTheServer(t *testing.T) {
	srv := carillontest.Start(t)
	srv.Setenv()
	runFromEnvironment(t)
}
