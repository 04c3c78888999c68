package route_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/carillon-meetings/carillon/internal/route"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// node is one of two: its two ports, and what it holds.
type node struct {
	router *route.Router
	outer  *httptest.Server
	inner  *httptest.Server

	mu     sync.Mutex
	holds  map[int]bool
	owner  map[int]string
	seen   []string
	vain   int  // questions about slots that it does not hold
	lapsed bool // its lease ends while it reads
}

func (n *node) Holds(slot int) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.holds[slot] {
		n.vain++
	}
	return n.holds[slot]
}

func (n *node) Answers(slot int) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.holds[slot] && !n.lapsed
}

func (n *node) Owner(slot int) (string, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	a, ok := n.owner[slot]
	return a, ok
}

// set says who has a slot in this node's eyes.
func (n *node) set(slot int, holds bool, owner string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.holds[slot] = holds
	delete(n.owner, slot)
	if owner != "" {
		n.owner[slot] = owner
	}
}

// local answers with what it was asked.
func (n *node) local(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") == "echo" {
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
		_ = rw.Flush()
		line, _ := rw.ReadString('\n')
		_, _ = rw.WriteString("heard " + line)
		_ = rw.Flush()
		return
	}
	body, _ := io.ReadAll(r.Body)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.seen = append(n.seen, fmt.Sprintf("%s %s host=%s client=%s auth=%q xff=%q body=%q",
		r.Method, r.RequestURI, r.Host, r.RemoteAddr, r.Header.Get("Authorization"), r.Header.Get("X-Forwarded-For"), body))
	w.Header().Set("X-Served-By", n.outer.URL)
}

func slotOfToken(r *http.Request, token string) (int, bool) {
	return len(token), strings.Contains(r.Header.Get("Authorization"), "AKIDEXAMPLE")
}

// maxBody is the longest body of these tests.
const maxBody = 1000

func start(t *testing.T) *node { return startFor(t, 20*time.Millisecond) }

