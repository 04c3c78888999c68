package gather_test

import (
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

func (n *node) PartOfPipelines(_ meeting.Owner, kind meeting.PipelineKind, limit int, token string) (p control.PipelinesPart, err error) {
	p.Slots = n.Held()
	n.mu.Lock()
	defer n.mu.Unlock()
	after := -1
	if token != "" {
		if after, err = strconv.Atoi(token); err != nil {
			return p, errToken
		}
	}
	for _, one := range n.pipelines {
		switch {
		case one.Created.Second() <= after || one.Kind != kind:
		case len(p.Pipelines) == limit:
			p.More = true
		default:
			p.Pipelines = append(p.Pipelines, one)
		}
	}
	return p, nil
}

func (n *node) NextPipelines(_ meeting.Owner, _ meeting.PipelineKind, page []*meeting.Pipeline, more bool) string {
	if !more {
		return ""
	}
	return strconv.Itoa(page[len(page)-1].Created.Second())
}

func (n *node) PipelineUse(_ meeting.Owner, token meeting.TokenHash) (use control.PipelineUse) {
	use.Slots = n.Held()
	n.mu.Lock()
	defer n.mu.Unlock()
	use.Reserved = n.reserved
	for _, p := range n.pipelines {
		use.Active = append(use.Active, p.ID)
		if p.Token == token {
			use.OfToken = p
		}
	}
	return use
}

// recording gives the nodes count captures, one created each second, and as many
// concatenations, in turn.
func recording(nodes []*node, count int) {
	for i := range count {
		for _, kind := range []meeting.PipelineKind{meeting.CapturePipeline, meeting.ConcatenationPipeline} {
			id := meeting.ID{byte(i + 1), byte(kind)}.InSlot(i % 3)
			nodes[i%3].pipelines = append(nodes[i%3].pipelines, &meeting.Pipeline{
				ID: id, Kind: kind, Owner: owner, Token: meeting.TokenHash{byte(i + 1), byte(kind)}, ExternalMeetingID: "m",
				Created: time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC), Status: meeting.PipelineInProgress,
			})
		}
	}
}

func TestPagesHaveTheMediaPipelinesOfAllNodes(t *testing.T) {
	nodes := three(t, 0)
	recording(nodes, 20)
	nodes[1].pipelines = append(nodes[1].pipelines, nodes[0].pipelines[0]) // told of twice: it moves
	slices.SortFunc(nodes[1].pipelines, (*meeting.Pipeline).Before)
	for _, n := range nodes {
		seen, token := 0, ""
		for pages := 1; ; pages++ {
			list, next, err := n.ListPipelines(t.Context(), owner, meeting.CapturePipeline, 7, token)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range list {
				if p.Created.Second() != seen || p.Kind != meeting.CapturePipeline || p.Owner != owner || p.ExternalMeetingID != "m" {
					t.Errorf("pipeline %d is %+v", seen, p)
				}
				seen++
			}
			if token = next; token == "" {
				if seen != 20 || pages != 3 {
					t.Errorf("%d pipelines on %d pages", seen, pages)
				}
				break
			}
		}
	}
	if _, _, err := nodes[0].ListPipelines(t.Context(), owner, 0, 7, "x"); !errors.Is(err, errToken) {
		t.Errorf("a bad token: %v", err)
	}
}

func TestOtherNodesMediaPipelinesCount(t *testing.T) {
	nodes := three(t, 0)
	recording(nodes, 9)
	nodes[1].reserved, nodes[2].reserved = 2, 3
	known := nodes[2].pipelines[1]
	use, err := nodes[0].OtherPipelines(t.Context(), owner, known.Token)
	if err != nil || len(use.Active) != 12 || use.Reserved != 5 || use.OfToken == nil || use.OfToken.ID != known.ID {
		t.Errorf("%+v, %v", use, err)
	}
	if use, err = nodes[0].OtherPipelines(t.Context(), owner, nodes[0].pipelines[0].Token); err != nil || use.OfToken != nil {
		t.Errorf("with a token of this node's: %+v, %v", use, err)
	}
	nodes[1].set(func(n *node) { delete(n.slots, 4) })
	_, use2 := nodes[0].OtherPipelines(t.Context(), owner, known.Token)
	_, _, list := nodes[0].ListPipelines(t.Context(), owner, meeting.CapturePipeline, 7, "")
	if !isUnavailable(use2) || !isUnavailable(list) {
		t.Errorf("without a slot: %v, %v", use2, list)
	}
}
