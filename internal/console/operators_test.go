package console

import (
	"context"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/audit"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/operators"
	"github.com/carillon-meetings/carillon/internal/refusals"
)

// The secrets of alice and bob with what stands for them in a file.
const (
	secretOfAlice = "a secret of alice"
	secretOfBob   = "a secret of bob"
	hashOfAlice   = "$2a$10$f9s2GN7j/SAeD/JfRE0JJunn71DvI62iKgzk0uiUCvMIovQCo3e0y"
	hashOfBob     = "$2a$10$SAJCoCqkRXQjunGl8/fQz.33vCgjKAGJhKSLc8T6ybS7qpk91ezdm"
)

// people returns operators as a file names them: name, role and hash of each.
func people(t *testing.T, who ...[3]string) *operators.List {
	t.Helper()
	text := "operators:\n"
	for _, w := range who {
		text += "  - {name: " + w[0] + ", role: " + w[1] + ", secret-hash: \"" + w[2] + "\"}\n"
	}
	file := filepath.Join(t.TempDir(), "operators.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := operators.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// staffed is a site whose operators are alice, who may do everything, and bob,
// who may only look.
func staffed(t *testing.T, change ...func(*Config)) (*site, *operators.Roster) {
	t.Helper()
	var now func() time.Time // that of the site
	listed := people(t, [3]string{"alice", "operator", hashOfAlice}, [3]string{"bob", "read-only", hashOfBob})
	roster := operators.NewRoster(secret, listed, func() time.Time { return now() })
	all := func(c *Config) {
		now = c.Now
		c.Operators, c.Deliveries, c.Recordings = roster, &told{}, &shelf{server: newServer()}
		c.Nodes = func(context.Context) ([]observe.Node, error) { return nil, nil }
		c.Seat = func(context.Context, meeting.ID, meeting.ID) (Seat, error) { return Seat{}, nil }
	}
	return open(t, append([]func(*Config){all}, change...)...), roster
}

// fill puts ids into the address of a route.
func fill(pattern string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	return method, strings.NewReplacer("{meeting}", weekly.String(), "{attendee}", ada.String(), "{recording}", ada.String(),
		"{number}", "0", "{action}", "nothing").Replace(path)
}

// Whatever changes something is refused to who may only look, at every address
// there is; whatever shows something is not.
func TestReadOnlyOperatorsChangeNothing(t *testing.T) {
	s, _ := staffed(t)
	s.signInAs("bob", secretOfBob)
	harmless := map[string]bool{ // changes of nothing but what is one's own
		"POST /operator/api/session": true, "DELETE /operator/api/session": true,
		"POST /operator/api/deliveries/status": true, "POST /operator/api/deliveries/dead": true, "POST /operator/api/deliveries/{action}": true,
	}
	refused := 0
	for _, r := range s.console.table() {
		method, path := fill(r.pattern)
		if method == http.MethodGet || harmless[r.pattern] {
			continue
		}
		refused++
		a := s.send(method, path, "{}", "Authorization", basic("bob", secretOfBob))
		s.want(a, http.StatusForbidden, readOnly)
		last := s.noted[len(s.noted)-1]
		if last.Outcome != audit.Refused || last.Who != "operator:bob" || last.Action == "" || last.Reason != readOnly {
			t.Errorf("%s is in the audit as %+v", r.pattern, last)
		}
	}
	if refused < 12 {
		t.Errorf("only %d addresses change something", refused)
	}
	if len(s.done) > 0 {
		t.Errorf("done in spite of it: %v", s.done)
	}
	for path, status := range map[string]int{
		"session": 200, "destinations": 200, "audit": 200, "meetings/" + weekly.String() + "/attendees/" + ada.String() + "/history": 200,
	} {
		s.want(s.send("GET", "/operator/api/"+path, ""), status, "")
	}
	s.want(s.send("DELETE", "/operator/api/session", ""), 204, "")
}

// Everything that is no reading goes through a door that knows who changes what.
func TestEveryChangeHasADoorAndAName(t *testing.T) {
	s, _ := staffed(t)
	for _, r := range s.console.table() {
		reads := strings.HasPrefix(r.pattern, "GET ")
		changes := r.door == changers || r.door == changing || r.door == own
		if reads && changes || changes != (r.does != "") {
			t.Errorf("%s: door %d, %q", r.pattern, r.door, r.does)
		}
	}
}

func basic(name, secret string) string {
	r, _ := http.NewRequest("GET", "/", nil)
	r.SetBasicAuth(name, secret)
	return r.Header.Get("Authorization")
}

func TestOperatorsSignInByName(t *testing.T) {
	s, _ := staffed(t)
	s.want(s.send("GET", "/operator/api/session", ""), 200, `"several":true`)
	s.signInAs("alice", secretOfAlice)
	view := s.send("GET", "/operator/api/session", "")
	s.want(view, 200, `"name":"alice"`)
	if strings.Contains(view.body, "readOnly") {
		t.Errorf("alice may change things: %s", view.body)
	}
	ended := s.send("POST", "/operator/api/meetings/"+weekly.String()+"/end", "")
	s.want(ended, 204, "")
	if len(s.done) != 1 || !strings.HasPrefix(s.done[0], "operator:alice@127.0.0.1: end ") {
		t.Errorf("done: %v", s.done)
	}
	last := s.noted[len(s.noted)-1]
	want := audit.Entry{Via: "console", Who: "operator:alice", From: "127.0.0.1", Action: "end meeting", Target: "meeting " + weekly.String(), Outcome: "done",
		Request: ended.Header.Get(refusals.Header)}
	if last != want {
		t.Errorf("the audit has %+v, want %+v", last, want)
	}
	s.signInAs("bob", secretOfBob)
	s.want(s.send("GET", "/operator/api/session", ""), 200, `"readOnly":true`)
	s.signInAs("", secret)
	s.want(s.send("GET", "/operator/api/session", ""), 200, `"name":"operator"`)
}

func TestWrongNamesAndSecretsAreRefused(t *testing.T) {
	s, _ := staffed(t)
	for name, body := range map[string]string{
		"another's secret":     `{"name":"alice","secret":"a secret of bob"}`,
		"the server's secret":  `{"name":"alice","secret":"` + secret + `"}`,
		"nobody":               `{"name":"a secret typed as a name","secret":"x"}`,
		"the hash":             `{"name":"alice","secret":"` + hashOfAlice + `"}`,
		"another letter case":  `{"name":"Alice","secret":"` + secretOfAlice + `"}`,
		"a secret that is cut": `{"name":"alice","secret":"a secret of alic"}`,
	} {
		s.clock.advance(time.Hour)
		a := s.send("POST", "/operator/api/session", body)
		if a.StatusCode != 401 || len(a.Cookies()) > 0 {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
	}
	for _, e := range s.noted {
		if e.Action != "sign in" || e.Outcome != audit.Refused || strings.Contains(e.Who+e.Reason, "typed") {
			t.Errorf("the audit has %+v", e)
		}
	}
	if len(s.noted) != 6 {
		t.Errorf("%d entries", len(s.noted))
	}
}

// One name is guessed slowly from however many addresses; who has signed in by
// it before is not kept out.
func TestTriesAreLimitedPerName(t *testing.T) {
	addr := netip.MustParseAddr("192.0.2.1")
	s, _ := staffed(t, func(c *Config) { c.ClientAddr = func(*http.Request) netip.Addr { return addr } })
	s.signIn()
	s.cookie = nil
	wrong := `{"name":"operator","secret":"guessed"}`
	for i := range operators.NameBurst - 1 {
		addr = netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})
		s.want(s.send("POST", "/operator/api/session", wrong), 401, "")
	}
	addr = netip.MustParseAddr("198.51.100.99")
	s.want(s.send("POST", "/operator/api/session", wrong), 429, "Too many tries")
	s.signInAs("bob", secretOfBob) // another name
	addr = netip.MustParseAddr("192.0.2.1")
	s.signIn()
	addr = netip.MustParseAddr("198.51.100.99")
	s.clock.advance(operators.NameEvery)
	s.want(s.send("POST", "/operator/api/session", wrong), 401, "")
}

// Who is taken out of the file, or gets another secret or role, is signed out at
// once, with the pages that are open.
func TestChangedOperatorsAreSignedOut(t *testing.T) {
	alice, bob := [3]string{"alice", "operator", hashOfAlice}, [3]string{"bob", "read-only", hashOfBob}
	for name, list := range map[string][][3]string{
		"gone":           {bob},
		"another secret": {{"alice", "operator", hashOfBob}, bob},
		"another role":   {{"alice", "read-only", hashOfAlice}, bob},
	} {
		s, roster := staffed(t)
		s.signInAs("alice", secretOfAlice)
		var ignored any
		events := s.watch("/operator/api/events")
		events.next("snapshot", &ignored)
		roster.SetList(people(t, alice, bob)) // nothing has changed
		s.console.OperatorsChanged()
		s.want(s.send("GET", "/operator/api/session", ""), 200, `"signedIn":true`)
		roster.SetList(people(t, list...))
		s.console.OperatorsChanged()
		events.next("signed-out", &ignored)
		s.want(s.send("GET", "/operator/api/session", ""), 200, `"signedIn":false`)
		s.want(s.send("POST", "/operator/api/meetings/"+weekly.String()+"/end", ""), 401, "Sign in")
		if len(s.done) > 0 {
			t.Errorf("%s: done %v", name, s.done)
		}
	}
}

// In a cluster a sign-in is good at each node, as long as the operator is the
// same there; at a node that knows somebody else by the name it is not.
func TestNamedOperatorsAtSeveralServers(t *testing.T) {
	shared := func(c *Config) { c.SessionKey = []byte("a key that three servers have") }
	here, _ := staffed(t, shared)
	there, _ := staffed(t, shared)
	other, roster := staffed(t, shared)
	roster.SetList(people(t, [3]string{"alice", "read-only", hashOfAlice}))
	here.signInAs("alice", secretOfAlice)
	for _, s := range []*site{there, other} {
		s.cookie, s.csrf = here.cookie, here.csrf
	}
	there.want(there.send("GET", "/operator/api/session", ""), 200, `"name":"alice"`)
	other.want(other.send("GET", "/operator/api/session", ""), 200, `"signedIn":false`)
}

func TestTheAuditIsRead(t *testing.T) {
	s, _ := staffed(t)
	s.want(s.send("GET", "/operator/api/audit", ""), 401, "Sign in")
	s.want(s.send("GET", PathAudit, ""), 401, "missing")
	s.want(s.send("GET", PathAudit, "", "Authorization", "Bearer wrong"), 401, "not the operator secret")
	s.want(s.send("GET", PathAudit, "", "Authorization", basic("bob", secretOfBob)), 200, `"action":"sign in"`)
	s.signInAs("bob", secretOfBob)
	s.want(s.send("GET", "/operator/api/audit?text=x&who=operator:bob&via=console&outcome=done&since=2026-05-01T12:00:00Z&before=3-70&limit=7", ""), 200, `"next":"7-100"`)
	want := audit.Query{Text: "x", Who: "operator:bob", Via: "console", Outcome: "done", Since: start, Before: "3-70", Limit: 7}
	if s.asked != want {
		t.Errorf("asked for %+v, want %+v", s.asked, want)
	}
	for query, says := range map[string]string{"limit=0": "limit", "limit=many": "limit", "limit=501": "limit", "since=yesterday": "since",
		"via=webhook": "via must be one of console command app api server.", "outcome=ok": "outcome must be one of done refused failed.", "from=x": "cannot be asked for"} {
		s.want(s.send("GET", "/operator/api/audit?"+query, ""), 400, says)
	}
	s.auditFault = audit.ErrCursor
	s.want(s.send("GET", "/operator/api/audit?before=x", ""), 400, "before")
	s.auditFault = http.ErrServerClosed
	s.want(s.send("GET", "/operator/api/audit", ""), 503, "cannot be read")
}
