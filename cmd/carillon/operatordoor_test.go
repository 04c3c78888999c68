package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carillon-meetings/carillon/internal/cluster"
	"github.com/carillon-meetings/carillon/internal/console"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/operators"
)

// askOperator makes a request by a secret; "" sends none.
func askOperator(t *testing.T, s *server, method, path, secret string) (status int, body string) {
	t.Helper()
	req := httptest.NewRequest(method, path, nil)
	if secret != "" {
		req.Header.Set("Authorization", "Bearer "+secret)
	}
	rec := httptest.NewRecorder()
	s.doors.ServeHTTP(rec, req)
	return rec.Code, rec.Body.String()
}

func TestTheClusterIsForOperators(t *testing.T) {
	s := startServer(t, t.TempDir(), "--no-console")
	for name, c := range map[string]struct {
		method, path, secret string
		status               int
	}{
		"no secret":              {"GET", pathCluster, "", 401},
		"another secret":         {"GET", pathCluster, s.id.OperatorSecret + "x", 401},
		"the beginning of it":    {"DELETE", pathCluster + "/nodes/a", s.id.OperatorSecret[:10], 401},
		"a server on its own":    {"GET", pathCluster, s.id.OperatorSecret, 404},
		"nothing to drain alone": {"POST", pathCluster + "/nodes/a/drain", s.id.OperatorSecret, 404},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, body := askOperator(t, s, c.method, c.path, c.secret)
			var fault struct{ Error string }
			if err := json.Unmarshal([]byte(body), &fault); err != nil || status != c.status || fault.Error == "" {
				t.Errorf("%d %s, %v", status, body, err)
			}
		})
	}
}

// Who guesses is slowed down at all doors of operators together, by address; who
// has the secret is let in meanwhile, from elsewhere, and callers without one
// keep nobody out.
func TestGuessingTheOperatorSecretIsSlow(t *testing.T) {
	s := startServer(t, t.TempDir(), "--trusted-proxies", "127.0.0.1")
	ask := func(from, method, path, secret string) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, s.ports.public.String()+path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Forwarded-For", from)
		if secret != "" {
			r.Header.Set("Authorization", "Bearer "+secret)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res
	}
	for i := range operators.TriesBurst + 2 {
		want := http.StatusUnauthorized
		if i >= operators.TriesBurst {
			want = http.StatusTooManyRequests
		}
		res := ask("192.0.2.1", "GET", pathCluster, "guess")
		if res.StatusCode != want || (res.Header.Get("Retry-After") == "") != (want == http.StatusUnauthorized) {
			t.Errorf("guess %d: %s, %v", i+1, res.Status, res.Header)
		}
	}
	if res := ask("192.0.2.1", "POST", console.PathDeliveries+"status", "guess"); res.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a guess at the console's door: %s", res.Status)
	}
	if res := ask("192.0.2.1", "GET", pathCluster, s.id.OperatorSecret); res.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the right one among guesses: %s", res.Status)
	}
	for range 4 * operators.NameBurst {
		if res := ask("198.51.100.1", "GET", pathCluster, ""); res.StatusCode != http.StatusUnauthorized || res.Header.Get("WWW-Authenticate") == "" {
			t.Fatalf("without a secret: %s, %v", res.Status, res.Header)
		}
	}
	for range 4 * operators.NameBurst {
		if res := ask("198.51.100.2", "GET", pathCluster, s.id.OperatorSecret); res.StatusCode != http.StatusNotFound {
			t.Fatalf("the right one: %s", res.Status)
		}
	}
}

func TestTheClusterCommandSaysWhyItFails(t *testing.T) {
	s := startServer(t, t.TempDir())
	for name, c := range map[string]struct {
		target clusterTarget
		says   string
	}{
		"alone":          {clusterTarget{operatorTarget: operatorTarget{Endpoint: s.ports.public.String(), Data: s.cfg.Data}}, "on its own"},
		"a wrong secret": {clusterTarget{operatorTarget: operatorTarget{Endpoint: s.ports.public.String() + "/", OperatorSecret: "wrong"}}, "not the operator secret"},
		"no secret":      {clusterTarget{operatorTarget: operatorTarget{Endpoint: s.ports.public.String(), Data: t.TempDir()}}, "--operator-secret"},
		"nobody there":   {clusterTarget{operatorTarget: operatorTarget{Endpoint: "http://127.0.0.1:1", OperatorSecret: "x"}}, "refused"},
		"no address":     {clusterTarget{operatorTarget: operatorTarget{Endpoint: "http://[", OperatorSecret: "x"}}, "--endpoint"},
		"something else": {clusterTarget{operatorTarget: operatorTarget{Endpoint: s.ports.public.String() + "/nowhere", OperatorSecret: "x"}}, "403"},
	} {
		err := (&clusterStatusCommand{c.target}).Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

func TestAStatusIsReadable(t *testing.T) {
	status := clusterStatus{
		Node: "a",
		Nodes: []cluster.NodeStatus{
			{Node: "a", Live: true, Leader: true, Slots: 22, Address: "10.0.0.1:7401", Version: "1.2.3", SilentFor: "0s"},
			{Node: "b", Live: true, Draining: true, Slots: 2, Arriving: 1, Connected: 17, SilentFor: "250ms"},
			{Node: "c", SilentFor: "12s"},
		},
		Streams: []cluster.StreamStatus{
			{Stream: "MT00", Leader: "a", Messages: 7, Bytes: 700, Replicas: []cluster.ReplicaStatus{{Node: "b", Current: true}, {Node: "c", Offline: true, Lag: 3}}},
			{Stream: "MT01", Replicas: []cluster.ReplicaStatus{{Node: "b", Lag: 12}}},
		},
	}
	var out bytes.Buffer
	if err := status.print(&out); err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"NODE", "STATE", "SLOTS", "ARRIVING", "CONNECTED", "HEARD", "ADDRESS", "VERSION"},
		{"a", "live,", "moves", "slots", "22", "0", "0", "0s", "ago", "10.0.0.1:7401", "1.2.3"},
		{"b", "draining", "2", "1", "17", "250ms", "ago"},
		{"c", "silent", "0", "0", "0", "12s", "ago"},
		{},
		{"STREAM", "LEADER", "MESSAGES", "BYTES", "REPLICAS"},
		{"MT00", "a", "7", "700", "b", "current,", "c", "away"},
		{"MT01", "0", "0", "b", "behind", "by", "12"},
	}
	lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%d lines:\n%s", len(lines), out.String())
	}
	for i, line := range lines {
		if got := strings.Fields(line); !slices.Equal(got, want[i]) {
			t.Errorf("line %d is %q, want %q", i, got, want[i])
		}
	}
}

