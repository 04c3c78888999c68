package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"

	"github.com/carillon-meetings/carillon/internal/config"
)

func post(t *testing.T, url, body string) (status int) {
	t.Helper()
	answer, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}

// The calls of the test mode are there in test mode only, and then the start
// says it.
func TestTheTestModeIsOnlyThereWhenItIsOn(t *testing.T) {
	for _, on := range []bool{false, true} {
		flags := []string{"--test-mode"}
		if !on {
			flags = []string{"--dev"}
		}
		s := startServer(t, t.TempDir(), flags...)
		status, body := get(t, s.ports.public.String()+"/test/v1/clock")
		if got := status == http.StatusOK && strings.Contains(body, "advanced"); got != on {
			t.Errorf("%v: %d %s", flags, status, body)
		}
		var said strings.Builder
		printBanner(&said, s)
		if got := strings.Contains(said.String(), "TEST MODE: any credentials are accepted, and "+s.ports.public.String()+"/test/v1/"); got != on {
			t.Errorf("%v: said %s", flags, said.String())
		}
	}
}

func TestTheClockOfTheTestModeEndsMeetings(t *testing.T) {
	s := startServer(t, t.TempDir(), "--test-mode")
	sdk := s.sdk("anybody", "anything", http.DefaultClient)
	id := createMeeting(t, sdk, "idle")
	base := s.ports.public.String() + "/test/v1/"
	if status := post(t, base+"clock", `{"advance":"5m1s"}`); status != http.StatusOK {
		t.Fatal(status)
	}
	var gone *types.NotFoundException
	if _, err := sdk.GetMeeting(t.Context(), &chimesdkmeetings.GetMeetingInput{MeetingId: &id}); !errors.As(err, &gone) {
		t.Errorf("after five minutes: %v", err)
	}
	if status := post(t, base+"faults", `{"operation":"CreateMeeting","error":"ConflictException","calls":1}`); status != http.StatusOK {
		t.Fatal(status)
	}
	if status := post(t, s.ports.public.String()+"/meetings", `{}`); status != http.StatusConflict {
		t.Errorf("a call that is to fail: %d", status)
	}
	if status := post(t, base+"reset", ""); status != http.StatusNoContent {
		t.Errorf("reset: %d", status)
	}
}

// The throttle goes by the clock that tests move, and a reset leaves nobody
// throttled.
func TestTheThrottleOfTheTestMode(t *testing.T) {
	s := startServer(t, t.TempDir(), "--test-mode", "--throttle-rate", "0.01", "--throttle-burst", "1")
	base := s.ports.public.String() + "/test/v1/"
	create := func(want int) {
		t.Helper()
		if status := post(t, s.ports.public.String()+"/meetings", `{"ClientRequestToken":"standup","ExternalMeetingId":"standup","MediaRegion":"us-east-1"}`); status != want {
			t.Errorf("CreateMeeting: %d, want %d", status, want)
		}
	}
	create(200)
	create(429)
	if status := post(t, base+"clock", `{"advance":"101s"}`); status != 200 {
		t.Fatal(status)
	}
	create(200)
	create(429)
	if status := post(t, base+"reset", ""); status != 204 {
		t.Fatal(status)
	}
	create(200)
}

