package gather_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/gather"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// shelf is what a node keeps of ended meetings.
type shelf map[meeting.ID]observe.Detail

func (s shelf) Meeting(_ context.Context, id meeting.ID) (observe.Meeting, bool) {
	d, ok := s[id]
	return d.Meeting, ok
}

func (s shelf) Detail(_ context.Context, id meeting.ID) (observe.Detail, bool) {
	d, ok := s[id]
	return d, ok
}

func (s shelf) Latest() (list []observe.Meeting) {
	for _, d := range s {
		list = append(list, d.Meeting)
	}
	return list
}

// keeping is a shelf with one meeting that ended at the minute.
func keeping(minute int) (meeting.ID, shelf) {
	id := meeting.ID{1, byte(minute)}
	at := observe.At(time.UnixMilli(1_772_000_000_000).Add(time.Duration(minute) * time.Minute))
	return id, shelf{id: {
		Meeting:   observe.Meeting{ID: id, External: fmt.Sprint("ended at ", minute), Ended: at},
		Attendees: []observe.Attendee{{ID: meeting.ID{9}, External: "ada", Deleted: true}},
	}}
}

func TestEndedMeetingsAreFoundWhoeverKeepsThem(t *testing.T) {
	var peers []string
	now := time.UnixMilli(1_772_000_000_000)
	node := func(s shelf) *gather.Nodes {
		n := gather.New(gather.Config{Kept: s, Peers: func() []string { return peers }, Within: 500 * time.Millisecond, Now: func() time.Time { return now }})
		t.Cleanup(n.Close)
		return n
	}
	hers, here := keeping(1)
	his, there := keeping(2)
	other := httptest.NewServer(http.HandlerFunc(node(there).Answer))
	defer other.Close()
	peers = []string{"127.0.0.1:1", strings.TrimPrefix(other.URL, "http://")} // one of them does not answer

	kept := node(here).Kept()
	for id, name := range map[meeting.ID]string{hers: "ended at 1", his: "ended at 2"} {
		m, ok := kept.Meeting(t.Context(), id)
		d, found := kept.Detail(t.Context(), id)
		if !ok || !found || m.External != name || d.Meeting.External != name || len(d.Attendees) != 1 || !d.Attendees[0].Deleted {
			t.Errorf("%s: %+v, %t, %+v, %t", name, m, ok, d, found)
		}
	}
	if _, ok := kept.Meeting(t.Context(), meeting.ID{7}); ok {
		t.Error("a meeting that nobody keeps was found")
	}
	if _, ok := kept.Detail(t.Context(), meeting.ID{7}); ok {
		t.Error("all of a meeting that nobody keeps was found")
	}
	if list := kept.Latest(); len(list) != 2 || list[0].ID != his || list[1].ID != hers {
		t.Errorf("the latest are %+v", list)
	}
	third, more := keeping(3)
	there[third] = more[third]
	if list := kept.Latest(); len(list) != 2 {
		t.Errorf("the other node was asked again at once: %+v", list)
	}
	now = now.Add(10 * time.Second)
	if list := kept.Latest(); len(list) != 3 || list[0].ID != third {
		t.Errorf("later the latest are %+v", list)
	}
}