// What a node says of its settings tells differences apart and gives no secret
// away.
func TestSharedSettingsHaveNoSecrets(t *testing.T) {
	one := startServer(t, t.TempDir(), "--access-key", "AKIDONE", "--secret-key", "a secret of one", "--operator-secret", "operators of one", "--limit-meetings", "7")
	settings := one.sharedSettings()
	for name, value := range settings {
		for _, secret := range []string{"AKIDONE", "a secret of one", "operators of one"} {
			if strings.Contains(value, secret) {
				t.Errorf("%s is %q", name, value)
			}
		}
	}
	if settings["limit-meetings"] != "7" || settings["timer-idle"] != "5m0s" || len(settings["access keys"]) != 16 {
		t.Errorf("settings %v", settings)
	}
	one.cfg.Credentials.SecretKey = "another secret"
	one.cfg.Pages.OperatorSecret = "operators of two"
	for _, name := range []string{"access keys", "operator-secret"} {
		if changed := one.sharedSettings()[name]; changed == settings[name] {
			t.Errorf("%s is the same for another secret", name)
		}
	}
}

// Until its doors are open, the port says that the server is alive and not yet
// ready. Everybody else waits: not for ever.
func TestTheEntranceBeforeTheDoorsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var e entrance
		ask := func(path string) (got *http.Response, took time.Duration) {
			rec, begun := httptest.NewRecorder(), time.Now()
			e.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
			return rec.Result(), time.Since(begun)
		}
		if got, took := ask(pathHealth); got.StatusCode != 200 || took != 0 {
			t.Errorf("health: %s after %v", got.Status, took)
		}
		for path, patience := range map[string]time.Duration{pathReady: 0, "/meetings/x": entrancePatience, "/control/x": entrancePatience} {
			if got, took := ask(path); got.StatusCode != 503 || got.Header.Get("Retry-After") == "" || took != patience {
				t.Errorf("%s: %s %v after %v", path, got.Status, got.Header, took)
			}
		}
		got, _ := ask("/meetings/x")
		var refusal struct{ Code string }
		if err := json.NewDecoder(got.Body).Decode(&refusal); err != nil || refusal.Code != "ServiceUnavailable" {
			t.Errorf("an SDK cannot read the refusal: %+v, %v", refusal, err)
		}
		time.AfterFunc(7*time.Second, func() {
			e.open(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
		})
		if got, took := ask("/meetings/x"); got.StatusCode != http.StatusTeapot || took < 7*time.Second {
			t.Errorf("who waited: %s after %v", got.Status, took)
		}
		if got, took := ask(pathReady); got.StatusCode != http.StatusTeapot || took != 0 {
			t.Errorf("afterwards: %s after %v", got.Status, took)
		}
	})
}

// A request whose meeting has no owner is told to come back in the form of the
// door that it came to.
func TestAwayInTheFormOfTheDoor(t *testing.T) {
	s := startServer(t, t.TempDir())
	id := meeting.ID{15: 1}.String()
	for path, says := range map[string]string{
		"/meetings/" + id:                       `"Code":"ServiceUnavailable"`,
		"/legacy/meetings/" + id:                `"Code":"ServiceUnavailable"`,
		"/nowhere":                              `"Code":"ServiceUnavailable"`,
		"/control/" + id:                        `"error"`,
		"/operator/api/meetings/" + id + "/end": `"error"`,
	} {
		rec := httptest.NewRecorder()
		s.doors.away(rec, httptest.NewRequest("POST", path, strings.NewReader("{}")))
		if rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Retry-After") == "" || !strings.Contains(rec.Body.String(), says) {
			t.Errorf("%s: %d %v %s", path, rec.Code, rec.Header(), rec.Body)
		}
	}
}
