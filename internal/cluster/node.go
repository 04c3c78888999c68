package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Node is this process as a member of the cluster. Its methods may be called
// from any goroutine.
type Node struct {
	cfg      Config
	lease    *lease
	promises *promises
	hint     chan struct{} // the assignment should be read

	mu       sync.Mutex
	known    *Assignment // guarded by mu, never changed in place; nil before it was read
	revision uint64      // guarded by mu; of known
	slots    []held      // guarded by mu
	intake   intake      // guarded by mu; of slots that are being adopted
	refused  bool        // guarded by mu; somebody has agreed to this incarnation's take-over
	settled  uint64      // guarded by mu; the incarnation that has served all its slots once
	work     sync.WaitGroup
}

// New returns a node that is not running yet.
func New(cfg Config) (*Node, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Node{
		cfg:      cfg,
		lease:    &lease{length: cfg.Lease, now: cfg.Now},
		promises: newPromises(cfg.Node, cfg.Lease, cfg.Now),
		hint:     make(chan struct{}, 1),
		slots:    make([]held, cfg.Slots),
	}, nil
}

// Run takes part in the cluster until ctx ends, and then drops the slots that
// are left. It returns an error only when it could not begin.
func (n *Node) Run(ctx context.Context) error {
	stop, err := n.cfg.Bus.Serve(n.cfg.Node, n.answer)
	if err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var loops sync.WaitGroup
	loops.Go(func() { n.every(ctx, n.cfg.Renew, nil, n.renew) })
	loops.Go(func() { n.every(ctx, n.cfg.Renew, n.hint, n.follow) })
	loops.Go(func() { n.every(ctx, n.cfg.Renew, nil, n.supervise) })
	loops.Wait()
	n.work.Wait()
	n.lease.end()
	n.dropAll()
	return nil
}

// every calls fn at once, then each time d has passed or wake receives.
func (n *Node) every(ctx context.Context, d time.Duration, wake <-chan struct{}, fn func(context.Context)) {
	ticker := time.NewTicker(d)
	defer ticker.Stop()
	for ctx.Err() == nil {
		fn(ctx)
		select {
		case <-ctx.Done():
		case <-ticker.C:
		case <-wake:
		}
	}
}

// view returns the assignment as known, nil before it was read, and its
// revision.
func (n *Node) view() (*Assignment, uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.known, n.revision
}

// read makes follow look at the assignment now.
func (n *Node) read() {
	select {
	case n.hint <- struct{}{}:
	default:
	}
}

// follow reads the assignment and acts on it. When this node has no
// incarnation, it begins one.
func (n *Node) follow(ctx context.Context) {
	if err := n.catchUp(ctx); err != nil {
		n.cfg.Logger.Debug("assignment not followed", "err", err)
		return
	}
	n.reconcile(ctx)
}

func (n *Node) catchUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, n.cfg.Lease)
	defer cancel()
	if err := n.fetch(ctx); err != nil {
		return err
	}
	if incarnation, _ := n.lease.current(); incarnation != 0 {
		return nil
	}
	return n.activate(ctx)
}

func (n *Node) fetch(ctx context.Context) error {
	data, revision, err := n.cfg.Store.Get(ctx)
	if err != nil || revision == 0 {
		return err
	}
	a, err := parseAssignment(data, n.cfg.Slots)
	if err != nil {
		return err
	}
	n.learn(a, revision)
	return nil
}

// learn takes an assignment over unless a newer one is known.
func (n *Node) learn(a *Assignment, revision uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if revision > n.revision {
		n.known, n.revision = a, revision
	}
}

// activate writes a new incarnation of this node into the assignment, which it
// makes if there is none.
func (n *Node) activate(ctx context.Context) error {
	var incarnation uint64
	err := n.change(ctx, func(a *Assignment) (bool, error) {
		incarnation = a.activate(n.cfg.Node)
		return true, nil
	})
	if err != nil {
		return err
	}
	n.mu.Lock()
	n.refused = false
	n.mu.Unlock()
	n.lease.begin(incarnation)
	n.cfg.Logger.Info("node active", "node", n.cfg.Node, "incarnation", incarnation)
	return nil
}

// change changes the assignment by compare-and-set. fn may be called again on
// a newer one; it returns false when there is nothing to change.
func (n *Node) change(ctx context.Context, fn func(*Assignment) (bool, error)) error {
	for {
		a, revision := n.view()
		if a == nil {
			a = newAssignment(n.cfg.Node, n.cfg.Slots, n.cfg.Nodes)
			m := a.Nodes[n.cfg.Node]
			m.Incarnation = 0 // activate begins the first
			a.Nodes[n.cfg.Node] = m
		} else {
			a = a.clone()
		}
		changed, err := fn(a)
		if err != nil || !changed {
			return err
		}
		next, err := n.cfg.Store.Put(ctx, a.encode(), revision)
		if err == nil {
			n.learn(a, next)
			n.read()
			return nil
		}
		if !errors.Is(err, ErrConflict) {
			n.read()
			return fmt.Errorf("cluster: assignment not changed: %w", err)
		}
		if err := n.fetch(ctx); err != nil {
			return fmt.Errorf("cluster: %w", err)
		}
		if _, now := n.view(); now == revision {
			// A replica behind the one that refused: give it a moment.
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(n.cfg.Renew / 10):
			}
		}
	}
}
