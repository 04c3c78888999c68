package capture

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// fakeS3 is as much of an S3 server as the sink needs; the real one is in
// pipelinestest. It answers what a test makes it answer.
type fakeS3 struct {
	mu      sync.Mutex
	objects map[string][]byte
	headers map[string]http.Header
	parts   map[int][]byte
	uploads map[string]string // that were begun elsewhere and not finished: their keys, by id
	calls   []string
	answer  func(r *http.Request) int // a status other than 0 is the answer
}

func newFakeS3(t *testing.T) (*fakeS3, *S3) {
	f := &fakeS3{objects: map[string][]byte{}, headers: map[string]http.Header{}}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return f, NewS3(S3Config{Endpoint: server.URL, Region: "us-east-1", AccessKey: "access", SecretKey: "secret", PathStyle: true})
}

func (f *fakeS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	defer f.mu.Unlock()
	query := r.URL.Query()
	call := r.Method + " " + r.URL.Path
	for _, name := range []string{"uploads", "uploadId", "partNumber"} {
		if query.Has(name) {
			call += " " + name
		}
	}
	f.calls = append(f.calls, call)
	if f.answer != nil {
		if status := f.answer(r); status != 0 {
			w.WriteHeader(status)
			return
		}
	}
	switch {
	case r.Method == http.MethodPost && query.Has("uploads"):
		f.parts = map[int][]byte{}
		f.headers[r.URL.Path] = r.Header
		_, _ = io.WriteString(w, "<InitiateMultipartUploadResult><UploadId>one</UploadId></InitiateMultipartUploadResult>")
	case r.Method == http.MethodPut && query.Has("partNumber"):
		n, _ := strconv.Atoi(query.Get("partNumber"))
		f.parts[n] = body
		w.Header().Set("ETag", fmt.Sprintf("%q", fmt.Sprint("part", n)))
	case r.Method == http.MethodPost:
		f.complete(w, r.URL.Path, body)
	case r.Method == http.MethodPut:
		f.objects[r.URL.Path], f.headers[r.URL.Path] = body, r.Header
	case r.Method == http.MethodDelete && query.Has("uploadId"):
		f.abort(w, query.Get("uploadId"))
	case r.Method == http.MethodGet && query.Has("uploads"):
		f.listUploads(w, query.Get("prefix"), query.Get("upload-id-marker"))
	case r.Method == http.MethodDelete:
		delete(f.objects, r.URL.Path)
	case query.Get("list-type") == "2":
		f.list(w, r.URL.Path, query.Get("prefix"), query.Get("continuation-token"))
	default:
		f.get(w, r)
	}
}

func (f *fakeS3) abort(w http.ResponseWriter, id string) {
	_, other := f.uploads[id]
	if !other && f.parts == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if delete(f.uploads, id); !other {
		f.parts = nil
	}
}

// listUploads answers two uploads a page.
func (f *fakeS3) listUploads(w http.ResponseWriter, prefix, after string) {
	type upload struct {
		Key      string
		UploadID string `xml:"UploadId"`
	}
	var page struct {
		XMLName            xml.Name `xml:"ListMultipartUploadsResult"`
		Upload             []upload
		IsTruncated        bool
		NextKeyMarker      string
		NextUploadIDMarker string `xml:"NextUploadIdMarker"`
	}
	for _, id := range slices.Sorted(maps.Keys(f.uploads)) {
		key := f.uploads[id]
		if id <= after || !strings.HasPrefix(key, prefix) {
			continue
		}
		if len(page.Upload) == 2 {
			last := page.Upload[1]
			page.IsTruncated, page.NextKeyMarker, page.NextUploadIDMarker = true, last.Key, last.UploadID
			break
		}
		page.Upload = append(page.Upload, upload{key, id})
	}
	_ = xml.NewEncoder(w).Encode(page)
}

// list answers two keys a page; the last key of a page is its token.
func (f *fakeS3) list(w http.ResponseWriter, bucket, prefix, after string) {
	type object struct {
		Key  string
		Size int
	}
	var page struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		Contents              []object
		IsTruncated           bool
		NextContinuationToken string
	}
	for _, path := range slices.Sorted(maps.Keys(f.objects)) {
		key := strings.TrimPrefix(path, bucket+"/")
		if key == path || !strings.HasPrefix(key, prefix) || key <= after {
			continue
		}
		if len(page.Contents) == 2 {
			page.IsTruncated, page.NextContinuationToken = true, page.Contents[1].Key
			break
		}
		page.Contents = append(page.Contents, object{key, len(f.objects[path])})
	}
	_ = xml.NewEncoder(w).Encode(page)
}

