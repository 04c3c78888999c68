package monitoringtest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// receiverEnv makes the test binary be a receiver of traces instead.
const receiverEnv = "MONITORINGTEST_RECEIVER"

func TestMain(m *testing.M) {
	if os.Getenv(receiverEnv) == "" {
		os.Exit(m.Run())
	}
	if err := receive(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// receive takes traces over OTLP, as protobuf over HTTP, until the process is
// ended. It reads them with the official messages and tells at /spans how many
// came. At /hook it takes events.
func receive() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var spans atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("GET /spans", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, spans.Load()) })
	mux.HandleFunc("POST /v1/traces", func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		var batch collector.ExportTraceServiceRequest
		if err != nil || proto.Unmarshal(raw, &batch) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		for _, of := range batch.GetResourceSpans() {
			for _, scope := range of.GetScopeSpans() {
				spans.Add(int64(len(scope.GetSpans())))
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	})
	mux.HandleFunc("POST /hook", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	fmt.Println("receives at http://" + l.Addr().String())
	return http.Serve(l, mux)
}

// receiver is a receiver of traces in a process of its own.
type receiver struct{ url string }

func startReceiver(t *testing.T) *receiver {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env, cmd.Stderr = append(os.Environ(), receiverEnv+"=1"), os.Stderr
	return &receiver{url: address(t, cmd, regexp.MustCompile(`receives at (\S+)`))}
}

// tookAll sees that the server has sent all its spans.
func (r *receiver) tookAll(t *testing.T, s *carillon) {
	t.Helper()
	const sent = "carillon_trace_spans_sent_total"
	for before, end := -1.0, time.Now().Add(patience); ; time.Sleep(2 * time.Second) {
		now := s.metric(t, sent)
		if now > 0 && now == before {
			break
		}
		if before = now; time.Now().After(end) {
			t.Fatalf("%v spans were sent, and no end", now)
		}
	}
	for _, reason := range []string{"no_room", "not_taken", "rejected"} {
		if n := s.metric(t, `carillon_trace_spans_dropped_total{reason="`+reason+`"}`); n > 0 {
			t.Errorf("%v spans were dropped: %s", n, reason)
		}
	}
}
