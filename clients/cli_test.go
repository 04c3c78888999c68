package clients

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/conform/target"
)

// cli is Debian's AWS CLI for one flavour.
type cli struct {
	t        *testing.T
	server   *target.Server
	path     string
	service  string
	endpoint string
}

func newCLI(t *testing.T, s *target.Server, service, endpoint string) *cli {
	return &cli{t: t, server: s, path: tool(t, "/usr/bin/aws", "awscli"), service: service, endpoint: endpoint}
}

func (c *cli) command(args ...string) []string {
	return append([]string{c.path, c.service, "--endpoint-url", c.endpoint, "--output", "json"}, args...)
}

// call makes a call that must succeed and decodes what the CLI printed.
func (c *cli) call(into any, args ...string) {
	c.t.Helper()
	out := run(c.t, c.server, ".", c.command(args...)...)
	if into == nil {
		return
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		c.t.Fatalf("%v: %v\n%s", args, err, out)
	}
}

// refused makes a call that must fail with an exception.
func (c *cli) refused(exception string, args ...string) {
	c.t.Helper()
	out, err := try(c.t, c.server, ".", c.command(args...)...)
	if err == nil || !strings.Contains(out, "("+exception+")") {
		c.t.Errorf("%v: %v, want %s\n%s", args, err, exception, out)
	}
}

type cliMeeting struct {
	Meeting struct{ MeetingID, MeetingArn string }
}

type cliAttendee struct {
	ExternalUserID, AttendeeID, JoinToken string
	Capabilities                          map[string]string
}

type cliBatch struct {
	Attendees []cliAttendee
	Errors    []struct{ ExternalUserID, ErrorCode string }
}

// batch returns the --attendees arguments for n attendees.
func batch(n int, extra string) []string {
	args := []string{"--attendees"}
	for i := range n {
		args = append(args, fmt.Sprintf("ExternalUserId=cli-%d%s", i, extra))
	}
	return args
}

// headline is what both flavours do alike.
func (c *cli) headline(extra, overLimit string, create ...string) (meeting cliMeeting, all cliBatch) {
	t := c.t
	t.Helper()
	create = append([]string{"create-meeting"}, create...)
	c.call(&meeting, create...)
	var again cliMeeting
	c.call(&again, create...)
	if again != meeting || meeting.Meeting.MeetingID == "" {
		t.Errorf("one token, two answers: %v and %v", meeting, again)
	}
	id := []string{"--meeting-id", meeting.Meeting.MeetingID}
	with := func(operation string, more ...string) []string {
		return append(append([]string{operation}, id...), more...)
	}

	c.call(&all, with("batch-create-attendee", batch(100, extra)...)...)
	if len(all.Attendees) != 100 || len(all.Errors) != 0 || len(all.Attendees[99].JoinToken) != 98 {
		t.Fatalf("a batch of 100 gave %d attendees and %d errors", len(all.Attendees), len(all.Errors))
	}
	var one struct{ Attendee cliAttendee }
	c.call(&one, with("get-attendee", "--attendee-id", all.Attendees[7].AttendeeID)...)
	if one.Attendee.JoinToken != all.Attendees[7].JoinToken {
		t.Error("get-attendee gives another join token than the batch")
	}
	c.call(nil, with("delete-attendee", "--attendee-id", all.Attendees[7].AttendeeID)...)
	c.refused("NotFoundException", with("get-attendee", "--attendee-id", all.Attendees[7].AttendeeID)...)
	for first := 99; first < 250; first += 100 {
		args := []string{"--attendees"}
		for i := first; i < min(first+100, 250); i++ {
			args = append(args, fmt.Sprintf("ExternalUserId=more-%d", i))
		}
		c.call(nil, with("batch-create-attendee", args...)...)
	}
	c.refused(overLimit, with("create-attendee", "--external-user-id", "one-too-many")...)
	var listed struct {
		Attendees []cliAttendee
		NextToken string
	}
	c.call(&listed, with("list-attendees", "--max-results", "50")...)
	if len(listed.Attendees) != 50 || listed.NextToken == "" {
		t.Errorf("list-attendees: %d attendees, next token %q", len(listed.Attendees), listed.NextToken)
	}
	return meeting, all
}

func TestCLI(t *testing.T) {
	s := target.Start(t)
	t.Run("meetings", func(t *testing.T) {
		c := newCLI(t, s, "chime-sdk-meetings", s.Endpoint)
		capabilities := ",Capabilities={Audio=Receive,Video=Receive,Content=Receive}"
		m, all := c.headline(capabilities, "LimitExceededException",
			"--client-request-token", "cli-meetings", "--external-meeting-id", "cli", "--media-region", "us-east-1")
		if got := all.Attendees[0].Capabilities["Audio"]; got != "Receive" {
			t.Errorf("audio capability %q", got)
		}
		c.call(nil, "tag-resource", "--resource-arn", m.Meeting.MeetingArn, "--tags", "Key=team,Value=red")
		c.refused("BadRequestException", "get-meeting", "--meeting-id", "not-a-guid")
		c.call(nil, "delete-meeting", "--meeting-id", m.Meeting.MeetingID)
		c.refused("NotFoundException", "get-meeting", "--meeting-id", m.Meeting.MeetingID)
	})
	t.Run("legacy", func(t *testing.T) {
		c := newCLI(t, s, "chime", s.Endpoint+"/legacy")
		m, all := c.headline(",Tags=[{Key=seat,Value=4b}]", "ResourceLimitExceededException", "--client-request-token", "cli-legacy")
		var tags struct{ Tags []struct{ Key, Value string } }
		c.call(&tags, "list-attendee-tags", "--meeting-id", m.Meeting.MeetingID, "--attendee-id", all.Attendees[0].AttendeeID)
		if len(tags.Tags) != 1 || tags.Tags[0].Value != "4b" {
			t.Errorf("tags %v", tags.Tags)
		}
		newCLI(t, s, "chime-sdk-meetings", s.Endpoint+"/meetings-api").refused("NotFoundException", "get-meeting", "--meeting-id", m.Meeting.MeetingID)
		c.call(nil, "delete-meeting", "--meeting-id", m.Meeting.MeetingID)
		c.refused("NotFoundException", "get-meeting", "--meeting-id", m.Meeting.MeetingID)
	})
}

func TestCLIOverTLS(t *testing.T) {
	cert, key := certificate(t)
	s := target.Start(t, "--tls-cert", cert, "--tls-key", key)
	t.Setenv("AWS_CA_BUNDLE", cert)
	var m cliMeeting
	newCLI(t, s, "chime-sdk-meetings", s.Endpoint).call(&m, "create-meeting",
		"--client-request-token", "cli-tls", "--external-meeting-id", "cli", "--media-region", "us-east-1")
	if m.Meeting.MeetingID == "" {
		t.Error("no meeting")
	}
}

// certificate writes a self-signed certificate for the loopback address.
func certificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "127.0.0.1"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, content []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", raw)
}