// startFor starts a node that lets requests go on for so long at a former owner.
func startFor(t *testing.T, farewell time.Duration) *node {
	n := &node{holds: map[int]bool{}, owner: map[int]string{}}
	n.router = route.New(route.Config{
		Owners: n, SlotOfToken: slotOfToken,
		Local: http.HandlerFunc(n.local),
		Unavailable: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
		}),
		Replicates: func(r *http.Request) bool { return !strings.HasPrefix(r.URL.Path, "/legacy") },
		MaxBody:    maxBody, Patience: 500 * time.Millisecond, Poll: 5 * time.Millisecond, Farewell: farewell,
	})
	n.outer, n.inner = httptest.NewServer(n.router), httptest.NewServer(n.router.Inner(http.HandlerFunc(n.local)))
	t.Cleanup(func() {
		n.router.Close()
		n.outer.Close()
		n.inner.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return n
}

func (n *node) innerAddress() string { return strings.TrimPrefix(n.inner.URL, "http://") }

const id = "00000000-0000-4000-8000-000000000007" // in slot 7

func ask(t *testing.T, method, url, body string, header ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp
}

func TestRequestsReachTheOwnerUnchanged(t *testing.T) {
	a, b := start(t), start(t)
	a.set(7, false, b.innerAddress())
	b.set(7, true, "")
	auth := "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261129/us-east-1/chime/aws4_request, SignedHeaders=host, Signature=00"
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/meetings/" + id, ""},
		{"GET", "/legacy/meetings/" + id + "/attendees?max-results=5&next-token=a%2Bb", ""},
		{"GET", "//meetings/" + id, ""},
		{"POST", "/meetings/" + id + "/attendees?operation=batch-create", `{"Attendees":[]}`},
		{"GET", "/tags?arn=arn%3Aaws%3Achime%3Aus-east-1%3A1%3Ameeting%2F" + id, ""},
		{"POST", "/tags?operation=tag-resource", `{"ResourceARN":"arn:aws:chime:us-east-1:1:meeting/` + id + `","Tags":[]}`},
		{"POST", "/meetings", `{"ClientRequestToken":"seven77"}`},
		{"POST", "/sdk-media-capture-pipelines", `{"SourceArn":"arn:aws:chime::1:meeting:` + id + `"}`},
		{"POST", "/console/media-capture-pipelines", `{"SourceArn":"arn:aws:chime::1:meeting/` + id + `"}`},
		{"GET", "/sdk-media-pipelines/" + id, ""},
		{"DELETE", "/sdk-media-capture-pipelines/" + id, ""},
		{"POST", "/sdk-media-concatenation-pipelines", `{"Sources":[{"MediaCapturePipelineSourceConfiguration":{"MediaPipelineArn":"arn:aws:chime:us-east-1:1:media-pipeline/` + id + `"}}]}`},
		{"GET", "/tags?arn=arn%3Aaws%3Achime%3Aus-east-1%3A1%3Amedia-pipeline%2F" + id, ""},
		{"POST", "/meetings?operation=create-attendees", `{"PrimaryMeetingId":"` + id + `","ClientRequestToken":"other"}`},
		{"GET", "/meetings/" + strings.ToUpper(id)[:35] + "%37", ""},
	} {
		b.seen = nil
		resp := ask(t, c.method, a.outer.URL+c.path, c.body, "Authorization", auth, "X-Forwarded-For", "203.0.113.9")
		if resp.StatusCode != 200 || resp.Header.Get("X-Served-By") != b.outer.URL || len(b.seen) != 1 {
			t.Errorf("%s %s: %d, seen %q", c.method, c.path, resp.StatusCode, b.seen)
			continue
		}
		want := fmt.Sprintf("%s %s host=%s client=127.0.0.1:", c.method, c.path, strings.TrimPrefix(a.outer.URL, "http://"))
		if !strings.HasPrefix(b.seen[0], want) || !strings.HasSuffix(b.seen[0], fmt.Sprintf("auth=%q xff=%q body=%q", auth, "203.0.113.9", c.body)) {
			t.Errorf("seen %s, want %s…", b.seen[0], want)
		}
	}
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/healthz", ""}, {"GET", "/meetings", ""}, {"POST", "/meetings", "{}"}, {"POST", "/meetings", "{"},
		{"GET", "/meetings/nonsense", ""}, {"POST", "/tags", `{"ResourceARN":"arn:of:something"}`},
		{"POST", "/meetings", `{"ClientRequestToken":"seven77"}`}, // no key
	} {
		if resp := ask(t, c.method, a.outer.URL+c.path, c.body); resp.Header.Get("X-Served-By") != a.outer.URL {
			t.Errorf("%s %s %s: served by %s", c.method, c.path, c.body, resp.Header.Get("X-Served-By"))
		}
	}
}

func TestCallersCannotPretendToBeNodes(t *testing.T) {
	a := start(t)
	a.set(7, true, "")
	ask(t, "GET", a.outer.URL+"/meetings/"+id, "", "Carillon-Client", "192.0.2.1:1")
	if strings.Contains(a.seen[0], "192.0.2.1") {
		t.Errorf("seen %s", a.seen[0])
	}
}

