package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"
	"go.uber.org/goleak"

	"github.com/carillon-meetings/carillon/internal/config"
	"github.com/carillon-meetings/carillon/internal/logtail"
	"github.com/carillon-meetings/carillon/internal/servertest"
)

// settings parses serve flags on top of addresses and a directory of the
// test's own.
func settings(t *testing.T, flags ...string) *config.Serve {
	t.Helper()
	var cli struct {
		Serve config.Serve `cmd:""`
	}
	parser, err := kong.New(&cli)
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"serve", "--listen", "127.0.0.1:0", "--media-tcp", "127.0.0.1:0", "--media-udp", "127.0.0.1:0", "--log-level", "error"}, flags...)
	if _, err := parser.Parse(args); err != nil {
		t.Fatal(err)
	}
	return &cli.Serve
}

// unstarted returns a server that has read what its configuration names.
func unstarted(t *testing.T, cfg *config.Serve) *server {
	t.Helper()
	found, err := prepare(cfg)
	if err != nil {
		t.Fatal(err)
	}
	tail := logtail.New(logtail.Kept)
	return &server{cfg: cfg, prepared: found, tail: tail, log: newLogger(cfg, tail)}
}

// startServer runs a server until the test ends, and then looks for leaked
// goroutines.
func startServer(t *testing.T, dir string, flags ...string) *server {
	t.Helper()
	s := unstarted(t, settings(t, append([]string{"--data", dir}, flags...)...))
	startAs(t, s)
	return s
}

// startAs starts a server that has been set up.
func startAs(t *testing.T, s *server) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		goleak.VerifyNone(t, before)
	})
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err, s.stop())
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
}

func (s *server) sdk(access, secret string, client *http.Client) *chimesdkmeetings.Client {
	return chimesdkmeetings.New(chimesdkmeetings.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(s.ports.public.String()), HTTPClient: client,
		Credentials: credentials.NewStaticCredentialsProvider(access, secret, ""),
	})
}

