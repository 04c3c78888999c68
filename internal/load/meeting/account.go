package meeting

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"
)

// account makes meetings and attendees through the API, as an application does.
type account struct{ api *sdk.Client }

// mediaRegion is that of the meetings, and of who does not say for which to sign.
const mediaRegion = "us-east-1"

func newAccount(o Options) *account {
	return &account{api: sdk.New(sdk.Options{
		Region:       o.Region,
		BaseEndpoint: aws.String(o.Endpoint),
		Credentials:  credentials.NewStaticCredentialsProvider(o.AccessKey, o.SecretKey, o.Token),
	})}
}

// place is a meeting with the join tokens of its attendees.
type place struct {
	id, url string
	tokens  []string
}

// open creates a meeting with attendees. If it fails, the meeting is deleted.
func (a *account) open(ctx context.Context, name string, attendees int) (place, error) {
	out, err := a.api.CreateMeeting(ctx, &sdk.CreateMeetingInput{
		ClientRequestToken: aws.String(name), ExternalMeetingId: aws.String(name), MediaRegion: aws.String(mediaRegion),
	})
	if err != nil {
		return place{}, fmt.Errorf("create meeting: %w", err)
	}
	p := place{id: aws.ToString(out.Meeting.MeetingId), url: aws.ToString(out.Meeting.MediaPlacement.SignalingUrl)}
	if err := a.invite(ctx, &p, attendees); err != nil {
		a.close(context.WithoutCancel(ctx), p)
		return place{}, err
	}
	return p, nil
}

// invite creates the attendees, in batches of at most 100.
func (a *account) invite(ctx context.Context, p *place, attendees int) error {
	const batch = 100
	for len(p.tokens) < attendees {
		var items []types.CreateAttendeeRequestItem
		for i := len(p.tokens); i < min(attendees, len(p.tokens)+batch); i++ {
			items = append(items, types.CreateAttendeeRequestItem{ExternalUserId: aws.String(fmt.Sprintf("load-%d", i))})
		}
		out, err := a.api.BatchCreateAttendee(ctx, &sdk.BatchCreateAttendeeInput{MeetingId: &p.id, Attendees: items})
		if err != nil {
			return fmt.Errorf("create attendees: %w", err)
		}
		if len(out.Errors) > 0 {
			return fmt.Errorf("create attendees: %s: %s", aws.ToString(out.Errors[0].ErrorCode), aws.ToString(out.Errors[0].ErrorMessage))
		}
		for _, made := range out.Attendees {
			p.tokens = append(p.tokens, aws.ToString(made.JoinToken))
		}
	}
	return nil
}

// close deletes the meeting. Failing only leaves it to the server's timers.
func (a *account) close(ctx context.Context, p place) {
	_, _ = a.api.DeleteMeeting(ctx, &sdk.DeleteMeetingInput{MeetingId: &p.id})
}
