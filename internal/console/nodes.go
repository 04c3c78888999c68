package console

import (
	"context"
	"encoding/json"
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
	rows := make(map[string]json.RawMessage, len(list))
	for _, n := range list {
		if rows[n.ID], err = json.Marshal(n); err != nil {
			return reading{}, err
		}
	}
	return reading{state: state{"nodes": rows}}, nil
}

func (c *Console) streamNodes(w http.ResponseWriter, r *http.Request) {
	c.stream(w, r, nodesFeed, func() source { return &nodesSource{nodes: c.cfg.Nodes} })
}
