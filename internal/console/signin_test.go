package console

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/allowance"

	"github.com/carillon-meetings/carillon/internal/operators"
)

func bufferLogger(b *bytes.Buffer) *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

func TestSigningInAndOut(t *testing.T) {
	s := open(t)
	s.want(s.send("GET", "/operator/api/session", ""), 200, `"signedIn":false`)
	s.signIn()
	c := s.cookie
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/operator/" || c.Secure || len(c.Value) < 40 {
		t.Errorf("cookie %+v", c)
	}
	s.want(s.send("GET", "/operator/api/session", ""), 200, s.csrf)
	out := s.send("DELETE", "/operator/api/session", "")
	s.want(out, 204, "")
	if gone := out.Cookies(); len(gone) != 1 || gone[0].MaxAge >= 0 {
		t.Errorf("signing out set cookies %v", gone)
	}
	s.want(s.send("GET", "/operator/api/session", ""), 200, `"signedIn":false`)
	s.want(s.send("GET", "/operator/api/events", ""), 401, "Sign in")
}

func TestCookiesAreSecureBehindTLS(t *testing.T) {
	s := open(t, func(c *Config) { c.OperatorTLS = true })
	s.signIn()
	if !s.cookie.Secure {
		t.Error("the cookie is not Secure")
	}
}

// A sign-in is good at each server that has the key, until its age or until
// that server has seen it end.
func TestSigningInAtSeveralServers(t *testing.T) {
	shared := func(c *Config) { c.SessionKey = []byte("a key that three servers have") }
	here, there, alone := open(t, shared), open(t, shared), open(t)
	here.signIn()
	for _, s := range []*site{there, alone} {
		s.cookie, s.csrf = here.cookie, here.csrf
	}
	there.want(there.send("GET", "/operator/api/session", ""), 200, here.csrf)
	alone.want(alone.send("GET", "/operator/api/session", ""), 200, `"signedIn":false`)
	for _, forged := range []string{here.cookie.Value[:40], "B" + here.cookie.Value[1:], here.cookie.Value + "AAAA"} {
		there.cookie = &http.Cookie{Name: here.cookie.Name, Value: forged}
		there.want(there.send("GET", "/operator/api/session", ""), 200, `"signedIn":false`)
	}
	there.cookie = here.cookie
	there.want(there.send("DELETE", "/operator/api/session", ""), 204, "")
	there.want(there.send("GET", "/operator/api/session", ""), 200, `"signedIn":false`)
	fresh := open(t, shared)
	fresh.cookie = here.cookie
	fresh.clock.advance(13 * time.Hour)
	fresh.want(fresh.send("GET", "/operator/api/session", ""), 200, `"signedIn":false`)
}

func TestSignInRefusals(t *testing.T) {
	s := open(t)
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"wrong secret":   {`{"secret":"correct horse batterz"}`, 401},
		"prefix":         {`{"secret":"correct"}`, 401},
		"empty":          {`{"secret":""}`, 401},
		"not JSON":       {`secret`, 400},
		"unknown member": {`{"password":"x"}`, 400},
		"letter case":    {`{"Secret":"` + secret + `"}`, 400},
		"secret twice":   {`{"secret":"x","secret":"` + secret + `"}`, 400},
		"two values":     {`{"secret":"` + secret + `"}{}`, 400},
		"too large":      {`{"secret":"` + strings.Repeat("a", maxBody) + `"}`, 400},
	} {
		a := s.send("POST", "/operator/api/session", c.body)
		if a.StatusCode != c.status || len(a.Cookies()) > 0 || !strings.Contains(a.body, `"error"`) {
			t.Errorf("%s: %d %q, cookies %v; want %d", name, a.StatusCode, a.body, a.Cookies(), c.status)
		}
		s.clock.advance(time.Minute) // gives the tries back
	}
	good := `{"secret":"` + secret + `"}`
	s.want(s.send("POST", "/operator/api/session", good, "Sec-Fetch-Site", "cross-site"), 403, "another web site")
	s.want(s.send("POST", "/operator/api/session", good, "Sec-Fetch-Site", "", "Origin", "https://evil.example"), 403, "another web site")
}