// A reset ends media pipelines, forgets them, and waits for what they tell at
// their end, which would else be an event of the next test.
func TestAResetOfTheTestModeLeavesNoPipelines(t *testing.T) {
	s := startServer(t, t.TempDir(), "--test-mode", "--recordings", t.TempDir())
	sdk := s.sdk("anybody", "anything", http.DefaultClient)
	id := createMeeting(t, sdk, "recorded")
	base := s.ports.public.String()
	begin := func(path, body string) string {
		t.Helper()
		answer, err := http.Post(base+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		var made map[string]struct{ MediaPipelineArn string }
		if err := json.NewDecoder(answer.Body).Decode(&made); err != nil || answer.StatusCode != http.StatusCreated {
			t.Fatalf("%s: %s, %v", path, answer.Status, err)
		}
		for _, p := range made {
			return p.MediaPipelineArn
		}
		return ""
	}
	capture := begin("/sdk-media-capture-pipelines", `{"SourceType":"ChimeSdkMeeting","SinkType":"S3Bucket","SinkArn":"arn:aws:s3:::recordings","SourceArn":"arn:aws:chime:us-east-1:000000000000:meeting/`+id+`"}`)
	off := `{"State":"Disabled"}`
	begin("/sdk-media-concatenation-pipelines", `{"Sinks":[{"Type":"S3Bucket","S3BucketSinkConfiguration":{"Destination":"arn:aws:s3:::recordings"}}],
		"Sources":[{"Type":"MediaCapturePipeline","MediaCapturePipelineSourceConfiguration":{"MediaPipelineArn":"`+capture+`","ChimeSdkMeetingConfiguration":{"ArtifactsConfiguration":
		{"Audio":{"State":"Enabled"},"Video":`+off+`,"Content":`+off+`,"DataChannel":`+off+`,"TranscriptionMessages":`+off+`,"MeetingEvents":`+off+`,"CompositedVideo":`+off+`}}}}]}`)
	if status := post(t, base+"/test/v1/reset", ""); status != 204 {
		t.Fatal(status)
	}
	if left := s.control.Pipelines(); len(left) > 0 {
		t.Errorf("left: %+v", left[0])
	}
	if _, told := get(t, base+"/test/v1/events"); !strings.Contains(told, `"events":[]`) {
		t.Errorf("told after the reset: %s", told)
	}
}

// A server that ends is not kept by those who wait for events.
func TestWhoWaitsForEventsDoesNotKeepTheServer(t *testing.T) {
	s := startServer(t, t.TempDir(), "--test-mode")
	answered := make(chan error, 1)
	go func() {
		answer, err := http.Get(s.ports.public.String() + "/test/v1/events?wait=1m")
		if err == nil {
			err = answer.Body.Close()
		}
		answered <- err
	}()
	until(t, "somebody to wait", func() bool { return s.conns.Stats().Open > 0 })
	began := time.Now()
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	<-answered
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("stopping took %v", took)
	}
}

// A server that goes with who started it goes by its standard input.
func TestUntilEOF(t *testing.T) {
	r, w := io.Pipe()
	ctx, cancel := untilEOF(t.Context(), r)
	defer cancel()
	if _, err := w.Write([]byte("not the end")); err != nil || ctx.Err() != nil {
		t.Fatalf("before the end: %v, %v", err, ctx.Err())
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
}

// Without a directory of its own, a server in test mode leaves nothing behind.
func TestTheTestModeKeepsItsDataApart(t *testing.T) {
	t.Setenv(config.FileEnv, "")
	tmp, home := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", tmp)
	t.Chdir(home)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	go func() {
		ended <- run(ctx, []string{"serve", "--test-mode", "--listen", address, "--media-tcp", "off", "--log-level", "error"})
	}()
	for served := false; !served; time.Sleep(10 * time.Millisecond) {
		if len(ended) > 0 {
			t.Fatal(<-ended)
		}
		answer, err := http.Get("http://" + address + "/test/v1/clock")
		served = err == nil
		if served {
			served = answer.StatusCode == http.StatusOK && answer.Body.Close() == nil
		}
	}
	if made, err := filepath.Glob(filepath.Join(tmp, "carillon-test-*", "ledger")); err != nil || len(made) != 1 {
		t.Errorf("data in %v, %v", made, err)
	}
	http.DefaultClient.CloseIdleConnections()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for _, dir := range []string{tmp, home} {
		left, err := os.ReadDir(dir)
		if err != nil || len(left) > 0 {
			t.Errorf("left: %v, %v", left, err)
		}
	}
	// A directory that is named stays.
	named := filepath.Join(home, "mine")
	parser, err := kong.New(&commandLine{})
	if err != nil {
		t.Fatal(err)
	}
	command, err := parser.Parse([]string{"serve", "--test-mode", "--data", named})
	if err != nil || !given(command, "data") {
		t.Errorf("a named directory is not taken: %v", err)
	}
}

// TURN credentials last for their time by the clock that tests move.
func TestTURNCredentialsGoByTheClockOfTheTestMode(t *testing.T) {
	s := startServer(t, t.TempDir(), "--test-mode", "--turn-udp", "127.0.0.1:0", "--turn-ttl", "1h")
	expiry := func() (at int64) {
		if _, err := fmt.Sscan(s.media.turn.Credentials("ada").Username, &at); err != nil {
			t.Fatal(err)
		}
		return at
	}
	before := expiry()
	if status := post(t, s.ports.public.String()+"/test/v1/clock", `{"advance":"10m"}`); status != http.StatusOK {
		t.Fatal(status)
	}
	if later := expiry() - before; later < 600 || later > 660 {
		t.Errorf("the credentials end %d s later", later)
	}
}
