package clients

import (
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"

	"github.com/carillon-meetings/carillon/internal/servertest"
)

// examples returns the code blocks of docs/app.md by language.
func examples(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../docs/app.md")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, part := range strings.Split(string(text), "\n```")[1:] {
		if language, code, _ := strings.Cut(part, "\n"); language != "" {
			found[language] += code + "\n"
		}
	}
	return found
}

// meeting creates a meeting with an attendee and returns both ids as variables
// of the environment.
func meeting(t *testing.T, s *servertest.Server) []string {
	t.Helper()
	client := chimesdkmeetings.New(chimesdkmeetings.Options{
		Region: "us-east-1", BaseEndpoint: &s.Endpoint, Credentials: credentials.NewStaticCredentialsProvider(servertest.AccessKey, servertest.SecretKey, ""),
	})
	out, err := client.CreateMeetingWithAttendees(t.Context(), &chimesdkmeetings.CreateMeetingWithAttendeesInput{
		ClientRequestToken: aws.String("app"), ExternalMeetingId: aws.String("standup"), MediaRegion: aws.String("eu-central-1"),
		Tags:      []types.Tag{{Key: aws.String("team"), Value: aws.String("red")}},
		Attendees: []types.CreateAttendeeRequestItem{{ExternalUserId: aws.String("ada-lovelace")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return []string{"MEETING_ID=" + *out.Meeting.MeetingId, "ATTENDEE_ID=" + *out.Attendees[0].AttendeeId}
}

// TestTheApplicationAPI runs what docs/app.md shows, has a validator of OpenAPI
// look at the description, and holds the answers of every operation against it.
func TestTheApplicationAPI(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	env := environment(s, meeting(t, s)...)
	install(t, s, "app")
	t.Run("examples", func(t *testing.T) { runExamples(t, env) })
	t.Run("description", func(t *testing.T) {
		out, err := try(t, env, "app", tool(t, "node", "nodejs"), "describe.mjs")
		if err != nil || !strings.Contains(out, "every operation was called") {
			t.Fatalf("%v\n%s", err, out)
		}
	})
}

func runExamples(t *testing.T, env []string) {
	t.Helper()
	code := examples(t)
	for _, c := range []struct {
		language string
		command  []string
		says     []string
	}{
		{"sh", []string{"/bin/sh", "-eu", "-c"}, []string{`"external":"standup"`, `"sent":0`}},
		{"python", []string{tool(t, "/usr/bin/python3", "python3"), "-c"}, []string{"standup has 0 people and 0 content shares"}},
		{"js", []string{tool(t, "node", "nodejs"), "--input-type=module", "-e"}, []string{"ada-lovelace never connected"}},
	} {
		if code[c.language] == "" {
			t.Errorf("docs/app.md has no example in %s", c.language)
			continue
		}
		out, err := try(t, env, "app", append(c.command, code[c.language])...)
		if err != nil {
			t.Errorf("%s: %v\n%s", c.language, err, out)
		}
		for _, want := range c.says {
			if !strings.Contains(out, want) {
				t.Errorf("%s printed %q, want %q", c.language, out, want)
			}
		}
	}
}
