package conform

//lint:file-ignore SA1019 the retired SDK is the legacy flavour's client

import (
	"context"
	"errors"
	"net/http"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/awserr"
	"github.com/aws/aws-sdk-go/aws/credentials"
	"github.com/aws/aws-sdk-go/aws/defaults"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/chime"
)

// legacySDK speaks the legacy flavour through the AWS SDK for Go v1. It never
// retries, and leaves the checking of the input to the server.
type legacySDK struct{ api *chime.Chime }

// newLegacyDoor returns the door of the legacy flavour.
func newLegacyDoor(c *Client, http *http.Client) *legacySDK {
	config := aws.NewConfig().WithRegion(c.region).WithEndpoint(c.base).WithHTTPClient(http).WithMaxRetries(0).
		WithDisableParamValidation(true).
		WithCredentials(credentials.NewStaticCredentials(c.keys.AccessKey, c.keys.SecretKey, c.keys.SessionToken))
	return &legacySDK{api: chime.New(&session.Session{Config: config, Handlers: defaults.Handlers()})}
}

// code returns the error code the SDK read.
func (s *legacySDK) code(err error) string {
	var api awserr.Error
	if errors.As(err, &api) {
		return api.Code()
	}
	return ""
}

func (s *legacySDK) createMeeting(ctx context.Context, in NewMeeting) (Meeting, error) {
	out, err := s.api.CreateMeetingWithContext(ctx, &chime.CreateMeetingInput{
		ClientRequestToken: given(in.Token), MediaRegion: given(in.MediaRegion),
		ExternalMeetingId: given(in.ExternalMeetingID), MeetingHostId: given(in.HostID),
		NotificationsConfiguration: legacyNotifications(in.Notifications), Tags: legacyTags(in.Tags),
	})
	if err != nil {
		return Meeting{}, err
	}
	return legacyMeeting(out.Meeting), nil
}

func (s *legacySDK) createMeetingWithAttendees(ctx context.Context, in NewMeeting) (Batch, error) {
	out, err := s.api.CreateMeetingWithAttendeesWithContext(ctx, &chime.CreateMeetingWithAttendeesInput{
		ClientRequestToken: given(in.Token), MediaRegion: given(in.MediaRegion),
		ExternalMeetingId: given(in.ExternalMeetingID), MeetingHostId: given(in.HostID),
		NotificationsConfiguration: legacyNotifications(in.Notifications), Tags: legacyTags(in.Tags),
		Attendees: legacyItems(in.Attendees),
	})
	if err != nil {
		return Batch{}, err
	}
	b := legacyBatch(out.Attendees, out.Errors)
	b.Meeting = legacyMeeting(out.Meeting)
	return b, nil
}

func (s *legacySDK) getMeeting(ctx context.Context, meeting string) (Meeting, error) {
	out, err := s.api.GetMeetingWithContext(ctx, &chime.GetMeetingInput{MeetingId: &meeting})
	if err != nil {
		return Meeting{}, err
	}
	return legacyMeeting(out.Meeting), nil
}

func (s *legacySDK) deleteMeeting(ctx context.Context, meeting string) error {
	_, err := s.api.DeleteMeetingWithContext(ctx, &chime.DeleteMeetingInput{MeetingId: &meeting})
	return err
}

func (s *legacySDK) listMeetings(ctx context.Context, p Page) (MeetingPage, error) {
	in := &chime.ListMeetingsInput{NextToken: given(p.Next)}
	if p.Max != 0 {
		in.MaxResults = aws.Int64(int64(p.Max))
	}
	out, err := s.api.ListMeetingsWithContext(ctx, in)
	if err != nil {
		return MeetingPage{}, err
	}
	page := MeetingPage{Next: aws.StringValue(out.NextToken)}
	for _, m := range out.Meetings {
		page.Meetings = append(page.Meetings, legacyMeeting(m))
	}
	return page, nil
}

func (s *legacySDK) createAttendee(ctx context.Context, meeting string, in NewAttendee) (Attendee, error) {
	out, err := s.api.CreateAttendeeWithContext(ctx, &chime.CreateAttendeeInput{
		MeetingId: &meeting, ExternalUserId: &in.ExternalUserID, Tags: legacyTags(in.Tags),
	})
	if err != nil {
		return Attendee{}, err
	}
	return legacyAttendee(out.Attendee), nil
}

func (s *legacySDK) batchCreateAttendee(ctx context.Context, meeting string, in []NewAttendee) (Batch, error) {
	out, err := s.api.BatchCreateAttendeeWithContext(ctx, &chime.BatchCreateAttendeeInput{MeetingId: &meeting, Attendees: legacyItems(in)})
	if err != nil {
		return Batch{}, err
	}
	return legacyBatch(out.Attendees, out.Errors), nil
}