func (f *fakeS3) complete(w http.ResponseWriter, path string, body []byte) {
	var in struct {
		Part []struct {
			PartNumber int
			ETag       string
		}
	}
	if err := xml.Unmarshal(body, &in); err != nil || len(in.Part) != len(f.parts) {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var all []byte
	for _, p := range in.Part {
		all = append(all, f.parts[p.PartNumber]...)
	}
	f.objects[path], f.parts = all, nil
	_, _ = io.WriteString(w, "<CompleteMultipartUploadResult></CompleteMultipartUploadResult>")
}

func (f *fakeS3) get(w http.ResponseWriter, r *http.Request) {
	if strings.Count(r.URL.Path, "/") == 1 {
		return // a bucket
	}
	data, ok := f.objects[r.URL.Path]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	from := 0
	if text := r.Header.Get("Range"); text != "" {
		_, _ = fmt.Sscanf(text, "bytes=%d-", &from)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(data)-1, len(data)))
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(data)-from))
	if from > 0 {
		w.WriteHeader(http.StatusPartialContent)
	}
	_, _ = w.Write(data[from:])
}

func put(s Sink, o Object, content []byte) error {
	return s.Put(context.Background(), o, bytes.NewReader(content), int64(len(content)))
}

func TestS3ObjectsCarryTypeMetadataAndEncryption(t *testing.T) {
	f, s := newFakeS3(t)
	o := Object{Bucket: "bucket", Key: "p/video/a#content.mp4", Type: typeMP4, Metadata: map[string]string{"start": "now"}, KMSKey: "key", KMSContext: "e30="}
	must(t, put(s, o, []byte("content")))
	path := "/bucket/p/video/a#content.mp4"
	if string(f.objects[path]) != "content" {
		t.Fatalf("%q", f.calls)
	}
	for name, want := range map[string]string{
		"Content-Type": typeMP4, "X-Amz-Meta-Start": "now", "X-Amz-Server-Side-Encryption": "aws:kms",
		"X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": "key", "X-Amz-Server-Side-Encryption-Context": "e30=", "Content-Length": "7",
	} {
		if got := f.headers[path].Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if acl := f.headers[path].Get("X-Amz-Acl"); acl != "" {
		t.Errorf("an ACL: %q", acl)
	}
	must(t, put(s, Object{Bucket: "bucket", Key: "plain"}, []byte("x")))
	if got := f.headers["/bucket/plain"].Get("X-Amz-Server-Side-Encryption"); got != "" {
		t.Errorf("encryption that nobody asked for: %q", got)
	}
}

func TestLargeObjectsArePutInParts(t *testing.T) {
	f, s := newFakeS3(t)
	content := bytes.Repeat([]byte("0123456789abcdef"), (2*partSize+100)/16)
	must(t, put(s, Object{Bucket: "bucket", Key: "large", Type: typeMP4, KMSKey: "key"}, content))
	if !bytes.Equal(f.objects["/bucket/large"], content) || f.headers["/bucket/large"].Get("X-Amz-Server-Side-Encryption") != "aws:kms" {
		t.Errorf("%d bytes, %q", len(f.objects["/bucket/large"]), f.calls)
	}
	if n := slices.Index(f.calls, "PUT /bucket/large"); n >= 0 {
		t.Errorf("%q", f.calls)
	}
}

func TestPartsOfAFailedObjectGo(t *testing.T) {
	for name, fails := range map[string]func(r *http.Request) bool{
		"at a part":         func(r *http.Request) bool { return r.URL.Query().Get("partNumber") == "2" },
		"at the last":       func(r *http.Request) bool { return r.Method == http.MethodPost && r.URL.Query().Has("uploadId") },
		"at the very first": func(r *http.Request) bool { return r.URL.Query().Has("uploads") },
	} {
		f, s := newFakeS3(t)
		f.answer = func(r *http.Request) int {
			if fails(r) {
				return http.StatusInternalServerError
			}
			return 0
		}
		if err := put(s, Object{Bucket: "bucket", Key: "large"}, make([]byte, partSize+1)); err == nil {
			t.Errorf("%s: stored", name)
		}
		if f.parts != nil || len(f.objects) > 0 {
			t.Errorf("%s: something stays: %q", name, f.calls)
		}
	}
}

func TestS3ObjectsAreReadWhereOneWants(t *testing.T) {
	f, s := newFakeS3(t)
	f.objects["/bucket/key"] = []byte("0123456789")
	c, err := s.Open(context.Background(), "bucket", "key")
	must(t, err)
	read := func(n int) string {
		b := make([]byte, n)
		n, err := io.ReadFull(c, b)
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	if got := read(3) + read(2); got != "01234" {
		t.Errorf("%q", got)
	}
	if asked := len(f.calls); asked != 2 {
		t.Errorf("%q", f.calls)
	}
	for _, step := range []struct {
		offset int64
		whence int
		at     int64
		want   string
	}{{7, io.SeekStart, 7, "789"}, {-2, io.SeekEnd, 8, "89"}, {-5, io.SeekCurrent, 5, "56"}, {0, io.SeekEnd, 10, ""}, {100, io.SeekStart, 100, ""}} {
		at, err := c.Seek(step.offset, step.whence)
		if err != nil || at != step.at {
			t.Errorf("at %d, %v", at, err)
		}
		n := 3
		if step.want == "56" {
			n = 2
		}
		if got := read(n); got != step.want {
			t.Errorf("%+v: %q", step, got)
		}
	}
	if _, err := c.Seek(-1, io.SeekStart); err == nil {
		t.Error("before the beginning")
	}
	must(t, c.Close())
	must(t, c.Close())
	if _, err := s.Open(context.Background(), "bucket", "absent"); err == nil || statusOf(err) != http.StatusNotFound || !isUnreadable(err) {
		t.Errorf("%v", err)
	}
}

func TestBucketsAreTriedBeforeTheyAreUsed(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		answer func(r *http.Request) int
		kind   meeting.Kind
		says   string
	}{
		"missing":     {func(*http.Request) int { return 404 }, meeting.Invalid, "No such S3 Bucket: bucket"},
		"not ours":    {func(*http.Request) int { return 403 }, meeting.Forbidden, "Insufficient permission to access S3 bucket: bucket"},
		"read only":   {func(r *http.Request) int { return map[string]int{"PUT": 403}[r.Method] }, meeting.Forbidden, "Insufficient permission to access S3 bucket: bucket"},
		"out of work": {func(*http.Request) int { return 500 }, meeting.Unavailable, "The S3 server does not answer"},
	} {
		f, s := newFakeS3(t)
		f.answer = c.answer
		var refused *meeting.Error
		if err := s.Check(ctx, "bucket", "p"); !errors.As(err, &refused) || refused.Kind != c.kind || refused.Message != c.says {
			t.Errorf("%s: %v", name, err)
		}
	}
	f, s := newFakeS3(t)
	must(t, s.Check(ctx, "bucket", "p/q"))
	must(t, s.Check(ctx, "bucket", ""))
	want := []string{
		"HEAD /bucket", "PUT /bucket/p/q/.carillon-probe", "DELETE /bucket/p/q/.carillon-probe",
		"HEAD /bucket", "PUT /bucket/.carillon-probe", "DELETE /bucket/.carillon-probe",
	}
	if !slices.Equal(f.calls, want) || len(f.objects) > 0 {
		t.Errorf("%q", f.calls)
	}
	f.answer = func(r *http.Request) int { return map[string]int{"DELETE": 403}[r.Method] }
	must(t, s.Check(ctx, "bucket", "")) // who may only write
	none := NewS3(S3Config{Endpoint: "http://127.0.0.1:1", Region: "us-east-1", AccessKey: "a", SecretKey: "b", PathStyle: true, Checksums: true})
	var refused *meeting.Error
	if err := none.Check(ctx, "bucket", ""); !errors.As(err, &refused) || refused.Kind != meeting.Unavailable || statusOf(err) != 0 {
		t.Errorf("nobody there: %v", err)
	}
}

func TestS3ListsItsObjectsPageByPage(t *testing.T) {
	f, s := newFakeS3(t)
	var want []Listed
	for i := range 5 {
		key := fmt.Sprint("p/audio/", i)
		must(t, put(s, Object{Bucket: "bucket", Key: key, Type: typeMP4}, make([]byte, i)))
		want = append(want, Listed{key, int64(i)})
	}
	must(t, put(s, Object{Bucket: "bucket", Key: "q/audio/0", Type: typeMP4}, nil))
	if got, err := s.List(context.Background(), "bucket", "p/"); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	f.answer = func(*http.Request) int { return http.StatusForbidden }
	if _, err := s.List(context.Background(), "bucket", "p/"); statusOf(err) != http.StatusForbidden {
		t.Errorf("%v", err)
	}
}
