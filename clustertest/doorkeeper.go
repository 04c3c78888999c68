package clustertest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/carillon-meetings/carillon/internal/load/door"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// Doorkeeper tries dead tokens at every node, at once and again at the end.
type Doorkeeper struct {
	cluster *Cluster
	verdict *Verdict
	dead    chan ticket
	workers sync.WaitGroup

	mu  sync.Mutex
	all []ticket // guarded by mu
}

// ticket is a token with its meeting.
type ticket struct{ meeting, token string }

// triesAtOnce is how many tokens are tried at the same time: a frozen node keeps
// some of them waiting.
const triesAtOnce = 12

// NewDoorkeeper returns one at work. Close ends it.
func NewDoorkeeper(c *Cluster, v *Verdict) *Doorkeeper {
	k := &Doorkeeper{cluster: c, verdict: v, dead: make(chan ticket, 4096)}
	for range triesAtOnce {
		k.workers.Go(func() {
			for t := range k.dead {
				k.everywhere(t)
			}
		})
	}
	return k
}

// Dead says that a token must not let in any more, from now on.
func (k *Doorkeeper) Dead(meeting, token string) {
	t := ticket{meeting, token}
	k.mu.Lock()
	k.all = append(k.all, t)
	k.mu.Unlock()
	select {
	case k.dead <- t:
	default: // so many wait that the last trial has to do
	}
}

// Close waits for the trials, and then tries some of all tokens again.
func (k *Doorkeeper) Close() {
	close(k.dead)
	k.workers.Wait()
	const again = 40
	step := max(1, len(k.all)/again)
	for i := 0; i < len(k.all); i += step {
		k.everywhere(k.all[i])
	}
}

// everywhere tries the token at all nodes at the same time.
func (k *Doorkeeper) everywhere(t ticket) {
	var trying sync.WaitGroup
	for _, n := range k.cluster.Nodes {
		if n.Running() {
			trying.Go(func() { k.try(n, t) })
		}
	}
	trying.Wait()
}

func (k *Doorkeeper) try(n *Node, t ticket) {
	err := enter(n, t)
	switch {
	case err == nil:
		k.verdict.Find(Admitted, "a dead token of meeting %s, by %s", t.meeting, n.Name)
	case final(err):
		k.verdict.Count("dead tokens refused")
	default:
		k.verdict.Count("dead tokens not answered")
	}
}

// enter joins a meeting at one node, and leaves again without a word.
func enter(n *Node, t ticket) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	d, err := door.Dial(ctx, n.client(), fmt.Sprintf("ws://%s/control/%s", publicName, t.meeting), t.token, func(*wire.Index) {})
	if err != nil {
		return err
	}
	defer d.Close()
	_, err = d.Ask(ctx, door.Join(1), wire.Frame_JOIN_ACK)
	return err
}

// final tells whether a server has refused a token for good: the client will not
// come back.
func final(err error) bool {
	const forbidden, ended = 4403, 4410 // docs/signaling.md
	var refused door.Refused
	var thrown door.Ended
	switch code := websocket.CloseStatus(err); {
	case code == forbidden || code == ended:
		return true
	case errors.As(err, &refused):
		return refused.Status == 403 || refused.Status == 404
	case errors.As(err, &thrown):
		return thrown.Status == 410 || thrown.Status == 411
	}
	return false
}
