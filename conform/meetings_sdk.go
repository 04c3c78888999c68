package conform

import (
	"context"
	"errors"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"
	"github.com/aws/smithy-go"
)

// currentSDK speaks the current flavour through the AWS SDK for Go v2. It
// never retries: a case wants to see each answer.
type currentSDK struct{ api *sdk.Client }

// newMeetingsDoor returns the door of the current flavour.
func newMeetingsDoor(c *Client, http *http.Client) *currentSDK {
	return &currentSDK{api: sdk.New(sdk.Options{
		Region:       c.region,
		BaseEndpoint: aws.String(c.base),
		Credentials:  credentials.NewStaticCredentialsProvider(c.keys.AccessKey, c.keys.SecretKey, c.keys.SessionToken),
		HTTPClient:   http,
		Retryer:      aws.NopRetryer{},
	})}
}

// code returns the error code the SDK read.
func (s *currentSDK) code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// given returns a pointer to s, or nil when it is empty.
func given(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (s *currentSDK) createMeeting(ctx context.Context, in NewMeeting) (Meeting, error) {
	out, err := s.api.CreateMeeting(ctx, &sdk.CreateMeetingInput{
		ClientRequestToken: given(in.Token), MediaRegion: given(in.MediaRegion),
		ExternalMeetingId: given(in.ExternalMeetingID), MeetingHostId: given(in.HostID),
		PrimaryMeetingId: given(in.PrimaryID), TenantIds: in.TenantIDs,
		MeetingFeatures: currentFeatures(in.Features), Tags: currentTags(in.Tags),
		NotificationsConfiguration: currentNotifications(in.Notifications),
	})
	if err != nil {
		return Meeting{}, err
	}
	return currentMeeting(out.Meeting), nil
}

func (s *currentSDK) createMeetingWithAttendees(ctx context.Context, in NewMeeting) (Batch, error) {
	out, err := s.api.CreateMeetingWithAttendees(ctx, &sdk.CreateMeetingWithAttendeesInput{
		ClientRequestToken: given(in.Token), MediaRegion: given(in.MediaRegion),
		ExternalMeetingId: given(in.ExternalMeetingID), MeetingHostId: given(in.HostID),
		PrimaryMeetingId: given(in.PrimaryID), TenantIds: in.TenantIDs,
		MeetingFeatures: currentFeatures(in.Features), Tags: currentTags(in.Tags),
		NotificationsConfiguration: currentNotifications(in.Notifications), Attendees: currentItems(in.Attendees),
	})
	if err != nil {
		return Batch{}, err
	}
	b := currentBatch(out.Attendees, out.Errors)
	b.Meeting = currentMeeting(out.Meeting)
	return b, nil
}

func (s *currentSDK) getMeeting(ctx context.Context, meeting string) (Meeting, error) {
	out, err := s.api.GetMeeting(ctx, &sdk.GetMeetingInput{MeetingId: &meeting})
	if err != nil {
		return Meeting{}, err
	}
	return currentMeeting(out.Meeting), nil
}

func (s *currentSDK) deleteMeeting(ctx context.Context, meeting string) error {
	_, err := s.api.DeleteMeeting(ctx, &sdk.DeleteMeetingInput{MeetingId: &meeting})
	return err
}

func (s *currentSDK) createAttendee(ctx context.Context, meeting string, in NewAttendee) (Attendee, error) {
	out, err := s.api.CreateAttendee(ctx, &sdk.CreateAttendeeInput{
		MeetingId: &meeting, ExternalUserId: &in.ExternalUserID, Capabilities: currentCapabilities(in.Capabilities),
	})
	if err != nil {
		return Attendee{}, err
	}
	return currentAttendee(out.Attendee), nil
}

func (s *currentSDK) batchCreateAttendee(ctx context.Context, meeting string, in []NewAttendee) (Batch, error) {
	out, err := s.api.BatchCreateAttendee(ctx, &sdk.BatchCreateAttendeeInput{MeetingId: &meeting, Attendees: currentItems(in)})
	if err != nil {
		return Batch{}, err
	}
	return currentBatch(out.Attendees, out.Errors), nil
}

func (s *currentSDK) getAttendee(ctx context.Context, meeting, attendee string) (Attendee, error) {
	out, err := s.api.GetAttendee(ctx, &sdk.GetAttendeeInput{MeetingId: &meeting, AttendeeId: &attendee})
	if err != nil {
		return Attendee{}, err
	}
	return currentAttendee(out.Attendee), nil
}

func (s *currentSDK) listAttendees(ctx context.Context, meeting string, p Page) (AttendeePage, error) {
	in := &sdk.ListAttendeesInput{MeetingId: &meeting, NextToken: given(p.Next)}
	if p.Max != 0 {
		in.MaxResults = &p.Max
	}
	out, err := s.api.ListAttendees(ctx, in)
	if err != nil {
		return AttendeePage{}, err
	}
	return AttendeePage{Attendees: currentBatch(out.Attendees, nil).Attendees, Next: aws.ToString(out.NextToken)}, nil
}

func (s *currentSDK) deleteAttendee(ctx context.Context, meeting, attendee string) error {
	_, err := s.api.DeleteAttendee(ctx, &sdk.DeleteAttendeeInput{MeetingId: &meeting, AttendeeId: &attendee})
	return err
}

func (s *currentSDK) updateCapabilities(ctx context.Context, meeting, attendee string, c Capabilities) (Attendee, error) {
	out, err := s.api.UpdateAttendeeCapabilities(ctx, &sdk.UpdateAttendeeCapabilitiesInput{
		MeetingId: &meeting, AttendeeId: &attendee, Capabilities: currentCapabilities(&c),
	})
	if err != nil {
		return Attendee{}, err
	}
	return currentAttendee(out.Attendee), nil
}

func (s *currentSDK) updateCapabilitiesExcept(ctx context.Context, meeting string, except []string, c Capabilities) error {
	items := make([]types.AttendeeIdItem, len(except))
	for i := range except {
		items[i].AttendeeId = &except[i]
	}
	_, err := s.api.BatchUpdateAttendeeCapabilitiesExcept(ctx, &sdk.BatchUpdateAttendeeCapabilitiesExceptInput{
		MeetingId: &meeting, ExcludedAttendeeIds: items, Capabilities: currentCapabilities(&c),
	})
	return err
}

func (s *currentSDK) startTranscription(ctx context.Context, meeting string, in Transcription) error {
	_, err := s.api.StartMeetingTranscription(ctx, &sdk.StartMeetingTranscriptionInput{
		MeetingId: &meeting, TranscriptionConfiguration: currentTranscription(in),
	})
	return err
}

func (s *currentSDK) stopTranscription(ctx context.Context, meeting string) error {
	_, err := s.api.StopMeetingTranscription(ctx, &sdk.StopMeetingTranscriptionInput{MeetingId: &meeting})
	return err
}

func (s *currentSDK) tagResource(ctx context.Context, arn string, tags []Tag) error {
	_, err := s.api.TagResource(ctx, &sdk.TagResourceInput{ResourceARN: &arn, Tags: currentTags(tags)})
	return err
}

func (s *currentSDK) untagResource(ctx context.Context, arn string, keys []string) error {
	_, err := s.api.UntagResource(ctx, &sdk.UntagResourceInput{ResourceARN: &arn, TagKeys: keys})
	return err
}

func (s *currentSDK) listTagsForResource(ctx context.Context, arn string) ([]Tag, error) {
	out, err := s.api.ListTagsForResource(ctx, &sdk.ListTagsForResourceInput{ResourceARN: &arn})
	if err != nil {
		return nil, err
	}
	tags := make([]Tag, len(out.Tags))
	for i, t := range out.Tags {
		tags[i] = Tag{Key: aws.ToString(t.Key), Value: aws.ToString(t.Value)}
	}
	return tags, nil
}
