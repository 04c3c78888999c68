package gather_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/carillon-meetings/carillon/internal/audit"
	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/gather"
	"github.com/carillon-meetings/carillon/internal/keyuse"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var owner = meeting.Owner{Account: "123456789012", Region: "us-east-1", Flavour: meeting.Legacy}

// node is one of three: it has every third slot, and meetings in some. A page's
// token is the number of the meeting before it.
type node struct {
	*gather.Nodes
	web *httptest.Server

	mu     sync.Mutex
	has    []meeting.Summary
	slots  map[int]bool
	lapsed bool
	asked  int // for its number of meetings

	pipelines []*meeting.Pipeline
	reserved  int // pipelines that it creates
}

// set changes the node, which may still be answering an earlier question.
func (n *node) set(change func(*node)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change(n)
}

var errToken = meeting.Errorf(meeting.Invalid, "no such token")

func (n *node) PartOfMeetings(_ meeting.Owner, limit int, token string) (p control.MeetingsPart, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	after := -1
	if token != "" {
		if after, err = strconv.Atoi(token); err != nil {
			return p, errToken
		}
	}
	for slot := range n.slots {
		p.Slots = append(p.Slots, slot)
	}
	for _, m := range n.has {
		switch {
		case m.CreatedAt.Second() <= after:
		case len(p.Meetings) == limit:
			p.More = true
		default:
			p.Meetings = append(p.Meetings, m)
		}
	}
	return p, nil
}

func (n *node) NextMeetings(_ meeting.Owner, page []meeting.Summary, more bool) string {
	if !more {
		return ""
	}
	return strconv.Itoa(page[len(page)-1].CreatedAt.Second())
}

func (n *node) PartOfOverview() (list []observe.Meeting, slots []int) {
	p, _ := n.PartOfMeetings(owner, 1000, "")
	for _, m := range p.Meetings {
		list = append(list, observe.Meeting{ID: m.ID, Created: observe.At(m.CreatedAt)})
	}
	return list, p.Slots
}

func (n *node) Held() []int {
	p, _ := n.PartOfMeetings(owner, 1, "")
	return p.Slots
}

func (n *node) List(_ context.Context, q observe.Query) (observe.Page, error) {
	list, _ := n.PartOfOverview()
	list = slices.DeleteFunc(list, func(m observe.Meeting) bool { return q.Compare(q.Place(&m), q.After) <= 0 })
	for i := range list {
		list[i].Account = q.Account
	}
	return q.Merge(observe.Page{Meetings: list}), nil
}

func (n *node) Active(meeting.Owner) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked++
	return len(n.has)
}

func (n *node) holds(slot int) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.slots[slot] && !n.lapsed
}

// three starts three nodes with count meetings, one created each second.
func three(t *testing.T, count int) []*node {
	nodes := make([]*node, 3)
	for i := range nodes {
		n := &node{slots: map[int]bool{}}
		nodes[i] = n
		n.web = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { n.Answer(w, r) }))
		n.Nodes = gather.New(gather.Config{
			Control: n, List: n, Holds: n.holds, Load: func(meeting.ID) observe.Load { return observe.Load{Host: fmt.Sprint("n", i)} },
			Peers: func() (others []string) {
				for _, other := range nodes {
					if other != n {
						others = append(others, strings.TrimPrefix(other.web.URL, "http://"))
					}
				}
				return others
			},
			MediaHost: fmt.Sprint("n", i),
			Vitals:    func(day bool) observe.Vitals { return observe.Vitals{Node: fmt.Sprint("n", i), Here: day} },
			Log: func(q observe.LogQuery) observe.LogPart {
				node := fmt.Sprint("n", i)
				n := q.After[node] + 1
				return observe.LogPart{Last: observe.LogMark{node: n}, Lines: []observe.LogLine{{Node: node, N: n, Line: []byte(`{"msg":"` + q.Text + `"}`)}}}
			},
			Audit: func(_ context.Context, q audit.Query) (audit.Part, error) {
				if q.Text == "broken "+fmt.Sprint("n", i) {
					return audit.Part{}, errors.New("this disk is broken")
				}
				return audit.Part{Node: fmt.Sprint("n", i), Entries: []audit.Entry{{Action: q.Text}}, Places: []audit.Place{{File: 1}}, Whole: true}, nil
			},
			KeyUse: func() keyuse.Part {
				return keyuse.Part{Node: fmt.Sprint("n", i), Last: map[string]int64{"AKIA": int64(100 + i)}}
			},
			Patience: 300 * time.Millisecond, Poll: 5 * time.Millisecond, Recent: time.Hour,
		})
		t.Cleanup(func() {
			n.Close()
			n.web.Close()
		})
	}
	for slot := range meeting.Slots {
		nodes[slot%3].slots[slot] = true
	}
	for i := range count {
		m := meeting.Summary{ID: meeting.ID{15: byte(i * 7 % meeting.Slots)}, Owner: owner, CreatedAt: time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC)}
		to := nodes[m.ID.Slot()%3]
		to.has = append(to.has, m)
	}
	return nodes
}