func (s *legacySDK) getAttendee(ctx context.Context, meeting, attendee string) (Attendee, error) {
	out, err := s.api.GetAttendeeWithContext(ctx, &chime.GetAttendeeInput{MeetingId: &meeting, AttendeeId: &attendee})
	if err != nil {
		return Attendee{}, err
	}
	return legacyAttendee(out.Attendee), nil
}

func (s *legacySDK) listAttendees(ctx context.Context, meeting string, p Page) (AttendeePage, error) {
	in := &chime.ListAttendeesInput{MeetingId: &meeting, NextToken: given(p.Next)}
	if p.Max != 0 {
		in.MaxResults = aws.Int64(int64(p.Max))
	}
	out, err := s.api.ListAttendeesWithContext(ctx, in)
	if err != nil {
		return AttendeePage{}, err
	}
	return AttendeePage{Attendees: legacyBatch(out.Attendees, nil).Attendees, Next: aws.StringValue(out.NextToken)}, nil
}

func (s *legacySDK) deleteAttendee(ctx context.Context, meeting, attendee string) error {
	_, err := s.api.DeleteAttendeeWithContext(ctx, &chime.DeleteAttendeeInput{MeetingId: &meeting, AttendeeId: &attendee})
	return err
}

func (s *legacySDK) startTranscription(ctx context.Context, meeting string, in Transcription) error {
	_, err := s.api.StartMeetingTranscriptionWithContext(ctx, &chime.StartMeetingTranscriptionInput{
		MeetingId: &meeting, TranscriptionConfiguration: legacyTranscription(in),
	})
	return err
}

func (s *legacySDK) stopTranscription(ctx context.Context, meeting string) error {
	_, err := s.api.StopMeetingTranscriptionWithContext(ctx, &chime.StopMeetingTranscriptionInput{MeetingId: &meeting})
	return err
}

func (s *legacySDK) tagResource(ctx context.Context, arn string, tags []Tag) error {
	_, err := s.api.TagResourceWithContext(ctx, &chime.TagResourceInput{ResourceARN: &arn, Tags: legacyTags(tags)})
	return err
}

func (s *legacySDK) untagResource(ctx context.Context, arn string, keys []string) error {
	_, err := s.api.UntagResourceWithContext(ctx, &chime.UntagResourceInput{ResourceARN: &arn, TagKeys: aws.StringSlice(keys)})
	return err
}

func (s *legacySDK) listTagsForResource(ctx context.Context, arn string) ([]Tag, error) {
	out, err := s.api.ListTagsForResourceWithContext(ctx, &chime.ListTagsForResourceInput{ResourceARN: &arn})
	if err != nil {
		return nil, err
	}
	return sharedTags(out.Tags), nil
}

func (s *legacySDK) tagMeeting(ctx context.Context, meeting string, tags []Tag) error {
	_, err := s.api.TagMeetingWithContext(ctx, &chime.TagMeetingInput{MeetingId: &meeting, Tags: legacyTags(tags)})
	return err
}

func (s *legacySDK) untagMeeting(ctx context.Context, meeting string, keys []string) error {
	_, err := s.api.UntagMeetingWithContext(ctx, &chime.UntagMeetingInput{MeetingId: &meeting, TagKeys: aws.StringSlice(keys)})
	return err
}

func (s *legacySDK) listMeetingTags(ctx context.Context, meeting string) ([]Tag, error) {
	out, err := s.api.ListMeetingTagsWithContext(ctx, &chime.ListMeetingTagsInput{MeetingId: &meeting})
	if err != nil {
		return nil, err
	}
	return sharedTags(out.Tags), nil
}

func (s *legacySDK) tagAttendee(ctx context.Context, meeting, attendee string, tags []Tag) error {
	_, err := s.api.TagAttendeeWithContext(ctx, &chime.TagAttendeeInput{MeetingId: &meeting, AttendeeId: &attendee, Tags: legacyTags(tags)})
	return err
}

func (s *legacySDK) untagAttendee(ctx context.Context, meeting, attendee string, keys []string) error {
	_, err := s.api.UntagAttendeeWithContext(ctx, &chime.UntagAttendeeInput{MeetingId: &meeting, AttendeeId: &attendee, TagKeys: aws.StringSlice(keys)})
	return err
}

func (s *legacySDK) listAttendeeTags(ctx context.Context, meeting, attendee string) ([]Tag, error) {
	out, err := s.api.ListAttendeeTagsWithContext(ctx, &chime.ListAttendeeTagsInput{MeetingId: &meeting, AttendeeId: &attendee})
	if err != nil {
		return nil, err
	}
	return sharedTags(out.Tags), nil
}
