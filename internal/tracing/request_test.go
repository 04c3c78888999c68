package tracing

import (
	"crypto/tls"
	"net/http"
	"slices"
	"testing"
)

func TestWhatIsSaidOfARequest(t *testing.T) {
	for _, c := range []struct {
		method, host string
		tls          *tls.ConnectionState
		want         []Attr
	}{
		{"GET", "meet.example.org", &tls.ConnectionState{}, []Attr{
			Text("http.request.method", "GET"), Text("url.scheme", "https"), Text("url.path", "/p"), Text("server.address", "meet.example.org"),
		}},
		{"POST", "[::1]:8480", nil, []Attr{
			Text("http.request.method", "POST"), Text("url.scheme", "http"), Text("url.path", "/p"), Text("server.address", "::1"), Number("server.port", 8480),
		}},
		{"MADE-UP", "h:99999", nil, []Attr{
			Text("http.request.method", "_OTHER"), Text("url.scheme", "http"), Text("url.path", "/p"), Text("server.address", "h"),
		}},
	} {
		got := Request(&http.Request{Method: c.method, Host: c.host, TLS: c.tls}, "/p", 3)
		if !slices.Equal(got, c.want) || cap(got)-len(got) < 3 {
			t.Errorf("%s %s: %v with room for %d, want %v and 3", c.method, c.host, got, cap(got)-len(got), c.want)
		}
	}
}
