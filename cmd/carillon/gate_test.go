package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/smithy-go"

	"github.com/carillon-meetings/carillon/internal/logtest"
)

// startLogged is startServer with a log that the test reads.
func startLogged(t *testing.T, flags ...string) (*server, *logtest.Buffer) {
	t.Helper()
	cfg := settings(t, append([]string{"--data", t.TempDir()}, flags...)...)
	var log logtest.Buffer
	s := unstarted(t, cfg)
	s.log = slog.New(slog.NewTextHandler(&log, nil))
	startAs(t, s)
	return s, &log
}

// ask sends a request to the server's address, with another Host or further
// headers, and returns the answer's status and body.
func (s *server) ask(t *testing.T, method, path, body string, change func(*http.Request)) (status int, text string) {
	t.Helper()
	r, err := http.NewRequest(method, s.ports.public.String()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(raw)
}

func toHost(host string) func(*http.Request) { return func(r *http.Request) { r.Host = host } }

// What each door answers to, so that one can be asked of all.
var doorsToTry = []struct{ method, path, body string }{
	{"GET", pathHealth, ""}, {"GET", pathMetrics, ""}, {"GET", "/", ""}, {"GET", "/m/abc-defg-hij", ""}, {"POST", "/demo/meetings", "{}"},
	{"GET", "/operator/api/session", ""}, {"POST", "/operator/api/session", `{"secret":"a guess"}`}, {"GET", "/meetings", ""},
	{"POST", "/meetings", "{}"}, {"POST", "/v1/client-events", "{}"}, {"GET", "/control/00000000-0000-4000-8000-000000000000", ""},
}

// A page of somebody else's whose name was led here gets nothing of any door.
func TestOnlyTheServersOwnNamesAreServed(t *testing.T) {
	for _, flags := range [][]string{nil, {"--dev"}} {
		s := startServer(t, t.TempDir(), append(flags, "--public-url", "http://meet.example.org", "--allowed-hosts", "other.example.org", "--demo")...)
		address := s.ports.web.Addr().String()
		s.ports.public.Host = address // where to send requests to
		for _, d := range doorsToTry {
			for _, host := range []string{"evil.example", "evil.example:8480", "localhost.evil.example", "192.0.2.1"} {
				status, text := s.ask(t, d.method, d.path, d.body, toHost(host))
				if status != http.StatusMisdirectedRequest || !strings.Contains(text, "--allowed-hosts") {
					t.Errorf("%v: %s %s for %s: %d %s", flags, d.method, d.path, host, status, text)
				}
			}
			for _, host := range []string{"meet.example.org", "other.example.org:80", "localhost:1", address, "meetings-chime.us-east-1.amazonaws.com"} {
				if status, _ := s.ask(t, d.method, d.path, d.body, toHost(host)); status == http.StatusMisdirectedRequest {
					t.Errorf("%v: %s %s for %s is refused", flags, d.method, d.path, host)
				}
			}
		}
	}
}

// Guesses that another site has a browser make do not use up the tries of its
// user.
func TestOtherSitesCannotUseUpSomebodysTries(t *testing.T) {
	s := startServer(t, t.TempDir())
	guess := func(change func(*http.Request)) int {
		status, _ := s.ask(t, "POST", "/operator/api/session", `{"secret":"a guess"}`, change)
		return status
	}
	for range 20 {
		if status := guess(toHost("evil.example")); status != http.StatusMisdirectedRequest {
			t.Fatalf("under another name: %d", status)
		}
		for name, value := range map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"} {
			if status := guess(func(r *http.Request) { r.Header.Set(name, value) }); status != http.StatusForbidden {
				t.Fatalf("with %s: %d", name, status)
			}
		}
	}
	if status, text := s.ask(t, "POST", "/operator/api/session", fmt.Sprintf(`{"secret":%q}`, s.id.OperatorSecret), nil); status != http.StatusOK {
		t.Errorf("the operator: %d %s", status, text)
	}
}