func TestWebSocketsReachTheOwner(t *testing.T) {
	a, b := start(t), start(t)
	a.set(7, false, b.innerAddress())
	b.set(7, true, "")
	conn, err := net.Dial("tcp", strings.TrimPrefix(a.outer.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = fmt.Fprintf(conn, "GET /control/%s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n", id)
	rd := bufio.NewReader(conn)
	resp, err := http.ReadResponse(rd, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%+v, %v", resp, err)
	}
	_, _ = fmt.Fprintln(conn, "hello")
	if line, err := rd.ReadString('\n'); line != "heard hello\n" {
		t.Errorf("%q, %v", line, err)
	}
}

func TestASlotWithoutAnOwnerIsWaitedFor(t *testing.T) {
	a, b := start(t), start(t)
	a.set(7, false, b.innerAddress()) // b does not own it yet, and says so
	created := make(chan *http.Response, 1)
	go func() { created <- ask(t, "POST", a.outer.URL+"/meetings/"+id+"/attendees", `{"n":1}`) }()
	for b.askedInVain() == 0 {
		time.Sleep(time.Millisecond)
	}
	b.set(7, true, "")
	if resp := <-created; resp.StatusCode != 200 || len(b.seen) != 1 || !strings.HasSuffix(b.seen[0], `body="{\"n\":1}"`) {
		t.Errorf("%d, seen %q", resp.StatusCode, b.seen)
	}
	b.set(7, false, "")
	resp := ask(t, "GET", a.outer.URL+"/meetings/"+id, "")
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("without an owner: %d %v", resp.StatusCode, resp.Header)
	}
}

func (n *node) askedInVain() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.vain
}

func TestAnOwnerThatIsGone(t *testing.T) {
	a, b, c := start(t), start(t), start(t)
	a.set(7, false, b.innerAddress())
	b.inner.Close()
	c.set(7, true, "")
	time.AfterFunc(50*time.Millisecond, func() { a.set(7, false, c.innerAddress()) })
	if resp := ask(t, "POST", a.outer.URL+"/meetings/"+id+"/attendees", "{}"); resp.StatusCode != 200 || len(c.seen) != 1 {
		t.Errorf("%d, seen %q", resp.StatusCode, c.seen)
	}
}

// An owner that dies with the request in its hands may have done it.
func TestAnOwnerThatDiesMidway(t *testing.T) {
	a := start(t)
	dying := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		conn, _, _ := w.(http.Hijacker).Hijack()
		_ = conn.Close()
	}))
	defer dying.Close()
	a.set(7, false, strings.TrimPrefix(dying.URL, "http://"))
	if resp := ask(t, "POST", a.outer.URL+"/meetings/"+id+"/attendees", "{}"); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a call that changes something: %d", resp.StatusCode)
	}
	b := start(t)
	b.set(7, true, "")
	time.AfterFunc(50*time.Millisecond, func() { a.set(7, false, b.innerAddress()) })
	if resp := ask(t, "GET", a.outer.URL+"/meetings/"+id, ""); resp.StatusCode != 200 {
		t.Errorf("a question: %d", resp.StatusCode)
	}
}

// What a node has read leaves it only while it still is the owner.
func TestNoAnswerLeavesAFormerOwner(t *testing.T) {
	a, b := start(t), start(t)
	a.set(7, true, "")
	a.lapsed = true
	for _, method := range []string{"GET", "POST"} {
		resp := ask(t, method, a.outer.URL+"/meetings/"+id, "")
		if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("X-Served-By") != "" || len(a.seen) == 0 {
			t.Errorf("%s: %d %v", method, resp.StatusCode, resp.Header)
		}
	}
	// Passed on, a question may be asked again, another request may have been done.
	b.set(7, false, a.innerAddress())
	c := start(t)
	c.set(7, true, "")
	time.AfterFunc(50*time.Millisecond, func() { b.set(7, false, c.innerAddress()) })
	if resp := ask(t, "GET", b.outer.URL+"/meetings/"+id, ""); resp.Header.Get("X-Served-By") != c.outer.URL {
		t.Errorf("a question: %d by %s", resp.StatusCode, resp.Header.Get("X-Served-By"))
	}
	b.set(7, false, a.innerAddress())
	if resp := ask(t, "POST", b.outer.URL+"/meetings/"+id+"/attendees", "{}"); resp.StatusCode != http.StatusServiceUnavailable || len(c.seen) != 1 {
		t.Errorf("another request: %d", resp.StatusCode)
	}
}