func createMeeting(t *testing.T, client *chimesdkmeetings.Client, token string) string {
	t.Helper()
	out, err := client.CreateMeeting(t.Context(), &chimesdkmeetings.CreateMeetingInput{
		ClientRequestToken: &token, ExternalMeetingId: aws.String("x1"), MediaRegion: aws.String("us-east-1"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return *out.Meeting.MeetingId
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(raw)
}

func TestARestartKeepsMeetingsTokensAndKeys(t *testing.T) {
	dir := t.TempDir()
	var first types.Attendee
	var id string
	t.Run("first", func(t *testing.T) {
		s := startServer(t, dir)
		if !s.id.FirstStart {
			t.Error("an empty directory is not taken for a first start")
		}
		client := s.sdk(s.id.AccessKey, s.id.SecretKey, http.DefaultClient)
		id = createMeeting(t, client, "restart-1")
		out, err := client.CreateAttendee(t.Context(), &chimesdkmeetings.CreateAttendeeInput{MeetingId: &id, ExternalUserId: aws.String("ada")})
		if err != nil {
			t.Fatal(err)
		}
		first = *out.Attendee
	})
	t.Run("second", func(t *testing.T) {
		s := startServer(t, dir)
		if s.id.FirstStart {
			t.Error("the second start takes itself for the first")
		}
		client := s.sdk(s.id.AccessKey, s.id.SecretKey, http.DefaultClient)
		out, err := client.GetAttendee(t.Context(), &chimesdkmeetings.GetAttendeeInput{MeetingId: &id, AttendeeId: first.AttendeeId})
		if err != nil {
			t.Fatal(err)
		}
		if *out.Attendee.JoinToken != *first.JoinToken {
			t.Error("the join token changed over a restart")
		}
	})
}

func TestADataDirectoryServesOneProcess(t *testing.T) {
	dir := t.TempDir()
	startServer(t, dir)
	cfg := settings(t, "--data", dir)
	second := unstarted(t, cfg)
	err := second.start(t.Context())
	if stopErr := second.stop(); stopErr != nil {
		t.Error(stopErr)
	}
	if err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second server on the same directory: %v", err)
	}
}

func TestHealthReadinessMetricsAndDrain(t *testing.T) {
	s := startServer(t, t.TempDir())
	base := s.ports.public.String()
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, _ := get(t, base+path); status != http.StatusOK {
			t.Errorf("GET %s: %d", path, status)
		}
	}
	if _, body := get(t, base+"/readyz"); !strings.Contains(body, "MiB free") {
		t.Errorf("readyz says %q", body)
	}
	createMeeting(t, s.sdk(s.id.AccessKey, s.id.SecretKey, http.DefaultClient), "metrics-1")
	_, body := get(t, base+"/metrics")
	for _, want := range []string{`operation="CreateMeeting"`, "carillon_meetings_active 1", "go_goroutines", "carillon_store_free_bytes ", "carillon_store_refuses 0"} {
		if !strings.Contains(body, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	s.ready.Store(false)
	s.api.Drain()
	if status, _ := get(t, base+"/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("readyz while draining: %d", status)
	}
	response, err := http.Get(base + "/meetings/00000000-0000-4000-8000-000000000000")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
		t.Errorf("a call while draining: %d, Retry-After %q", response.StatusCode, response.Header.Get("Retry-After"))
	}
}

func TestAShutdownFinishesWhatRunsAndTellsOthersToComeBack(t *testing.T) {
	s := startServer(t, t.TempDir(), "--dev")
	slow, err := net.Dial("tcp", s.ports.web.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	const body = `{"ClientRequestToken":"slow-1","ExternalMeetingId":"x1","MediaRegion":"us-east-1"}`
	head := "POST /meetings HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) +
		"\r\nAuthorization: AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/chime/aws4_request, SignedHeaders=host, Signature=0\r\n\r\n"
	if _, err := io.WriteString(slow, head); err != nil {
		t.Fatal(err)
	}
	for s.doors.calls.Load() == 0 {
		runtime.Gosched()
	}
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	get := func() *http.Response {
		response, err := client.Get(s.ports.public.String() + "/meetings/00000000-0000-4000-8000-000000000000")
		if err != nil {
			t.Fatal("a call was cut off: ", err)
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response
	}
	if early := get(); early.StatusCode != http.StatusForbidden && early.StatusCode != http.StatusNotFound {
		t.Errorf("a call before the shutdown: %d", early.StatusCode)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	for {
		c, err := net.Dial("tcp", s.ports.web.Addr().String())
		if err != nil {
			break
		}
		c.Close()
	}
	response := get()
	if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
		t.Errorf("a call during the shutdown: %d", response.StatusCode)
	}
	if _, err := io.WriteString(slow, body); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(slow), nil)
	if err != nil {
		t.Fatal("the running call was cut off: ", err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("the running call: %d", answer.StatusCode)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestTLS(t *testing.T) {
	cert := servertest.NewCertificate(t)
	s := startServer(t, t.TempDir(), "--tls-cert", cert.CertFile, "--tls-key", cert.KeyFile, "--access-key", "AKIATLS", "--secret-key", "secret")
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: cert.Pool}}}
	defer client.CloseIdleConnections()
	out, err := s.sdk("AKIATLS", "secret", client).CreateMeeting(t.Context(), &chimesdkmeetings.CreateMeetingInput{
		ClientRequestToken: aws.String("tls-1"), ExternalMeetingId: aws.String("x1"), MediaRegion: aws.String("us-east-1"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if url := *out.Meeting.MediaPlacement.SignalingUrl; !strings.HasPrefix(url, "wss://127.0.0.1:") {
		t.Errorf("SignalingUrl %s", url)
	}
}

func TestTheBannerShowsTheKeysOnce(t *testing.T) {
	dir := t.TempDir()
	for start, want := range []bool{true, false} {
		var out strings.Builder
		t.Run("start", func(t *testing.T) {
			s := startServer(t, dir)
			printBanner(&out, s)
			secret := strings.Contains(out.String(), s.id.SecretKey)
			exports := strings.Contains(out.String(), "export AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS="+s.ports.public.String())
			if secret != want || exports != want {
				t.Errorf("start %d: secret shown %t, exports shown %t\n%s", start+1, secret, exports, out.String())
			}
		})
	}
}

func TestCommandLineProblemsAreErrors(t *testing.T) {
	t.Setenv(config.FileEnv, "")
	for _, args := range [][]string{
		{"serve", "--listen", "nonsense", "--data", t.TempDir()},
		{"serve", "--access-key", "only-half", "--data", t.TempDir()},
		{"serve", "--no-such-flag"},
		{"check", "config", "--timer-idle", "0s"},
		{"conform", "--profile", "nonsense"},
	} {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // a server that starts in spite of it ends at once
		if err := run(ctx, args); err == nil {
			t.Errorf("carillon %s: no error", strings.Join(args, " "))
		}
	}
}
