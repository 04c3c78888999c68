package cases

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/conform"
	"github.com/carillon-meetings/carillon/internal/servertest"
)

// TestMain lets more cases run at once than there are processors: they mostly
// wait for the server.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	os.Exit(servertest.Main(m))
}

// settings are the server's arguments for each profile.
func settings(t *testing.T) map[conform.Profile][]string {
	return map[conform.Profile][]string{
		conform.Standard:  nil,
		conform.Accounts:  {"--key-file", keyFile(t)},
		conform.Rates:     {"--throttle-rate", "10", "--throttle-burst", "20"},
		conform.Quota:     {"--limit-meetings", fmt.Sprint(quota)},
		conform.Idle:      {"--timer-idle", "3s"},
		conform.Age:       {"--timer-max-age", "3s"},
		conform.OneRegion: {"--region", "us-east-1"},
		conform.AnyKey:    {"--dev"},
		conform.Recording: {"--recordings", t.TempDir()},
		conform.Streaming: {"--capture-ffmpeg", "true", "--capture-max-composed", "50", "--recordings", t.TempDir()}, // nobody looks at the pictures
		conform.Inclined:  {"--default-flavour", "legacy"},
		conform.Optional: {
			"--delete-unknown-is-404", "--validation-error-name", "--shape-name-in-code", "--allow-unsigned-payload", "--cors-origin", "https://app.example",
		},
	}
}

// quota is the number of active meetings of the Quota profile.
const quota = 5

// keys are the further key pairs of the Accounts profile, as keyFile sets
// them up.
func keys() map[conform.Role]conform.Credentials {
	return map[conform.Role]conform.Credentials{
		conform.Other:    {AccessKey: "AKIDOTHER", SecretKey: "other-secret"},
		conform.Disabled: {AccessKey: "AKIDDISABLED", SecretKey: "disabled-secret"},
		conform.Denied:   {AccessKey: "AKIDDENIED", SecretKey: "denied-secret"},
		conform.Reader:   {AccessKey: "AKIDREADER", SecretKey: "reader-secret"},
		conform.Session:  {AccessKey: "ASIDSESSION", SecretKey: "session-secret", SessionToken: "session-token"},
		conform.Expired:  {AccessKey: "ASIDSESSION", SecretKey: "session-secret", SessionToken: "expired-token"},
	}
}

