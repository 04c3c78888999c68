package clustertest

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

const bucket = "recordings"

// bin is an S3 server that all nodes reach. The test can shut it.
type bin struct {
	*s3.Client
	t        *testing.T
	endpoint string
	status   atomic.Int32 // what it answers; 0 to serve
}

func newBin(t *testing.T) *bin {
	t.Helper()
	b := &bin{t: t}
	server := gofakes3.New(s3mem.New()).Server()
	b.endpoint = serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status := b.status.Load(); status != 0 {
			w.WriteHeader(int(status))
			return
		}
		server.ServeHTTP(w, r)
	}))
	b.Client = s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: &b.endpoint, UsePathStyle: true, Credentials: credentials.NewStaticCredentialsProvider(accessKey, secretKey, ""),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
	})
	if _, err := b.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
		t.Fatal(err)
	}
	return b
}

// serve serves at the hub until the test ends, and returns the base URL.
func serve(t *testing.T, h http.Handler) (endpoint string) {
	t.Helper()
	l, err := net.Listen("tcp", hubAddress+":0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l) // until it is closed
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return "http://" + l.Addr().String()
}

// flags make a node store there.
func (b *bin) flags() []string {
	return []string{"--capture-s3-endpoint", b.endpoint, "--capture-s3-access-key", accessKey, "--capture-s3-secret-key-file", secretFile(b.t, secretKey)}
}

func secretFile(t *testing.T, secret string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// shut has it answer every request with the status, or serve again with 0.
func (b *bin) shut(status int32) { b.status.Store(status) }

// has reports whether it has an object.
func (b *bin) has(key string) bool {
	_, err := b.HeadObject(context.Background(), &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: &key})
	return err == nil
}

func (b *bin) object(key string) []byte {
	b.t.Helper()
	out, err := b.GetObject(b.t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: &key})
	if err != nil {
		b.t.Fatal(err)
	}
	content, err := io.ReadAll(out.Body)
	if err = errors.Join(err, out.Body.Close()); err != nil {
		b.t.Fatal(err)
	}
	return content
}

// download writes an object to a file and returns its path.
func (b *bin) download(key string) string {
	b.t.Helper()
	path := filepath.Join(b.t.TempDir(), "object.mp4")
	if err := os.WriteFile(path, b.object(key), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return path
}

// journaled returns the keys that a recording's journal lists; none while there is
// no journal.
func journaled(path string) (keys []string, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var l struct {
			Piece *struct{ Key string }
		}
		if json.Unmarshal(lines.Bytes(), &l) == nil && l.Piece != nil { // the last may be half written
			keys = append(keys, l.Piece.Key)
		}
	}
	return keys, lines.Err()
}

// eventAt returns when an event of a recording happened, and its type.
func eventAt(t *testing.T, line string) (at time.Time, kind string) {
	t.Helper()
	var e struct {
		Timestamp time.Time
		EventType string
	}
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return e.Timestamp, e.EventType
}

// hook receives the cluster's events.
type hook struct {
	t   *testing.T
	url string

	mu    sync.Mutex
	known map[string]bool     // guarded by mu; by webhook-id
	kinds map[string][]string // guarded by mu; of each pipeline, in their order
}

func newHook(t *testing.T) *hook {
	t.Helper()
	h := &hook{t: t, known: map[string]bool{}, kinds: map[string][]string{}}
	h.url = serve(t, h)
	return h
}

// flags make a node tell it.
func (h *hook) flags() []string {
	secret := "whsec_" + base64.StdEncoding.EncodeToString([]byte("a webhook's secret of thirty bytes"))
	return []string{"--webhook", h.url, "--webhook-secret-file", secretFile(h.t, secret)}
}

func (h *hook) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var e struct {
		Detail struct{ EventType, MediaPipelineID string }
	}
	if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
		h.t.Errorf("an event: %v", err)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	kind, isPipelines := strings.CutPrefix(e.Detail.EventType, "chime:MediaPipeline")
	if id := r.Header.Get("Webhook-Id"); isPipelines && !h.known[id] {
		h.known[id] = true
		h.kinds[e.Detail.MediaPipelineID] = append(h.kinds[e.Detail.MediaPipelineID], kind)
	}
}

// told returns what was told of a pipeline, in its order.
func (h *hook) told(pipeline string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.kinds[pipeline]...)
}
