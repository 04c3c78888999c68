package config

import (
	"cmp"
	"net"
	"net/url"
	"strings"
)

// Telemetry says who is told how the server is doing, beside its metrics.
type Telemetry struct {
	Endpoint    string  `help:"Base URL of an OpenTelemetry receiver that traces of API calls and joins are sent to, by OTLP over HTTP." name:"otlp-endpoint" placeholder:"URL"`
	HeadersFile string  `help:"File with headers for it, each on a line as Name: value, such as an authorization." name:"otlp-headers-file" type:"path" placeholder:"FILE"`
	Sample      float64 `help:"Share of the calls and joins that are traced, 0 to 1. A caller who traces, by its traceparent, decides for its own." name:"otlp-sample" default:"1"`
	Pprof       string  `help:"Address of Go's profiles, under /debug/pprof/, for whoever has the operator secret. Beyond this machine it needs TLS." name:"pprof-listen" placeholder:"ADDR"`

	exact bool // Endpoint is the whole URL
}

// tracesPath is where an OTLP receiver takes traces, below its base URL (OTLP
// 1, "OTLP/HTTP Request").
const tracesPath = "/v1/traces"

// TakeEndpoint takes where traces are sent, if nothing says so yet: a URL that
// is used as it is, or else a base URL. Both may be "".
func (t *Telemetry) TakeEndpoint(whole, base string) {
	if t.Endpoint == "" {
		t.Endpoint, t.exact = cmp.Or(whole, base), whole != ""
	}
}

// TracesURL is where traces are sent; "" when they are sent nowhere.
func (t *Telemetry) TracesURL() string {
	if t.Endpoint == "" || t.exact || strings.HasSuffix(t.Endpoint, tracesPath) {
		return t.Endpoint
	}
	return strings.TrimSuffix(t.Endpoint, "/") + tracesPath
}

func (s *Serve) checkTelemetry(add func(bool, string, ...any)) {
	t := s.Telemetry
	if t.Endpoint != "" {
		u, err := url.Parse(t.Endpoint)
		ok := err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") && u.RawQuery == "" && u.Fragment == ""
		add(ok, "--otlp-endpoint is not of the form https://host[:port][/path]") // and is not repeated: it may hold a password
		add(!ok || u.User == nil, "--otlp-endpoint: name and password belong into --otlp-headers-file, as Authorization")
	}
	add(t.HeadersFile == "" || t.Endpoint != "", "--otlp-headers-file needs --otlp-endpoint")
	add(t.Sample >= 0 && t.Sample <= 1, "--otlp-sample: %v is not between 0 and 1", t.Sample)
	if host, _, err := net.SplitHostPort(t.Pprof); err == nil {
		add(isLoopback(host) || s.TLS(), "--pprof-listen: %q can be reached from elsewhere, where the operator secret would be read on the way: it needs --tls-cert, or a loopback address", t.Pprof)
	}
}
