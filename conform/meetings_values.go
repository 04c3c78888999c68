package conform

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"
)

// Conversions between the shared values and those of the current flavour's SDK.

func currentFeatures(f *Features) *types.MeetingFeaturesConfiguration {
	if f == nil {
		return nil
	}
	out := &types.MeetingFeaturesConfiguration{}
	if f.EchoReduction != "" {
		out.Audio = &types.AudioFeatures{EchoReduction: types.MeetingFeatureStatus(f.EchoReduction)}
	}
	if f.VideoResolution != "" {
		out.Video = &types.VideoFeatures{MaxResolution: types.VideoResolution(f.VideoResolution)}
	}
	if f.ContentResolution != "" {
		out.Content = &types.ContentFeatures{MaxResolution: types.ContentResolution(f.ContentResolution)}
	}
	if f.MaxAttendees != 0 {
		out.Attendee = &types.AttendeeFeatures{MaxCount: &f.MaxAttendees}
	}
	return out
}

func currentNotifications(n *Notifications) *types.NotificationsConfiguration {
	if n == nil {
		return nil
	}
	return &types.NotificationsConfiguration{SnsTopicArn: given(n.SNS), SqsQueueArn: given(n.SQS), LambdaFunctionArn: given(n.Lambda)}
}

func currentTags(tags []Tag) []types.Tag {
	if tags == nil {
		return nil
	}
	out := make([]types.Tag, len(tags))
	for i := range tags {
		out[i] = types.Tag{Key: &tags[i].Key, Value: &tags[i].Value}
	}
	return out
}

func currentItems(in []NewAttendee) []types.CreateAttendeeRequestItem {
	out := make([]types.CreateAttendeeRequestItem, len(in))
	for i := range in {
		out[i] = types.CreateAttendeeRequestItem{
			ExternalUserId: &in[i].ExternalUserID, Capabilities: currentCapabilities(in[i].Capabilities),
		}
	}
	return out
}

func currentCapabilities(c *Capabilities) *types.AttendeeCapabilities {
	if c == nil {
		return nil
	}
	return &types.AttendeeCapabilities{
		Audio: types.MediaCapabilities(c.Audio), Video: types.MediaCapabilities(c.Video), Content: types.MediaCapabilities(c.Content),
	}
}

func currentTranscription(in Transcription) *types.TranscriptionConfiguration {
	out := &types.TranscriptionConfiguration{}
	if g := in.General; g != nil {
		out.EngineTranscribeSettings = &types.EngineTranscribeSettings{
			LanguageCode: types.TranscribeLanguageCode(g.Language), Region: types.TranscribeRegion(g.Region),
		}
	}
	if m := in.Medical; m != nil {
		out.EngineTranscribeMedicalSettings = &types.EngineTranscribeMedicalSettings{
			LanguageCode: types.TranscribeMedicalLanguageCode(m.Language),
			Specialty:    types.TranscribeMedicalSpecialty(m.Specialty),
			Type:         types.TranscribeMedicalType(m.Type),
		}
	}
	return out
}

func currentMeeting(m *types.Meeting) Meeting {
	if m == nil {
		return Meeting{}
	}
	out := Meeting{
		ID: aws.ToString(m.MeetingId), ARN: aws.ToString(m.MeetingArn),
		ExternalMeetingID: aws.ToString(m.ExternalMeetingId), MediaRegion: aws.ToString(m.MediaRegion),
		HostID: aws.ToString(m.MeetingHostId), PrimaryID: aws.ToString(m.PrimaryMeetingId), TenantIDs: m.TenantIds,
	}
	if p := m.MediaPlacement; p != nil {
		out.Placement = Placement{
			AudioHostURL: aws.ToString(p.AudioHostUrl), AudioFallbackURL: aws.ToString(p.AudioFallbackUrl),
			SignalingURL: aws.ToString(p.SignalingUrl), TurnControlURL: aws.ToString(p.TurnControlUrl),
			ScreenDataURL: aws.ToString(p.ScreenDataUrl), ScreenSharingURL: aws.ToString(p.ScreenSharingUrl),
			ScreenViewingURL: aws.ToString(p.ScreenViewingUrl), EventIngestion: aws.ToString(p.EventIngestionUrl),
		}
	}
	if f := m.MeetingFeatures; f != nil {
		out.Features = sharedFeatures(f)
	}
	return out
}

func sharedFeatures(f *types.MeetingFeaturesConfiguration) *Features {
	out := &Features{}
	if f.Audio != nil {
		out.EchoReduction = string(f.Audio.EchoReduction)
	}
	if f.Video != nil {
		out.VideoResolution = string(f.Video.MaxResolution)
	}
	if f.Content != nil {
		out.ContentResolution = string(f.Content.MaxResolution)
	}
	if f.Attendee != nil {
		out.MaxAttendees = aws.ToInt32(f.Attendee.MaxCount)
	}
	return out
}

func currentAttendee(a *types.Attendee) Attendee {
	if a == nil {
		return Attendee{}
	}
	out := Attendee{
		ID: aws.ToString(a.AttendeeId), ExternalUserID: aws.ToString(a.ExternalUserId), JoinToken: aws.ToString(a.JoinToken),
	}
	if c := a.Capabilities; c != nil {
		out.Capabilities = &Capabilities{Audio: string(c.Audio), Video: string(c.Video), Content: string(c.Content)}
	}
	return out
}

func currentBatch(attendees []types.Attendee, errs []types.CreateAttendeeError) Batch {
	var b Batch
	for i := range attendees {
		b.Attendees = append(b.Attendees, currentAttendee(&attendees[i]))
	}
	for _, e := range errs {
		b.Errors = append(b.Errors, ItemError{
			ExternalUserID: aws.ToString(e.ExternalUserId), Code: aws.ToString(e.ErrorCode), Message: aws.ToString(e.ErrorMessage),
		})
	}
	return b
}
