package console

import (
	"context"
	"fmt"
	"net/http"

	"github.com/carillon-meetings/carillon/internal/observe"
)

// nodesFeed is the name of the feed of the cluster's nodes.
const nodesFeed = "nodes"

// nodesSource reads the nodes of the cluster.
type nodesSource struct {
	nodes func(ctx context.Context) ([]observe.Node, error)
}

func (s *nodesSource) read(ctx context.Context) (reading, error) {
	list, err := s.nodes(ctx)
	if err != nil {
		return reading{}, fmt.Errorf("the nodes cannot be told: %w", err)
	}
	rows, err := tableOf(list, func(n *observe.Node) string { return n.ID })
	return reading{state: state{"nodes": rows}}, err
}

func (c *Console) streamNodes(w http.ResponseWriter, r *http.Request) {
	c.stream(w, r, nodesFeed, func() source { return &nodesSource{nodes: c.cfg.Nodes} })
}
