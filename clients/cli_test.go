package clients

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/servertest"
)

// cli is Debian's AWS CLI for one flavour.
type cli struct {
	t        *testing.T
	env      []string
	path     string
	service  string
	endpoint string
}

func newCLI(t *testing.T, s *servertest.Server, service, endpoint string, env ...string) *cli {
	return &cli{t: t, env: environment(s, env...), path: tool(t, "/usr/bin/aws", "awscli"), service: service, endpoint: endpoint}
}

func (c *cli) command(args ...string) []string {
	return append([]string{c.path, c.service, "--endpoint-url", c.endpoint, "--output", "json"}, args...)
}

// call makes a call that must succeed and decodes what the CLI printed.
func (c *cli) call(into any, args ...string) {
	c.t.Helper()
	out, err := try(c.t, c.env, ".", c.command(args...)...)
	if err != nil {
		c.t.Fatalf("%v: %v\n%s", args, err, out)
	}
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
	out, err := try(c.t, c.env, ".", c.command(args...)...)
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

// headline is what both flavours do alike; it leaves the meeting full.
func (c *cli) headline(extra, overLimit string, create ...string) (meeting cliMeeting, all cliBatch) {
	c.t.Helper()
	create = append([]string{"create-meeting"}, create...)
	c.call(&meeting, create...)
	var again cliMeeting
	c.call(&again, create...)
	if again != meeting || meeting.Meeting.MeetingID == "" {
		c.t.Errorf("one token, two answers: %v and %v", meeting, again)
	}
	with := func(operation string, more ...string) []string {
		return append([]string{operation, "--meeting-id", meeting.Meeting.MeetingID}, more...)
	}
	c.call(&all, with("batch-create-attendee", batch(100, extra)...)...)
	if len(all.Attendees) != 100 || len(all.Errors) != 0 || len(all.Attendees[99].JoinToken) != 98 {
		c.t.Fatalf("a batch of 100 gave %d attendees and %d errors", len(all.Attendees), len(all.Errors))
	}
	c.duplicates(with, all)
	c.transcription(with)
	c.deletion(with, all.Attendees[7])
	c.fill(with, overLimit)
	return meeting, all
}

// onMeeting builds the arguments of an operation on the meeting of a flow.
type onMeeting func(operation string, more ...string) []string

// duplicates creates known and repeated user ids.
func (c *cli) duplicates(with onMeeting, all cliBatch) {
	c.t.Helper()
	var twice cliBatch
	c.call(&twice, with("batch-create-attendee", "--attendees", "ExternalUserId=cli-3", "ExternalUserId=cli-7", "ExternalUserId=cli-3")...)
	if len(twice.Attendees) != 3 || twice.Attendees[0].AttendeeID != all.Attendees[3].AttendeeID || twice.Attendees[2].JoinToken != all.Attendees[3].JoinToken {
		c.t.Error("a known user id did not resolve to its attendee")
	}
}

// transcription starts and stops one.
func (c *cli) transcription(with onMeeting) {
	c.t.Helper()
	c.call(nil, with("start-meeting-transcription", "--transcription-configuration", "EngineTranscribeSettings={LanguageCode=en-US}")...)
	c.call(nil, with("stop-meeting-transcription")...)
}

// deletion reads an attendee, deletes it and finds it gone.
func (c *cli) deletion(with onMeeting, a cliAttendee) {
	c.t.Helper()
	var one struct{ Attendee cliAttendee }
	c.call(&one, with("get-attendee", "--attendee-id", a.AttendeeID)...)
	if one.Attendee.JoinToken != a.JoinToken {
		c.t.Error("get-attendee gives another join token than the batch")
	}
	c.call(nil, with("delete-attendee", "--attendee-id", a.AttendeeID)...)
	c.refused("NotFoundException", with("get-attendee", "--attendee-id", a.AttendeeID)...)
}

// fill fills a meeting that has 99 attendees, finds it full, and walks its
// pages, which this CLI does not do by itself.
func (c *cli) fill(with onMeeting, overLimit string) {
	c.t.Helper()
	for first := 99; first < 250; first += 100 {
		args := []string{"--attendees"}
		for i := first; i < min(first+100, 250); i++ {
			args = append(args, fmt.Sprintf("ExternalUserId=more-%d", i))
		}
		c.call(nil, with("batch-create-attendee", args...)...)
	}
	c.refused(overLimit, with("create-attendee", "--external-user-id", "one-too-many")...)
	seen := map[string]bool{}
	more := []string{"--max-results", "90"}
	for pages := 0; pages < 3; pages++ {
		var listed struct {
			Attendees []cliAttendee
			NextToken string
		}
		c.call(&listed, with("list-attendees", more...)...)
		for _, a := range listed.Attendees {
			seen[a.AttendeeID] = true
		}
		if (listed.NextToken == "") != (pages == 2) {
			c.t.Errorf("page %d: next token %q", pages+1, listed.NextToken)
		}
		more = []string{"--max-results", "90", "--next-token", listed.NextToken}
	}
	if len(seen) != 250 {
		c.t.Errorf("three pages show %d attendees", len(seen))
	}
}

// TestCLI drives both flavours at once, through one server.
func TestCLI(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	t.Run("flavours", func(t *testing.T) {
		t.Run("meetings", func(t *testing.T) { t.Parallel(); cliMeetings(t, s) })
		t.Run("legacy", func(t *testing.T) { t.Parallel(); cliLegacy(t, s) })
	})
	tabulate(t, "AWS CLI, Debian's", s.Output)
}

func cliMeetings(t *testing.T, s *servertest.Server) {
	c := newCLI(t, s, "chime-sdk-meetings", s.Endpoint)
	capabilities := ",Capabilities={Audio=Receive,Video=Receive,Content=Receive}"
	m, all := c.headline(capabilities, "LimitExceededException",
		"--client-request-token", "cli-meetings", "--external-meeting-id", "cli", "--media-region", "us-east-1")
	if got := all.Attendees[0].Capabilities["Audio"]; got != "Receive" {
		t.Errorf("audio capability %q", got)
	}
	var updated struct{ Attendee cliAttendee }
	c.call(&updated, "update-attendee-capabilities", "--meeting-id", m.Meeting.MeetingID, "--attendee-id", all.Attendees[0].AttendeeID,
		"--capabilities", "Audio=Send,Video=None,Content=None")
	if got := updated.Attendee.Capabilities["Audio"]; got != "Send" {
		t.Errorf("audio capability after the update %q", got)
	}
	var tags cliTags
	c.call(nil, "tag-resource", "--resource-arn", m.Meeting.MeetingArn, "--tags", "Key=team,Value=red", "Key=floor,Value=3")
	c.call(nil, "untag-resource", "--resource-arn", m.Meeting.MeetingArn, "--tag-keys", "floor")
	c.call(&tags, "list-tags-for-resource", "--resource-arn", m.Meeting.MeetingArn)
	if len(tags.Tags) != 1 || tags.Tags[0].Value != "red" {
		t.Errorf("tags %v", tags.Tags)
	}
	c.refused("BadRequestException", "get-meeting", "--meeting-id", "not-a-guid")
	c.call(nil, "delete-meeting", "--meeting-id", m.Meeting.MeetingID)
	c.refused("NotFoundException", "get-meeting", "--meeting-id", m.Meeting.MeetingID)
}

// cliTags is the answer of the calls that list tags.
type cliTags struct{ Tags []struct{ Key, Value string } }

func cliLegacy(t *testing.T, s *servertest.Server) {
	c := newCLI(t, s, "chime", s.Endpoint+"/legacy")
	m, all := c.headline(",Tags=[{Key=seat,Value=4b}]", "ResourceLimitExceededException", "--client-request-token", "cli-legacy")
	var tags cliTags
	c.call(&tags, "list-attendee-tags", "--meeting-id", m.Meeting.MeetingID, "--attendee-id", all.Attendees[0].AttendeeID)
	if len(tags.Tags) != 1 || tags.Tags[0].Value != "4b" {
		t.Errorf("tags %v", tags.Tags)
	}
	c.call(nil, "tag-meeting", "--meeting-id", m.Meeting.MeetingID, "--tags", "Key=my team,Value=50%")
	c.call(&tags, "list-meeting-tags", "--meeting-id", m.Meeting.MeetingID)
	if len(tags.Tags) != 1 || tags.Tags[0].Value != "50%" {
		t.Errorf("tags of the meeting %v", tags.Tags)
	}
	var listed struct{ Meetings []struct{ MeetingID string } }
	c.call(&listed, "list-meetings")
	if len(listed.Meetings) != 1 || listed.Meetings[0].MeetingID != m.Meeting.MeetingID {
		t.Errorf("meetings %v", listed.Meetings)
	}
	newCLI(t, s, "chime-sdk-meetings", s.Endpoint+"/meetings-api").refused("NotFoundException", "get-meeting", "--meeting-id", m.Meeting.MeetingID)
	c.call(nil, "delete-meeting", "--meeting-id", m.Meeting.MeetingID)
	c.refused("NotFoundException", "get-meeting", "--meeting-id", m.Meeting.MeetingID)
}

// TestCLIOverTLS checks that an https endpoint works with a certificate the
// client was told to trust.
func TestCLIOverTLS(t *testing.T) {
	t.Parallel()
	cert := servertest.NewCertificate(t)
	s := servertest.Start(t, "--tls-cert", cert.CertFile, "--tls-key", cert.KeyFile)
	var m cliMeeting
	newCLI(t, s, "chime-sdk-meetings", s.Endpoint, "AWS_CA_BUNDLE="+cert.CertFile).call(&m, "create-meeting",
		"--client-request-token", "cli-tls", "--external-meeting-id", "cli", "--media-region", "us-east-1")
	if m.Meeting.MeetingID == "" {
		t.Error("no meeting")
	}
}