// Behind a proxy that is named, each client has tries of its own; others'
// headers say nothing.
func TestAClientsAddressComesThroughTrustedProxies(t *testing.T) {
	s, log := startLogged(t, "--trusted-proxies", "127.0.0.1")
	behind := func(addr string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("X-Forwarded-For", addr) }
	}
	guess := func(change func(*http.Request)) int {
		status, _ := s.ask(t, "POST", "/operator/api/session", `{"secret":"a guess"}`, change)
		return status
	}
	for range 5 {
		if status := guess(behind("192.0.2.1")); status != http.StatusUnauthorized {
			t.Fatalf("a guess: %d", status)
		}
	}
	if status := guess(behind("192.0.2.1")); status != http.StatusTooManyRequests {
		t.Errorf("the sixth guess: %d", status)
	}
	if status := guess(behind("192.0.2.1, 192.0.2.2")); status != http.StatusUnauthorized {
		t.Errorf("another client: %d", status)
	}
	s.ask(t, "GET", "/meetings/x", "", behind("192.0.2.3"))
	if !log.Contains("from=192.0.2.3") {
		t.Errorf("the API's log does not say where a call came from:\n%s", log.String())
	}
	direct := startServer(t, t.TempDir())
	for i := range 6 {
		status, _ := direct.ask(t, "POST", "/operator/api/session", `{"secret":"a guess"}`, behind(fmt.Sprintf("192.0.2.%d", i)))
		if want := [2]int{http.StatusUnauthorized, http.StatusTooManyRequests}[i/5]; status != want {
			t.Errorf("without a proxy, guess %d: %d", i+1, status)
		}
	}
}

// Bodies and ambiguous requests are dealt with in front of every door.
func TestEveryDoorIsBehindTheGate(t *testing.T) {
	s := startServer(t, t.TempDir())
	for _, d := range doorsToTry {
		conn, err := net.Dial("tcp", s.ports.web.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", d.method, d.path)
		read := bufio.NewReader(conn)
		if _, err := http.ReadResponse(read, nil); err != nil {
			t.Errorf("%s %s: %v", d.method, d.path, err)
		}
		if rest, err := io.ReadAll(read); err == nil && strings.Contains(string(rest), "HTTP/1.1") {
			t.Errorf("%s %s: what followed was answered: %q", d.method, d.path, rest)
		}
		conn.Close()
	}
}

// A stranger's idle connections neither stop the server nor keep others out.
func TestIdleConnectionsDoNotKeepAnybodyOut(t *testing.T) {
	s := startServer(t, t.TempDir(), "--limit-connections", "40", "--limit-connections-per-address", "20")
	client := s.sdk(s.id.AccessKey, s.id.SecretKey, http.DefaultClient)
	createMeeting(t, client, "idle-1")
	for i := range 200 {
		from := net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i%4))}
		conn, err := (&net.Dialer{LocalAddr: &from}).Dial("tcp", s.ports.web.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	createMeeting(t, client, "idle-2")
	if stats := s.conns.Stats(); stats.Open > 40 {
		t.Errorf("%+v", stats)
	}
	if _, body := get(t, s.ports.public.String()+pathMetrics); !strings.Contains(body, "carillon_http_connections_evicted_total ") || strings.Contains(body, "evicted_total 0\n") {
		t.Error("the metrics do not tell")
	}
}

func TestMetricsHaveAnAddressOfTheirOwn(t *testing.T) {
	s := startServer(t, t.TempDir(), "--metrics-listen", "127.0.0.1:0")
	if status, body := get(t, s.ports.public.String()+pathMetrics); status == http.StatusOK || strings.Contains(body, "carillon_") {
		t.Errorf("on the public port: %d", status)
	}
	own := "http://" + s.ports.metrics.Addr().String()
	if status, body := get(t, own+pathMetrics); status != http.StatusOK || !strings.Contains(body, "carillon_meetings_active") {
		t.Errorf("on its own port: %d %s", status, body)
	}
	if status, _ := get(t, own+"/meetings"); status != http.StatusNotFound {
		t.Errorf("something else on its port: %d", status)
	}
	off := startServer(t, t.TempDir(), "--no-metrics")
	if status, body := get(t, off.ports.public.String()+pathMetrics); status == http.StatusOK || strings.Contains(body, "carillon_") {
		t.Errorf("switched off: %d", status)
	}
}