// A request at an owner that says nothing ends when another has the slot.
func TestAnOwnerThatHangs(t *testing.T) {
	a := start(t)
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server does not notice that the asker goes
		<-r.Context().Done()
	}))
	defer hanging.Close()
	a.set(7, false, strings.TrimPrefix(hanging.URL, "http://"))
	time.AfterFunc(50*time.Millisecond, func() { a.set(7, true, "") })
	if resp := ask(t, "POST", a.outer.URL+"/meetings/"+id+"/attendees", "{}"); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a call that changes something: %d", resp.StatusCode)
	}
	a.set(7, false, strings.TrimPrefix(hanging.URL, "http://"))
	time.AfterFunc(50*time.Millisecond, func() { a.set(7, true, "") })
	if resp := ask(t, "GET", a.outer.URL+"/meetings/"+id, ""); resp.Header.Get("X-Served-By") != a.outer.URL {
		t.Errorf("a question: %d", resp.StatusCode)
	}
}

// A question at an owner that froze before it answered is asked again as soon as
// another has the slot; what may have been done is left to the owner for a while.
func TestAQuestionDoesNotWaitForAFormerOwner(t *testing.T) {
	a := startFor(t, time.Hour)
	asked := make(chan struct{}, 1)
	frozen := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer frozen.Close()
	a.set(7, false, strings.TrimPrefix(frozen.URL, "http://"))
	answer := make(chan *http.Response, 1)
	go func() { answer <- ask(t, "GET", a.outer.URL+"/meetings/"+id, "") }()
	<-asked
	a.set(7, true, "")
	if resp := <-answer; resp.Header.Get("X-Served-By") != a.outer.URL {
		t.Errorf("a question: %d", resp.StatusCode)
	}
	a.set(7, false, strings.TrimPrefix(frozen.URL, "http://"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "POST", a.outer.URL+"/meetings/"+id+"/attendees", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		done <- err
	}()
	<-asked
	a.set(7, true, "")
	select {
	case err := <-done:
		t.Errorf("a call that changes something was given up at once: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	cancel()
	<-done
}

func TestSlotsAreFoundInBodies(t *testing.T) {
	a, b := start(t), start(t)
	a.set(7, false, b.innerAddress())
	b.set(7, true, "")
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte(`{"PrimaryMeetingId":"` + id + `"}`))
	_ = z.Close()
	for _, c := range []struct{ method, path, body, encoding string }{
		{"POST", "/meetings", zipped.String(), "gzip"},
		{"POST", "/meetings", `{"PrimaryMeetingId":"` + id + `"}`, ""},
		{"GET", "/tags?arn=arn:aws:chime::1:meeting:" + id, "", ""},
		{"POST", "/v2/turn_sessions", `{"meetingId":"` + id + `"}`, ""},
		{"POST", "/v1/client-events", `{"metadata":{"meetingId":"` + id + `"},"events":[]}`, ""},
		{"POST", "/v1/client-events/" + id, `{}`, ""},
	} {
		header := []string{}
		if c.encoding != "" {
			header = append(header, "Content-Encoding", c.encoding)
		}
		if resp := ask(t, c.method, a.outer.URL+c.path, c.body, header...); resp.Header.Get("X-Served-By") != b.outer.URL {
			t.Errorf("%s %s was served by %s", c.method, c.path, resp.Header.Get("X-Served-By"))
		}
	}
	if resp := ask(t, "POST", a.outer.URL+"/legacy/meetings", `{"PrimaryMeetingId":"`+id+`"}`); resp.Header.Get("X-Served-By") != a.outer.URL {
		t.Errorf("a member that the flavour does not know led to %s", resp.Header.Get("X-Served-By"))
	}
	for _, body := range []string{`{"primarymeetingid":"` + id + `"}`, `[]`, `{"PrimaryMeetingId":7}`} {
		if resp := ask(t, "POST", a.outer.URL+"/meetings", body); resp.Header.Get("X-Served-By") != a.outer.URL {
			t.Errorf("%s was served by %s", body, resp.Header.Get("X-Served-By"))
		}
	}
}

// The longest body is passed on whole; a longer one is for the door here to
// refuse, which need not read it.
func TestTheLongestBody(t *testing.T) {
	a, b := start(t), start(t)
	a.set(7, false, b.innerAddress())
	b.set(7, true, "")
	longest := strings.Repeat("x", maxBody)
	if ask(t, "POST", a.outer.URL+"/meetings/"+id+"/attendees", longest); len(b.seen) != 1 || !strings.Contains(b.seen[0], longest) {
		t.Errorf("seen %q", b.seen)
	}
	for _, body := range []io.Reader{strings.NewReader(longest + "x"), struct{ io.Reader }{strings.NewReader(longest + "x")}} {
		resp, err := http.Post(a.outer.URL+"/meetings/"+id+"/attendees", "", body)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if by := resp.Header.Get("X-Served-By"); by != a.outer.URL {
			t.Errorf("a body that is too long was served by %s", by)
		}
	}
	if !strings.Contains(a.seen[0], longest+"x") {
		t.Errorf("seen %q", a.seen)
	}
}

// Who waits to hear that a body is wanted hears it once.
func TestABodyThatIsWaitedFor(t *testing.T) {
	a, b := start(t), start(t)
	a.set(7, false, b.innerAddress())
	b.set(7, true, "")
	conn, err := net.Dial("tcp", strings.TrimPrefix(a.outer.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = fmt.Fprintf(conn, "POST /meetings/%s/attendees HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n", id)
	rd := bufio.NewReader(conn)
	for _, want := range []int{100, 200} {
		resp, err := http.ReadResponse(rd, nil)
		if err != nil || resp.StatusCode != want {
			t.Fatalf("%+v, %v, want status %d", resp, err, want)
		}
		if want == 100 {
			_, _ = fmt.Fprint(conn, "body")
		}
	}
	if len(b.seen) != 1 || !strings.Contains(b.seen[0], `body="body"`) {
		t.Errorf("seen %q", b.seen)
	}
}

// What is arriving counts, not only what has arrived: nobody knows who sends it.
func TestBodiesThatArriveAreBounded(t *testing.T) {
	const size, held = 5 << 20, 12 // a client's quarter of the budget holds so many
	n := &node{holds: map[int]bool{}, owner: map[int]string{}}
	router := route.New(route.Config{
		Owners: n, SlotOfToken: slotOfToken, Local: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), MaxBody: size,
		Unavailable: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }),
		Replicates:  func(*http.Request) bool { return true },
	})
	server := httptest.NewServer(router)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close(); router.Close() })
	statuses := make(chan int, 2*held)
	for range 2 * held {
		var beside sync.WaitGroup
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close(); beside.Wait() })
		fmt.Fprintf(conn, "POST /meetings HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size)
		beside.Go(func() { _, _ = conn.Write(bytes.Repeat([]byte(" "), size-1)) }) // fails when it is refused
		beside.Go(func() {
			if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
				resp.Body.Close()
				statuses <- resp.StatusCode
			}
		})
	}
	for range held {
		select {
		case status := <-statuses:
			if status != http.StatusServiceUnavailable {
				t.Fatalf("a large body was answered with %d", status)
			}
		case <-time.After(time.Minute):
			t.Fatal("any number of bodies may arrive")
		}
	}
	if resp := ask(t, "POST", server.URL+"/meetings", `{"ClientRequestToken":"x"}`); resp.StatusCode != http.StatusOK {
		t.Errorf("a small body was answered with %d", resp.StatusCode)
	}
	packed := new(bytes.Buffer)
	z := gzip.NewWriter(packed)
	_, _ = z.Write(bytes.Repeat([]byte(" "), size))
	_ = z.Close()
	if resp := ask(t, "POST", server.URL+"/meetings", packed.String(), "Content-Encoding", "gzip"); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("one that is large when unpacked was answered with %d", resp.StatusCode)
	}
}
