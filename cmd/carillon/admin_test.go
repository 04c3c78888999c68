package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"

	"github.com/carillon-meetings/carillon/internal/observe"
)

// What an operator does at a terminal takes effect in both flavours.
func TestAdminActsOnMeetings(t *testing.T) {
	s := startServer(t, t.TempDir(), "--access-key", "AKIAADMIN", "--secret-key", "secret-of-the-admin")
	target := adminTarget{Endpoint: s.ports.public.String() + "/", AccessKey: "AKIAADMIN", SecretKey: "secret-of-the-admin", Region: "eu-west-1"}
	web := &http.Client{}
	t.Cleanup(web.CloseIdleConnections)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	list := func(ended bool) (all []observe.Meeting) {
		var text strings.Builder
		if err := (&adminListCommand{adminTarget: target, Ended: ended, JSON: true}).print(t.Context(), &text); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(text.String()), &all); err != nil {
			t.Fatal(err)
		}
		return all
	}
	for base, region := range map[string]string{"": "ap-southeast-1", "/legacy": "us-east-1"} {
		target.Endpoint = s.ports.public.String() + base + "/" // as AWS_ENDPOINT_URL_… may have it
		sdk := chimesdkmeetings.New(chimesdkmeetings.Options{
			Region: region, BaseEndpoint: aws.String(s.ports.public.String() + base), HTTPClient: web,
			Credentials: credentials.NewStaticCredentialsProvider("AKIAADMIN", "secret-of-the-admin", ""),
		})
		made, err := sdk.CreateMeeting(t.Context(), &chimesdkmeetings.CreateMeetingInput{
			ClientRequestToken: aws.String("today"), ExternalMeetingId: aws.String("standup"), MediaRegion: aws.String(region),
		})
		if err != nil {
			t.Fatal(err)
		}
		id := made.Meeting.MeetingId
		ada, err := sdk.CreateAttendee(t.Context(), &chimesdkmeetings.CreateAttendeeInput{MeetingId: id, ExternalUserId: aws.String("ada")})
		if err != nil {
			t.Fatal(err)
		}
		if all := list(false); len(all) != 1 || all[0].ID.String() != *id || all[0].External != "standup" {
			t.Errorf("%q: listed %+v", base, all)
		}
		who := adminAttendee{target, *id, *ada.Attendee.AttendeeId}
		audio := func() types.MediaCapabilities {
			a, err := sdk.GetAttendee(t.Context(), &chimesdkmeetings.GetAttendeeInput{MeetingId: id, AttendeeId: ada.Attendee.AttendeeId})
			if err != nil {
				t.Fatal(err)
			}
			if a.Attendee.Capabilities == nil { // the legacy flavour does not tell
				return ""
			}
			return a.Attendee.Capabilities.Audio
		}
		if err := (&adminMuteCommand{who}).Run(t.Context()); err != nil || base == "" && audio() != types.MediaCapabilitiesReceive {
			t.Errorf("%q: muted: %v, %v", base, audio(), err)
		}
		if err := (&adminUnmuteCommand{who}).Run(t.Context()); err != nil || base == "" && audio() != types.MediaCapabilitiesSendReceive {
			t.Errorf("%q: unmuted: %v, %v", base, audio(), err)
		}
		if err := (&adminSayCommand{adminTarget: target, Meeting: *id, Text: "hello", Topic: "chat"}).Run(t.Context()); err != nil {
			t.Errorf("%q: said: %v", base, err)
		}
		if err := (&adminShowCommand{target, *id, *ada.Attendee.AttendeeId}).Run(t.Context()); err != nil {
			t.Errorf("%q: shown: %v", base, err)
		}
		if err := (&adminRemoveCommand{who}).Run(t.Context()); err != nil {
			t.Errorf("%q: removed: %v", base, err)
		}
		if _, err := sdk.GetAttendee(t.Context(), &chimesdkmeetings.GetAttendeeInput{MeetingId: id, AttendeeId: ada.Attendee.AttendeeId}); err == nil {
			t.Errorf("%q: a removed attendee is still there", base)
		}
		end := adminEndCommand{target, *id}
		if err := end.Run(t.Context()); err != nil || len(list(false)) != 0 {
			t.Errorf("%q: ended: %v, left %v", base, err, list(false))
		}
		if err := end.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "ended already") {
			t.Errorf("%q: ended twice: %v", base, err)
		}
	}
	if all := list(true); len(all) != 2 {
		t.Errorf("ended: %+v", all)
	}
	for says, c := range map[string]adminShowCommand{
		"no access key": {adminTarget: adminTarget{Endpoint: target.Endpoint}, Meeting: "x"},
		"--endpoint":    {adminTarget: adminTarget{Endpoint: "http://[", AccessKey: "a", SecretKey: "b"}, Meeting: "x"},
		"not a GUID":    {adminTarget: target, Meeting: "../x"},
	} {
		if err := c.Run(t.Context()); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %s", err, says)
		}
	}
}
