package console

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/carillon-meetings/carillon/internal/operators"
)

func TestPagesAreServed(t *testing.T) {
	s := open(t)
	for path, text := range map[string]string{
		"/": "meeting page", "/m/abc-defg-hij": "meeting page", "/m/abc-defg-hij/": "meeting page", "/m/": "meeting page", "/operator/": "console page",
		"/operator/meetings/0001": "console page", "/operator/explorer": "explorer page", "/demo/anything": "demo",
	} {
		s.want(s.send("GET", path, ""), 200, text)
	}
	s.want(s.send("GET", "/operator/api/nothing", ""), 404, "nothing at this address")
	s.want(s.send("POST", "/operator/", ""), 405, "")
}

func TestPartsAreSwitchedOff(t *testing.T) {
	s := open(t, func(c *Config) { c.Demo = nil })
	a := s.send("GET", "/", "")
	if a.StatusCode != http.StatusFound || a.Header.Get("Location") != "/operator/" {
		t.Errorf("without the meeting page / answered %d to %q", a.StatusCode, a.Header.Get("Location"))
	}
	s.want(s.send("POST", "/demo/meetings", ""), 404, "")
	s.want(s.send("GET", "/m/abc-defg-hij", ""), 404, "switched off")

	s = open(t, func(c *Config) { c.Operators = nil })
	s.want(s.send("GET", "/operator/", ""), 404, "")
	s.want(s.send("POST", "/operator/api/session", `{"secret":""}`), 404, "")
	s.want(s.send("GET", "/", ""), 200, "meeting page")
}

func TestMissingPagesAreExplained(t *testing.T) {
	s := open(t, func(c *Config) { c.Pages = fstest.MapFS{} })
	if s.console.PagesBuilt() {
		t.Error("PagesBuilt says yes")
	}
	for _, path := range []string{"/", "/operator/", "/operator/explorer"} {
		s.want(s.send("GET", path, ""), 503, "make build")
	}
	s.want(s.send("GET", "/assets/app-1a2b.js", ""), 404, "")
	s.signIn() // the rest works
}

func TestSecurityHeaders(t *testing.T) {
	s := open(t, func(c *Config) {
		c.ConnectSources = []string{"wss://node-b.example"}
		c.TLS, c.OperatorTLS = true, true
	})
	host := strings.TrimPrefix(s.url, "http://")
	for _, path := range []string{"/", "/operator/", "/assets/app-1a2b.js", "/operator/api/session", "/nowhere"} {
		h := s.send("GET", path, "").Header
		csp := h.Get("Content-Security-Policy")
		csp = strings.Replace(csp, " 'wasm-unsafe-eval'", "", 1) // TestOnlyTheMeetingPageMayRunWebAssembly
		for _, rule := range []string{
			"default-src 'none'", "script-src 'self';", "style-src 'self';", "worker-src blob:", "frame-ancestors 'none'",
			"connect-src 'self' ws://" + host + " wss://" + host + " wss://node-b.example;",
		} {
			if !strings.Contains(csp, rule) {
				t.Errorf("%s: policy %q lacks %q", path, csp, rule)
			}
		}
		if strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
			t.Errorf("%s: policy %q is loose", path, csp)
		}
		for name, value := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin", "Strict-Transport-Security": "max-age=31536000",
		} {
			if h.Get(name) != value {
				t.Errorf("%s: %s is %q, want %q", path, name, h.Get(name), value)
			}
		}
	}
	if csp := s.send("GET", "/operator/", "").Header.Get("Content-Security-Policy"); !strings.Contains(csp, "require-trusted-types-for 'script'") {
		t.Errorf("the console's policy %q does not require trusted types", csp)
	}
}

func TestOddHostsAreNotRepeatedInThePolicy(t *testing.T) {
	c := &Console{}
	for host, repeated := range map[string]bool{
		"meet.example:8443": true, "[::1]:80": true, "10.0.0.1": true,
		"evil;script-src *": false, "a b": false, "'self'": false, "host:notaport": false, "": false,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = host
		if got := strings.Contains(c.contentPolicy(r), "ws://"); got != repeated {
			t.Errorf("host %q repeated: %v, want %v", host, got, repeated)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	world := newServer()
	good := Config{Directory: world, Live: world, Actions: world, Ended: world, WithActor: withActor, Operators: operators.NewRoster(secret, nil, nil), AuditLog: noAudit}
	for name, spoil := range map[string]func(*Config){
		"no audit":     func(c *Config) { c.AuditLog = nil },
		"no directory": func(c *Config) { c.Directory = nil },
		"no archive":   func(c *Config) { c.Ended = nil },
		"no live":      func(c *Config) { c.Live = nil },
		"no actions":   func(c *Config) { c.Actions = nil },
		"no actor":     func(c *Config) { c.WithActor = nil },
	} {
		cfg := good
		spoil(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: New accepted it", name)
		}
	}
}

func TestLogsHoldNoSecret(t *testing.T) {
	var log bytes.Buffer
	s := open(t, func(c *Config) { c.Logger = bufferLogger(&log) })
	s.send("POST", "/operator/api/session", `{"secret":"guessed-password"}`)
	s.signIn()
	s.send("POST", "/operator/api/meetings/"+weekly.String()+"/end", "")
	for _, word := range []string{"guessed-password", secret, s.cookie.Value, s.csrf} {
		if strings.Contains(log.String(), word) {
			t.Errorf("the log holds %q:\n%s", word, log.String())
		}
	}
	if !strings.Contains(log.String(), "wrong secret") || !strings.Contains(log.String(), "end meeting") {
		t.Errorf("the log does not tell what happened:\n%s", log.String())
	}
}
