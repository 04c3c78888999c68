package cluster

import (
	"context"
	"sync"
)

// answer answers another node's request. Nodes that know different sets of
// nodes agree on nothing.
func (n *Node) answer(data []byte) []byte {
	r, err := decodeRequest(data)
	if err != nil {
		n.cfg.Logger.Warn("request of a node not understood", "err", err)
		return encode(reply{})
	}
	a, revision := n.view()
	answer := reply{Revision: revision}
	if a == nil || r.Generation != a.Generation {
		n.read()
		return encode(answer)
	}
	switch r.Kind {
	case askRenew:
		answer.OK = n.promises.renew(r.Target, r.Incarnation, r.Info)
		answer.Refused = !answer.OK
	case askConsent:
		answer.OK = n.promises.consent(r.Target, r.Incarnation)
	}
	return encode(answer)
}

// renew makes one round of renewals.
func (n *Node) renew(ctx context.Context) {
	a, _ := n.view()
	incarnation, _ := n.lease.current()
	if a == nil || incarnation == 0 {
		return
	}
	info := n.cfg.Info()
	info.Node = n.cfg.Node
	n.promises.renew(n.cfg.Node, incarnation, info)
	sent := n.cfg.Now()
	request := request{
		Kind: askRenew, From: n.cfg.Node, Generation: a.Generation,
		Target: n.cfg.Node, Incarnation: incarnation, Info: info,
	}
	ctx, cancel := context.WithTimeout(ctx, n.cfg.Lease)
	agreements := n.ask(ctx, a, "", request)
	n.work.Go(func() {
		defer cancel()
		for agreed := 1; ; agreed++ {
			if agreed == a.majority() {
				if lapsed := n.lease.renewed(incarnation, sent); lapsed > 0 {
					n.cfg.Logger.Warn("lease holds again", "node", n.cfg.Node, "for", lapsed)
				}
			}
			if _, more := <-agreements; !more {
				return
			}
		}
	})
}

// ask sends a request to all other nodes but except. The channel receives once
// for each that agrees, and is closed when all have answered or ctx has ended.
func (n *Node) ask(ctx context.Context, a *Assignment, except string, r request) <-chan struct{} {
	agreements := make(chan struct{}, len(a.Nodes))
	data := encode(r)
	var asked sync.WaitGroup
	for node := range a.Nodes {
		if node == n.cfg.Node || node == except {
			continue
		}
		asked.Go(func() {
			if n.askOne(ctx, node, data) {
				agreements <- struct{}{}
			}
		})
	}
	n.work.Go(func() {
		asked.Wait()
		close(agreements)
	})
	return agreements
}

// askOne asks one node and reports whether it agreed.
func (n *Node) askOne(ctx context.Context, node string, data []byte) bool {
	got, err := n.cfg.Bus.Ask(ctx, node, data)
	if err != nil {
		return false
	}
	answer, err := decodeReply(got)
	if err != nil {
		n.cfg.Logger.Warn("reply not understood", "node", node, "err", err)
		return false
	}
	if _, revision := n.view(); answer.Revision > revision {
		n.read()
	}
	if answer.Refused {
		n.mu.Lock()
		n.refused = true
		n.mu.Unlock()
	}
	return answer.OK
}
