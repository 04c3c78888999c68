package console

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

func TestTheNodesAreShownAndWhatCannotBeTold(t *testing.T) {
	var down atomic.Bool
	s := open(t, func(c *Config) {
		c.Nodes = func(context.Context) ([]observe.Node, error) {
			if down.Load() {
				return nil, errors.New("nobody answers")
			}
			other := aNode()
			other.ID, other.Here, other.Live = "n2", false, false
			return []observe.Node{aNode(), other}, nil
		}
	})
	s.signIn()
	s.want(s.send("GET", "/operator/api/session", ""), 200, `"cluster":true`)
	events := s.watch("/operator/api/nodes/events")
	var all map[string][]observe.Node
	events.next("snapshot", &all)
	if n := all["nodes"]; len(n) != 2 || n[0] != aNode() || n[1].ID != "n2" || n[1].Live {
		t.Errorf("%+v", n)
	}
	down.Store(true)
	for fault := ""; fault == ""; {
		var b beat
		events.next("beat", &b)
		if fault = b.Fault; fault != "" && fault != "the nodes cannot be told: nobody answers" {
			t.Errorf("the page says %q", fault)
		}
	}
}

func TestAloneThereAreNoNodes(t *testing.T) {
	s := open(t)
	s.signIn()
	s.want(s.send("GET", "/operator/api/session", ""), 200, `"cluster":false`)
	s.want(s.send("GET", "/operator/api/nodes/events", ""), 404, "nothing at this address")
}

// While it is not known what is kept of ended meetings, pages say so, and none
// shows less than there is.
func TestWhatIsKeptAndCannotBeToldIsSaid(t *testing.T) {
	s := open(t)
	s.server.mu.Lock()
	s.server.behind = errors.New("it is being read")
	s.server.mu.Unlock()
	s.signIn()
	old := meeting.ID{77}
	for path, want := range map[string]string{
		"/operator/api/events":                               "the list of ended meetings cannot be read: it is being read",
		"/operator/api/meetings/" + old.String() + "/events": "the ended meeting cannot be read: it is being read",
	} {
		var b beat
		s.watch(path).next("beat", &b)
		if b.Fault != want {
			t.Errorf("%s says %q, want %q", path, b.Fault, want)
		}
	}
	s.want(s.send("GET", "/operator/api/meetings/"+old.String()+"/attendees/"+ada.String()+"/history", ""), 503, "cannot be read now")
}
