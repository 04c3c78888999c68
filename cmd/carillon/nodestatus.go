package main

import (
	"context"
	"errors"
	"time"

	"github.com/carillon-meetings/carillon/internal/cluster"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// streamsWithin is how long the store has to tell how its copies are: the
// console reads that each second.
const streamsWithin = 800 * time.Millisecond

// nodes returns the nodes of the cluster as the console shows them.
func (s *server) nodes(ctx context.Context) ([]observe.Node, error) {
	ctx, cancel := context.WithTimeout(ctx, streamsWithin)
	defer cancel()
	known := s.member.node.Status()
	if len(known) == 0 {
		return nil, errors.New("this node does not know yet who the others are")
	}
	streams, err := s.member.link.Streams(ctx)
	list := make([]observe.Node, len(known))
	for i, n := range known {
		list[i] = observe.Node{
			ID: n.Node, Here: n.Node == s.cfg.Cluster.Node, Live: n.Live, Leader: n.Leader, Draining: n.Draining, Slots: n.Slots,
			Arriving: n.Arriving, Connected: n.Connected, Address: n.Address, Version: n.Version, Silent: observe.Span(n.Silent), Copies: -1, Behind: -1,
		}
		if err == nil {
			list[i].Copies, list[i].Behind = copiesOf(n.Node, streams)
		}
	}
	return list, nil
}

// copiesOf returns how many streams a node has a copy of, and how many of these
// lack something.
func copiesOf(node string, streams []cluster.StreamStatus) (copies, behind int) {
	for _, s := range streams {
		if s.Leader == node {
			copies++
		}
		for _, r := range s.Replicas {
			if r.Node != node {
				continue
			}
			copies++
			if !r.Current || r.Offline {
				behind++
			}
		}
	}
	return copies, behind
}
