package main

import (
	"github.com/carillon-meetings/carillon/internal/capture"
	"github.com/carillon-meetings/carillon/internal/cluster"
)

// watchRecordings adds what is being recorded, and what of it waits.
func (m *metrics) watchRecordings(s *server) {
	gauge := func(name, help string, read func(capture.Stats) int64) {
		m.gauge(name, help, func() int { return int(read(s.capture.Stats())) })
	}
	counter := func(name, help string, read func(capture.Stats) uint64) {
		m.counter(name, help, func() float64 { return float64(read(s.capture.Stats())) })
	}
	gauge("carillon_recording_pipelines", "Media pipelines that this server carries out.", func(c capture.Stats) int64 { return int64(c.Pipelines) })
	gauge("carillon_recording_waiting_bytes", "What was recorded and is not stored yet.", func(c capture.Stats) int64 { return c.Waiting })
	gauge("carillon_recording_room_bytes", "How much of it there may be; 0 for no bound.", func(c capture.Stats) int64 { return c.Room })
	counter("carillon_recording_pieces_total", "Pieces of recordings that were stored.", func(c capture.Stats) uint64 { return c.Pieces })
	counter("carillon_recording_stored_bytes_total", "Size of these.", func(c capture.Stats) uint64 { return c.Bytes })
	counter("carillon_recording_store_errors_total", "Attempts to store a piece that came to nothing.", func(c capture.Stats) uint64 { return c.Refusals })
	counter("carillon_recording_failures_total", "Media pipelines that have failed.", func(c capture.Stats) uint64 { return c.Failures })
}

// watchCluster adds the cluster as this node sees it; a server on its own has
// nothing but zeros.
func (m *metrics) watchCluster(s *server) {
	count := func(name, help string, figure func(cluster.NodeStatus) int) {
		m.gauge(name, help, func() (n int) {
			for _, node := range s.nodeStatus() {
				n += figure(node)
			}
			return n
		})
	}
	self := func(n cluster.NodeStatus) bool { return n.Node == s.cfg.Cluster.Node }
	count("carillon_cluster_nodes", "Members of the cluster, live or not.", func(cluster.NodeStatus) int { return 1 })
	count("carillon_cluster_nodes_live", "Members that this node hears.", func(n cluster.NodeStatus) int { return one(n.Live) })
	count("carillon_cluster_slots", "Slots of this node: its share of the meetings.", func(n cluster.NodeStatus) int { return one(self(n)) * n.Slots })
	count("carillon_cluster_slots_arriving", "Slots that are to be handed over to this node.", func(n cluster.NodeStatus) int { return one(self(n)) * n.Arriving })
	count("carillon_cluster_leader", "1 on the node that moves slots.", func(n cluster.NodeStatus) int { return one(self(n) && n.Leader) })
	m.gauge("carillon_cluster_ready", "1 while this node serves all its slots and a majority answers it.", func() int {
		return one(s.member != nil && s.member.node != nil && s.member.node.Ready())
	})
}

// nodeStatus is what this server knows of the nodes; nothing when it is alone.
func (s *server) nodeStatus() []cluster.NodeStatus {
	if s.member == nil || s.member.node == nil {
		return nil
	}
	return s.member.node.Status()
}

// one is 1 for what is so.
func one(so bool) int {
	if so {
		return 1
	}
	return 0
}
