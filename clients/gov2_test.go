package clients

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"

	"github.com/carillon-meetings/carillon/internal/servertest"
)

// TestGoV2FromEnvironment drives the SDK as an application does that knows
// nothing of Carillon: the environment alone points it here.
func TestGoV2FromEnvironment(t *testing.T) {
	s := servertest.Start(t)
	t.Setenv("AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS", s.Endpoint)
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", servertest.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", servertest.SecretKey)
	t.Setenv("AWS_SESSION_TOKEN", "")
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := chimesdkmeetings.NewFromConfig(cfg)
	made, err := client.CreateMeeting(t.Context(), &chimesdkmeetings.CreateMeetingInput{
		ClientRequestToken: aws.String("from-the-environment"), ExternalMeetingId: aws.String("weekly"), MediaRegion: aws.String("us-east-1"),
	})
	if err != nil {
		t.Fatal(err)
	}
	items := make([]types.CreateAttendeeRequestItem, 100)
	for i := range items {
		items[i].ExternalUserId = aws.String(fmt.Sprintf("user-%d", i))
	}
	batch, err := client.BatchCreateAttendee(t.Context(), &chimesdkmeetings.BatchCreateAttendeeInput{MeetingId: made.Meeting.MeetingId, Attendees: items})
	if err != nil {
		t.Fatal(err)
	}
	if len(batch.Attendees) != 100 || len(batch.Errors) != 0 || aws.ToString(batch.Attendees[99].JoinToken) == "" {
		t.Errorf("%d attendees, %d errors", len(batch.Attendees), len(batch.Errors))
	}
	tabulate(t, "AWS SDK for Go v2", s.Output)
}