func TestTriesAreLimitedPerAddress(t *testing.T) {
	addr := netip.MustParseAddr("192.0.2.1")
	s := open(t, func(c *Config) { c.ClientAddr = func(*http.Request) netip.Addr { return addr } })
	wrong, right := `{"secret":"wrong"}`, `{"secret":"`+secret+`"}`
	for range operators.TriesBurst {
		s.want(s.send("POST", "/operator/api/session", wrong), 401, "")
	}
	a := s.send("POST", "/operator/api/session", right)
	s.want(a, 429, "Too many tries. Wait 12 seconds.")
	if a.Header.Get("Retry-After") != "12" {
		t.Errorf("Retry-After %q", a.Header.Get("Retry-After"))
	}
	addr = netip.MustParseAddr("192.0.2.2") // somebody else is not locked out
	s.want(s.send("POST", "/operator/api/session", right), 200, "")
	addr = netip.MustParseAddr("192.0.2.1")
	s.clock.advance(operators.TriesEvery)
	s.want(s.send("POST", "/operator/api/session", wrong), 401, "")
	s.want(s.send("POST", "/operator/api/session", wrong), 429, "")
	s.clock.advance(operators.TriesEvery)
	s.want(s.send("POST", "/operator/api/session", right), 200, "") // and forgives
	for range operators.TriesBurst {
		s.want(s.send("POST", "/operator/api/session", wrong), 401, "")
	}
}

func TestSessionsExpire(t *testing.T) {
	s := open(t, func(c *Config) { c.SessionIdle, c.SessionMax = time.Minute, time.Hour })
	s.signIn()
	for range 3 {
		s.clock.advance(50 * time.Second)
		s.want(s.send("GET", "/operator/api/session", ""), 200, `"signedIn":true`)
	}
	s.clock.advance(time.Minute)
	s.want(s.send("GET", "/operator/api/session", ""), 200, `"signedIn":false`)

	s.signIn()
	for range 70 {
		s.clock.advance(50 * time.Second)
		s.want(s.send("GET", "/operator/api/session", ""), 200, `"signedIn":true`)
	}
	s.clock.advance(50 * time.Second)
	s.clock.advance(50 * time.Second)
	s.want(s.send("GET", "/operator/api/session", ""), 200, `"signedIn":false`)
}

func TestSigningInAgainEndsTheOldSession(t *testing.T) {
	s := open(t)
	s.signIn()
	old := s.cookie
	s.signIn()
	s.cookie = old
	s.want(s.send("GET", "/operator/api/session", ""), 200, `"signedIn":false`)
}

func TestSessionsAreBounded(t *testing.T) {
	s := newSessions(Config{Operators: operators.NewRoster(secret, nil, nil), SessionIdle: time.Hour, SessionMax: time.Hour, Now: (&clock{t: start}).now})
	for range maxSessions + 5 {
		who, _ := s.roster.Current(operators.Name)
		s.start(who, "192.0.2.1")
	}
	if len(s.byHash) != maxSessions {
		t.Errorf("%d sessions are kept, want %d", len(s.byHash), maxSessions)
	}
}

func TestChangesNeedASessionAndItsToken(t *testing.T) {
	s := open(t)
	m := "/operator/api/meetings/" + weekly.String()
	changes := [][2]string{
		{"POST", m + "/end"}, {"POST", m + "/attendees/" + ada.String() + "/remove"},
		{"PUT", m + "/attendees/" + ada.String() + "/capabilities"}, {"DELETE", "/operator/api/session"},
	}
	body := `{"audio":"None","video":"None","content":"None"}`
	for _, c := range changes {
		s.want(s.send(c[0], c[1], body), 401, "Sign in")
	}
	s.signIn()
	csrf := s.csrf
	for _, c := range changes {
		s.want(s.send(c[0], c[1], body, csrfHeader, ""), 403, "token")
		s.want(s.send(c[0], c[1], body, csrfHeader, csrf+"x"), 403, "token")
		s.want(s.send(c[0], c[1], body, "Sec-Fetch-Site", "cross-site"), 403, "another web site")
		s.want(s.send(c[0], c[1], body, "Sec-Fetch-Site", "same-site"), 403, "another web site")
	}
	if len(s.done) > 0 {
		t.Errorf("a refused change was carried out: %v", s.done)
	}
	s.want(s.send("GET", "/operator/api/session", ""), 200, `"signedIn":true`)
}

func TestDemoIsLimitedAndSameOrigin(t *testing.T) {
	s := open(t, func(c *Config) { c.DemoRate = allowance.Rate{Burst: 2, Every: time.Minute} })
	s.want(s.send("POST", "/demo/meetings", ""), 200, "demo")
	s.want(s.send("POST", "/demo/meetings", "", "Sec-Fetch-Site", "cross-site"), 403, "another web site")
	s.want(s.send("POST", "/demo/meetings", ""), 200, "demo")
	s.want(s.send("POST", "/demo/meetings", ""), 429, "Too many requests")
}
