package api_test

import (
	"bufio"
	"bytes"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/api"
)

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
