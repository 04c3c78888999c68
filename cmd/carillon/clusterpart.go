package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/carillon-meetings/carillon/internal/api"
	"github.com/carillon-meetings/carillon/internal/app"
	"github.com/carillon-meetings/carillon/internal/cluster"
	"github.com/carillon-meetings/carillon/internal/console"
	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/gather"
	"github.com/carillon-meetings/carillon/internal/history"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/route"
	"github.com/carillon-meetings/carillon/internal/signal"
)

// clusterReplicas is on how many nodes what is stored lies before it is
// acknowledged. More nodes than that carry more meetings; they do not make them
// safer.
const clusterReplicas = 3

// A node that starts asks for what the cluster shares, waits joinWithin for the
// answer, and asks again after joinAgain.
const (
	joinWithin = 2 * time.Second
	joinAgain  = 200 * time.Millisecond
)

// drainAnswer is how long a node that ends waits for a majority to know it.
const drainAnswer = 3 * time.Second

// member is what makes a server one node of several.
type member struct {
	tls    *tls.Config
	link   *cluster.Link
	node   *cluster.Node
	nodes  *gather.Nodes
	router *route.Router
	demo   *route.Router // in front of the meeting page's own API door; nil without it
	inner  *http.Server  // for the other nodes
}

// joinCluster makes this server known to the others. It does not own anything
// before run.
func (s *server) joinCluster(ctx context.Context) (err error) {
	if !s.cfg.Cluster.On() {
		return nil
	}
	m := s.member
	conn, err := s.ledger.Connect("cluster")
	if err != nil {
		return err
	}
	m.link = cluster.NewLink(conn, s.replicas())
	store, err := s.openShared(ctx)
	if err != nil {
		return err
	}
	nodes := 0
	if c := storeConfig(s.cfg).Cluster; c != nil {
		nodes = c.Nodes()
	}
	m.node, err = cluster.New(cluster.Config{
		Node: s.cfg.Cluster.Node, Slots: meeting.Slots, Nodes: nodes, Holder: s.control,
		Bus: m.link.Bus(), Store: store, Info: s.nodeInfo(), Logger: s.log.With("part", "cluster"),
	})
	return err
}

// openGather builds what asks all nodes.
func (s *server) openGather(context.Context) error {
	m := s.member
	if m == nil {
		return nil
	}
	m.nodes = gather.New(gather.Config{
		Control: s.control, List: app.Here(s.control, s.signal), Load: s.signal.Load,
		Holds: m.node.Answers, Peers: m.addresses, MediaHost: s.ports.mediaHost(s.cfg), TLS: m.tls, Logger: s.log.With("part", "gather"),
		Vitals: s.vitalsHere, Log: s.logHere, Audit: s.audit.Part, KeyUse: s.keyUseHere,
	})
	return nil
}

// openShared opens what the cluster shares, as soon as enough nodes are there.
func (s *server) openShared(ctx context.Context) (cluster.Store, error) {
	for {
		within, cancel := context.WithTimeout(ctx, joinWithin)
		store, err := s.member.link.Store(within)
		cancel()
		if err == nil {
			return store, nil
		}
		s.log.Debug("what the cluster shares cannot be read yet", "err", err)
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("joining the cluster: %w", err)
		case <-time.After(joinAgain):
		}
	}
}

// runCluster serves the other nodes and takes slots, until life ends.
func (s *server) runCluster(life context.Context) {
	m := s.member
	m.inner = &http.Server{Handler: s.innerHandler(), ReadHeaderTimeout: headerTimeout, ErrorLog: s.httpErrors()}
	s.background(func() error { return ignoreClosed(m.inner.Serve(tls.NewListener(s.ports.node, m.tls))) })
	s.background(func() error { return m.node.Run(life) })
	s.background(func() error { s.compareSettings(life); return nil })
}

// innerHandler takes what other nodes ask, and what they pass on.
func (s *server) innerHandler() http.Handler {
	m := s.member
	callers := m.router.Inner(s.doors)
	demo := http.NotFoundHandler()
	if m.demo != nil {
		demo = m.demo.Inner(s.demo.api)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get(gather.Header) != "":
			m.nodes.Answer(w, r)
		case r.Host == innerHost:
			demo.ServeHTTP(w, r)
		default:
			callers.ServeHTTP(w, r)
		}
	})
}

// newRouter returns the router in front of an API door and whatever else local
// leads to.
func (s *server) newRouter(door *api.Server, local, unavailable http.Handler) *route.Router {
	return route.New(route.Config{
		Owners: ownersOf{s.member.node, s.cfg.Cluster.Node},
		SlotOfToken: func(r *http.Request, token string) (int, bool) {
			account := door.ClaimedAccount(r)
			return s.control.SlotOfToken(account, token), account != ""
		},
		Local: local, Unavailable: unavailable, MaxBody: api.MaxBody, Replicates: func(r *http.Request) bool { return !door.ClaimsLegacy(r) }, TLS: s.member.tls, Tracer: s.tracer, Logger: s.log.With("part", "route"),
		ClientAddr: s.proxies().Of,
	})
}

// ownersOf is the cluster as the router sees it.
type ownersOf struct {
	node *cluster.Node
	self string
}

// Holds implements route.Owners.
func (o ownersOf) Holds(slot int) bool { return o.node.Holds(slot) }

// Answers implements route.Owners.
func (o ownersOf) Answers(slot int) bool { return o.node.Answers(slot) }

// Owner implements route.Owners.
func (o ownersOf) Owner(slot int) (address string, ok bool) {
	info, known := o.node.Owner(slot)
	return info.Address, known && info.Node != o.self && info.Address != ""
}

