package carillontest_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"

	"github.com/carillon-meetings/carillon/carillontest"
)

// In a test it is Start(t), and nothing has to be closed.
func Example() {
	srv := carillontest.Run()
	defer srv.Close()
	client := chimesdkmeetings.New(chimesdkmeetings.Options{
		BaseEndpoint: aws.String(srv.Endpoint), Region: carillontest.Region, HTTPClient: awsClient(),
		Credentials: credentials.NewStaticCredentialsProvider(carillontest.AccessKey, carillontest.SecretKey, ""),
	})
	ctx := context.Background()

	srv.Throttle("CreateMeeting", 2) // the SDK tries three times
	made, err := client.CreateMeeting(ctx, &chimesdkmeetings.CreateMeetingInput{
		ClientRequestToken: aws.String("standup-1"), ExternalMeetingId: aws.String("standup"), MediaRegion: aws.String("us-east-1"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("created", *made.Meeting.ExternalMeetingId)

	srv.Advance(10 * time.Minute) // nobody joins
	event := srv.WaitForEvent(carillontest.Filter{Type: "MeetingEnded"})
	fmt.Println(event.Detail.EventType, "of", event.Detail.ExternalMeetingID)
	_, err = client.GetMeeting(ctx, &chimesdkmeetings.GetMeetingInput{MeetingId: made.Meeting.MeetingId})
	var gone *types.NotFoundException
	fmt.Println("gone:", errors.As(err, &gone))

	// Output:
	// created standup
	// chime:MeetingEnded of standup
	// gone: true
}
