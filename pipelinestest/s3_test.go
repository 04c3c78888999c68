package pipelinestest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// The keys of the S3 server.
const (
	s3Access = "s3access"
	s3Secret = "s3secretsecret"
	bucket   = "recordings"
)

// store is an S3 server, with a door in front of it that the test can shut.
type store struct {
	*s3.Client
	t        *testing.T
	endpoint string        // of the door
	status   atomic.Int32  // what the door answers, see refuse; 0 to let requests through
	slow     atomic.Int64  // and waits so long before it lets a put through
	puts     atomic.Int64  // that were let through
	holding  chan struct{} // receives when a put waits
}

// startStore starts one with an empty bucket.
func startStore(t *testing.T) *store {
	t.Helper()
	address := startGateway(t, os.Getenv("VERSITYGW"))
	s := &store{t: t, holding: make(chan struct{}, 1000)}
	s.openDoor(address)
	s.Client = s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://" + address), UsePathStyle: true,
		Credentials:                credentials.NewStaticCredentialsProvider(s3Access, s3Secret, ""),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
	})
	until(t, "the S3 server answers", func() bool {
		_, err := s.CreateBucket(context.Background(), &s3.CreateBucketInput{Bucket: aws.String(bucket)})
		return err == nil
	})
	return s
}

// startGateway starts versitygw, whose program is at the path, or without one
// another S3 server in this process, and returns its address.
func startGateway(t *testing.T, path string) (address string) {
	t.Helper()
	if path == "" {
		server := httptest.NewServer(gofakes3.New(s3mem.New()).Server())
		t.Cleanup(server.Close)
		return server.Listener.Addr().String()
	}
	address = freeAddress(t)
	cmd := exec.Command(path, "--port", address, "--access", s3Access, "--secret", s3Secret, "posix", t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return address
}

// openDoor lets requests through to the server, as the test says. Signatures hold,
// because the Host that was signed is passed on.
func (s *store) openDoor(address string) {
	target, _ := url.Parse("http://" + address)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
	}}
	door := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			s.holding <- struct{}{}
			time.Sleep(time.Duration(s.slow.Load()))
		}
		if !strings.Contains(r.Header.Get("Authorization"), "Credential="+s3Access+"/") {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		if status := s.status.Load(); status != 0 {
			refuse(w, status)
			return
		}
		if r.Method == http.MethodPut {
			s.puts.Add(1)
		}
		proxy.ServeHTTP(w, r)
	})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	s.endpoint = "http://" + l.Addr().String()
	go func() { _ = door.Serve(l) }()
	s.t.Cleanup(func() { _ = door.Close() })
}

// hangUp is the status of a store that breaks every connection.
const hangUp = -1

// refuse answers as an S3 server does that cannot, or does not want to.
func refuse(w http.ResponseWriter, status int32) {
	if status == hangUp {
		panic(http.ErrAbortHandler)
	}
	code := map[int32]string{
		http.StatusBadRequest: "EntityTooLarge", http.StatusForbidden: "QuotaExceeded", http.StatusInternalServerError: "InternalError",
		http.StatusServiceUnavailable: "SlowDown", http.StatusInsufficientStorage: "XMinioStorageFull",
	}[status]
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(int(status))
	_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>no</Message></Error>", code)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// keys returns the keys of all objects, sorted.
func (s *store) keys() (keys []string) {
	s.t.Helper()
	pages := s3.NewListObjectsV2Paginator(s.Client, &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			s.t.Fatal(err)
		}
		for _, o := range page.Contents {
			if !strings.HasSuffix(*o.Key, "/") {
				keys = append(keys, *o.Key)
			}
		}
	}
	return keys
}

// object returns an object, and what is said of it.
func (s *store) object(key string) (content []byte, about *s3.GetObjectOutput) {
	s.t.Helper()
	about, err := s.GetObject(context.Background(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: &key})
	if err != nil {
		s.t.Fatal(err)
	}
	content, err = io.ReadAll(about.Body)
	if err = errors.Join(err, about.Body.Close()); err != nil {
		s.t.Fatal(err)
	}
	return content, about
}

// download writes the objects with the prefix into a directory and returns their
// paths, in the order of their keys.
func (s *store) download(prefix string) (paths []string) {
	s.t.Helper()
	dir := s.t.TempDir()
	for i, key := range s.keys() {
		if !strings.HasPrefix(key, prefix) {
			continue
		}
		content, _ := s.object(key)
		path := filepath.Join(dir, fmt.Sprintf("%04d%s", i, filepath.Ext(key)))
		if err := os.WriteFile(path, content, 0o600); err != nil {
			s.t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// patience only tells a hang from a busy machine.
const patience = 90 * time.Second

// until waits until a condition holds.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
