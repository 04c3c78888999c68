package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	collector "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	spans "go.opentelemetry.io/proto/slim/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/app"
	"github.com/carillon-meetings/carillon/internal/load/door"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// otlpReceiver takes traces, reading them with the official messages.
type otlpReceiver struct {
	*httptest.Server
	mu      sync.Mutex
	spans   []*spans.Span
	service map[string]string
	twice   bool // something was said of the process more than once
	auth    []string
	all     [][]byte // as they came
}

func newReceiver(t *testing.T) *otlpReceiver {
	t.Helper()
	r := &otlpReceiver{service: map[string]string{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		raw, err := io.ReadAll(req.Body)
		var batch collector.ExportTraceServiceRequest
		if err != nil || proto.Unmarshal(raw, &batch) != nil || req.URL.Path != "/v1/traces" {
			t.Errorf("no traces: %s %s, %v", req.Method, req.URL, err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.all, r.auth = append(r.all, raw), append(r.auth, req.Header.Get("X-Api-Key"))
		for _, of := range batch.GetResourceSpans() {
			clear(r.service)
			for _, a := range of.GetResource().GetAttributes() {
				_, before := r.service[a.GetKey()]
				r.twice = r.twice || before
				r.service[a.GetKey()] = a.GetValue().GetStringValue()
			}
			for _, scope := range of.GetScopeSpans() {
				r.spans = append(r.spans, scope.GetSpans()...)
			}
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// find waits for a span of that name and returns it with its steps, in the order
// in which they began.
func (r *otlpReceiver) find(t *testing.T, name string) (found *spans.Span, steps []*spans.Span) {
	t.Helper()
	until(t, "the span "+name, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		found, steps = nil, nil
		for _, s := range r.spans {
			if s.GetName() == name {
				found = s
			}
		}
		for _, s := range r.spans {
			if found != nil && bytes.Equal(s.GetParentSpanId(), found.GetSpanId()) {
				steps = append(steps, s)
			}
		}
		return found != nil
	})
	slices.SortStableFunc(steps, func(a, b *spans.Span) int { return int(int64(a.GetStartTimeUnixNano() - b.GetStartTimeUnixNano())) })
	for _, s := range steps {
		if !bytes.Equal(s.GetTraceId(), found.GetTraceId()) || s.GetStartTimeUnixNano() < found.GetStartTimeUnixNano() ||
			s.GetEndTimeUnixNano() > found.GetEndTimeUnixNano() || s.GetEndTimeUnixNano() < s.GetStartTimeUnixNano() {
			t.Errorf("%s is not within %s: %v in %v", s.GetName(), name, s, found)
		}
	}
	return found, steps
}

func names(list []*spans.Span) (all string) {
	for _, s := range list {
		all += s.GetName() + ", "
	}
	return strings.TrimSuffix(all, ", ")
}

// said returns a span's attributes.
func said(s *spans.Span) map[string]any {
	all := map[string]any{}
	for _, a := range s.GetAttributes() {
		if all[a.GetKey()] = a.GetValue().GetStringValue(); a.GetValue().GetStringValue() == "" {
			all[a.GetKey()] = a.GetValue().GetIntValue()
		}
	}
	return all
}

// byTraceparent gives a client's requests a header of an outer trace.
func byTraceparent(value string) func(*chimesdkmeetings.Options) {
	return func(o *chimesdkmeetings.Options) {
		o.APIOptions = append(o.APIOptions, smithyhttp.SetHeaderValue("traceparent", value))
	}
}

// newPromptReceiver is one to which the servers of this process send after 0.2 s
// instead of 5. Tests that run beside others cannot have it.
func newPromptReceiver(t *testing.T) *otlpReceiver {
	t.Helper()
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
	return newReceiver(t)
}

// startTraced starts a server that sends traces to the receiver.
func startTraced(t *testing.T, r *otlpReceiver, flags ...string) (*server, func() string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "headers")
	if err := os.WriteFile(file, []byte("# of the collector\nX-Api-Key: a-key-nobody-reads\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, log := startLogged(t, append([]string{"--otlp-endpoint", r.URL, "--otlp-headers-file", file}, flags...)...)
	return s, log.String
}

// portOf is the port of the server's public address.
func portOf(t *testing.T, s *server) int {
	t.Helper()
	u, err := url.Parse(s.ports.public.String())
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// A stock client's call is a trace: below the client's own, with its steps.
func TestAStockClientsCallIsTraced(t *testing.T) {
	r := newPromptReceiver(t)
	s, log := startTraced(t, r)
	sdk := s.sdk(s.id.AccessKey, s.id.SecretKey, http.DefaultClient)
	const trace, caller = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	in := &chimesdkmeetings.CreateMeetingWithAttendeesInput{
		ClientRequestToken: aws.String("a-request-token"), ExternalMeetingId: aws.String("external-meeting"), MediaRegion: aws.String("us-east-1"),
		Attendees: []types.CreateAttendeeRequestItem{{ExternalUserId: aws.String("external-user")}},
		Tags:      []types.Tag{{Key: aws.String("tag-key"), Value: aws.String("tag-value")}},
	}
	out, err := sdk.CreateMeetingWithAttendees(t.Context(), in, byTraceparent("00-"+trace+"-"+caller+"-01"))
	if err != nil {
		t.Fatal(err)
	}
	call, steps := r.find(t, "CreateMeetingWithAttendees")
	if hex.EncodeToString(call.GetTraceId()) != trace || hex.EncodeToString(call.GetParentSpanId()) != caller || call.GetKind() != spans.Span_SPAN_KIND_SERVER {
		t.Errorf("the call: %v", call)
	}
	if got := names(steps); got != "signature, turn, ledger write, answer" {
		t.Errorf("its steps: %s", got)
	}
	about := said(call)
	if about["rpc.method"] != "CreateMeetingWithAttendees" || about["http.response.status_code"] != int64(200) || about["carillon.flavour"] != "meetings" ||
		about["aws.request_id"] == "" || about["error.type"] != nil || call.GetStatus() != nil {
		t.Errorf("it says %v", about)
	}
	if about["rpc.system"] != "aws-api" || about["rpc.service"] != "ChimeSDKMeetings" || about["http.request.method"] != "POST" || about["http.route"] != "/meetings" ||
		about["url.path"] != "/meetings" || about["url.scheme"] != "http" || about["server.address"] != "127.0.0.1" || about["server.port"] != int64(portOf(t, s)) {
		t.Errorf("it says of HTTP and of the service: %v", about)
	}
	if r.service["service.name"] != "carillon" || r.service["service.version"] != thisBuild().Version || !slices.Contains(r.auth, "a-key-nobody-reads") {
		t.Errorf("sent by %v with keys %v", r.service, r.auth)
	}
	if line := regexp.MustCompile(`msg="api request" .*operation=CreateMeetingWithAttendees .*`).FindString(log()); !strings.Contains(line, "trace_id="+trace) {
		t.Errorf("its line in the log: %s", line)
	}
	_, err = sdk.GetMeeting(t.Context(), &chimesdkmeetings.GetMeetingInput{MeetingId: aws.String("00000000-0000-4000-8000-000000000000")})
	if err == nil {
		t.Fatal("a meeting that is not there was found")
	}
	refused, _ := r.find(t, "GetMeeting")
	if about := said(refused); about["error.type"] != "NotFoundException" || about["http.response.status_code"] != int64(404) || about["http.route"] != "/meetings/{meetingId}" ||
		about["url.path"] != "/meetings/00000000-0000-4000-8000-000000000000" || len(refused.GetParentSpanId()) != 0 || refused.GetStatus() != nil {
		t.Errorf("the refused call: %v below %x", about, refused.GetParentSpanId())
	}
	if status, _ := get(t, s.ports.public.String()+"/meetings"); status != http.StatusForbidden {
		t.Fatalf("unsigned call: %d", status)
	}
	unsigned, steps := r.find(t, "ListMeetings")
	if len(steps) == 0 || steps[0].GetStatus().GetCode() != spans.Status_STATUS_CODE_ERROR || said(unsigned)["error.type"] == nil || said(unsigned)["http.route"] != nil {
		t.Errorf("an unsigned call: %v with steps %v", said(unsigned), steps)
	}
	if status, _ := get(t, s.ports.public.String()+"/meetings/somebody@example.org/what-somebody-has-put-into-a-path?x=tag-value"); status/100 != 4 {
		t.Fatalf("a call that leads nowhere: %d", status)
	}
	lost, _ := r.find(t, "unknown operation")
	if about := said(lost); about["rpc.method"] != nil || about["url.path"] != "/meetings/…/…" {
		t.Errorf("a call that leads nowhere: %v", about)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, secret := range []string{
		"external-user", "external-meeting", "a-request-token", "tag-key", "tag-value", *out.Attendees[0].JoinToken, s.id.AccessKey, s.id.SecretKey, "a-key-nobody-reads",
	} {
		for _, raw := range r.all {
			if bytes.Contains(raw, []byte(secret)) {
				t.Errorf("a trace holds %s", secret)
			}
		}
		if strings.Contains(log(), secret) && secret != s.id.AccessKey {
			t.Errorf("the log holds %s", secret)
		}
	}
}

// joinAs joins a meeting with media over UDP and says something.
func joinAs(t *testing.T, s *server, meeting, token string) {
	t.Helper()
	line := comeIn(t, s.ports.public.String(), meeting, token)
	heard := 0
	until(t, "the first sound to be heard of", func() bool {
		line.SendAudio([]byte{0xf8, 0xff, 0xfe}, 127)
		heard += s.signal.Counts().Attendees
		return heard == 5 // so many were sent since the client is there
	})
}

// A join is a trace too, from the token to the first sound; one that fails says
// where.
func TestAJoinIsTraced(t *testing.T) {
	r := newPromptReceiver(t)
	s, _ := startTraced(t, r)
	sdk := s.sdk(s.id.AccessKey, s.id.SecretKey, http.DefaultClient)
	id := createMeeting(t, sdk, "a-token")
	made, err := sdk.CreateAttendee(t.Context(), &chimesdkmeetings.CreateAttendeeInput{MeetingId: &id, ExternalUserId: aws.String("external-user")})
	if err != nil {
		t.Fatal(err)
	}
	joinAs(t, s, id, *made.Attendee.JoinToken)
	join, steps := r.find(t, "join")
	if got := names(steps); got != "socket, JOIN, SUBSCRIBE, ICE, DTLS, first media" {
		t.Errorf("the steps of a join: %s", got)
	}
	about := said(join)
	if about["http.route"] != "/control/{meetingId}" || about["url.path"] != "/control/"+id || about["http.request.method"] != "GET" {
		t.Errorf("it says of HTTP: %v", about)
	}
	if about["carillon.meeting_id"] != id || about["carillon.attendee_id"] != *made.Attendee.AttendeeId || about["error.type"] != nil || join.GetStatus() != nil {
		t.Errorf("it says %v", about)
	}
	if len(join.GetParentSpanId()) != 0 || join.GetKind() != spans.Span_SPAN_KIND_SERVER {
		t.Errorf("the join: %v", join)
	}
	d, err := door.Dial(t.Context(), nil, "ws"+strings.TrimPrefix(s.ports.public.String(), "http")+"/control/"+id, strings.Repeat("x", 98), func(*wire.Index) {})
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
	until(t, "the refused join", func() bool {
		refused, _ := r.find(t, "join")
		return said(refused)["error.type"] == "token" && refused.GetStatus().GetMessage() == "the join token is not valid"
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, raw := range r.all {
		if bytes.Contains(raw, []byte("external-user")) || bytes.Contains(raw, []byte(*made.Attendee.JoinToken)) {
			t.Error("a trace holds what is a user's")
		}
	}
}

// A receiver that is not there is no reason not to serve, nor to end late.
func TestAReceiverThatIsDownIsCountedAndNoMore(t *testing.T) {
	r := newPromptReceiver(t)
	r.Close()
	s, _ := startTraced(t, r)
	createMeeting(t, s.sdk(s.id.AccessKey, s.id.SecretKey, http.DefaultClient), "a-token")
	_, told := get(t, s.ports.public.String()+pathMetrics)
	for _, line := range []string{`carillon_trace_spans_dropped_total{reason="not_taken"} 0`, `carillon_trace_spans_dropped_total{reason="no_room"} 0`, "carillon_trace_spans_sent_total 0"} {
		if !strings.Contains(told, "\n"+line+"\n") {
			t.Errorf("the metrics lack %s", line)
		}
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if stats := s.tracer.Stats(); stats.NotTaken == 0 || stats.Sent != 0 {
		t.Errorf("at the end: %+v", stats)
	}
}

// What is left is sent when the server ends.
func TestTheLastTracesAreSentAtTheEnd(t *testing.T) {
	r := newPromptReceiver(t)
	s, _ := startTraced(t, r)
	createMeeting(t, s.sdk(s.id.AccessKey, s.id.SecretKey, http.DefaultClient), "a-token")
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if stats := s.tracer.Stats(); stats.Sent == 0 || stats.NotTaken+stats.NoRoom+stats.Rejected != 0 {
		t.Errorf("at the end: %+v", stats)
	}
	r.find(t, "CreateMeeting")
}

// Without an endpoint there is nothing to trace with, and no caller's trace is
// in the log.
func TestWithoutAReceiverNothingIsTraced(t *testing.T) {
	s, log := startLogged(t)
	sdk := s.sdk(s.id.AccessKey, s.id.SecretKey, http.DefaultClient)
	if _, err := sdk.GetMeeting(t.Context(), &chimesdkmeetings.GetMeetingInput{MeetingId: aws.String("00000000-0000-4000-8000-000000000000")},
		byTraceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")); err == nil {
		t.Fatal("found")
	}
	if s.tracer != nil || strings.Contains(log.String(), "trace_id") {
		t.Errorf("traced: %s", log.String())
	}
}

func TestTheReceiversHeaders(t *testing.T) {
	write := func(text string) string {
		file := filepath.Join(t.TempDir(), "headers")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	got, err := traceHeaders(write("# a comment\n\nAuthorization: Basic eDp5\r\nX-Scope: a\nx-scope:b\n"))
	if err != nil || got.Get("Authorization") != "Basic eDp5" || strings.Join(got["X-Scope"], " ") != "a b" || len(got) != 2 {
		t.Errorf("read %v, %v", got, err)
	}
	for _, text := range []string{"no-colon-s3cret\n", "two words s3cret: x\n", "Name:\n", ": s3cret\n", "Name: s3cret\x01\n", "fine: x\nNäme: s3cret\n"} {
		if _, err := traceHeaders(write(text)); err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := traceHeaders(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there was read")
	}
}

// Profiles slow the server down: only operators get them. No secret is in them.
func TestProfilesAreForOperators(t *testing.T) {
	const hidden = "a-secret-key-of-the-command-line"
	s := startServer(t, t.TempDir(), "--pprof-listen", "127.0.0.1:0", "--access-key", "AKID", "--secret-key", hidden)
	base := "http://" + s.ports.pprof.Addr().String()
	ask := func(path string, change func(*http.Request)) (int, string) {
		t.Helper()
		r, err := http.NewRequest(http.MethodGet, base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		change(r)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(body)
	}
	operator := func(r *http.Request) { r.SetBasicAuth("operator", s.id.OperatorSecret) }
	for _, path := range []string{pathPprof, pathPprof + "heap", pathPprof + "goroutine?debug=2", pathPprof + "profile?seconds=1", pathPprof + "trace?seconds=0.1"} {
		if status, body := ask(path, operator); status != http.StatusOK || body == "" || strings.Contains(body, hidden) || strings.Contains(body, s.id.OperatorSecret) {
			t.Errorf("%s for an operator: %d", path, status)
		}
	}
	if status, _ := ask(pathPprof+"heap", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+s.id.OperatorSecret) }); status != http.StatusOK {
		t.Errorf("by a bearer token: %d", status)
	}
	for name, change := range map[string]func(*http.Request){
		"nobody":       func(*http.Request) {},
		"a guess":      func(r *http.Request) { r.SetBasicAuth("operator", "a guess") },
		"as the name":  func(r *http.Request) { r.SetBasicAuth(s.id.OperatorSecret, "") },
		"another host": func(r *http.Request) { operator(r); r.Host = "evil.example" },
	} {
		if status, _ := ask(pathPprof+"heap", change); status != http.StatusUnauthorized && status != http.StatusMisdirectedRequest {
			t.Errorf("%s gets %d", name, status)
		}
	}
	for _, path := range []string{pathPprof + "cmdline", "/", pathMetrics, pathHealth, "/meetings"} {
		if status, _ := ask(path, operator); status != http.StatusNotFound {
			t.Errorf("%s of another door: %d", path, status)
		}
	}
	if status, _ := get(t, s.ports.public.String()+pathPprof); status == http.StatusOK {
		t.Error("the profiles are on the public address")
	}
}

// The application API's calls are traced as well.
func TestACallOfTheApplicationAPIIsTraced(t *testing.T) {
	r := newPromptReceiver(t)
	s, log := startTraced(t, r)
	req, err := http.NewRequest(http.MethodGet, s.ports.public.String()+app.Prefix+"meetings", nil)
	if err != nil {
		t.Fatal(err)
	}
	nothing := sha256.Sum256(nil)
	keys := aws.Credentials{AccessKeyID: s.id.AccessKey, SecretAccessKey: s.id.SecretKey}
	if err := v4.NewSigner().SignHTTP(t.Context(), keys, req, hex.EncodeToString(nothing[:]), "chime", "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	call, steps := r.find(t, "ListMeetings")
	if about := said(call); about["carillon.flavour"] != "app" || about["aws.request_id"] != answer.Header.Get("X-Amzn-Requestid") || about["http.response.status_code"] != int64(200) ||
		about["rpc.method"] != "ListMeetings" || about["http.route"] != app.Prefix+"meetings" || about["url.path"] != app.Prefix+"meetings" {
		t.Errorf("it says %v", about)
	}
	if names(steps) != "signature" || !strings.Contains(log(), "trace_id="+hex.EncodeToString(call.GetTraceId())) {
		t.Errorf("steps %s, log %s", names(steps), log())
	}
}
