package meeting

import (
	"cmp"
	"net"
	"net/url"
	"strings"
)

// StreamURL is where a live connector streams to. The end of it is a secret, so it
// prints as its host only; string(u) has all of it.
type StreamURL string

// String returns the scheme and the host.
func (u StreamURL) String() string {
	t, err := u.Target()
	if err != nil {
		return "(malformed)"
	}
	return t.Scheme() + "://" + t.Address
}

// Stream is where a live connector streams to, and how its sound is encoded.
type Stream struct {
	URL        StreamURL // secret
	Channels   string    // Stereo or Mono; empty when none was given
	SampleRate string    // 44100 or 48000; likewise
}

func (s *Stream) write(w *writer) {
	w.string(string(s.URL))
	w.string(s.Channels)
	w.string(s.SampleRate)
}

func (s *Stream) read(r *reader) {
	s.URL = StreamURL(r.string())
	s.Channels = r.string()
	s.SampleRate = r.string()
}

// StreamTarget is what a StreamURL says.
type StreamTarget struct {
	TLS     bool   // rtmps
	Host    string // without a port
	Address string // host:port
	App     string // the path without its last segment
	Key     string // secret: the last segment, with the query
}

// Scheme returns rtmp or rtmps.
func (t StreamTarget) Scheme() string {
	if t.TLS {
		return "rtmps"
	}
	return "rtmp"
}

// Ports of RTMP where a URL has none: the registered one, and of rtmps the one
// that services name.
const (
	rtmpPort  = "1935"
	rtmpsPort = "443"
)

// Target reads rtmp[s]://host[:port]/app[/more]/key[?query]. The error is a *Error
// that does not repeat the URL.
func (u StreamURL) Target() (t StreamTarget, err error) {
	refused := Errorf(Invalid, "Value at 'url' is not of the form rtmp://host[:port]/app/key or rtmps://host[:port]/app/key.")
	parsed, err := url.Parse(string(u))
	if err != nil {
		return t, refused
	}
	path := strings.TrimPrefix(parsed.EscapedPath(), "/")
	cut := strings.LastIndexByte(path, '/')
	if parsed.Scheme != "rtmp" && parsed.Scheme != "rtmps" || parsed.Hostname() == "" || parsed.User != nil || parsed.Fragment != "" || cut < 1 || cut == len(path)-1 {
		return t, refused
	}
	t = StreamTarget{TLS: parsed.Scheme == "rtmps", Host: parsed.Hostname(), App: path[:cut], Key: path[cut+1:]}
	port := rtmpPort
	if t.TLS {
		port = rtmpsPort
	}
	t.Address = net.JoinHostPort(t.Host, cmp.Or(parsed.Port(), port))
	if parsed.RawQuery != "" {
		t.Key += "?" + parsed.RawQuery
	}
	return t, nil
}
