package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"
	natsserver "github.com/nats-io/nats-server/v2/server"

	"github.com/carillon-meetings/carillon/internal/servertest"
)

// somebodysNATS starts a NATS that is not ours and returns its URL, which holds
// a password.
func somebodysNATS(t *testing.T) string {
	t.Helper()
	s, err := natsserver.NewServer(&natsserver.Options{
		Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true, Username: "carillon", Password: "the-password-of-nats",
		JetStream: true, StoreDir: t.TempDir(), SyncAlways: true, MaxPayload: 8 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("NATS does not start")
	}
	return fmt.Sprintf("nats://carillon:the-password-of-nats@%s", s.Addr())
}

// Nodes on a NATS that somebody else runs answer as one; one that dies
// leaves its meetings to the other.
func TestNodesOnANATSThatIsThere(t *testing.T) {
	t.Parallel()
	url := somebodysNATS(t)
	secret := filepath.Join(t.TempDir(), "cluster.secret")
	if err := os.WriteFile(secret, []byte(strings.Repeat("secret ", 8)), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &trio{T: t, made: map[string]*types.Attendee{}, token: map[string]string{}, base: map[string]string{}}
	for i, inner := range servertest.FreeAddresses(t, 3) {
		c.nodes = append(c.nodes, servertest.Start(t, "--node", fmt.Sprint("n", i), "--nats-url", url, "--nats-replicas", "1",
			"--cluster-http", inner, "--cluster-secret-file", secret, "--operator-secret", servertest.OperatorSecret))
	}
	for _, node := range c.nodes {
		node.WaitReady()
	}
	for n := range 8 {
		m, err := c.at(n%3, "").CreateMeeting(t.Context(), &chimesdkmeetings.CreateMeetingInput{
			ClientRequestToken: aws.String(fmt.Sprint("t", n)), ExternalMeetingId: aws.String("standup"), MediaRegion: aws.String("us-east-1"),
		})
		if err != nil {
			t.Fatal(err)
		}
		a, err := c.at((n+1)%3, "").CreateAttendee(t.Context(), &chimesdkmeetings.CreateAttendeeInput{
			MeetingId: m.Meeting.MeetingId, ExternalUserId: aws.String("ada"),
		})
		if err != nil {
			t.Fatal(err)
		}
		c.made[*m.Meeting.MeetingId], c.base[*m.Meeting.MeetingId] = a.Attendee, ""
	}
	c.check(0, 1, 2)
	c.nodes[2].Kill()
	c.check(0, 1)
	for _, node := range c.nodes {
		if strings.Contains(node.Output(), "the-password-of-nats") {
			t.Error("the password of NATS is in the log")
		}
	}
}
