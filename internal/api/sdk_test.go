package api_test

//lint:file-ignore SA1019 the retired SDK is the legacy flavour's client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	awsv2 "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"
	awsv1 "github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/awserr"
	credentialsv1 "github.com/aws/aws-sdk-go/aws/credentials"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/chime"
	currentv1 "github.com/aws/aws-sdk-go/service/chimesdkmeetings"
	"github.com/aws/smithy-go"
)

// clientV2 is the stock client of the current flavour, told nothing but where
// the server is.
func clientV2(d *door, secret string) *chimesdkmeetings.Client {
	return chimesdkmeetings.New(chimesdkmeetings.Options{
		Region: d.region, BaseEndpoint: awsv2.String(d.server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(accessKey, secret, ""),
	})
}

func sessionV1(t *testing.T, d *door, base string) *session.Session {
	t.Helper()
	s, err := session.NewSession(&awsv1.Config{
		Region: awsv1.String(d.region), Endpoint: awsv1.String(d.server.URL + base), MaxRetries: awsv1.Int(0),
		Credentials: credentialsv1.NewStaticCredentials(accessKey, secret, ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestGoSDKv2(t *testing.T) {
	ctx, d := context.Background(), open(t, nil)
	d.region = "eu-central-1"
	client := clientV2(d, secret)
	made, err := client.CreateMeeting(ctx, &chimesdkmeetings.CreateMeetingInput{ // the SDK makes the token
		MediaRegion: awsv2.String("eu-west-3"), ExternalMeetingId: awsv2.String("standup"), TenantIds: []string{"ab"},
		MeetingFeatures: &types.MeetingFeaturesConfiguration{Attendee: &types.AttendeeFeatures{MaxCount: awsv2.Int32(102)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	id := made.Meeting.MeetingId
	var items []types.CreateAttendeeRequestItem
	for i := range 100 {
		items = append(items, types.CreateAttendeeRequestItem{ExternalUserId: awsv2.String(fmt.Sprint("user-", i)),
			Capabilities: &types.AttendeeCapabilities{Audio: "SendReceive", Video: "Receive", Content: "Receive"}})
	}
	batch, err := client.BatchCreateAttendee(ctx, &chimesdkmeetings.BatchCreateAttendeeInput{MeetingId: id, Attendees: items})
	if err != nil || len(batch.Attendees) != 100 || batch.Errors == nil || len(batch.Errors) != 0 || batch.Attendees[99].Capabilities.Video != "Receive" {
		t.Fatalf("%+v, %v", batch, err)
	}
	var listed []types.Attendee
	pages := chimesdkmeetings.NewListAttendeesPaginator(client, &chimesdkmeetings.ListAttendeesInput{MeetingId: id, MaxResults: awsv2.Int32(30)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, page.Attendees...)
	}
	same := func(a, b types.Attendee) bool {
		return *a.AttendeeId == *b.AttendeeId && *a.JoinToken == *b.JoinToken
	}
	if !slices.EqualFunc(listed, batch.Attendees, same) {
		t.Errorf("listed %d attendees, not those made", len(listed))
	}
	if _, err := client.BatchUpdateAttendeeCapabilitiesExcept(ctx, &chimesdkmeetings.BatchUpdateAttendeeCapabilitiesExceptInput{
		MeetingId: id, ExcludedAttendeeIds: []types.AttendeeIdItem{{AttendeeId: listed[0].AttendeeId}},
		Capabilities: &types.AttendeeCapabilities{Audio: "None", Video: "None", Content: "None"},
	}); err != nil {
		t.Error(err)
	}
	if _, err := client.TagResource(ctx, &chimesdkmeetings.TagResourceInput{ResourceARN: made.Meeting.MeetingArn, Tags: []types.Tag{{Key: awsv2.String("k"), Value: awsv2.String("")}}}); err != nil {
		t.Error(err)
	}
	if tags, err := client.ListTagsForResource(ctx, &chimesdkmeetings.ListTagsForResourceInput{ResourceARN: made.Meeting.MeetingArn}); err != nil || len(tags.Tags) != 1 {
		t.Errorf("%+v, %v", tags, err)
	}
	if _, err := client.StartMeetingTranscription(ctx, &chimesdkmeetings.StartMeetingTranscriptionInput{MeetingId: id,
		TranscriptionConfiguration: &types.TranscriptionConfiguration{EngineTranscribeSettings: &types.EngineTranscribeSettings{LanguageCode: "en-US"}}}); err != nil {
		t.Error(err)
	}
	if _, err := client.DeleteMeeting(ctx, &chimesdkmeetings.DeleteMeetingInput{MeetingId: id}); err != nil {
		t.Error(err)
	}
	checkTypedErrorsV2(t, client, clientV2(d, "wrong"), id, made.Meeting.MeetingArn)
}

func checkTypedErrorsV2(t *testing.T, client, wrong *chimesdkmeetings.Client, gone, arn *string) {
	t.Helper()
	ctx := context.Background()
	_, err := client.GetMeeting(ctx, &chimesdkmeetings.GetMeetingInput{MeetingId: gone})
	var missing *types.NotFoundException
	if !errors.As(err, &missing) || missing.RequestId == nil || *missing.Code != "NotFound" || missing.ErrorMessage() == "" {
		t.Errorf("GetMeeting: %v", err)
	}
	_, err = client.ListTagsForResource(ctx, &chimesdkmeetings.ListTagsForResourceInput{ResourceARN: arn})
	var resource *types.ResourceNotFoundException
	if !errors.As(err, &resource) || *resource.ResourceName != *arn {
		t.Errorf("ListTagsForResource: %v", err)
	}
	_, err = client.GetMeeting(ctx, &chimesdkmeetings.GetMeetingInput{MeetingId: awsv2.String("x y/z%")})
	var bad *types.BadRequestException
	if !errors.As(err, &bad) {
		t.Errorf("GetMeeting with odd label: %v", err)
	}
	_, err = wrong.GetMeeting(ctx, &chimesdkmeetings.GetMeetingInput{MeetingId: gone})
	var generic smithy.APIError
	if !errors.As(err, &generic) || generic.ErrorCode() != "InvalidSignatureException" || generic.ErrorMessage() == "" {
		t.Errorf("wrong secret: %v", err)
	}
}

func TestGoSDKv1Legacy(t *testing.T) {
	d := open(t, nil)
	client := chime.New(sessionV1(t, d, "/legacy"))
	made, err := client.CreateMeetingWithAttendees(&chime.CreateMeetingWithAttendeesInput{
		Attendees: []*chime.CreateAttendeeRequestItem{{ExternalUserId: awsv1.String("用户 1"), Tags: []*chime.Tag{{Key: awsv1.String("k"), Value: awsv1.String("v")}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	id, attendee := made.Meeting.MeetingId, made.Attendees[0].AttendeeId
	if tags, err := client.ListAttendeeTags(&chime.ListAttendeeTagsInput{MeetingId: id, AttendeeId: attendee}); err != nil || len(tags.Tags) != 1 {
		t.Errorf("%v, %v", tags, err)
	}
	if got, err := client.GetAttendee(&chime.GetAttendeeInput{MeetingId: id, AttendeeId: attendee}); err != nil || *got.Attendee.JoinToken != *made.Attendees[0].JoinToken {
		t.Errorf("%v, %v", got, err)
	}
	// The same client without the base path finds its meeting at home.
	plain := chime.New(sessionV1(t, d, ""))
	if _, err := plain.TagMeeting(&chime.TagMeetingInput{MeetingId: id, Tags: []*chime.Tag{{Key: awsv1.String("k"), Value: awsv1.String("v")}}}); err != nil {
		t.Error(err)
	}
	if batch, err := plain.BatchCreateAttendee(&chime.BatchCreateAttendeeInput{MeetingId: id, Attendees: []*chime.CreateAttendeeRequestItem{{ExternalUserId: awsv1.String("two")}}}); err != nil || len(batch.Attendees) != 1 {
		t.Errorf("%v, %v", batch, err)
	}
	if list, err := client.ListMeetings(&chime.ListMeetingsInput{}); err != nil || len(list.Meetings) != 1 || *list.Meetings[0].MeetingId != *id {
		t.Errorf("%v, %v", list, err)
	}
	if _, err := client.DeleteMeeting(&chime.DeleteMeetingInput{MeetingId: id}); err != nil {
		t.Error(err)
	}
	_, err = client.GetMeeting(&chime.GetMeetingInput{MeetingId: id})
	var failed awserr.RequestFailure
	if !errors.As(err, &failed) || failed.Code() != chime.ErrCodeNotFoundException || failed.StatusCode() != 404 || failed.RequestID() == "" {
		t.Errorf("GetMeeting: %v", err)
	}
}

func TestGoSDKv1Current(t *testing.T) {
	d := open(t, nil)
	client := currentv1.New(sessionV1(t, d, ""))
	made, err := client.CreateMeeting(&currentv1.CreateMeetingInput{MediaRegion: awsv1.String("us-east-1"), ExternalMeetingId: awsv1.String("standup")})
	if err != nil {
		t.Fatal(err)
	}
	a, err := client.CreateAttendee(&currentv1.CreateAttendeeInput{MeetingId: made.Meeting.MeetingId, ExternalUserId: awsv1.String("user")})
	if err != nil || *a.Attendee.Capabilities.Audio != "SendReceive" {
		t.Errorf("%v, %v", a, err)
	}
}
