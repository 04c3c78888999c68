package clustertest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"
	"github.com/aws/smithy-go"
)

// newAPI returns the stock SDK, which makes so many attempts of a call.
func newAPI(through *http.Client, attempts int) *sdk.Client {
	return sdk.New(sdk.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String("http://" + publicName),
		Credentials:  credentials.NewStaticCredentialsProvider(accessKey, secretKey, ""),
		HTTPClient:   through,
		Retryer:      retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = attempts }),
	})
}

// stockAttempts is what the SDK does unless told otherwise.
const stockAttempts = retry.DefaultMaxAttempts

// outcome is what a caller knows of a call afterwards.
type outcome int

const (
	unknown outcome = iota // no answer, or one that says to try again
	done
	missing // 404
	refused // any other answer that says that nothing was done
)

// judge tells what an error of the SDK means.
func judge(err error) outcome {
	if err == nil {
		return done
	}
	var notFound *types.NotFoundException
	var conflict *types.ConflictException
	var api smithy.APIError
	switch {
	case errors.As(err, &notFound):
		return missing
	case errors.As(err, &conflict):
		return refused
	case errors.As(err, &api) && api.ErrorFault() == smithy.FaultClient:
		return refused
	}
	return unknown
}

// created is an attendee as a caller knows it.
type created struct{ id, token string }

// invite creates attendees in one call and returns them by external user id.
func invite(ctx context.Context, api *sdk.Client, meeting string, names []string) (map[string]created, error) {
	items := make([]types.CreateAttendeeRequestItem, len(names))
	for i := range names {
		items[i].ExternalUserId = &names[i]
	}
	out, err := api.BatchCreateAttendee(ctx, &sdk.BatchCreateAttendeeInput{MeetingId: &meeting, Attendees: items})
	if err != nil {
		return nil, err
	}
	if len(out.Errors) > 0 {
		return nil, fmt.Errorf("batch: %s: %s", aws.ToString(out.Errors[0].ErrorCode), aws.ToString(out.Errors[0].ErrorMessage))
	}
	made := map[string]created{}
	for _, a := range out.Attendees {
		made[aws.ToString(a.ExternalUserId)] = created{aws.ToString(a.AttendeeId), aws.ToString(a.JoinToken)}
	}
	return made, nil
}

// roster lists all attendees of a meeting: id by external user id. A name that
// comes twice is an error.
func roster(ctx context.Context, api *sdk.Client, meeting string) (map[string]string, error) {
	list := map[string]string{}
	pages := sdk.NewListAttendeesPaginator(api, &sdk.ListAttendeesInput{MeetingId: &meeting, MaxResults: aws.Int32(99)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, a := range page.Attendees {
			name := aws.ToString(a.ExternalUserId)
			if id, twice := list[name]; twice {
				return nil, fmt.Errorf("%w: %s is %s and %s", errDoubled, name, id, aws.ToString(a.AttendeeId))
			}
			list[name] = aws.ToString(a.AttendeeId)
		}
	}
	return list, nil
}

// errDoubled says that one thing is there twice.
var errDoubled = errors.New("doubled")

// timed returns a context for one call that has to end: a hang is a fault.
func timed(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, callWithin)
}

// callWithin bounds a call with all its retries: three times the router's own
// patience and the SDK's pauses.
const callWithin = 90 * time.Second
