package cluster

import (
	"context"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Link is a node's connection to what the nodes share.
type Link struct {
	nc       *nats.Conn
	replicas int
}

// NewLink returns a Link on the connection, which is the Link's from then on.
// What it makes is kept on so many nodes.
func NewLink(nc *nats.Conn, replicas int) *Link { return &Link{nc, replicas} }

// Close ends the connection.
func (l *Link) Close() { l.nc.Close() }

// Bus returns the Bus on the connection.
func (l *Link) Bus() Bus { return NewBus(l.nc) }

// Store returns the Store; see OpenStore.
func (l *Link) Store(ctx context.Context) (Store, error) { return OpenStore(ctx, l.nc, l.replicas) }

// StreamStatus is what operators see of one stream of the store.
type StreamStatus struct {
	Stream   string          `json:"stream"`
	Leader   string          `json:"leader"` // empty while there is none
	Messages uint64          `json:"messages"`
	Bytes    uint64          `json:"bytes"`
	Replicas []ReplicaStatus `json:"replicas"` // all but the leader
}

// ReplicaStatus is how far a node's copy of a stream has come.
type ReplicaStatus struct {
	Node    string `json:"node"`
	Current bool   `json:"current"`
	Offline bool   `json:"offline,omitempty"`
	Lag     uint64 `json:"lag"` // messages
}

// Streams asks for all streams of the store, by name.
func (l *Link) Streams(ctx context.Context) ([]StreamStatus, error) {
	js, err := jetstream.New(l.nc)
	if err != nil {
		return nil, err
	}
	list := []StreamStatus{}
	infos := js.ListStreams(ctx)
	for info := range infos.Info() {
		s := StreamStatus{Stream: info.Config.Name, Messages: info.State.Msgs, Bytes: info.State.Bytes, Replicas: []ReplicaStatus{}}
		if c := info.Cluster; c != nil {
			s.Leader = c.Leader
			for _, r := range c.Replicas {
				s.Replicas = append(s.Replicas, ReplicaStatus{r.Name, r.Current, r.Offline, r.Lag})
			}
		}
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b StreamStatus) int { return strings.Compare(a.Stream, b.Stream) })
	return list, infos.Err()
}
