package api_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/carillon-meetings/carillon/internal/api"
	"github.com/carillon-meetings/carillon/internal/api/sigv4"
	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/jointoken"
	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// newPlane returns a real control plane, on a real ledger, for one test.
func newPlane(t testing.TB) *control.Control {
	t.Helper()
	log, err := ledger.Open(t.Context(), ledger.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	key, err := jointoken.NewKey(make([]byte, jointoken.MinSecret))
	if err != nil {
		t.Fatal(err)
	}
	plane := control.New(control.Config{}, control.OnLedger(log), key)
	if err := plane.AdoptAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := plane.Close(); err != nil {
			t.Error(err)
		}
	})
	return plane
}

const (
	accessKey = "AKIDEXAMPLE"
	secret    = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	unknownID = "00000000-1111-2222-3333-444444444444"
)

// door is one API server with a control plane and an account of its own.
type door struct {
	t       testing.TB
	control api.Control
	api     *api.Server
	server  *httptest.Server
	account string
	region  string // that requests are signed for
	base    string // before every path
	legacy  bool   // what base selects
}

// open starts a server for the current flavour. change may alter its
// configuration, whose Control becomes a real one if it is left out.
func open(t testing.TB, change func(*api.Config)) *door {
	t.Helper()
	return openFor(t, "123456789012", change)
}

// stranger is another account at the same control plane.
func (d *door) stranger() *door {
	d.t.Helper()
	return openFor(d.t, "210987654321", func(c *api.Config) { c.Control = d.control })
}

func openFor(t testing.TB, account string, change func(*api.Config)) *door {
	t.Helper()
	keys, err := sigv4.Single(accessKey, secret, account)
	if err != nil {
		t.Fatal(err)
	}
	return openWithKeys(t, keys, account, change)
}

func openWithKeys(t testing.TB, keys *sigv4.Keys, account string, change func(*api.Config)) *door {
	t.Helper()
	cfg := api.Config{
		Verifier: sigv4.New(sigv4.Config{Keys: keys, Window: 15 * time.Minute}),
		Placement: func(m meeting.Summary) api.MediaPlacement {
			id := m.ID.String()
			return api.MediaPlacement{
				AudioHostURL: "127.0.0.1:3478", AudioFallbackURL: "wss://x/calls/" + id, SignalingURL: "ws://x/control/" + id,
				TurnControlURL: "http://x/v2/turn_sessions", ScreenDataURL: "wss://x/a", ScreenViewingURL: "wss://x/b",
				ScreenSharingURL: "wss://x/c", EventIngestionURL: "http://x/events",
			}
		},
	}
	if change != nil {
		change(&cfg)
	}
	if cfg.Control == nil {
		cfg.Control = newPlane(t)
	}
	d := &door{t: t, control: cfg.Control, api: api.New(cfg), account: account, region: "us-east-1", base: "/meetings-api"}
	d.server = httptest.NewServer(d.api)
	t.Cleanup(d.server.Close)
	return d
}

// both runs a test through either flavour.
func both(t *testing.T, change func(*api.Config), test func(t *testing.T, d *door)) {
	for _, legacy := range []bool{false, true} {
		name := "meetings"
		if legacy {
			name = "legacy"
		}
		t.Run(name, func(t *testing.T) {
			d := open(t, change)
			if legacy {
				d = d.flavoured("/legacy")
			}
			test(t, d)
		})
	}
}

// flavoured returns the same door entered through another base path.
func (d *door) flavoured(base string) *door {
	other := *d
	other.base = base
	other.legacy = base == "/legacy" || base == "/console"
	return &other
}

// in returns the door for requests of a (sub)test.
func (d *door) in(t testing.TB) *door {
	other := *d
	other.t = t
	return &other
}

// pick returns the value for the door's flavour.
func pick[T any](d *door, current, legacy T) T {
	if d.legacy {
		return legacy
	}
	return current
}

func (d *door) created() int { return pick(d, 200, 201) }

// answer is a response, read.
type answer struct {
	status int
	header http.Header
	body   string
	json   map[string]any
}

// name returns the exception name.
func (a answer) name() string { return a.header.Get("x-amzn-ErrorType") }

// message returns the message of an error, in either spelling.
func (a answer) message() string {
	for _, member := range []string{"Message", "message"} {
		if s, ok := a.json[member].(string); ok {
			return s
		}
	}
	return ""
}

// at walks into the JSON: names of members and positions of items.
func (a answer) at(path ...any) any {
	var v any = a.json
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				return nil
			}
			v = l[step]
		}
	}
	return v
}

