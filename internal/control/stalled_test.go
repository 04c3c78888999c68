package control_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// A call was not told what came of it, because the store does not answer, and is
// made again, as SDKs do, or another one comes that has to wait for it. That is no
// conflict, after which SDKs give up: it has to come back once more.
func TestWhoWaitsForTheStoreIsToldToComeBack(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		first, second func(v *env, m meeting.ID) error
	}{
		"a meeting is created": {first: createOne, second: createOne},
		"a meeting is changed": {first: tagIt, second: tagIt},
		"a replica is created, its primary changed": {
			first: func(v *env, m meeting.ID) error {
				n := newMeeting(owner, "replica")
				n.PrimaryID = m.String()
				_, _, err := v.CreateMeeting(ctx, n)
				return err
			},
			second: tagIt,
		},
		"a pipeline is created":                 {first: captureIt("t"), second: captureIt("t")},
		"another pipeline of the same meeting":  {first: captureIt("t"), second: captureIt("u")},
		"a creation is repeated with attendees": {first: createOne, second: createWithSomebody},
	} {
		t.Run(name, func(t *testing.T) {
			v, f := newFaulty(t, func(c *control.Config) { c.Idle, c.MaxAge = 1000*time.Hour, 1000*time.Hour })
			m := v.create(owner, "m", "ann").ID
			f.set(nil, once("append", 1, errors.New("no answer")))
			wantKind(t, c.first(v, m), meeting.Unavailable)
			waiting := make(chan error, 1)
			go func() { waiting <- c.second(v, m) }()
			var err error
			for waits := true; waits; {
				select {
				case err = <-waiting:
					waits = false
				case <-time.After(10 * time.Millisecond):
					v.clock.advance(time.Second)
				}
			}
			wantKind(t, err, meeting.Unavailable)
			f.tell()
			soon(t, func() bool { return !isKind(c.second(v, m), meeting.Unavailable) })
		})
	}
}

func createOne(v *env, _ meeting.ID) error {
	_, _, err := v.CreateMeeting(context.Background(), newMeeting(owner, "token"))
	return err
}

func createWithSomebody(v *env, _ meeting.ID) error {
	_, _, err := v.CreateMeeting(context.Background(), newMeeting(owner, "token", "bob"))
	return err
}

func tagIt(v *env, m meeting.ID) error {
	return v.TagMeeting(context.Background(), owner, m, []meeting.Tag{{Key: "k", Value: time.Now().String()}})
}

func captureIt(token string) func(*env, meeting.ID) error {
	return func(v *env, m meeting.ID) error {
		_, err := v.CreatePipeline(context.Background(), capture(m, token), isReady)
		return err
	}
}
