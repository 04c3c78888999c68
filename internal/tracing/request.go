package tracing

import (
	"net"
	"net/http"
	"strconv"
)

// Request says of a request what OpenTelemetry's conventions have servers say of
// HTTP: method, scheme, the name and port that the client called, and the path
// in the form that is given, which must hold nothing secret and nothing of a
// user's. There is room for more attributes in the slice.
func Request(r *http.Request, path string, more int) []Attr {
	const most = 5
	about := make([]Attr, 0, most+more)
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	about = append(about, Text("http.request.method", method(r.Method)), Text("url.scheme", scheme), Text("url.path", path))
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil { // the scheme's own port
		return append(about, Text("server.address", r.Host))
	}
	about = append(about, Text("server.address", host))
	if n, err := strconv.ParseUint(port, 10, 16); err == nil {
		about = append(about, Number("server.port", int(n)))
	}
	return about
}

// method is a method as the conventions have it: one that HTTP does not know is
// _OTHER, whatever a caller has made up.
func method(sent string) string {
	switch sent {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return sent
	}
	return "_OTHER"
}
