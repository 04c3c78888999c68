package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"go.uber.org/goleak"
)

// TestMain lets the test binary be the bare handler of a run.
func TestMain(m *testing.M) {
	if size := os.Getenv("LOAD_TEST_BARE"); size != "" {
		var n int
		if _, err := fmt.Sscan(strings.TrimPrefix(os.Args[len(os.Args)-1], "--bare-reply="), &n); err != nil {
			panic(err)
		}
		if _, err := Run(context.Background(), Options{Bare: true, BareReply: n}); err != nil {
			panic(err)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// meetingsServer is an API that keeps its meetings in a map and is strict.
type meetingsServer struct {
	t      *testing.T
	legacy bool
	refuse bool // every batch
	forget bool // one attendee of every batch

	mu       sync.Mutex
	created  int
	meetings map[string]map[string]bool // external user ids by meeting
	calls    map[string]int             // by operation
}

func (s *meetingsServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	s.checkSignature(r, body)
	if legacy := strings.Contains(r.UserAgent(), "api/chime#"); legacy != s.legacy {
		s.t.Errorf("user agent %q", r.UserAgent())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls == nil {
		s.calls, s.meetings = map[string]int{}, map[string]map[string]bool{}
	}
	parts := strings.Split(r.URL.Path, "/")[2:]
	op := r.Method + strings.Repeat("/*", len(parts)) + "?" + r.URL.RawQuery
	s.calls[op]++
	var attendees map[string]bool
	if len(parts) > 0 {
		if attendees = s.meetings[parts[0]]; attendees == nil {
			http.Error(w, "no such meeting", http.StatusNotFound)
			return
		}
	}
	switch op {
	case "POST?", "POST?operation=create-attendees":
		s.created++
		id := fmt.Sprintf("%08d-0000-4000-8000-000000000000", s.created)
		s.meetings[id] = map[string]bool{}
		fmt.Fprintf(w, `{"Meeting":{"MeetingId":"%s"},"Attendees":%s}`, id, s.add(s.meetings[id], body))
	case "DELETE/*?":
		delete(s.meetings, parts[0])
		w.WriteHeader(http.StatusNoContent)
	case "POST/*/*?operation=batch-create":
		if s.refuse {
			http.Error(w, "no", http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, `{"Attendees":%s}`, s.add(attendees, body))
	case "POST/*/*?":
		fmt.Fprintf(w, `{"Attendee":%s}`, s.add(attendees, fmt.Appendf(nil, `{"Attendees":[%s]}`, body)))
	case "GET/*?", "GET/*/*?max-results=99", "GET/*/*/*?":
		fmt.Fprint(w, `{}`)
	default:
		s.t.Errorf("unknown operation %s", op)
	}
}

// add checks new attendees and returns them as the answer has them.
func (s *meetingsServer) add(to map[string]bool, body []byte) string {
	var in struct {
		Attendees []struct {
			ExternalUserID string
			Capabilities   *struct{ Audio, Video, Content string }
			Tags           []struct{ Key, Value string }
		}
	}
	if err := json.Unmarshal(body, &in); err != nil {
		s.t.Errorf("body %.100s: %v", body, err)
	}
	var out []string
	for _, a := range in.Attendees {
		if (a.Capabilities == nil) != s.legacy || (len(a.Tags) == 0) == s.legacy {
			s.t.Errorf("attendee %+v of the wrong flavour", a)
		}
		to[a.ExternalUserID] = true
		out = append(out, fmt.Sprintf(`{"AttendeeId":"%d","JoinToken":"x"}`, len(to)))
	}
	if len(to) > maxMeeting {
		s.t.Errorf("%d attendees in a meeting", len(to))
	}
	if s.forget && len(out) > 1 {
		out = out[1:]
	}
	return "[" + strings.Join(out, ",") + "]"
}

// checkSignature signs the request again with the AWS SDK.
func (s *meetingsServer) checkSignature(r *http.Request, body []byte) {
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		s.t.Errorf("X-Amz-Date: %v", err)
	}
	again, err := http.NewRequest(r.Method, "http://"+r.Host+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		s.t.Error(err)
		return
	}
	_, signed, _ := strings.Cut(r.Header.Get("Authorization"), "SignedHeaders=")
	signed, _, _ = strings.Cut(signed, ",")
	for _, name := range strings.Split(signed, ";") {
		if name != "host" && name != "x-amz-date" && name != "content-length" && name != "x-amz-security-token" {
			again.Header.Set(name, r.Header.Get(name))
		}
	}
	if !strings.Contains(signed, "content-length") {
		again.ContentLength = 0
	}
	hash := sha256.Sum256(body)
	err = v4.NewSigner().SignHTTP(s.t.Context(), aws.Credentials{AccessKeyID: "AKIALOAD", SecretAccessKey: "secret", SessionToken: "session"}, again, hex.EncodeToString(hash[:]), "chime", "us-east-1", at)
	if err != nil || again.Header.Get("Authorization") != r.Header.Get("Authorization") {
		s.t.Errorf("signature differs from the SDK's: %v\n%s\n%s", err, r.Header.Get("Authorization"), again.Header.Get("Authorization"))
	}
}

func options(endpoint string) Options {
	return Options{
		Endpoint: endpoint, AccessKey: "AKIALOAD", SecretKey: "secret", Token: "session", Op: "BatchCreateAttendee",
		Clients: 4, Duration: 200 * time.Millisecond, Attendees: 100, Meetings: 5, Pid: os.Getpid(),
	}
}

func TestARunMeasuresWithBaselines(t *testing.T) {
	api := &meetingsServer{t: t}
	server := httptest.NewServer(api)
	defer server.Close()
	o := options(server.URL)
	o.Baseline, o.BaselineDir = true, t.TempDir()
	t.Setenv("LOAD_TEST_BARE", "1")
	o.Self = []string{os.Args[0]}
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	// The calls of the first stint warm up and do not count.
	if seen := api.calls["POST/*/*?operation=batch-create"]; r.Calls == 0 || r.Calls >= seen || r.Errors != 0 {
		t.Errorf("%d calls reported, %d seen, %d errors", r.Calls, seen, r.Errors)
	}
	if got, want := r.AttendeesPerSecond, 100*r.CallsPerSecond; got < want-1 || got > want+1 {
		t.Errorf("%f attendees a second at %f calls of 100", got, r.CallsPerSecond)
	}
	if r.Seconds < o.Duration.Seconds() || r.P50 <= 0 || r.P90 < r.P50 || r.P99 < r.P90 || r.Max < r.P99 {
		t.Errorf("implausible times: %+v", r)
	}
	if r.ServerRSS <= 0 || r.ServerPeakRSS < r.ServerRSS || r.ClientCPU <= 0 || r.DiskP99 < r.DiskP50 || r.DiskP50 <= 0 || r.BarePerSecond <= 0 {
		t.Errorf("implausible figures: %+v", r)
	}
	if want := r.P99 / r.DiskP99; r.P99RatioToDisk != want {
		t.Errorf("ratio to the disk %f, want %f", r.P99RatioToDisk, want)
	}
	if r.RequestBytes < 10_000 || r.ResponseBytes < 1000 {
		t.Errorf("bodies of %d and %d bytes", r.RequestBytes, r.ResponseBytes)
	}
	if left, err := os.ReadDir(o.BaselineDir); err != nil || len(left) != 0 {
		t.Errorf("left on the disk: %v, %v", left, err)
	}
}

func TestEveryOperationRunsAndCleansUp(t *testing.T) {
	for op, request := range map[string]string{
		"BatchCreateAttendee": "POST/*/*?operation=batch-create",
		"CreateAttendee":      "POST/*/*?",
		"CreateMeeting":       "POST?",
		"GetMeeting":          "GET/*?",
		"GetAttendee":         "GET/*/*/*?",
		"ListAttendees":       "GET/*/*?max-results=99",
		"DeleteMeeting":       "DELETE/*?",
	} {
		for _, legacy := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/legacy=%v", op, legacy), func(t *testing.T) {
				api := &meetingsServer{t: t, legacy: legacy}
				server := httptest.NewServer(api)
				defer server.Close()
				o := options(server.URL)
				o.Op, o.Duration = op, 30*time.Millisecond
				if legacy {
					o.Flavour = "legacy"
				}
				r, err := Run(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				if r.Calls == 0 || r.Errors != 0 || api.calls[request] < r.Calls {
					t.Errorf("%d calls and %d errors (%s) reported; seen: %v", r.Calls, r.Errors, r.FirstError, api.calls)
				}
				if len(api.meetings) != 0 {
					t.Errorf("%d of %d meetings are left", len(api.meetings), api.created)
				}
			})
		}
	}
}

func TestKeepKeepsTheMeetings(t *testing.T) {
	api := &meetingsServer{t: t}
	server := httptest.NewServer(api)
	defer server.Close()
	o := options(server.URL)
	o.Op, o.Keep, o.Meetings = "GetMeeting", true, 7
	r, err := Run(t.Context(), o)
	if err != nil || r.Meetings != 7 || len(api.meetings) != 7 {
		t.Errorf("%d meetings reported, %d left, %v", r.Meetings, len(api.meetings), err)
	}
}

func TestRefusedCallsAreCountedNotHidden(t *testing.T) {
	for name, api := range map[string]*meetingsServer{
		"400 Bad Request":      {t: t, refuse: true},
		"99 attendees, 100 we": {t: t, forget: true},
	} {
		server := httptest.NewServer(api)
		defer server.Close()
		r, err := Run(t.Context(), options(server.URL))
		if err != nil || r.Errors == 0 || r.Calls != 0 || !strings.Contains(r.FirstError, name) {
			t.Errorf("server that answers %s: report %+v, %v", name, r, err)
		}
	}
}

func TestAServerThatCannotBePreparedIsAnError(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "too many meetings", http.StatusBadRequest)
	}))
	defer server.Close()
	if _, err := Run(t.Context(), options(server.URL)); err == nil || !strings.Contains(err.Error(), "too many meetings") {
		t.Errorf("error %v does not say what the server said", err)
	}
}