func TestPagesHaveTheMeetingsOfAllNodes(t *testing.T) {
	for _, n := range three(t, 20) {
		seen, token := 0, ""
		for pages := 1; ; pages++ {
			list, next, err := n.ListMeetings(t.Context(), owner, 7, token)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range list {
				if m.CreatedAt.Second() != seen || m.Owner != owner || m.MediaHost != fmt.Sprint("n", m.ID.Slot()%3) {
					t.Errorf("meeting %d is %+v", seen, m)
				}
				seen++
			}
			if token = next; token == "" {
				if seen != 20 || pages != 3 {
					t.Errorf("%d meetings on %d pages", seen, pages)
				}
				break
			}
		}
		if _, _, err := n.ListMeetings(t.Context(), owner, 7, "x"); !errors.Is(err, errToken) {
			t.Errorf("a bad token: %v", err)
		}
	}
}

func TestQueriesAreAnsweredByAllNodes(t *testing.T) {
	n := three(t, 20)[1]
	seen := 0
	for q := (observe.Query{Account: owner.Account, Limit: 7}); ; {
		page, err := n.Nodes.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range page.Meetings {
			if m.Created.Second() != seen || m.Account != owner.Account {
				t.Errorf("meeting %d is %+v", seen, m)
			}
			seen++
		}
		if q.After = page.Next; q.After.IsZero() {
			break
		}
	}
	if seen != 20 {
		t.Errorf("%d meetings", seen)
	}
}

func isUnavailable(err error) bool {
	var refused *meeting.Error
	return errors.As(err, &refused) && refused.Kind == meeting.Unavailable
}

func TestAListIsWholeOrNone(t *testing.T) {
	nodes := three(t, 6)
	for name, breaks := range map[string]func() (mend func()){
		"a node is gone": func() func() {
			web := nodes[1].web
			nodes[1].web = httptest.NewServer(http.NotFoundHandler())
			return func() { nodes[1].web.Close(); nodes[1].web = web }
		},
		"the lease of another has lapsed": func() func() {
			nodes[2].set(func(n *node) { n.lapsed = true })
			return func() { nodes[2].set(func(n *node) { n.lapsed = false }) }
		},
		"the lease of this one has lapsed": func() func() {
			nodes[0].set(func(n *node) { n.lapsed = true })
			return func() { nodes[0].set(func(n *node) { n.lapsed = false }) }
		},
		"a slot is on its way": func() func() {
			nodes[1].set(func(n *node) { delete(n.slots, 4) })
			return func() { nodes[1].set(func(n *node) { n.slots[4] = true }) }
		},
	} {
		mend := breaks()
		_, _, err := nodes[0].ListMeetings(t.Context(), owner, 10, "")
		if _, whole := nodes[0].Meetings(t.Context()); !isUnavailable(err) || !isUnavailable(whole) {
			t.Errorf("%s: %v, %v", name, err, whole)
		}
		mend()
		if list, _, err := nodes[0].ListMeetings(t.Context(), owner, 10, ""); err != nil || len(list) != 6 {
			t.Errorf("%s, and is mended: %d, %v", name, len(list), err)
		}
	}
}

func TestASlotThatArrivesIsWaitedFor(t *testing.T) {
	nodes := three(t, 6)
	delete(nodes[1].slots, 4)
	time.AfterFunc(30*time.Millisecond, func() {
		nodes[2].mu.Lock()
		defer nodes[2].mu.Unlock()
		nodes[2].slots[4] = true
	})
	if list, _, err := nodes[0].ListMeetings(t.Context(), owner, 10, ""); err != nil || len(list) != 6 {
		t.Errorf("%d, %v", len(list), err)
	}
}

func TestOperatorsSeeTheMeetingsOfAllNodes(t *testing.T) {
	nodes := three(t, 9)
	nodes[2].has = append(nodes[2].has, nodes[0].has[0]) // told of twice: it moves
	list, err := nodes[0].Meetings(t.Context())
	if err != nil || len(list) != 9 {
		t.Fatalf("%d meetings, %v", len(list), err)
	}
	for i, m := range list {
		if i > 0 && !m.Created.Before(list[i-1].Created.Time) {
			t.Errorf("meeting %d is not older than the one before", i)
		}
		if m.ID != nodes[0].has[0].ID && nodes[0].Load(m.ID).Host != fmt.Sprint("n", m.ID.Slot()%3) {
			t.Errorf("the load of meeting %d is from %s", i, nodes[0].Load(m.ID).Host)
		}
	}
}

func TestQuotasAreCountedEverywhere(t *testing.T) {
	nodes := three(t, 30)
	count := func(most int) int { return nodes[0].Elsewhere(context.Background(), owner, most) }
	want := len(nodes[1].has) + len(nodes[2].has)
	if got := count(10_000); got != want {
		t.Errorf("%d meetings elsewhere, not %d", got, want)
	}
	nodes[1].has = nodes[1].has[1:]
	if got := count(10_000); got != want {
		t.Errorf("far below the quota %d meetings elsewhere: asked again", got)
	}
	if got := count(29); got != want-1 {
		t.Errorf("near the quota %d meetings elsewhere, not %d", got, want-1)
	}
	nodes[1].has = nodes[1].has[1:]
	if got := count(1000); got != want-2 {
		t.Errorf("far below a small quota %d meetings elsewhere, not %d", got, want-2)
	}
	nodes[2].web.Close()
	if got := count(31); got != len(nodes[1].has) {
		t.Errorf("%d meetings elsewhere, with a node gone", got)
	}
}
