package gather

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// meetingsPart is one node's part of a page of an owner's meetings.
type meetingsPart control.MeetingsPart

func (p meetingsPart) covers() []int { return p.Slots }

func (n *Nodes) meetingsHere(q question) (meetingsPart, error) {
	p, err := n.cfg.Control.PartOfMeetings(q.Owner, q.Limit, q.Token)
	p.Slots = n.held(p.Slots)
	for i := range p.Meetings {
		p.Meetings[i].MediaHost = n.cfg.MediaHost
	}
	return meetingsPart(p), err
}

// ListMeetings is control.Control.ListMeetings for the meetings of all nodes.
func (n *Nodes) ListMeetings(ctx context.Context, owner meeting.Owner, limit int, token string) (list []meeting.Summary, next string, err error) {
	q := question{Owner: owner, Limit: limit, Token: token}
	parts, err := whole(ctx, n, func() (meetingsPart, error) { return n.meetingsHere(q) },
		func(ctx context.Context, address string) (p meetingsPart, err error) {
			err = n.ask(ctx, address, askMeetings, q, &p)
			return p, err
		})
	if err != nil {
		return nil, "", err
	}
	more := false
	for _, p := range parts {
		list, more = append(list, p.Meetings...), more || p.More
	}
	slices.SortFunc(list, func(a, b meeting.Summary) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), bytes.Compare(a.ID[:], b.ID[:]))
	})
	// A slot that moved meanwhile may have been told of twice.
	list = slices.CompactFunc(list, func(a, b meeting.Summary) bool { return a.ID == b.ID })
	if limit > 0 && len(list) > limit {
		list, more = list[:limit], true
	}
	return list, n.cfg.Control.NextMeetings(owner, list, more), nil
}

// overviewPart is one node's part of what operators see.
type overviewPart struct {
	Meetings []observe.Meeting
	Slots    []int
}

func (p overviewPart) covers() []int { return p.Slots }

func (n *Nodes) overviewHere() overviewPart {
	list, slots := n.cfg.Control.PartOfOverview()
	for i := range list {
		list[i].Load = n.cfg.Load(list[i].ID)
	}
	return overviewPart{list, n.held(slots)}
}

// Meetings is control.Control.Meetings for the meetings of all nodes.
func (n *Nodes) Meetings(ctx context.Context) ([]observe.Meeting, error) {
	parts, err := whole(ctx, n, func() (overviewPart, error) { return n.overviewHere(), nil },
		func(ctx context.Context, address string) (p overviewPart, err error) {
			err = n.ask(ctx, address, askOverview, question{}, &p)
			return p, err
		})
	if err != nil {
		return nil, err
	}
	loads := map[meeting.ID]observe.Load{}
	var list []observe.Meeting
	for _, p := range parts {
		for _, m := range p.Meetings {
			if _, twice := loads[m.ID]; !twice {
				loads[m.ID] = m.Load
				list = append(list, m)
			}
		}
	}
	slices.SortFunc(list, func(a, b observe.Meeting) int {
		return cmp.Or(b.Created.Compare(a.Created.Time), bytes.Compare(b.ID[:], a.ID[:]))
	})
	n.mu.Lock()
	n.loads = loads
	n.mu.Unlock()
	return list, nil
}

// listPart is one node's part of what a query asks for.
type listPart struct {
	Page  observe.Page
	Slots []int
}

func (p listPart) covers() []int { return p.Slots }

func (n *Nodes) listHere(ctx context.Context, q observe.Query) (listPart, error) {
	slots := n.cfg.Control.Held()
	page, err := n.cfg.List.List(ctx, q)
	if err != nil {
		return listPart{}, err
	}
	return listPart{page, n.held(slots)}, nil
}

// List returns a page of the meetings of all nodes that a query asks for. Its
// errors are *meeting.Error.
func (n *Nodes) List(ctx context.Context, q observe.Query) (observe.Page, error) {
	parts, err := whole(ctx, n, func() (listPart, error) { return n.listHere(ctx, q) },
		func(ctx context.Context, address string) (p listPart, err error) {
			err = n.ask(ctx, address, askList, question{Query: q}, &p)
			return p, err
		})
	if err != nil {
		return observe.Page{}, err
	}
	pages := make([]observe.Page, len(parts))
	for i, p := range parts {
		pages[i] = p.Page
	}
	return q.Merge(pages...), nil
}

// Load sums up the connections of a meeting of any node, as Meetings returned
// it last.
func (n *Nodes) Load(id meeting.ID) observe.Load {
	if n.cfg.Holds(id.Slot()) {
		return n.cfg.Load(id)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.loads[id]
}