func TestInterruptedRunsCleanUp(t *testing.T) {
	api := &meetingsServer{t: t}
	server := httptest.NewServer(api)
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	o := options(server.URL)
	o.Duration = time.Minute
	if _, err := Run(ctx, o); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("run: %v", err)
	}
	// A creation whose answer was cut off is the only thing that may be left.
	if left := len(api.meetings); left > o.Clients {
		t.Errorf("%d meetings are left", left)
	}
}

func TestReportForPeople(t *testing.T) {
	var out bytes.Buffer
	r := Report{Op: "GetMeeting", Calls: 10, ServerCPU: 0.5, BareCPU: 0.1, CPURatioToBare: 5, DiskP99: 2, P99RatioToDisk: 3.5, FirstError: "boom"}
	if err := r.Write(&out, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"GetMeeting", "0.500 ms CPU", "5.0 times", "3.5 times", "boom"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("report does not say %q:\n%s", want, out.String())
		}
	}
	out.Reset()
	if err := r.Write(&out, true); err != nil || strings.Count(out.String(), "\n") != 1 || !json.Valid(out.Bytes()) {
		t.Errorf("JSON report: %v: %s", err, out.String())
	}
	if err := r.Write(failingWriter{}, false); err == nil {
		t.Error("a report that cannot be written is no error")
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errors.New("full") }

func TestOptionProblemsAreNamed(t *testing.T) {
	_, err := Run(t.Context(), Options{Endpoint: "nowhere", Op: "Sing", Flavour: "sweet", Attendees: 101})
	for _, want := range []string{"nowhere", "Sing", "sweet", "101", "clients", "duration"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the problems do not name %q: %v", want, err)
		}
	}
}
