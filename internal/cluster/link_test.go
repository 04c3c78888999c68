package cluster

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// What the nodes share lies on three of them, and each sees who leads it.
func TestAllNodesShareOneLink(t *testing.T) {
	servers := startServers(t, 3)
	var links []*Link
	for _, s := range servers {
		nc, err := nats.Connect("", nats.InProcessServer(s), nats.MaxReconnects(-1))
		if err != nil {
			t.Fatal(err)
		}
		link := NewLink(nc, 3)
		t.Cleanup(link.Close)
		links = append(links, link)
	}
	stores := make([]Store, len(links))
	for i, link := range links {
		eventually(t, func() (err error) {
			stores[i], err = link.Store(t.Context())
			return err
		})
	}
	revision := uint64(0)
	eventually(t, func() (err error) {
		revision, err = stores[0].Put(t.Context(), []byte("who owns what"), 0)
		return err
	})
	if _, err := stores[1].Put(t.Context(), []byte("something else"), 0); !errors.Is(err, ErrConflict) {
		t.Errorf("a second first value: %v", err)
	}
	eventually(t, func() error {
		value, seen, err := stores[2].Get(t.Context())
		if err == nil && (string(value) != "who owns what" || seen != revision) {
			err = errors.New("not seen yet")
		}
		return err
	})
	for _, link := range links {
		eventually(t, func() error {
			streams, err := link.Streams(t.Context())
			switch {
			case err != nil:
				return err
			case len(streams) != 1 || streams[0].Stream != "KV_"+bucketName:
				t.Fatalf("streams %+v", streams)
			case streams[0].Leader == "" || len(streams[0].Replicas) != 2 || streams[0].Messages != 1:
				return errors.New("not all there yet")
			}
			for _, r := range streams[0].Replicas {
				if !r.Current || r.Offline || r.Node == streams[0].Leader {
					return errors.New("not all current yet")
				}
			}
			return nil
		})
	}
}

// eventually waits until try succeeds: a cluster takes its time to elect.
func eventually(t *testing.T, try func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(40 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err = try(); err == nil {
			return
		}
	}
	t.Fatal(err)
}

func TestAStateInAWordOrTwo(t *testing.T) {
	for want, s := range map[string]NodeStatus{
		"live":              {Live: true},
		"live, moves slots": {Live: true, Leader: true},
		"draining":          {Live: true, Leader: true, Draining: true},
		"silent":            {Leader: true, Draining: true},
	} {
		if got := s.State(); got != want {
			t.Errorf("%+v is %q, want %q", s, got, want)
		}
	}
}
