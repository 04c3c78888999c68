package api_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/api"
	"github.com/carillon-meetings/carillon/internal/logtest"
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
	padded := func(size int) []byte {
		body := d.newMeeting("")
		return []byte(body + repeat(" ", size-len(body)))
	}
	for _, chunked := range []bool{false, true} {
		if a := d.post("/meetings", "", padded(limit), chunked); a.status != 200 {
			t.Errorf("the largest body, chunked %v: %d %s", chunked, a.status, a.body)
		}
	}
	d.want(d.post("/meetings", "", padded(limit+1), false), 413, "RequestEntityTooLargeException", "larger than 5242880 bytes")
	d.want(d.post("/meetings", "", padded(limit+1), true), 413, "RequestEntityTooLargeException")
	d.want(d.post("/meetings", "gzip", packed(t, string(padded(limit+1))), false), 413, "RequestEntityTooLargeException")
	if a := d.post("/meetings", "gzip", packed(t, string(padded(limit))), false); a.status != 200 {
		t.Errorf("the largest body, packed: %d %s", a.status, a.body)
	}
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

func TestContentTypesDoNotMatter(t *testing.T) {
	d := open(t, nil)
	for _, contentType := range []string{"", "application/json; charset=utf-8", "application/x-amz-json-1.1", "text/plain"} {
		body := d.newMeeting("")
		r := d.request("POST", "/meetings", body)
		r.Header.Set("Content-Type", contentType)
		d.sign(r, []byte(body))
		if a := d.send(r); a.status != 200 {
			t.Errorf("%q: %d %s", contentType, a.status, a.body)
		}
	}
	id := d.meeting("")
	if a := d.do("GET", "/meetings/"+id, "{}"); a.status != 200 { // a body where none is expected
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestSlowBodiesTimeOut(t *testing.T) {
	d := open(t, func(c *api.Config) { c.BodyTimeout = 50 * time.Millisecond })
	body := d.newMeeting("")
	r := d.request("POST", "/meetings", body)
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
	resp, err := http.ReadResponse(bufio.NewReader(conn), r)
	if err != nil {
		t.Fatal(err)
	}
	if !resp.Close {
		t.Error("the connection stays open")
	}
	d.want(d.read(resp), 408, "RequestTimeoutException")
	if a := d.do("POST", "/meetings", body); a.status != 200 {
		t.Errorf("in time: %d %s", a.status, a.body)
	}
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
func TestExpectContinue(t *testing.T) {
	d := open(t, nil)
	for name, c := range map[string]struct {
		tamper func(*http.Request)
		want   string
	}{
		"good": {func(*http.Request) {}, "HTTP/1.1 100 Continue"},
		"bad":  {func(r *http.Request) { r.Header.Del("Authorization") }, "HTTP/1.1 403 Forbidden"},
	} {
		t.Run(name, func(t *testing.T) {
			r := d.request("POST", "/meetings", d.newMeeting(""))
			r.Header.Set("Expect", "100-continue")
			c.tamper(r)
			conn, err := net.Dial("tcp", d.server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			var wire bytes.Buffer
			if err := r.Write(&wire); err != nil {
				t.Fatal(err)
			}
			headers, _, _ := bytes.Cut(wire.Bytes(), []byte("\r\n\r\n"))
			if _, err := conn.Write(append(headers, "\r\n\r\n"...)); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(conn).ReadString('\n')
			if err != nil || strings.TrimSpace(line) != c.want {
				t.Errorf("%q, %v", line, err)
			}
		})
	}
}

func TestDrain(t *testing.T) {
	d := open(t, nil)
	id := d.meeting("")
	d.api.Drain()
	for _, base := range []string{"", "/legacy"} {
		d := d.flavoured(base)
		a := d.do("GET", "/meetings/"+id, "")
		d.want(a, 503, "ServiceUnavailableException", "shutting down")
		if a.header.Get("Retry-After") != "1" || a.header.Get("x-amz-retry-after") != "1000" || a.text("Code") != "ServiceUnavailable" {
			t.Errorf("%v %s", a.header, a.body)
		}
	}
}

func TestCORS(t *testing.T) {
	d := open(t, func(c *api.Config) { c.CORSOrigins = []string{"https://app.example"} })
	preflight := func(d *door, origin string) *http.Response {
		r, err := http.NewRequest("OPTIONS", d.server.URL+"/meetings", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Method", "POST")
		r.Header.Set("Access-Control-Request-Headers", "authorization,x-amz-date")
		resp, err := d.server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp
	}
	resp := preflight(d, "https://app.example")
	if resp.StatusCode != 204 || resp.Header.Get("Access-Control-Allow-Origin") != "https://app.example" || resp.Header.Get("Access-Control-Allow-Headers") != "authorization,x-amz-date" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	for _, resp := range []*http.Response{preflight(d, "https://evil.example"), preflight(open(t, nil), "https://app.example")} {
		if resp.StatusCode != 403 || resp.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%d %v", resp.StatusCode, resp.Header)
		}
	}
	r := d.request("GET", "/meetings/"+unknownID, "")
	r.Header.Set("Origin", "https://app.example")
	if a := d.send(r); a.status != 404 || a.header.Get("Access-Control-Allow-Origin") != "https://app.example" {
		t.Errorf("%d %v", a.status, a.header)
	}
}

// The access log tells what happened and none of what people sent.
func TestAccessLogHoldsNoSecrets(t *testing.T) {
	var log logtest.Buffer
	observed := make(chan string, 10)
	d := open(t, func(c *api.Config) {
		c.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c.Observe = func(operation, flavour string, status int, took time.Duration) {
			observed <- fmt.Sprint(operation, " ", flavour, " ", status, " ", took > 0)
		}
	})
	a := d.do("POST", "/meetings?operation=create-attendees&hidden-query=1", d.newMeeting(`"Attendees":[{"ExternalUserId":"hidden-user"}],"MeetingHostId":"hidden-host"`))
	d.do("GET", "/meetings/"+a.text("Meeting", "MeetingId")+"/attendees?next-token=hidden-token", "")
	d.do("GET", "/meetings/hidden-label", "")
	for _, want := range []string{"CreateMeetingWithAttendees meetings 200 true", "ListAttendees meetings 400 true", "GetMeeting meetings 400 true"} {
		if got := <-observed; got != want {
			t.Errorf("observed %q, want %q", got, want)
		}
	}
	text := log.String()
	for _, secret := range []string{"hidden", "standup", "token-", a.text("Attendees", 0, "JoinToken"), secret, "Signature"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log holds %q: %s", secret, text)
		}
	}
	for _, part := range []string{`"operation":"CreateMeetingWithAttendees"`, `"status":200`, `"access_key":"AKIDEXAMPLE"`, `"flavour":"meetings"`, `"method":"POST"`, a.header.Get("x-amzn-RequestId")} {
		if !strings.Contains(text, part) {
			t.Errorf("the log lacks %s: %s", part, text)
		}
	}
}

func TestFailuresAreLoggedUnderTheRequestId(t *testing.T) {
	var log logtest.Buffer
	d := open(t, func(c *api.Config) {
		c.Control = &failing{Control: plane, panic: "what broke"}
		c.Logger = slog.New(slog.NewJSONHandler(&log, nil))
	})
	a := d.do("GET", "/meetings/"+unknownID, "")
	text := log.String()
	for _, part := range []string{"what broke", `"level":"ERROR"`, a.header.Get("x-amzn-RequestId"), "errors_test.go"} {
		if !strings.Contains(text, part) {
			t.Errorf("the log lacks %s: %s", part, text)
		}
	}
}
