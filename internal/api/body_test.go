package api_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

const limit = 5 << 20

func packed(t *testing.T, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, s); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// post signs and sends a body with an encoding; a negative length sends it in
// chunks of unknown total.
func (d *door) post(target, encoding string, body []byte, chunked bool) answer {
	d.t.Helper()
	r, err := http.NewRequest("POST", d.server.URL+d.base+target, bytes.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	if encoding != "" {
		r.Header.Set("Content-Encoding", encoding)
	}
	if chunked {
		r.ContentLength = -1
		r.Body = io.NopCloser(struct{ io.Reader }{bytes.NewReader(body)})
	}
	d.sign(r, body)
	return d.send(r)
}

func TestBodySizes(t *testing.T) {
	d := open(t, nil)
	id := d.meeting("")
	batch := "/meetings/" + id + "/attendees?operation=batch-create"
	for target, c := range map[string]struct {
		body   string
		limit  int
		status int // of the largest
	}{
		batch:                                      {`{"Attendees":[{"ExternalUserId":"ada"}]}`, limit, 200},
		"/meetings?operation=create-attendees":     {d.newMeeting(`"Attendees":[{"ExternalUserId":"ada"}]`), 1 << 20, 200},
		"/meetings":                                {d.newMeeting(""), 1 << 20, 200},
		"/tags?operation=tag-resource":             {`{"ResourceARN":"arn:aws:chime:us-east-1:` + d.account + `:meeting/` + id + `","Tags":[]}`, 256 << 10, 204},
		"/meetings/" + id + "/attendees":           {`{"ExternalUserId":"ada"}`, 64 << 10, 200},
		"/nothing":                                 {`{}`, 64 << 10, 404},
		"/legacy/meetings/x/tags?operation=add":    {`{}`, 64 << 10, 404}, // a path of neither flavour
		"/meetings/" + id + "/nothing?operation=x": {`{}`, 64 << 10, 404},
	} {
		padded := func(size int) []byte { return []byte(c.body + repeat(" ", size-len(c.body))) }
		if a := d.post(target, "", padded(c.limit), false); a.status != c.status {
			t.Errorf("%s: the largest body: %d %s", target, a.status, a.body)
		}
		d.want(d.post(target, "", padded(c.limit+1), false), 413, "RequestEntityTooLargeException", fmt.Sprintf("larger than %d bytes", c.limit))
	}
	body := []byte(d.newMeeting(""))
	body = append(body, repeat(" ", 1<<20-len(body))...)
	if a := d.post("/meetings", "", body, true); a.status != 200 {
		t.Errorf("the largest body, chunked: %d %s", a.status, a.body)
	}
	d.want(d.post("/meetings", "", append(body, ' '), true), 413, "RequestEntityTooLargeException")
	if a := d.post("/meetings", "gzip", packed(t, string(body)), false); a.status != 200 {
		t.Errorf("the largest body, packed: %d %s", a.status, a.body)
	}
	d.want(d.post("/meetings", "gzip", packed(t, string(body)+" "), false), 413, "RequestEntityTooLargeException")
}

// The largest legal bodies, every character escaped, are within the limits.
func TestTheLargestLegalBodiesFit(t *testing.T) {
	d := open(t, nil).flavoured("/legacy")
	wide := func(n int) string { return repeat(`\ud83c\udf1f`, n) } // one character of twelve bytes
	tag := func(i, key int) string {
		return fmt.Sprintf(`{"Key":"%02d%s","Value":"%s"}`, i, wide(key-2), wide(256))
	}
	tags := func(n int) string {
		items := make([]string, n)
		for i := range items {
			items[i] = tag(i, 128)
		}
		return `"Tags":[` + strings.Join(items, ",") + `]`
	}
	attendees := func(n int) string {
		items := make([]string, n)
		for i := range items {
			items[i] = fmt.Sprintf(`{"ExternalUserId":"%03d%s",%s}`, i, wide(61), tags(10))
		}
		return `"Attendees":[` + strings.Join(items, ",") + `]`
	}
	id := d.meeting("")
	for target, body := range map[string]string{
		"/meetings/" + id + "/attendees":                        fmt.Sprintf(`{"ExternalUserId":"%s",%s}`, wide(64), tags(10)),
		"/meetings/" + id + "/attendees?operation=batch-create": "{" + attendees(100) + "}",
		"/meetings?operation=create-attendees":                  d.newMeeting(attendees(10) + "," + tags(50)),
		"/meetings/" + id + "/tags?operation=add":               "{" + tags(50) + "}",
	} {
		if a := d.do("POST", target, body); a.status/100 != 2 {
			t.Errorf("%s with %d bytes: %d %s", target, len(body), a.status, a.body)
		}
	}
}

// Strangers with large bodies are turned away before they fill the memory;
// small requests, and those that prove their sender by the header, are not.
func TestUnverifiedBodiesShareABudget(t *testing.T) {
	d := open(t, nil)
	target := "/meetings/" + d.meeting("") + "/attendees?operation=batch-create"
	const most = (64 << 20) / 4 / limit // so many large bodies of one address fit
	statuses := make(chan int, 2*most)
	for range 2 * most {
		d.hold(target, statuses)
	}
	for range most { // the others are being held
		if status := <-statuses; status != 503 {
			t.Fatalf("a large body was refused with %d", status)
		}
	}
	small := `{"Attendees":[{"ExternalUserId":"ada"}]}`
	if a := d.do("POST", target, small); a.status != 200 {
		t.Errorf("a small body: %d %s", a.status, a.body)
	}
	large := small + repeat(" ", limit-len(small))
	r := d.request("POST", target, large)
	r.Header.Set("X-Amz-Content-Sha256", hashOf(large))
	d.sign(r, []byte(large))
	if a := d.send(r); a.status != 200 {
		t.Errorf("a large body whose hash was signed: %d %s", a.status, a.body)
	}
}

// hold sends the largest body but for its last byte with a signature that is
// wrong, and tells the status if it is answered before the test ends.
func (d *door) hold(target string, statuses chan<- int) {
	d.t.Helper()
	r := d.request("POST", target, "x")
	conn, err := net.Dial("tcp", d.server.Listener.Addr().String())
	if err != nil {
		d.t.Fatal(err)
	}
	var beside sync.WaitGroup
	d.t.Cleanup(func() { conn.Close(); beside.Wait() })
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", r.URL.RequestURI(), r.URL.Host, limit)
	if err := r.Header.Write(conn); err != nil {
		d.t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "\r\n"); err != nil {
		d.t.Fatal(err)
	}
	beside.Go(func() { _, _ = conn.Write(make([]byte, limit-1)) }) // fails when it is refused
	beside.Go(func() {
		if resp, err := http.ReadResponse(bufio.NewReader(conn), r); err == nil {
			resp.Body.Close()
			statuses <- resp.StatusCode
		}
	})
}

func TestContentEncodings(t *testing.T) {
	d := open(t, nil)
	for _, encoding := range []string{"gzip", "GZIP"} {
		if a := d.post("/meetings", encoding, packed(t, d.newMeeting("")), true); a.status != 200 {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if a := d.post("/meetings", "identity", []byte(d.newMeeting("")), false); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	whole := packed(t, d.newMeeting(""))
	for name, a := range map[string]answer{
		"not gzip":     d.post("/meetings", "gzip", []byte("{}"), false),
		"cut short":    d.post("/meetings", "gzip", whole[:len(whole)-6], false),
		"nothing":      d.post("/meetings", "gzip", nil, false),
		"other":        d.post("/meetings", "br", whole, false),
		"not unpacked": d.post("/meetings", "", whole, false),
	} {
		t.Run(name, func(t *testing.T) { d.in(t).want(a, 400, "BadRequestException") })
	}
}

func TestBodiesThatAreNoRequest(t *testing.T) {
	both(t, nil, func(t *testing.T, d *door) {
		for body, message := range map[string]string{
			"{":                               "not valid JSON",
			"[]":                              "must be an object",
			"null":                            "must be an object",
			`"x"`:                             "must be an object",
			"{\"a\":\"\xff\"}":                "UTF-8",
			"{}{}":                            "not valid JSON",
			repeat("[", 100000):               "must be an object",
			`{"x":` + repeat("[", 1_000_000):  "nested too deeply",
			`{"ClientRequestToken":"\ud800"}`: "surrogate",
			`{"ClientRequestToken":5}`:        "Value at 'clientRequestToken' must be a string.",
		} {
			d.want(d.do("POST", "/meetings", body), 400, "BadRequestException", message)
		}
	})
}

// The deadline is set by whoever stands in front of the door.
func TestSlowBodiesTimeOut(t *testing.T) {
	d := open(t, nil)
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
			t.Error(err)
		}
		d.api.ServeHTTP(w, r)
	}))
	defer slow.Close()
	r := d.request("POST", "/meetings", d.newMeeting(""))
	conn, err := net.Dial("tcp", slow.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(wire.Bytes()[:wire.Len()-10]); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), r)
	if err != nil {
		t.Fatal(err)
	}
	if !resp.Close {
		t.Error("the connection stays open")
	}
	d.want(d.read(resp), 408, "RequestTimeoutException")
}

func TestHalfClosedBody(t *testing.T) {
	d := open(t, nil)
	r := d.request("POST", "/meetings", d.newMeeting(""))
	conn, err := net.Dial("tcp", d.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(wire.Bytes()[:wire.Len()-10]); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), r)
	if err != nil {
		t.Fatal(err)
	}
	d.want(d.read(resp), 400, "BadRequestException", "could not be read")
}

// A client that asks first gets its 100 only when its headers are acceptable.
// The access log tells what happened and none of what people sent.
