// Command go is the quick start of the AWS SDK for Go: it creates a meeting with
// an attendee, and prints both as a client of the browser SDK takes them. The
// environment leads it to the server.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
)

func main() {
	ctx := context.Background()
	cfg := must(config.LoadDefaultConfig(ctx))
	chime := chimesdkmeetings.NewFromConfig(cfg)
	made := must(chime.CreateMeeting(ctx, &chimesdkmeetings.CreateMeetingInput{ClientRequestToken: aws.String("standup-1"), ExternalMeetingId: aws.String("standup"), MediaRegion: aws.String("us-east-1")}))
	joined := must(chime.CreateAttendee(ctx, &chimesdkmeetings.CreateAttendeeInput{MeetingId: made.Meeting.MeetingId, ExternalUserId: aws.String("ada")}))
	fmt.Println(string(must(json.Marshal(map[string]any{"Meeting": made.Meeting, "Attendee": joined.Attendee}))))
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
