package gather

import (
	"context"
	"slices"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// pipelinesPart is one node's part of a page of an owner's media pipelines.
type pipelinesPart control.PipelinesPart

func (p pipelinesPart) covers() []int { return p.Slots }

func (n *Nodes) pipelinesHere(q question) (pipelinesPart, error) {
	p, err := n.cfg.Control.PartOfPipelines(q.Owner, q.Kind, q.Limit, q.Token)
	p.Slots = n.held(p.Slots)
	return pipelinesPart(p), err
}

// ListPipelines is control.Control.ListPipelines for the media pipelines of all
// nodes.
func (n *Nodes) ListPipelines(ctx context.Context, owner meeting.Owner, kind meeting.PipelineKind, limit int, token string) (list []*meeting.Pipeline, next string, err error) {
	q := question{Owner: owner, Kind: kind, Limit: limit, Token: token}
	parts, err := whole(ctx, n, func() (pipelinesPart, error) { return n.pipelinesHere(q) },
		func(ctx context.Context, address string) (p pipelinesPart, err error) {
			err = n.ask(ctx, address, askPipelines, q, &p)
			return p, err
		})
	if err != nil {
		return nil, "", err
	}
	more := false
	for _, p := range parts {
		list, more = append(list, p.Pipelines...), more || p.More
	}
	slices.SortFunc(list, (*meeting.Pipeline).Before)
	// A slot that moved meanwhile may have been told of twice.
	list = slices.CompactFunc(list, func(a, b *meeting.Pipeline) bool { return a.ID == b.ID })
	if limit > 0 && len(list) > limit {
		list, more = list[:limit], true
	}
	return list, n.cfg.Control.NextPipelines(owner, kind, list, more), nil
}

// pipelineUse is what one node has that counts when a media pipeline is created.
type pipelineUse control.PipelineUse

func (p pipelineUse) covers() []int { return p.Slots }

func (n *Nodes) pipelineUseHere(q question) pipelineUse {
	use := n.cfg.Control.PipelineUse(q.Owner, q.Hash)
	use.Slots = n.held(use.Slots)
	return pipelineUse(use)
}

// OtherPipelines returns what the other nodes have that counts when a media
// pipeline of the owner is created with the token. So a limit can be exceeded,
// and a token used twice for different meetings, only by calls that are under way
// on several nodes at the same moment. A node that does not answer is an error:
// nobody knows what it has.
func (n *Nodes) OtherPipelines(ctx context.Context, owner meeting.Owner, token meeting.TokenHash) (all control.PipelineUse, err error) {
	q := question{Owner: owner, Hash: token}
	parts, err := whole(ctx, n, func() (pipelineUse, error) { return pipelineUse{Slots: n.held(n.cfg.Control.Held())}, nil },
		func(ctx context.Context, address string) (p pipelineUse, err error) {
			err = n.ask(ctx, address, askPipelineUse, q, &p)
			return p, err
		})
	if err != nil {
		return all, err
	}
	for _, p := range parts {
		all.Active = append(all.Active, p.Active...)
		all.Reserved += p.Reserved
		if p.OfToken != nil {
			all.OfToken = p.OfToken
		}
	}
	return all, nil
}
