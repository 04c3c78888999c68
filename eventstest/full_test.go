package eventstest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/servertest"
)

// operator asks what the command line asks about events.
func operator(t *testing.T, s *servertest.Server, action string) (a struct {
	Count        int
	Letters      []struct{ Event, Reason string }
	Destinations []struct{ Waiting int }
}) {
	t.Helper()
	secret, err := os.ReadFile(filepath.Join(s.Dir, "operator.secret"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Endpoint+"/operator/api/deliveries/"+action, bytes.NewReader([]byte(`{"filter":{}}`)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(secret)))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&a); err != nil {
		t.Fatal(answer.Status, err)
	}
	return a
}

// More wait than there is room for: the oldest become dead letters, and survive
// kill -9. When the receiver is back and they are sent again, it has everything,
// each event under one id.
func TestAFullOutbox(t *testing.T) {
	h := startHook(t)
	h.set(http.StatusServiceUnavailable, 0)
	s := servertest.Start(t, append(h.flags(), "--events-backlog-count", "10")...)
	var all []string
	for i := range 30 {
		id := create(t, s, fmt.Sprint("full-", i), 0, nil)
		end(t, s, id)
		all = append(all, id)
	}
	waits := func() (n int) {
		for _, d := range operator(t, s, "status").Destinations {
			n += d.Waiting
		}
		return n
	}
	dead := func() int { return len(operator(t, s, "dead").Letters) }
	eventually(t, func() string { return fmt.Sprintf("%d wait, %d are dead", waits(), dead()) }, func() bool { return waits() == 10 && dead() == 50 })
	for _, l := range operator(t, s, "dead").Letters {
		if l.Reason != "backlog full" {
			t.Errorf("event %s was given up: %s", l.Event, l.Reason)
		}
	}
	s.Kill()
	h.set(http.StatusNoContent, 0)
	s.Restart()
	eventually(t, func() string { return fmt.Sprintf("%d are still dead", dead()) }, func() bool {
		if n := operator(t, s, "replay").Count; n > 10 {
			t.Errorf("%d are sent again, and there is room for 10", n)
		}
		return dead() == 0
	})
	have := func() map[string][]string {
		h.mu.Lock()
		defer h.mu.Unlock()
		ids, kinds := map[string]string{}, map[string][]string{}
		for _, e := range h.got {
			place := e.meeting + e.kind
			if first, twice := ids[place]; twice && first != e.id {
				t.Errorf("%s came as %s and as %s", place, first, e.id)
			} else if !twice {
				ids[place] = e.id
				kinds[e.meeting] = append(kinds[e.meeting], e.kind)
			}
		}
		return kinds
	}
	eventually(t, func() string { return fmt.Sprint("only these came: ", have()) }, func() bool {
		kinds := have()
		return !slices.ContainsFunc(all, func(id string) bool { return len(kinds[id]) != 2 })
	})
}