// keyFile writes the key file of the Accounts profile.
func keyFile(t *testing.T) string {
	var b strings.Builder
	entry := func(keys conform.Credentials, account, rest string) {
		fmt.Fprintf(&b, "  - access-key-id: %s\n    secret-access-key: %s\n    account: %q\n%s", keys.AccessKey, keys.SecretKey, account, rest)
	}
	k := keys()
	b.WriteString("keys:\n")
	entry(conform.Credentials{AccessKey: servertest.AccessKey, SecretKey: servertest.SecretKey}, servertest.Account, "")
	entry(k[conform.Other], "111111111111", "")
	entry(k[conform.Disabled], "222222222222", "")
	entry(k[conform.Denied], servertest.Account, "    deny: [\"chime:BatchCreateAttendee\"]\n")
	entry(k[conform.Reader], servertest.Account, "    allow: [\"chime:Get*\", \"chime:ListAttendees\"]\n")
	entry(k[conform.Session], servertest.Account, "    sessions:\n      - token: session-token\n        expires: 2999-01-01T00:00:00Z\n"+
		"      - token: expired-token\n        expires: 2020-01-01T00:00:00Z\n")
	b.WriteString("disabled-accounts: [\"222222222222\"]\n")
	path := filepath.Join(t.TempDir(), "keys.yaml")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestConform runs every case against the real server, set up as the case's
// profile asks. A single one is picked by
// go test ./conform/cases -run 'TestConform/standard/CreateMeeting_'.
func TestConform(t *testing.T) {
	var found tally
	for profile, args := range settings(t) {
		t.Run(string(profile), func(t *testing.T) {
			server := servertest.Start(t, args...)
			aimed := aim(t, server)
			t.Run("cases", func(t *testing.T) { runProfile(t, aimed, profile, &found) })
			checkLog(t, server.Output())
		})
	}
	found.check(t)
}

// aim returns the target that a server is.
func aim(t *testing.T, server *servertest.Server) *conform.Target {
	aimed, err := conform.Aim(conform.Options{
		Endpoint: server.Endpoint, Account: servertest.Account, Keys: keys(), ActiveMeetings: quota, Timeout: 5 * time.Minute,
		Credentials: conform.Credentials{AccessKey: servertest.AccessKey, SecretKey: servertest.SecretKey},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(aimed.Close)
	return aimed
}

// runProfile runs the cases of a profile as sub-tests; the standard server
// offers one door for both flavours too.
func runProfile(t *testing.T, aimed *conform.Target, profile conform.Profile, found *tally) {
	ran := 0
	for _, c := range All() {
		if c.Needs() != profile && (profile != conform.Standard || c.Needs() != conform.OneDoor) {
			continue
		}
		ran++
		for _, f := range c.In {
			t.Run(c.Name+"/"+string(f), func(t *testing.T) {
				if !c.Alone {
					t.Parallel()
				}
				o := aimed.Try(t.Context(), c, f)
				if found.count(o); !o.Held {
					t.Errorf("%s\n%s", o.Says, strings.Join(o.Why, "\n"))
				}
			})
		}
	}
	if ran == 0 {
		t.Errorf("no case has the profile %q", profile)
	}
}

// checkLog demands that the server's log tells no secret and no crash. The
// suite's user ids, tokens and keys are easy to recognise.
func checkLog(t *testing.T, log string) {
	for _, secret := range []string{servertest.SecretKey, "other-secret", "session-token", "user-000", "crowd-0", "conform-"} {
		if strings.Contains(log, secret) {
			t.Errorf("the server's log has the sensitive value %q", secret)
		}
	}
	if regexp.MustCompile(`panic|goroutine \d+ \[|DATA RACE`).MatchString(log) {
		t.Errorf("the server's log tells of a crash or a race:\n%s", log[max(0, len(log)-8000):])
	}
}

// TestCasesAreWellFormed checks names, sentences and profiles.
func TestCasesAreWellFormed(t *testing.T) {
	name := regexp.MustCompile(`^[A-Z][A-Za-z]+_[A-Z][A-Za-z0-9]+$`)
	seen := map[string]bool{}
	for _, c := range All() {
		if !name.MatchString(c.Name) || seen[c.Name] {
			t.Errorf("%s: the name is badly formed or used twice", c.Name)
		}
		seen[c.Name] = true
		if c.Says == "" || c.Body == nil || len(c.In) == 0 || !slices.Contains(conform.Profiles(), c.Needs()) {
			t.Errorf("%s: says nothing, does nothing, runs nowhere or needs an unknown profile", c.Name)
		}
	}
}

// TestEveryOperationHasItsCases checks that no operation of either flavour was
// forgotten.
func TestEveryOperationHasItsCases(t *testing.T) {
	both := []string{
		"CreateMeeting", "CreateMeetingWithAttendees", "GetMeeting", "DeleteMeeting", "CreateAttendee", "BatchCreateAttendee", "GetAttendee",
		"ListAttendees", "DeleteAttendee", "StartMeetingTranscription", "StopMeetingTranscription", "TagResource", "UntagResource", "ListTagsForResource",
	}
	operations := map[conform.Flavour][]string{
		conform.Meetings: append([]string{"UpdateAttendeeCapabilities", "BatchUpdateAttendeeCapabilitiesExcept"}, both...),
		conform.Legacy:   append([]string{"ListMeetings", "TagMeeting", "UntagMeeting", "ListMeetingTags", "TagAttendee", "UntagAttendee", "ListAttendeeTags"}, both...),
	}
	count := map[string]int{}
	for _, c := range All() {
		subject, _, _ := strings.Cut(c.Name, "_")
		for _, f := range c.In {
			count[subject+"/"+string(f)]++
		}
	}
	for f, names := range operations {
		for _, name := range names {
			if count[name+"/"+string(f)] < 3 {
				t.Errorf("%s has %d cases in the %s flavour", name, count[name+"/"+string(f)], f)
			}
		}
	}
}

// TestNothingHoldsAgainstAServerThatIsNone runs every case against servers
// that answer all requests alike. A case that holds there checks nothing.
func TestNothingHoldsAgainstAServerThatIsNone(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"empty object": func(w http.ResponseWriter, _ *http.Request) { dull(w, 200, "", `{}`) },
		"no content":   func(w http.ResponseWriter, _ *http.Request) { dull(w, 204, "", "") },
		"failure": func(w http.ResponseWriter, _ *http.Request) {
			dull(w, 500, "ServiceFailureException", `{"Code":"ServiceFailure","Message":"m"}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(answer)
			defer server.Close()
			report, err := conform.Run(t.Context(), All(), conform.Options{
				Endpoint: server.URL, Profiles: conform.Profiles(), Keys: keys(), ActiveMeetings: quota, Account: servertest.Account, Timeout: 500 * time.Millisecond,
				Parallel: 32, Credentials: conform.Credentials{AccessKey: "a", SecretKey: "b"},
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range report.Outcomes {
				if o.Held {
					t.Errorf("%s/%s held", o.Case, o.Flavour)
				}
			}
		})
	}
}

// dull answers with a status, an exception and a body, and otherwise correctly.
func dull(w http.ResponseWriter, status int, exception, body string) {
	w.Header().Set("X-Amzn-Requestid", "00000000-0000-4000-8000-000000000000")
	if exception != "" {
		w.Header().Set("X-Amzn-Errortype", exception)
	}
	if body != "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}
