package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"

	"github.com/carillon-meetings/carillon/internal/identity"
	"github.com/carillon-meetings/carillon/internal/load/door"
	"github.com/carillon-meetings/carillon/internal/servertest"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// keyed is a server whose keys of join tokens change, and its meeting.
type keyed struct {
	*testing.T
	server *servertest.Server
	made   *chimesdkmeetings.CreateMeetingWithAttendeesOutput
}

func newKeyed(t *testing.T) *keyed {
	k := &keyed{T: t, server: servertest.Start(t)}
	var err error
	k.made, err = outside(k.server).CreateMeetingWithAttendees(t.Context(), &chimesdkmeetings.CreateMeetingWithAttendeesInput{
		ClientRequestToken: aws.String("token"), ExternalMeetingId: aws.String("name"), MediaRegion: aws.String("us-east-1"),
		Attendees: []types.CreateAttendeeRequestItem{{ExternalUserId: aws.String("ada")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// token asks for the attendee's join token, as minted now.
func (k *keyed) token() string {
	k.Helper()
	out, err := outside(k.server).GetAttendee(k.Context(), &chimesdkmeetings.GetAttendeeInput{
		MeetingId: k.made.Meeting.MeetingId, AttendeeId: k.made.Attendees[0].AttendeeId,
	})
	if err != nil {
		k.Fatal(err)
	}
	return *out.Attendee.JoinToken
}

// join opens a connection with a token and joins.
func (k *keyed) join(token string) (*door.Door, error) {
	k.Helper()
	d, err := door.Dial(k.Context(), nil, *k.made.Meeting.MediaPlacement.SignalingUrl, token, func(*wire.Index) {})
	if err != nil {
		return nil, err
	}
	k.Cleanup(d.Close)
	_, err = d.Ask(k.Context(), door.Join(1), wire.Frame_JOIN_ACK)
	return d, err
}

// command runs carillon token-key and waits until the server has taken what came
// of it.
func (k *keyed) command(what string) string {
	k.Helper()
	taken := func() int { return strings.Count(k.server.Output(), `what="keys of join tokens"`) }
	before := taken()
	told, err := output(k.T, func() error { return run(k.Context(), []string{"token-key", what, "--data", k.server.Dir}) })
	if err != nil {
		k.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); what != "show" && taken() == before; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			k.Fatalf("the server does not take the keys after %s", what)
		}
	}
	return told
}

// The key of join tokens is rotated below a running server: tokens of the old one
// live until it is dropped, and end what they had opened then.
func TestTheKeyOfJoinTokensIsRotated(t *testing.T) {
	k := newKeyed(t)
	old := *k.made.Attendees[0].JoinToken
	if told := k.command("show"); strings.Count(told, "\n") != 2 || !strings.Contains(told, "mints  the first start") {
		t.Errorf("at first: %s", told)
	}
	if told := k.command("rotate"); strings.Count(told, "\n") != 3 || !strings.Contains(told, "accepted  the first start") {
		t.Errorf("rotated: %s", told)
	}
	young := k.token()
	if young == old {
		t.Error("the new key does not mint")
	}
	for _, token := range []string{young, old} {
		if _, err := k.join(token); err != nil {
			t.Error(err)
		}
	}
	inside, err := k.join(old)
	if err != nil {
		t.Fatal(err)
	}
	if told := k.command("drop"); strings.Count(told, "\n") != 2 {
		t.Errorf("dropped: %s", told)
	}
	select {
	case <-inside.Done():
	case <-time.After(time.Minute):
		t.Fatal("who came with a token of the dropped key is still there")
	}
	if ended := new(door.Ended); !errors.As(inside.Err(), ended) || ended.Status != 411 {
		t.Errorf("it was told %v", inside.Err())
	}
	if _, err := k.join(old); err == nil {
		t.Error("a token of the dropped key lets in")
	}
	k.server.Stop()
	k.server.Restart()
	if _, err := k.join(young); err != nil || k.token() != young {
		t.Errorf("after a restart: %v", err)
	}
	if _, err := k.join(old); err == nil {
		t.Error("a token of the dropped key lets in after a restart")
	}
}

// In a cluster a key is known everywhere before it mints.
func TestAKeyIsAcceptedBeforeItMints(t *testing.T) {
	k := newKeyed(t)
	old := k.token()
	k.command("add")
	if k.token() != old {
		t.Error("an added key mints")
	}
	if k.command("use"); k.token() == old {
		t.Error("a used key does not mint")
	}
	for _, what := range []string{"add", "rotate"} { // a third one
		if _, err := output(t, func() error { return run(t.Context(), []string{"token-key", what, "--data", k.server.Dir}) }); err == nil || !strings.Contains(err.Error(), "two keys") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A file that cannot be read leaves the keys as they were, and keeps a server from
// starting.
func TestBadKeysOfJoinTokens(t *testing.T) {
	k := newKeyed(t)
	old := k.token()
	k.command("rotate")
	young := k.token()
	path := filepath.Join(k.server.Dir, identity.JoinKeysFile)
	if err := os.WriteFile(path, []byte("mint yesterday "+young+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); !strings.Contains(k.server.Output(), "read again and not taken"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a bad file is not told of")
		}
	}
	if _, err := k.join(old); err != nil || k.token() != young {
		t.Errorf("after a bad file: %v", err)
	}
	k.server.Stop()
	err := run(t.Context(), []string{"check", "config", "--data", k.server.Dir})
	if want := fmt.Sprintf("%s: line 1: the time", path); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), young) {
		t.Errorf("check config: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	k.server.Restart()
}