func (a answer) text(path ...any) string {
	s, _ := a.at(path...).(string)
	return s
}

func (a answer) len(path ...any) int {
	l, ok := a.at(path...).([]any)
	if !ok {
		return -1
	}
	return len(l)
}

// request builds a signed request.
func (d *door) request(method, target, body string) *http.Request {
	d.t.Helper()
	r, err := http.NewRequest(method, d.server.URL+d.base+target, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	d.sign(r, []byte(body))
	return r
}

func (d *door) sign(r *http.Request, body []byte) {
	d.t.Helper()
	sign(d.t, r, body, d.region)
}

// sign signs a request with the AWS SDK's own signer and the tests' key.
func sign(t testing.TB, r *http.Request, body []byte, region string) {
	t.Helper()
	creds := aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secret}
	if err := v4.NewSigner().SignHTTP(context.Background(), creds, r, hashOf(string(body)), "chime", region, time.Now()); err != nil {
		t.Fatal(err)
	}
}

// hashOf is a body's hash as it is signed.
func hashOf(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

// do signs, sends and reads.
func (d *door) do(method, target, body string) answer {
	d.t.Helper()
	return d.send(d.request(method, target, body))
}

func (d *door) send(r *http.Request) answer {
	d.t.Helper()
	resp, err := d.server.Client().Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	return d.read(resp)
}

// read reads a response and holds it to what every response must satisfy.
func (d *door) read(resp *http.Response) answer {
	d.t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(body)}
	if len(a.header.Get("x-amzn-RequestId")) != 36 || a.header.Get("Date") == "" {
		d.t.Errorf("response headers %v", a.header)
	}
	head := resp.Request.Method == http.MethodHead
	if !head && a.header.Get("Content-Type") != pickIf(len(body) > 0, "application/json", "") {
		d.t.Errorf("Content-Type %q of a body of %d bytes", a.header.Get("Content-Type"), len(body))
	}
	if !head && a.status != http.StatusNoContent && resp.ContentLength != int64(len(body)) {
		d.t.Errorf("Content-Length %d of a body of %d bytes", resp.ContentLength, len(body))
	}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &a.json); err != nil {
			d.t.Fatalf("body %q: %v", body, err)
		}
		if bytes.Contains(body, []byte(":null")) {
			d.t.Errorf("the body holds a null: %s", body)
		}
	}
	return a
}

func pickIf[T any](condition bool, yes, no T) T {
	if condition {
		return yes
	}
	return no
}

// want checks status and exception name; message parts must all occur.
func (d *door) want(a answer, status int, name string, message ...string) {
	d.t.Helper()
	if a.status != status || a.name() != name {
		d.t.Errorf("got %d %s %s, want %d %s", a.status, a.name(), a.body, status, name)
		return
	}
	for _, part := range message {
		if !strings.Contains(a.message(), part) {
			d.t.Errorf("message %q does not contain %q", a.message(), part)
		}
	}
}

var serial atomic.Int64

// meeting makes a meeting; more are further JSON members.
func (d *door) meeting(more string) string {
	d.t.Helper()
	a := d.do("POST", "/meetings", d.newMeeting(more))
	if a.status != d.created() {
		d.t.Fatalf("CreateMeeting: %d %s", a.status, a.body)
	}
	return a.text("Meeting", "MeetingId")
}

// newMeeting is a legal body of CreateMeeting with a fresh token.
func (d *door) newMeeting(more string) string {
	if more != "" {
		more = "," + more
	}
	return fmt.Sprintf(`{"ClientRequestToken":"token-%d","MediaRegion":"eu-west-3","ExternalMeetingId":"standup"%s}`, serial.Add(1), more)
}

// attendee makes an attendee and returns its id.
func (d *door) attendee(meetingID, user string) string {
	d.t.Helper()
	a := d.do("POST", "/meetings/"+meetingID+"/attendees", fmt.Sprintf(`{"ExternalUserId":%q}`, user))
	if a.status != d.created() {
		d.t.Fatalf("CreateAttendee: %d %s", a.status, a.body)
	}
	return a.text("Attendee", "AttendeeId")
}

// users is the Attendees list of n users from a number on.
func users(from, n int) string {
	items := make([]string, n)
	for i := range items {
		items[i] = fmt.Sprintf(`{"ExternalUserId":"user-%d"}`, from+i)
	}
	return `"Attendees":[` + strings.Join(items, ",") + `]`
}
