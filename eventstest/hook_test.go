package eventstest

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/carillon-meetings/carillon/internal/notify/webhook"
	"github.com/carillon-meetings/carillon/internal/servertest"
)

// kills is how often the server is killed; every fourth time, and every eighth,
// is another state.
var kills = flag.Int("kills", 8, "how often the server is killed while events wait")

// told is one event that a receiver got.
type told struct {
	id, meeting, kind string
	sequence          int
}

// hook is a web hook's endpoint that lets the library verify every request.
type hook struct {
	*httptest.Server
	secret, file string

	mu       sync.Mutex
	status   int
	delay    time.Duration
	got      []told
	attempts int
	latest   time.Time
}

func startHook(t *testing.T) *hook {
	t.Helper()
	h := &hook{secret: webhook.NewSecret(), file: filepath.Join(t.TempDir(), "secret"), status: http.StatusNoContent}
	if err := os.WriteFile(h.file, []byte(h.secret), 0o600); err != nil {
		t.Fatal(err)
	}
	library, err := standardwebhooks.NewWebhook(h.secret)
	if err != nil {
		t.Fatal(err)
	}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the server was killed
		}
		if err := library.Verify(body, r.Header); err != nil {
			t.Errorf("the library says %v", err)
		}
		var e struct {
			Detail struct {
				EventType string `json:"eventType"`
				MeetingID string `json:"meetingId"`
			} `json:"detail"`
		}
		if err := json.Unmarshal(body, &e); err != nil {
			t.Error(err)
		}
		sequence, err := strconv.Atoi(r.Header.Get("carillon-sequence"))
		if err != nil {
			t.Error(err)
		}
		h.mu.Lock()
		status, delay := h.status, h.delay
		h.attempts++
		h.mu.Unlock()
		time.Sleep(delay)
		if status < 300 {
			h.mu.Lock()
			h.got = append(h.got, told{r.Header.Get("webhook-id"), e.Detail.MeetingID, strings.TrimPrefix(e.Detail.EventType, "chime:"), sequence})
			h.latest = time.Now()
			h.mu.Unlock()
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hook) set(status int, delay time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status, h.delay = status, delay
}

func (h *hook) flags() []string {
	return []string{"--webhook", h.URL, "--webhook-secret-file", h.file, "--webhook-allow-private"}
}

// meetings returns what came by meeting, each event once, and reports what came
// out of order: the first time that an event comes, all before it have come.
func (h *hook) meetings(t *testing.T) map[string][]string {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	return inOrder(t, h.got)
}

func inOrder(t *testing.T, got []told) map[string][]string {
	t.Helper()
	all, ids := map[string][]string{}, map[string]string{}
	for _, e := range got {
		have := len(all[e.meeting])
		place := fmt.Sprint(e.meeting, e.sequence)
		switch first, known := ids[place]; {
		case known && first != e.id:
			t.Errorf("meeting %s: event %d came as %s and as %s", e.meeting, e.sequence, first, e.id)
		case !known && e.sequence != have+1:
			t.Errorf("meeting %s: event %d came after %d", e.meeting, e.sequence, have)
		case !known:
			all[e.meeting] = append(all[e.meeting], e.kind)
		}
		ids[place] = e.id
	}
	return all
}

// The server is killed again and again while meetings are made and ended. What
// was acknowledged is told, in order, and what comes twice has the same id.
func TestNothingIsLostHoweverOftenTheServerIsKilled(t *testing.T) {
	h := startHook(t)
	s := servertest.Start(t, append(h.flags(), "--timer-idle", "24h")...) // many kills take a while
	var ended, left []string
	for round := range *kills {
		switch round % 4 { // every state in which the receiver can leave an event
		case 0:
			h.set(http.StatusNoContent, 0)
		case 1:
			h.set(http.StatusServiceUnavailable, 0)
		case 2:
			h.set(http.StatusNoContent, 100*time.Millisecond)
		case 3:
			h.set(http.StatusNotFound, 20*time.Millisecond)
		}
		for i := range 10 {
			id := create(t, s, fmt.Sprintf("round-%d-%d", round, i), 20, nil)
			if i%2 == 0 {
				end(t, s, id)
				ended = append(ended, id)
			} else {
				left = append(left, id)
			}
		}
		time.Sleep(time.Duration(round%8) * 30 * time.Millisecond)
		s.Kill()
		s.Restart()
	}
	h.set(http.StatusNoContent, 0)
	s.Kill()
	s.Restart() // the pauses of a web hook are long
	want := slices.Concat([]string{"MeetingStarted"}, slices.Repeat([]string{"AttendeeAdded"}, 20))
	missing := func() (list []string) {
		all := h.meetings(t)
		for _, id := range left {
			if !slices.Equal(all[id], want) {
				list = append(list, fmt.Sprintf("%s has %v", id, all[id]))
			}
		}
		for _, id := range ended {
			if !slices.Equal(all[id], append(slices.Clone(want), "MeetingEnded")) {
				list = append(list, fmt.Sprintf("%s has %v", id, all[id]))
			}
		}
		return list
	}
	eventually(t, func() string { return "missing: " + strings.Join(missing(), "\n") }, func() bool { return len(missing()) == 0 })
	h.mu.Lock()
	defer h.mu.Unlock()
	t.Logf("%d events came %d times", len(ended)*22+len(left)*21, len(h.got))
}

// A receiver rotates its secret: requests carry a signature of each.
func TestASecretIsRotated(t *testing.T) {
	old, fresh := startHook(t), startHook(t)
	flags := append(old.flags(), "--webhook-secret-file", fresh.file)
	s := servertest.Start(t, flags...)
	create(t, s, "one", 1, nil)
	eventually(t, func() string { return "nothing came" }, func() bool { return len(old.meetings(t)) == 1 })
	s.Stop()
	// The same endpoint, which knows only the new secret by now.
	library, err := standardwebhooks.NewWebhook(fresh.secret)
	if err != nil {
		t.Fatal(err)
	}
	verified := make(chan error, 10)
	next := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		verified <- library.Verify(body, r.Header)
	}))
	defer next.Close()
	flags[1] = next.URL
	s = servertest.Start(t, flags...)
	create(t, s, "two", 0, nil)
	if err := <-verified; err != nil {
		t.Errorf("the library with the new secret says %v", err)
	}
}
