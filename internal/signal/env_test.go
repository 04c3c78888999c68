package signal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/jointoken"
	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen.
const patience = 10 * time.Second

var owner = meeting.Owner{Account: "123456789012", Region: "eu-central-1", Flavour: meeting.Meetings}

// env is the door in front of a real control plane on a real ledger. Media is
// a stand-in that the test directs, unless the test brings its own.
type env struct {
	t       testing.TB
	control *control.Control
	media   *fakeMedia
	cfg     Config
	server  *Server
	http    *httptest.Server
	sockets sync.WaitGroup
}

func newEnv(t testing.TB, change func(*Config)) *env {
	t.Helper()
	return newEnvWith(t, control.Config{}, change)
}

func newEnvWith(t testing.TB, plane control.Config, change func(*Config)) *env {
	t.Helper()
	v := &env{t: t, media: newFakeMedia()}
	t.Cleanup(v.media.stop)
	v.control = startControl(t, plane)
	cfg := Config{Control: v.control, Room: v.media.Room, VideoSubscriptions: 25, Timers: Timers{
		Dropped: 300 * time.Millisecond, Farewell: 200 * time.Millisecond, Close: time.Second, Levels: 10 * time.Millisecond, Index: 5 * time.Millisecond,
	}}
	if change != nil {
		change(&cfg)
	}
	server, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	v.cfg, v.server = cfg, server
	v.http = httptest.NewServer(server)
	t.Cleanup(v.close)
	return v
}

// close ends the server in order.
func (v *env) close() {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := v.server.Close(ctx); err != nil {
		v.t.Errorf("Close: %v", err)
	}
	v.http.Close()
	v.sockets.Wait()
}

func startControl(t testing.TB, cfg control.Config) *control.Control {
	t.Helper()
	store, err := ledger.Open(context.Background(), ledger.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	key, err := jointoken.NewKey(make([]byte, jointoken.MinSecret))
	if err != nil {
		t.Fatal(err)
	}
	c := control.New(cfg, control.OnLedger(store), key)
	if err := c.AdoptAll(context.Background()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = c.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		if err := errors.Join(c.Close(), store.Close()); err != nil {
			t.Error(err)
		}
	})
	return c
}

// party is a meeting with its attendees by external user id.
type party struct {
	v    *env
	id   meeting.ID
	ids  map[string]meeting.ID
	body meeting.NewMeeting
}

var meetings atomic.Int64

// meet creates a meeting with these users.
func (v *env) meet(users ...string) *party { return v.meetWith(meeting.NewMeeting{}, users...) }

func (v *env) meetWith(n meeting.NewMeeting, users ...string) *party {
	v.t.Helper()
	n.Owner, n.MediaRegion = owner, "eu-west-3"
	n.ClientRequestToken = fmt.Sprintf("meeting %d", meetings.Add(1))
	for _, u := range users {
		n.Attendees = append(n.Attendees, meeting.NewAttendee{ExternalUserID: u})
	}
	s, results, err := v.control.CreateMeeting(context.Background(), n)
	if err != nil {
		v.t.Fatal(err)
	}
	p := &party{v: v, id: s.ID, ids: make(map[string]meeting.ID), body: n}
	for i, r := range results {
		if r.Err != nil {
			v.t.Fatal(r.Err)
		}
		p.ids[users[i]] = r.Attendee.ID
	}
	return p
}

func (p *party) token(user string) string {
	user, content := strings.CutSuffix(user, meeting.ContentSuffix)
	token := p.v.control.JoinToken(p.id, p.ids[user])
	if content {
		token += meeting.ContentSuffix
	}
	return token
}

// wire returns the attendee id as clients know it.
func (p *party) wire(user string) string {
	user, content := strings.CutSuffix(user, meeting.ContentSuffix)
	if content {
		return p.ids[user].String() + meeting.ContentSuffix
	}
	return p.ids[user].String()
}

func (p *party) remove(user string) {
	p.v.t.Helper()
	if err := p.v.control.DeleteAttendee(context.Background(), owner, p.id, p.ids[user]); err != nil {
		p.v.t.Fatal(err)
	}
}

func (p *party) end() {
	p.v.t.Helper()
	if err := p.v.control.DeleteMeeting(context.Background(), owner, p.id); err != nil {
		p.v.t.Fatal(err)
	}
}

// facts waits until the meeting's facts of the user are these.
func (p *party) facts(user string, want ...meeting.FactKind) {
	p.v.t.Helper()
	var got []meeting.FactKind
	eventually(p.v.t, func() bool {
		got = nil
		all, err := p.v.control.Facts(context.Background(), p.id)
		if err != nil {
			p.v.t.Fatal(err)
		}
		for _, f := range all {
			if f.Attendee == p.ids[user] {
				got = append(got, f.Kind)
			}
		}
		return fmt.Sprint(got) == fmt.Sprint(want)
	}, func() string { return fmt.Sprintf("facts of %s: %v, want %v", user, got, want) })
}

// sessions counts the meeting's open connections.
func (v *env) sessions(p *party) int {
	meet := v.server.find(p.id)
	if meet == nil {
		return 0
	}
	meet.conference.mu.Lock()
	defer meet.conference.mu.Unlock()
	return len(meet.sessions)
}

// eventually waits for a condition that other goroutines bring about.
func eventually(t testing.TB, ok func() bool, what func() string) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(patience); !ok(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal(what())
		}
	}
}

func body(t testing.TB, resp *http.Response) string {
	t.Helper()
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
