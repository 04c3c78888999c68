package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"

	"github.com/carillon-meetings/carillon/internal/load/door"
	"github.com/carillon-meetings/carillon/internal/servertest"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// documented returns the commands that the operating guide has for something.
func documented(t *testing.T, what string) string {
	t.Helper()
	guide, err := os.ReadFile("../../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(guide), "```sh "+what+"\n")
	block, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatalf("the guide has no commands for %s", what)
	}
	return block
}

// A backup and a restore by the commands of the operating guide give back what
// there was, and nothing that came later.
func TestBackupAndRestoreAsTheGuideSays(t *testing.T) {
	t.Parallel()
	backup := filepath.Join(t.TempDir(), "backup.tar.gz")
	run := func(what, data string) {
		t.Helper()
		cmd := exec.Command("sh", "-e", "-u", "-c", documented(t, what))
		cmd.Env = append(os.Environ(), "DATA="+data, "BACKUP="+backup)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", what, err, out)
		}
	}
	create := func(api *chimesdkmeetings.Client, name string) *chimesdkmeetings.CreateMeetingWithAttendeesOutput {
		t.Helper()
		made, err := api.CreateMeetingWithAttendees(t.Context(), &chimesdkmeetings.CreateMeetingWithAttendeesInput{
			ClientRequestToken: &name, ExternalMeetingId: &name, MediaRegion: aws.String("us-east-1"),
			Attendees: []types.CreateAttendeeRequestItem{{ExternalUserId: aws.String("ada")}, {ExternalUserId: aws.String("bob")}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	first := servertest.Start(t)
	kept := create(outside(first), "kept")
	first.Stop()
	run("backup", first.Dir)
	first.Restart()
	later := create(outside(first), "later")
	removed := &chimesdkmeetings.DeleteAttendeeInput{MeetingId: kept.Meeting.MeetingId, AttendeeId: kept.Attendees[1].AttendeeId}
	if _, err := outside(first).DeleteAttendee(t.Context(), removed); err != nil {
		t.Fatal(err)
	}
	restored := filepath.Join(t.TempDir(), "restored")
	run("restore", restored)
	s := servertest.Start(t, "--data", restored)
	for i, a := range kept.Attendees {
		if err := enter(t, s, kept, i); err != nil {
			t.Errorf("%s of the meeting in the backup: %v", *a.ExternalUserId, err)
		}
	}
	if err := enter(t, s, later, 0); err == nil {
		t.Error("a token of a meeting that came after the backup lets in")
	}
	var missing *types.NotFoundException
	if _, err := outside(s).GetMeeting(t.Context(), &chimesdkmeetings.GetMeetingInput{MeetingId: later.Meeting.MeetingId}); !errors.As(err, &missing) {
		t.Errorf("a meeting that came after the backup: %v", err)
	}
}

// enter joins with an attendee's token and leaves.
func enter(t *testing.T, s *servertest.Server, m *chimesdkmeetings.CreateMeetingWithAttendeesOutput, attendee int) error {
	t.Helper()
	_, path, _ := strings.Cut(strings.TrimPrefix(*m.Meeting.MediaPlacement.SignalingUrl, "ws://"), "/")
	d, err := door.Dial(t.Context(), nil, "ws"+strings.TrimPrefix(s.Endpoint, "http")+"/"+path, *m.Attendees[attendee].JoinToken, func(*wire.Index) {})
	if err != nil {
		return err
	}
	defer d.Close()
	_, err = d.Ask(t.Context(), door.Join(1), wire.Frame_JOIN_ACK)
	return err
}
