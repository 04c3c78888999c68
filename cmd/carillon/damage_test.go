package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
)

// lastRecord applies fn to the block whose last record was written last: that
// of the meeting with the id.
func lastRecord(t *testing.T, dir, meetingID string, fn func([]byte) []byte) {
	t.Helper()
	blocks, err := filepath.Glob(filepath.Join(dir, "ledger", "streams", "jetstream", "*", "streams", "MT*", "msgs", "*.blk"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range blocks {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(raw, []byte(meetingID)) {
			if err := os.WriteFile(path, fn(raw), 0o600); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatal("no block has the meeting")
}

// Somebody was removed from a meeting, and the record of it is damaged while
// the server is down. The server must not start as if nothing had happened.
func TestADamagedRemovalIsNotForgotten(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"cut":     func(b []byte) []byte { return b[:len(b)-10] },
		"one bit": func(b []byte) []byte { b[len(b)-20] ^= 1; return b },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var id string
			t.Run("first", func(t *testing.T) {
				s := startServer(t, dir)
				client := s.sdk(s.id.AccessKey, s.id.SecretKey, http.DefaultClient)
				id = createMeeting(t, client, "damage-1")
				a, err := client.CreateAttendee(t.Context(), &chimesdkmeetings.CreateAttendeeInput{MeetingId: &id, ExternalUserId: aws.String("ada")})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := client.DeleteAttendee(t.Context(), &chimesdkmeetings.DeleteAttendeeInput{MeetingId: &id, AttendeeId: a.Attendee.AttendeeId}); err != nil {
					t.Fatal(err)
				}
			})
			lastRecord(t, dir, id, damage)
			err := refusedStart(t, dir)
			for _, want := range []string{"damaged or missing", "block 1.blk", "--accept-loss"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("refused with %q, which lacks %q", err, want)
				}
			}
			t.Run("loss accepted", func(t *testing.T) { startServer(t, dir, "--accept-loss") })
			t.Run("afterwards", func(t *testing.T) { startServer(t, dir) })
		})
	}
}
