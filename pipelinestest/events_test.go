package pipelinestest

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/chimesdkmediapipelines/types"
)

// hook is told of the server's events.
type hook struct {
	t    *testing.T
	url  string
	mu   sync.Mutex
	told []string // of pipelines, in their order; guarded by mu
}

func newHook(t *testing.T) *hook {
	t.Helper()
	h := &hook{t: t}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	h.url = server.URL
	return h
}

// flags make a server tell it.
func (h *hook) flags() []string {
	secret := filepath.Join(h.t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("whsec_"+base64.StdEncoding.EncodeToString([]byte("a webhook's secret of thirty bytes"))), 0o600); err != nil {
		h.t.Fatal(err)
	}
	return []string{"--webhook", h.url, "--webhook-secret-file", secret, "--webhook-allow-private"}
}

func (h *hook) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var e struct{ Detail struct{ EventType string } }
	if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
		h.t.Errorf("an event: %v", err)
		return
	}
	if kind, isPipelines := strings.CutPrefix(e.Detail.EventType, "chime:MediaPipeline"); isPipelines {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.told = append(h.told, kind)
	}
}

// until waits until it was told this, and nothing else.
func (h *hook) until(kinds ...string) {
	h.t.Helper()
	var got []string
	until(h.t, strings.Join(kinds, ", "), func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		got = slices.Clone(h.told)
		return len(got) >= len(kinds)
	})
	if !slices.Equal(got, kinds) {
		h.t.Errorf("told %q, want %q", got, kinds)
	}
}

// How five minutes pass is tried with a given clock, in package capture.
func TestALongOutageOfTheStoreIsTold(t *testing.T) {
	t.Parallel()
	h := newHook(t)
	sc := newScene(t, startStore(t), h.flags()...)
	meetingID, _ := sc.people(0)
	p := sc.started(meetingID, "p", types.ArtifactsStateDisabled)
	sc.recorded(1)
	h.until("InProgress")
	sc.store.status.Store(http.StatusServiceUnavailable)
	h.until("InProgress", "TemporaryFailure")
	if s := sc.status(p.MediaPipelineId); s != types.MediaPipelineStatusInProgress {
		t.Errorf("%s while the store is down", s)
	}
	sc.store.status.Store(0)
	h.until("InProgress", "TemporaryFailure", "Resumed")
	sc.stop(p.MediaPipelineId)
	sc.stopped(p.MediaPipelineId)
	h.until("InProgress", "TemporaryFailure", "Resumed", "Deleted")
	sc.store.keeps(sc.journaled())
	sc.store.whole()
}