func TestTheDemoIsOnByDefaultOnlyOnLoopback(t *testing.T) {
	for name, c := range map[string]struct {
		flags []string
		on    bool
	}{
		"by default":              {nil, true},
		"switched off":            {[]string{"--no-demo"}, false},
		"on every address":        {[]string{"--listen", "0.0.0.0:0"}, false},
		"asked for":               {[]string{"--listen", "0.0.0.0:0", "--demo"}, true},
		"media on every address":  {[]string{"--media-udp", "0.0.0.0:0"}, false},
		"TURN on every address":   {[]string{"--turn-udp", "0.0.0.0:0"}, false},
		"behind a proxy":          {[]string{"--public-url", "https://meet.example.org"}, false},
		"behind a named proxy":    {[]string{"--trusted-proxies", "127.0.0.1"}, false},
		"with a public URL of it": {[]string{"--public-url", "http://localhost:8480"}, true},
		"behind a tunnel":         {[]string{"--allowed-hosts", "localhost,meet.example.org"}, false},
		"under any name":          {[]string{"--allowed-hosts", "*"}, false},
		"under names of its own":  {[]string{"--allowed-hosts", "localhost,127.0.0.2"}, true},
	} {
		if got := settings(t, c.flags...).ServesDemo(); got != c.on {
			t.Errorf("%s: %t", name, got)
		}
	}
	s := startServer(t, t.TempDir(), "--media-udp", "0.0.0.0:0")
	for _, path := range []string{"/demo/meetings", "/m/abc-defg-hij"} {
		if status, text := s.ask(t, "POST", path, "{}", nil); status < 400 || strings.Contains(text, "code") {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
}

// Strangers who open demo meetings use up nobody's quota, and no single address
// all of the demo's own.
func TestTheDemoHasAnAccountOfItsOwn(t *testing.T) {
	proxy := netip.MustParseAddr("127.0.0.1")
	s := startServer(t, t.TempDir(), "--demo", "--limit-meetings", "2", "--limit-demo-meetings", "7", "--trusted-proxies", proxy.String())
	join := func(from string) int {
		behind := func(r *http.Request) { r.Header.Set("X-Forwarded-For", from) }
		_, text := s.ask(t, "POST", "/demo/meetings", "{}", behind)
		var made struct{ Code string }
		if err := json.Unmarshal([]byte(text), &made); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		status, _ := s.ask(t, "POST", "/demo/meetings/"+made.Code+"/attendees", `{"name":"Ada","who":"0123456789abcdef"}`, behind)
		return status
	}
	for i, want := range []int{200, 200, 200, 200, 200, 429, 429} {
		if status := join("192.0.2.1"); status != want {
			t.Errorf("meeting %d of one address: %d, want %d", i+1, status, want)
		}
	}
	for i, want := range []int{200, 200, 409} {
		if status := join(fmt.Sprintf("192.0.2.%d", 10+i)); status != want {
			t.Errorf("meeting %d of further addresses: %d, want %d", i+1, status, want)
		}
	}
	client := s.sdk(s.id.AccessKey, s.id.SecretKey, http.DefaultClient)
	createMeeting(t, client, "mine-1")
	createMeeting(t, client, "mine-2")
	secret, err := s.demoSecret()
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.sdk(demoKeyID, secret, http.DefaultClient).GetMeeting(t.Context(), &chimesdkmeetings.GetMeetingInput{
		MeetingId: aws.String("00000000-0000-4000-8000-000000000000"),
	})
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "UnrecognizedClientException" {
		t.Errorf("the demo's key at the public door: %v", err)
	}
}

func TestTheStartTellsWhatTheReadinessCheckIsWorth(t *testing.T) {
	for name, c := range map[string]struct {
		flags []string
		want  string
	}{
		"none":     {nil, "level=INFO msg=\"TURN is off"},
		"UDP only": {[]string{"--turn-udp", "127.0.0.1:0"}, "level=WARN msg=\"TURN is on for one transport only"},
		"TCP only": {[]string{"--turn-tcp", "127.0.0.1:0"}, "level=WARN msg=\"TURN is on for one transport only"},
		"both":     {[]string{"--turn-udp", "127.0.0.1:0", "--turn-tcp", "127.0.0.1:0"}, ""},
	} {
		_, log := startLogged(t, c.flags...)
		told := log.Contains("readiness checker")
		if c.want == "" && told || c.want != "" && !log.Contains(c.want) {
			t.Errorf("%s:\n%s", name, log.String())
		}
	}
}

func TestADiskThatFailedHasAnExitCodeOfItsOwn(t *testing.T) {
	if code := exitCode(fmt.Errorf("%w: write: input/output error", errDisk)); code != 3 {
		t.Errorf("%d", code)
	}
	if code := exitCode(errors.New("anything else")); code != 1 {
		t.Errorf("%d", code)
	}
}
