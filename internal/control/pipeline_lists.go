package control

import (
	"context"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// What of media pipelines concerns all servers of a cluster: lists, and what
// counts when another one is created.

// ListPipelines returns up to limit pipelines of the owner that are not over, of
// the kind unless that is 0, in the order of their creation, going on from the
// page that gave token. next is empty on the last page.
func (c *Control) ListPipelines(_ context.Context, owner meeting.Owner, kind meeting.PipelineKind, limit int, token string) (page []*meeting.Pipeline, next string, err error) {
	part, err := c.PartOfPipelines(owner, kind, limit, token)
	if err != nil {
		return nil, "", err
	}
	return part.Pipelines, c.NextPipelines(owner, kind, part.Pipelines, part.More), nil
}

// PipelinesPart is what one server has of a page of an owner's pipelines.
type PipelinesPart struct {
	Pipelines []*meeting.Pipeline // in the order of their creation
	More      bool                // others follow
	Slots     []int               // the part has all pipelines of these slots that belong to the page
}

// PartOfPipelines is ListPipelines for the slots that are held here.
func (c *Control) PartOfPipelines(owner meeting.Owner, kind meeting.PipelineKind, limit int, token string) (PipelinesPart, error) {
	end, err := c.begin()
	if err != nil {
		return PipelinesPart{}, err
	}
	defer end()
	if limit <= 0 {
		limit = defaultPage
	}
	after, err := c.readPipelinesToken(owner, kind, token)
	if err != nil {
		return PipelinesPart{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.pipelines.list(func(p *meeting.Pipeline) bool {
		return p.Owner == owner && !p.Status.Over() && (kind == 0 || p.Kind == kind) &&
			position{p.Created, p.ID}.compare(after) > 0
	})
	more := len(list) > limit
	return PipelinesPart{Pipelines: list[:min(limit, len(list))], More: more, Slots: c.heldLocked()}, nil
}

// NextPipelines returns the token that goes on behind a page of an owner's
// pipelines of a kind, "" when no more follow.
func (c *Control) NextPipelines(owner meeting.Owner, kind meeting.PipelineKind, page []*meeting.Pipeline, more bool) string {
	if !more || len(page) == 0 {
		return ""
	}
	last := page[len(page)-1]
	return c.pipelinesToken(owner, kind, position{last.Created, last.ID})
}

// PipelineUse is what counts when a pipeline is created.
type PipelineUse struct {
	Active   []meeting.ID      // of the account and Region: pipelines that are not over
	Reserved int               // and those that are being created
	OfToken  *meeting.Pipeline // created with the same token and not over; nil for none
	Slots    []int             // where all pipelines were looked at
}

// PipelineUse looks at the slots that are held here.
func (c *Control) PipelineUse(owner meeting.Owner, token meeting.TokenHash) PipelineUse {
	c.mu.Lock()
	defer c.mu.Unlock()
	use := PipelineUse{Reserved: c.pipelines.reserved[pipelineAccount{owner.Account, owner.Region}], Slots: c.heldLocked()}
	for _, e := range c.pipelines.byID {
		p := e.is
		if p.Status.Over() || p.Owner.Account != owner.Account || p.Owner.Region != owner.Region {
			continue
		}
		use.Active = append(use.Active, p.ID)
		if p.Token == token && p.Owner == owner {
			use.OfToken = p
		}
	}
	return use
}

// otherPipelines is PipelineUse of other servers.
func (c *Control) otherPipelines(ctx context.Context, owner meeting.Owner, token meeting.TokenHash) (PipelineUse, error) {
	if c.cfg.OtherPipelines == nil {
		return PipelineUse{}, nil
	}
	return c.cfg.OtherPipelines(ctx, owner, token)
}
