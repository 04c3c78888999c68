package carillontest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
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

// The application is told that a meeting is too much, and after that when to try
// again; it sees what Amazon's SDK makes of it.
func ExampleServer_Fail() {
	srv := carillontest.Run()
	defer srv.Close()
	client := chimesdkmeetings.New(chimesdkmeetings.Options{
		BaseEndpoint: aws.String(srv.Endpoint), Region: carillontest.Region, HTTPClient: awsClient(), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(carillontest.AccessKey, carillontest.SecretKey, ""),
	})
	create := func() error {
		_, err := client.CreateMeeting(context.Background(), &chimesdkmeetings.CreateMeetingInput{
			ClientRequestToken: aws.String("standup-1"), ExternalMeetingId: aws.String("standup"), MediaRegion: aws.String("us-east-1"),
		})
		return err
	}

	srv.Fail(carillontest.Fault{Operation: "CreateMeeting", Error: "LimitExceededException", Message: "250 meetings", Calls: 1})
	clear := srv.Fail(carillontest.Fault{Operation: "CreateMeeting", Status: 503, RetryAfter: 20 * time.Second})
	var (
		limit *types.LimitExceededException
		down  *types.ServiceUnavailableException
	)
	if errors.As(create(), &limit) {
		fmt.Println(limit.ErrorCode()+":", limit.ErrorMessage())
	}
	if errors.As(create(), &down) {
		fmt.Println(down.ErrorCode()+": retry after", aws.ToString(down.RetryAfterSeconds), "seconds")
	}
	clear()
	fmt.Println("then:", create())

	// Output:
	// LimitExceededException: 250 meetings
	// ServiceUnavailableException: retry after 20 seconds
	// then: <nil>
}

// A server for all tests of a package, as TestMain starts it: each test has it in
// its own eyes.
func ExampleServer_For() {
	shared := carillontest.Run()
	defer shared.Close()

	test := func(t testing.TB) {
		srv := shared.For(t)
		srv.Reset()
		srv.Advance(time.Hour) // t ends if this cannot be done
		fmt.Println("an hour ahead:", time.Until(srv.Now()) > 59*time.Minute)
	}
	test(passing{})

	// Output:
	// an hour ahead: true
}

// passing is a test that passes.
type passing struct{ testing.TB }

func (passing) Helper()        {}
func (passing) Cleanup(func()) {}
