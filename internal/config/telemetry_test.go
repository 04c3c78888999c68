package config

import (
	"strings"
	"testing"
)

func TestWhereTracesAreSent(t *testing.T) {
	for given, want := range map[string]string{
		"":                                   "",
		"http://127.0.0.1:4318":              "http://127.0.0.1:4318/v1/traces",
		"https://otlp.example.org/":          "https://otlp.example.org/v1/traces",
		"https://example.org/otlp":           "https://example.org/otlp/v1/traces",
		"https://example.org/otlp/v1/traces": "https://example.org/otlp/v1/traces",
	} {
		s, err := parse(t, "", "--otlp-endpoint", given)
		if err != nil || s.Check() != nil {
			t.Errorf("%s: %v, %v", given, err, s.Check())
		}
		if got := s.Telemetry.TracesURL(); got != want || s.Telemetry.Sample != 1 {
			t.Errorf("%s: traces go to %s, %v of them, want all to %s", given, got, s.Telemetry.Sample, want)
		}
	}
}

func TestTelemetrySettingsThatAreRefused(t *testing.T) {
	for _, c := range []struct{ want, flags string }{
		{"--otlp-endpoint is not", "--otlp-endpoint 127.0.0.1:4318"},
		{"--otlp-endpoint is not", "--otlp-endpoint grpc://host:4317"},
		{"--otlp-endpoint is not", "--otlp-endpoint http://"},
		{"--otlp-endpoint is not", "--otlp-endpoint http://host?key=hidden"},
		{"--otlp-endpoint: name and password", "--otlp-endpoint http://somebody:hidden@host"},
		{"--otlp-headers-file needs", "--otlp-headers-file /some/file"},
		{"--otlp-sample", "--otlp-sample=1.5"},
		{"--otlp-sample", "--otlp-sample=-0.1"},
		{"--otlp-sample", "--otlp-sample=NaN"},
		{"--pprof-listen: \"6060\" is not an address", "--pprof-listen 6060"},
		{"--pprof-listen: \":6060\" can be reached", "--pprof-listen :6060"},
		{"--pprof-listen: \"192.0.2.1:6060\" can be reached", "--pprof-listen 192.0.2.1:6060"},
		{"--listen and --pprof-listen: both want TCP port 8480", "--pprof-listen localhost:8480 --listen localhost:8480"},
	} {
		s, err := parse(t, "", strings.Fields(c.flags)...)
		if err != nil {
			t.Fatal(err)
		}
		problem := s.Check()
		if problem == nil || !strings.HasPrefix(problem.Error(), c.want) || strings.Contains(problem.Error(), "\n") || strings.Contains(problem.Error(), "hidden") {
			t.Errorf("%s: %v, want %s", c.flags, problem, c.want)
		}
	}
}

// Profiles that others could ask for mean that others can reach the server.
func TestWhereProfilesMayBe(t *testing.T) {
	for flags, demo := range map[string]bool{
		"--pprof-listen 127.0.0.1:6060":                    true,
		"--pprof-listen [::1]:6060":                        true,
		"--pprof-listen :6060 --tls-cert a --tls-key b":    false,
		"--pprof-listen 0.0.0.0:6060 --tls-self-signed":    false,
		"--pprof-listen localhost:6060 --tls-self-signed":  true,
		"--pprof-listen 127.0.0.1:6060 --listen :8480":     false,
		"--pprof-listen 127.0.0.1:0 --listen 127.0.0.1:80": true,
	} {
		s, err := parse(t, "", strings.Fields(flags)...)
		if err != nil || s.Check() != nil {
			t.Errorf("%s: %v, %v", flags, err, s.Check())
		}
		if s.ServesDemo() != demo {
			t.Errorf("%s: the demo is served: %t", flags, !demo)
		}
	}
}
