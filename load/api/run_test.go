package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
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

// meetingsServer is an API that knows only how to count.
type meetingsServer struct {
	t       *testing.T
	mu      sync.Mutex
	created int
	deleted int
	batches int
	refuse  bool // every batch
}

func (s *meetingsServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	s.checkSignature(r, body)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.Method == http.MethodDelete:
		s.deleted++
		w.WriteHeader(http.StatusNoContent)
	case strings.HasSuffix(r.URL.Path, "/attendees"):
		s.batches++
		if s.refuse {
			http.Error(w, "no", http.StatusBadRequest)
			return
		}
		fmt.Fprint(w, `{"Attendees":[`+strings.Repeat(`{"JoinToken":"x"},`, bytes.Count(body, []byte("ExternalUserId")))+`{}]}`)
	default:
		s.created++
		fmt.Fprintf(w, `{"Meeting":{"MeetingId":"%08d-0000-4000-8000-000000000000"}}`, s.created)
	}
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
		if name != "host" && name != "x-amz-date" && name != "content-length" {
			again.Header.Set(name, r.Header.Get(name))
		}
	}
	if !strings.Contains(signed, "content-length") {
		again.ContentLength = 0
	}
	hash := sha256.Sum256(body)
	err = v4.NewSigner().SignHTTP(s.t.Context(), aws.Credentials{AccessKeyID: "AKIALOAD", SecretAccessKey: "secret"}, again, hex.EncodeToString(hash[:]), "chime", "us-east-1", at)
	if err != nil || again.Header.Get("Authorization") != r.Header.Get("Authorization") {
		s.t.Errorf("signature differs from the SDK's: %v\n%s\n%s", err, r.Header.Get("Authorization"), again.Header.Get("Authorization"))
	}
}

func options(endpoint string) Options {
	return Options{
		Endpoint: endpoint, AccessKey: "AKIALOAD", SecretKey: "secret", Op: "BatchCreateAttendee",
		Clients: 4, Duration: 200 * time.Millisecond, Attendees: 100, Meetings: 5, Pid: os.Getpid(),
	}
}

func TestARunMeasuresAndCleansUp(t *testing.T) {
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
	if r.Calls == 0 || r.Calls != api.batches || r.Errors != 0 {
		t.Errorf("%d calls reported, %d seen, %d errors", r.Calls, api.batches, r.Errors)
	}
	if got, want := r.AttendeesPerSecond, 100*r.CallsPerSecond; got < want-1 || got > want+1 {
		t.Errorf("%f attendees a second at %f calls of 100", got, r.CallsPerSecond)
	}
	if r.P50 <= 0 || r.P99 < r.P50 || r.ServerRSS <= 0 || r.DiskP99 <= 0 {
		t.Errorf("implausible figures: %+v", r)
	}
	if api.created != api.deleted {
		t.Errorf("%d meetings created, %d deleted", api.created, api.deleted)
	}
}

func TestRefusedCallsAreCountedNotHidden(t *testing.T) {
	api := &meetingsServer{t: t, refuse: true}
	server := httptest.NewServer(api)
	defer server.Close()
	o := options(server.URL)
	o.Duration = 50 * time.Millisecond
	r, err := Run(t.Context(), o)
	if err == nil && (r.Errors == 0 || r.Calls != 0 || !strings.Contains(r.FirstError, "400")) {
		t.Errorf("report of a server that refuses: %+v", r)
	}
	if err != nil && !strings.Contains(err.Error(), "calls failed") {
		t.Error(err)
	}
}

func TestOptionProblemsAreNamed(t *testing.T) {
	_, err := Run(t.Context(), Options{Endpoint: "nowhere", Op: "Sing", Flavour: "sweet", Attendees: 101})
	for _, want := range []string{"nowhere", "Sing", "sweet", "101", "clients", "duration"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the problems do not name %q: %v", want, err)
		}
	}
}
