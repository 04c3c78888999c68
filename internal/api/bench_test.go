package api_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/api"
	"github.com/carillon-meetings/carillon/internal/api/sigv4"
)

// replay is a request that can be served again and again without a network.
type replay struct {
	request *http.Request
	body    []byte
	reader  bytes.Reader
}

func newReplay(b *testing.B, method, target, body string) *replay {
	b.Helper()
	r := httptest.NewRequest(method, "http://127.0.0.1:8480"+target, strings.NewReader(body))
	r.RequestURI = target
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Amz-Sdk-Invocation-Id", unknownID)
	r.Header.Set("Amz-Sdk-Request", "attempt=1; max=3")
	r.Header.Set("User-Agent", "aws-sdk-go-v2/1.48.0 ua/2.1 os/linux lang/go#1.26.8 md/GOOS#linux api/chimesdkmeetings#1.25.0 m/g")
	sign(b, r, []byte(body), "us-east-1")
	if body != "" {
		r.Header.Set("Content-Length", fmt.Sprint(len(body)))
	}
	return &replay{request: r, body: []byte(body)}
}

func (p *replay) again() *http.Request {
	p.reader.Reset(p.body)
	if len(p.body) > 0 {
		p.request.Body = io.NopCloser(&p.reader)
	}
	return p.request
}

// sink is a ResponseWriter that throws everything away.
type sink struct {
	header http.Header
	status int
	bytes  int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(p []byte) (int, error) { s.bytes += len(p); return len(p), nil }

func benchmarkServer(b *testing.B) *api.Server {
	b.Helper()
	keys, err := sigv4.Single(accessKey, secret, "")
	if err != nil {
		b.Fatal(err)
	}
	return api.New(api.Config{Control: newCanned(), Verifier: sigv4.New(sigv4.Config{Keys: keys, Window: time.Hour})})
}

func batchOf100() string {
	items := make([]string, 100)
	for i := range items {
		items[i] = fmt.Sprintf(`{"ExternalUserId":"01234567-89ab-cdef-0123-456789abc%03d","Capabilities":{"Audio":"SendReceive","Video":"SendReceive","Content":"SendReceive"}}`, i)
	}
	return `{"Attendees":[` + strings.Join(items, ",") + `]}`
}

func benchmarkHandler(b *testing.B, h http.Handler, p *replay, status int) {
	b.ReportAllocs()
	var bytes int
	before := processorTime(b)
	for b.Loop() {
		w := &sink{header: http.Header{}, status: 200}
		h.ServeHTTP(w, p.again())
		if bytes = w.bytes; w.status != status {
			b.Fatalf("status %d", w.status)
		}
	}
	b.ReportMetric(float64((processorTime(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
	b.SetBytes(int64(len(p.body) + bytes))
}

// processorTime is what this process has used of processors: on a busy machine it
// says more than the time that went by.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// The whole door for a batch of 100, SigV4 on; storing and deciding excluded.
func BenchmarkBatchCreate100(b *testing.B) {
	p := newReplay(b, "POST", "/meetings/"+unknownID+"/attendees?operation=batch-create", batchOf100())
	benchmarkHandler(b, benchmarkServer(b), p, 200)
}

func BenchmarkGetAttendee(b *testing.B) {
	benchmarkHandler(b, benchmarkServer(b), newReplay(b, "GET", "/meetings/"+unknownID+"/attendees/"+unknownID, ""), 200)
}

func BenchmarkCreateMeeting(b *testing.B) {
	p := newReplay(b, "POST", "/meetings", `{"ClientRequestToken":"5b1d7c02-90aa-4c3e-8f21-77a1c0de7979","MediaRegion":"eu-west-3","ExternalMeetingId":"standup-monday"}`)
	benchmarkHandler(b, benchmarkServer(b), p, 200)
}

// overHTTP serves the same request again and again over one connection of the
// loopback and reports the CPU time that client and server took together.
func overHTTP(b *testing.B, h http.Handler, p *replay) {
	server := httptest.NewServer(h)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	var wire bytes.Buffer
	if err := p.again().Write(&wire); err != nil {
		b.Fatal(err)
	}
	answers := bufio.NewReaderSize(conn, 64<<10)
	before := processorTime(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(wire.Bytes()); err != nil {
			b.Fatal(err)
		}
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 || n < 200 {
			b.Fatal(n, err, resp.Status)
		}
	}
	b.ReportMetric(float64((processorTime(b)-before).Nanoseconds())/1e3/float64(b.N), "cpu-µs/op")
}

func BenchmarkOverHTTPBatchCreate100(b *testing.B) {
	overHTTP(b, benchmarkServer(b), newReplay(b, "POST", "/meetings/"+unknownID+"/attendees?operation=batch-create", batchOf100()))
}

func BenchmarkOverHTTPGetAttendee(b *testing.B) {
	overHTTP(b, benchmarkServer(b), newReplay(b, "GET", "/meetings/"+unknownID+"/attendees/"+unknownID, ""))
}

// What any handler pays: read the body, write a canned reply of the same size.
func BenchmarkOverHTTPBareHandler(b *testing.B) {
	reply := make([]byte, 31_000)
	overHTTP(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			b.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(reply)
	}), newReplay(b, "POST", "/meetings/"+unknownID+"/attendees?operation=batch-create", batchOf100()))
}