// addresses is where the other nodes are asked.
func (m *member) addresses() []string {
	var list []string
	for _, info := range m.node.Peers() {
		if info.Address != "" {
			list = append(list, info.Address)
		}
	}
	return list
}

// everywhere is the control plane of all nodes, as the API and the console see
// it: lists have the meetings of all. What is about one meeting is asked of its
// owner only, where the router has brought it.
type everywhere struct {
	*control.Control
	nodes *gather.Nodes
}

// ListMeetings implements api.Control.
func (e everywhere) ListMeetings(ctx context.Context, owner meeting.Owner, limit int, token string) ([]meeting.Summary, string, error) {
	return e.nodes.ListMeetings(ctx, owner, limit, token)
}

// ListPipelines implements api.Control.
func (e everywhere) ListPipelines(ctx context.Context, owner meeting.Owner, kind meeting.PipelineKind, limit int, token string) ([]*meeting.Pipeline, string, error) {
	return e.nodes.ListPipelines(ctx, owner, kind, limit, token)
}

// Meetings implements console.Directory.
func (e everywhere) Meetings(ctx context.Context) ([]observe.Meeting, error) {
	return e.nodes.Meetings(ctx)
}

// liveEverywhere is the connections of all nodes.
type liveEverywhere struct {
	*signal.Server
	nodes *gather.Nodes
}

// Load implements console.Live.
func (l liveEverywhere) Load(id meeting.ID) observe.Load { return l.nodes.Load(id) }

// lists is what the API and the console read from.
func (s *server) lists() (interface {
	api.Control
	console.Directory
}, console.Live) {
	if s.member == nil {
		return s.control, s.signal
	}
	return everywhere{s.control, s.member.nodes}, liveEverywhere{s.signal, s.member.nodes}
}

// keptMeetings is what is kept of ended meetings.
type keptMeetings interface {
	history.Shelf
	app.Lister
	app.Ended
	console.Ended
}

// shelf is where ended meetings are kept: on every node of the cluster, or alone
// in the archive.
func (s *server) shelf() keptMeetings {
	if s.member == nil {
		return s.archive
	}
	return history.Share(s.archive, s.ledger, s.roomy, s.log.With("part", "history"))
}

// lostSlot says that somebody else has a slot. Alone, this server can lose one
// only by having slept for so long that nothing of what it knows is true any
// more: the process ends.
func (s *server) lostSlot(slot int) {
	if s.member != nil {
		s.member.node.Lost(slot)
		return
	}
	select {
	case s.failures <- fmt.Errorf("the ledger does not know this process as the owner of slot %d any more", slot):
	default: // it ends already
	}
}

// elsewhere counts an owner's meetings on other nodes.
func (s *server) elsewhere(ctx context.Context, owner meeting.Owner, most int) int {
	if s.member == nil {
		return 0
	}
	return s.member.nodes.Elsewhere(ctx, owner, most)
}

// otherPipelines is what other nodes have that counts when a media pipeline is
// created.
func (s *server) otherPipelines(ctx context.Context, owner meeting.Owner, token meeting.TokenHash) (control.PipelineUse, error) {
	if s.member == nil {
		return control.PipelineUse{}, nil
	}
	return s.member.nodes.OtherPipelines(ctx, owner, token)
}

// replicas is on how many servers what the nodes share is stored.
func (s *server) replicas() int {
	if s.cfg.Cluster.NATSURL != "" {
		return s.cfg.Cluster.NATSReplicas
	}
	return clusterReplicas
}

// removeNode takes a node out of the cluster for good.
func (s *server) removeNode(ctx context.Context, node string) error {
	if err := s.member.node.Remove(ctx, node); err != nil {
		return err
	}
	return s.ledger.Forget(ctx, node)
}

// waitsFor says why this server does not serve all that is its own.
func (s *server) waitsFor() error {
	switch {
	case s.leaving.Load():
		return errors.New("this node hands its meetings over to end")
	case s.member != nil && !s.member.node.Ready():
		return errors.New("this node does not serve all its slots, or no majority of the nodes answers it")
	}
	return nil
}

// handOver has the other nodes take this one's slots, if there are any that
// can, and waits until they have, or ctx ends.
func (s *server) handOver(ctx context.Context) {
	if s.member == nil || s.member.node == nil || s.doors == nil {
		return
	}
	if !s.mayHandOver() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.ShutdownTimeout/2) // the rest has to end as well
	defer cancel()
	if err := s.drain(ctx); err != nil {
		s.log.Info("slots are not handed over", "err", err)
		return
	}
	for s.mayHandOver() {
		select {
		case <-ctx.Done():
			s.log.Warn("not all slots were handed over in time")
			return
		case <-time.After(drainPoll / 10):
		}
	}
}

// drain asks the others for their help. They answer at once, or too few are
// there.
func (s *server) drain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, drainAnswer)
	defer cancel()
	return s.member.node.Drain(ctx, s.cfg.Cluster.Node)
}

// mayHandOver tells whether this node has slots left, and another is there to
// take them.
func (s *server) mayHandOver() bool {
	left, others := false, false
	for _, n := range s.member.node.Status() {
		if n.Node == s.cfg.Cluster.Node {
			left = n.Slots > 0
			continue
		}
		others = others || n.Live && !n.Draining
	}
	return left && others
}

// Close lets go of the other nodes.
func (m *member) Close() error {
	var err error
	if m.inner != nil {
		err = m.inner.Close()
	}
	for _, r := range []*route.Router{m.router, m.demo} {
		if r != nil {
			r.Close()
		}
	}
	if m.nodes != nil {
		m.nodes.Close()
	}
	return err
}
