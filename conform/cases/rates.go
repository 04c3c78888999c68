package cases

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/smithy-go"

	"github.com/carillon-meetings/carillon/conform"
)

// rateCases are about request rates: 10 per second with a burst of 20, per
// account, Region and operation. Each case drains buckets of a Region of its
// own, where the flavour allows that.
func rateCases() []conform.Case {
	cases := []conform.Case{
		{Name: "Rate_BurstThenThrottled", Says: "a burst is served, then requests are Throttling until tokens come back", In: inBoth(), Body: rateBurst},
		{Name: "Rate_RetryAfterIsSent", Says: "a throttled answer says when to come again, in Retry-After (seconds) and x-amz-retry-after (milliseconds)", In: inBoth(), Body: rateRetryAfter},
		{Name: "Rate_OperationsAreApart", Says: "one operation's empty bucket leaves the others alone", In: inMeetings(), Body: rateApart},
		{Name: "Rate_EveryOtherOperationHasOne", Says: "each operation with a published rate has a bucket of its own", In: inMeetings(), Body: rateEach},
		{Name: "Rate_SomeOperationsHaveNone", Says: "GetAttendee and the transcription calls have no rate of their own", In: inMeetings(), Body: rateNone},
		{Name: "Rate_BeforeTheBody", Says: "an empty bucket is told before a broken body (D-55)", In: inMeetings(), Body: rateBeforeBody},
		{Name: "Rate_AfterCredentials", Says: "requests with a wrong signature take no tokens", In: inMeetings(), Body: rateAfterCredentials},
		{Name: "Rate_SDKsWaitAndSucceed", Says: "an SDK with its usual retries gets through", In: inMeetings(), Body: rateRetried},
	}
	for i := range cases {
		cases[i].Alone = true
	}
	return under(conform.Rates, cases)
}

// drainBucket makes calls, fifty at a time so that a slow server does not refill its
// bucket meanwhile, until some are answered 429. It returns such an answer and
// how many calls were served before.
func drainBucket(t *conform.T, call func() conform.Reply) (refusal conform.Reply, served int) {
	for range 40 {
		replies := make([]conform.Reply, 50)
		t.Together(len(replies), func(i int) { replies[i] = call() })
		for _, r := range replies {
			r.Answered()
			if r.Status == http.StatusTooManyRequests {
				refusal = r
			} else {
				served++
			}
		}
		if refusal.Status != 0 {
			return refusal, served
		}
	}
	t.Fatalf("%d calls at full speed were not throttled", served)
	return conform.Reply{}, 0
}

// askUnknown is a call that costs nothing but a token.
func askUnknown(c *conform.Client) conform.Reply { return c.GetMeeting(unknownID).Reply }

func rateBurst(t *conform.T) {
	c := t.API
	if t.Flavour == conform.Meetings {
		c = t.InRegion("af-south-1") // nobody else's bucket; legacy has one Region only
	}
	r, served := drainBucket(t, func() conform.Reply { return askUnknown(c) })
	r.Fails(throttled(), "rate exceeded")
	t.True("the burst was served (20 calls)", served >= 20)
	t.Until("a call is served again", func() bool { return askUnknown(c).Status == http.StatusNotFound })
}

func rateRetryAfter(t *conform.T) {
	r, _ := drainBucket(t, func() conform.Reply { return t.API.ListAttendees(unknownID, conform.Page{}).Reply })
	seconds, err := strconv.Atoi(r.Header.Get("Retry-After"))
	t.True("Retry-After is a number of seconds, 1 at least", err == nil && seconds >= 1)
	millis, err := strconv.Atoi(r.Header.Get("X-Amz-Retry-After"))
	t.True("x-amz-retry-after is a number of milliseconds, 1 at least", err == nil && millis >= 1)
}

func rateApart(t *conform.T) {
	c := t.InRegion("eu-west-2")
	drainBucket(t, func() conform.Reply { return askUnknown(c) })
	c.ListAttendees(unknownID, conform.Page{}).Fails(notFound())
	t.InRegion("ca-central-1").GetMeeting(unknownID).Fails(notFound())
	t.Through(conform.Meetings).CreateMeeting(t.NewMeeting()).OK()
}

func rateEach(t *conform.T) {
	c := t.InRegion("il-central-1")
	for _, operation := range []struct{ method, target string }{
		{post, "/meetings"}, {post, "/meetings?operation=create-attendees"}, {get, meetingPath("x")}, {remove, meetingPath("x")},
		{post, attendeesPath("x")}, {post, batchPath("x")}, {get, attendeesPath("x")}, {remove, attendeePath("x", "x")},
		{put, capabilitiesPath("x", "x")}, {put, exceptPath("x")},
		{post, "/tags?operation=tag-resource"}, {post, "/tags?operation=untag-resource"}, {get, "/tags"},
	} {
		// Refused for their input, but not before a token was taken.
		c.Raw(operation.method, operation.target, nil).Fails(badRequest())
		r, _ := drainBucket(t, func() conform.Reply { return c.Raw(operation.method, operation.target, nil) })
		r.Fails(throttled())
	}
}

func rateNone(t *conform.T) {
	c := t.InRegion("ap-south-1")
	for range 60 {
		c.GetAttendee(unknownID, unknownID).Fails(notFound())
		c.StopMeetingTranscription(unknownID).Fails(notFound())
	}
}

func rateBeforeBody(t *conform.T) {
	c := t.InRegion("ap-southeast-1")
	r, _ := drainBucket(t, func() conform.Reply { return c.Raw(post, batchPath(unknownID), "{") })
	r.Fails(throttled())
}

func rateAfterCredentials(t *conform.T) {
	keys := t.Options().Credentials
	keys.SecretKey += "x"
	stranger := t.Client(conform.Meetings, "ap-southeast-2", keys)
	for range 60 {
		stranger.GetMeeting(unknownID).Fails(invalidSignature())
	}
	t.InRegion("ap-southeast-2").GetMeeting(unknownID).Fails(notFound())
}

func rateRetried(t *conform.T) {
	c := t.InRegion("ap-northeast-1")
	drainBucket(t, func() conform.Reply { return askUnknown(c) })
	keys := t.Options().Credentials
	patient := sdk.New(sdk.Options{
		Region: "ap-northeast-1", BaseEndpoint: aws.String(c.Base()),
		Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKey, keys.SecretKey, ""),
		Retryer:     retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = 10 }),
	})
	id := unknownID
	_, err := patient.GetMeeting(context.WithoutCancel(t.Context()), &sdk.GetMeetingInput{MeetingId: &id})
	var refused smithy.APIError
	t.True("it is NotFoundException in the end", errors.As(err, &refused) && refused.ErrorCode() == "NotFoundException")
}
