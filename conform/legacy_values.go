package conform

//lint:file-ignore SA1019 the retired SDK is the legacy flavour's client

import (
	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/service/chime"
)

// Conversions between the shared values and those of the legacy flavour's SDK.

func legacyNotifications(n *Notifications) *chime.MeetingNotificationConfiguration {
	if n == nil {
		return nil
	}
	return &chime.MeetingNotificationConfiguration{SnsTopicArn: given(n.SNS), SqsQueueArn: given(n.SQS)}
}

func legacyTags(tags []Tag) []*chime.Tag {
	if tags == nil {
		return nil
	}
	out := make([]*chime.Tag, len(tags))
	for i := range tags {
		out[i] = &chime.Tag{Key: &tags[i].Key, Value: &tags[i].Value}
	}
	return out
}

func sharedTags(tags []*chime.Tag) []Tag {
	out := make([]Tag, len(tags))
	for i, t := range tags {
		out[i] = Tag{Key: aws.StringValue(t.Key), Value: aws.StringValue(t.Value)}
	}
	return out
}

func legacyItems(in []NewAttendee) []*chime.CreateAttendeeRequestItem {
	out := make([]*chime.CreateAttendeeRequestItem, len(in))
	for i := range in {
		out[i] = &chime.CreateAttendeeRequestItem{ExternalUserId: &in[i].ExternalUserID, Tags: legacyTags(in[i].Tags)}
	}
	return out
}

func legacyTranscription(in Transcription) *chime.TranscriptionConfiguration {
	out := &chime.TranscriptionConfiguration{}
	if g := in.General; g != nil {
		out.EngineTranscribeSettings = &chime.EngineTranscribeSettings{LanguageCode: given(g.Language), Region: given(g.Region)}
	}
	if m := in.Medical; m != nil {
		out.EngineTranscribeMedicalSettings = &chime.EngineTranscribeMedicalSettings{
			LanguageCode: given(m.Language), Specialty: given(m.Specialty), Type: given(m.Type),
		}
	}
	return out
}

func legacyMeeting(m *chime.Meeting) Meeting {
	if m == nil {
		return Meeting{}
	}
	out := Meeting{
		ID: aws.StringValue(m.MeetingId), ExternalMeetingID: aws.StringValue(m.ExternalMeetingId),
		MediaRegion: aws.StringValue(m.MediaRegion),
	}
	if p := m.MediaPlacement; p != nil {
		out.Placement = Placement{
			AudioHostURL: aws.StringValue(p.AudioHostUrl), AudioFallbackURL: aws.StringValue(p.AudioFallbackUrl),
			SignalingURL: aws.StringValue(p.SignalingUrl), TurnControlURL: aws.StringValue(p.TurnControlUrl),
			ScreenDataURL: aws.StringValue(p.ScreenDataUrl), ScreenSharingURL: aws.StringValue(p.ScreenSharingUrl),
			ScreenViewingURL: aws.StringValue(p.ScreenViewingUrl), EventIngestion: aws.StringValue(p.EventIngestionUrl),
		}
	}
	return out
}

func legacyAttendee(a *chime.Attendee) Attendee {
	if a == nil {
		return Attendee{}
	}
	return Attendee{
		ID: aws.StringValue(a.AttendeeId), ExternalUserID: aws.StringValue(a.ExternalUserId), JoinToken: aws.StringValue(a.JoinToken),
	}
}

func legacyBatch(attendees []*chime.Attendee, errs []*chime.CreateAttendeeError) Batch {
	var b Batch
	for _, a := range attendees {
		b.Attendees = append(b.Attendees, legacyAttendee(a))
	}
	for _, e := range errs {
		b.Errors = append(b.Errors, ItemError{
			ExternalUserID: aws.StringValue(e.ExternalUserId), Code: aws.StringValue(e.ErrorCode), Message: aws.StringValue(e.ErrorMessage),
		})
	}
	return b
}
