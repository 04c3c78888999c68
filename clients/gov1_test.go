package clients

//lint:file-ignore SA1019 the retired SDK is the legacy flavour's client

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/awserr"
	"github.com/aws/aws-sdk-go/aws/credentials"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/chime"
	"github.com/aws/aws-sdk-go/service/chimesdkmeetings"

	"github.com/carillon-meetings/carillon/internal/servertest"
)

// goSession returns the settings of a client of the SDK.
func goSession(t *testing.T, endpoint string) *session.Session {
	t.Helper()
	s, err := session.NewSession(&aws.Config{
		Region: aws.String("us-east-1"), Endpoint: &endpoint,
		Credentials: credentials.NewStaticCredentials(servertest.AccessKey, servertest.SecretKey, ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// must fails the test when a call was refused.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// wantCode checks the code of an error.
func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var known awserr.Error
	if !errors.As(err, &known) || known.Code() != code {
		t.Errorf("error %v, want %s", err, code)
	}
}

// TestGoV1Legacy drives the legacy flavour, through both ways to reach it.
func TestGoV1Legacy(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	// The suffix tells the flavour for calls that name no meeting; those on a
	// meeting go through the bare endpoint, where the meeting itself tells it.
	suffixed, bare := chime.New(goSession(t, s.Endpoint+"/legacy")), chime.New(goSession(t, s.Endpoint))
	m := must[*chime.CreateMeetingOutput](t)(suffixed.CreateMeeting(&chime.CreateMeetingInput{})).Meeting
	items := make([]*chime.CreateAttendeeRequestItem, 100)
	for i := range items {
		items[i] = &chime.CreateAttendeeRequestItem{
			ExternalUserId: aws.String(fmt.Sprintf("日本-%d", i)), Tags: []*chime.Tag{{Key: aws.String("seat"), Value: aws.String("4b")}},
		}
	}
	out := must[*chime.BatchCreateAttendeeOutput](t)(bare.BatchCreateAttendee(&chime.BatchCreateAttendeeInput{MeetingId: m.MeetingId, Attendees: items}))
	if len(out.Attendees) != 100 || len(out.Errors) != 0 || *out.Attendees[42].ExternalUserId != "日本-42" {
		t.Fatalf("%d attendees, %d errors", len(out.Attendees), len(out.Errors))
	}
	var listed int
	err := bare.ListAttendeesPages(&chime.ListAttendeesInput{MeetingId: m.MeetingId, MaxResults: aws.Int64(30)}, func(p *chime.ListAttendeesOutput, _ bool) bool {
		listed += len(p.Attendees)
		return true
	})
	if err != nil || listed != 100 {
		t.Errorf("%d attendees listed: %v", listed, err)
	}
	tags := must[*chime.ListAttendeeTagsOutput](t)(bare.ListAttendeeTags(&chime.ListAttendeeTagsInput{MeetingId: m.MeetingId, AttendeeId: out.Attendees[0].AttendeeId}))
	if len(tags.Tags) != 1 || *tags.Tags[0].Value != "4b" {
		t.Errorf("tags %v", tags.Tags)
	}
	must[*chime.DeleteMeetingOutput](t)(bare.DeleteMeeting(&chime.DeleteMeetingInput{MeetingId: m.MeetingId}))
	_, err = suffixed.GetMeeting(&chime.GetMeetingInput{MeetingId: m.MeetingId})
	wantCode(t, err, chime.ErrCodeNotFoundException)
	tabulate(t, "AWS SDK for Go v1, chime", s.Output)
}

// TestGoV1Meetings drives the current flavour.
func TestGoV1Meetings(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	client := chimesdkmeetings.New(goSession(t, s.Endpoint))
	m := must[*chimesdkmeetings.CreateMeetingOutput](t)(client.CreateMeeting(&chimesdkmeetings.CreateMeetingInput{
		ExternalMeetingId: aws.String("go-v1"), MediaRegion: aws.String("eu-central-1"),
	})).Meeting
	listener := &chimesdkmeetings.AttendeeCapabilities{Audio: aws.String("Receive"), Video: aws.String("None"), Content: aws.String("None")}
	items := make([]*chimesdkmeetings.CreateAttendeeRequestItem, 100)
	for i := range items {
		items[i] = &chimesdkmeetings.CreateAttendeeRequestItem{ExternalUserId: aws.String(fmt.Sprintf("user-%d", i)), Capabilities: listener}
	}
	out := must[*chimesdkmeetings.BatchCreateAttendeeOutput](t)(client.BatchCreateAttendee(&chimesdkmeetings.BatchCreateAttendeeInput{MeetingId: m.MeetingId, Attendees: items}))
	if len(out.Attendees) != 100 || *out.Attendees[9].Capabilities.Audio != "Receive" {
		t.Fatalf("%d attendees", len(out.Attendees))
	}
	one := out.Attendees[0]
	must[*chimesdkmeetings.DeleteAttendeeOutput](t)(client.DeleteAttendee(&chimesdkmeetings.DeleteAttendeeInput{MeetingId: m.MeetingId, AttendeeId: one.AttendeeId}))
	_, err := client.GetAttendee(&chimesdkmeetings.GetAttendeeInput{MeetingId: m.MeetingId, AttendeeId: one.AttendeeId})
	wantCode(t, err, chimesdkmeetings.ErrCodeNotFoundException)
	for first := 100; first < 251; first += 100 {
		more := make([]*chimesdkmeetings.CreateAttendeeRequestItem, 0, 100)
		for i := first; i < min(first+100, 251); i++ {
			more = append(more, &chimesdkmeetings.CreateAttendeeRequestItem{ExternalUserId: aws.String(fmt.Sprintf("user-%d", i))})
		}
		must[*chimesdkmeetings.BatchCreateAttendeeOutput](t)(client.BatchCreateAttendee(&chimesdkmeetings.BatchCreateAttendeeInput{MeetingId: m.MeetingId, Attendees: more}))
	}
	_, err = client.CreateAttendee(&chimesdkmeetings.CreateAttendeeInput{MeetingId: m.MeetingId, ExternalUserId: aws.String("one-too-many")})
	wantCode(t, err, chimesdkmeetings.ErrCodeLimitExceededException)
	tabulate(t, "AWS SDK for Go v1, chimesdkmeetings", s.Output)
}

// TestGoV1SameBytes has both packages send the very same requests to the bare
// endpoint: the meeting that a request names tells its flavour, which shows in
// the status. A repeated user id gets the attendee there is.
func TestGoV1SameBytes(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	current := chimesdkmeetings.New(goSession(t, s.Endpoint))
	legacy := chime.New(goSession(t, s.Endpoint))
	m := must[*chimesdkmeetings.CreateMeetingOutput](t)(current.CreateMeeting(&chimesdkmeetings.CreateMeetingInput{
		ExternalMeetingId: aws.String("go-v1"), MediaRegion: aws.String("us-east-1"),
	})).Meeting
	l := must[*chime.CreateMeetingOutput](t)(chime.New(goSession(t, s.Endpoint+"/legacy")).CreateMeeting(&chime.CreateMeetingInput{})).Meeting

	first, out := current.BatchCreateAttendeeRequest(&chimesdkmeetings.BatchCreateAttendeeInput{
		MeetingId: m.MeetingId, Attendees: []*chimesdkmeetings.CreateAttendeeRequestItem{{ExternalUserId: aws.String("twice")}, {ExternalUserId: aws.String("twice")}},
	})
	second, legacyOut := legacy.BatchCreateAttendeeRequest(&chime.BatchCreateAttendeeInput{
		MeetingId: l.MeetingId, Attendees: []*chime.CreateAttendeeRequestItem{{ExternalUserId: aws.String("twice")}, {ExternalUserId: aws.String("twice")}},
	})
	if err := errors.Join(first.Send(), second.Send()); err != nil {
		t.Fatal(err)
	}
	if got := [2]int{first.HTTPResponse.StatusCode, second.HTTPResponse.StatusCode}; got != [2]int{200, 201} {
		t.Errorf("statuses %v, want 200 for the current flavour and 201 for the legacy one", got)
	}
	if first.RequestID == "" || first.RequestID == second.RequestID {
		t.Errorf("request ids %q and %q", first.RequestID, second.RequestID)
	}
	if a := out.Attendees; len(a) != 2 || *a[0].AttendeeId != *a[1].AttendeeId {
		t.Errorf("current: one user id gave %v", a)
	}
	if a := legacyOut.Attendees; len(a) != 2 || *a[0].AttendeeId != *a[1].AttendeeId {
		t.Errorf("legacy: one user id gave %v", a)
	}
}
