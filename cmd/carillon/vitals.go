package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/carillon-meetings/carillon/internal/console"
	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/vitals"
)

// openVitals builds what measures how this node fares.
func (s *server) openVitals(context.Context) error {
	s.vitals = vitals.New(vitals.Config{
		Read: s.readVitals, File: filepath.Join(s.cfg.Data, vitals.FileName), Logger: s.log.With("part", "vitals"),
	})
	return nil
}

// readVitals reads what this node uses and does.
func (s *server) readVitals() vitals.Reading {
	sound := s.media.node.Stats()
	return vitals.Reading{
		Host:  vitals.ReadHost(s.cfg.Data),
		Ticks: sound.Mixer.Ticks, Late: sound.Mixer.Late, Skipped: sound.Mixer.Skipped, Unsent: sound.UDP.SendErrors,
		Calls: s.metrics.answered.Load(), Refused: s.metrics.refused.Load(), Failed: s.metrics.failed.Load(),
		People: s.signal.Counts().Attendees, Meetings: s.control.Overview().Active,
	}
}

// vitalsHere returns how this node has fared.
func (s *server) vitalsHere(day bool) observe.Vitals {
	v := s.vitals.Vitals(day)
	v.Node = s.hostName()
	return v
}

// logHere returns lines of this node's log.
func (s *server) logHere(q observe.LogQuery) observe.LogPart { return s.tail.Lines(s.hostName(), q) }

// Vitals implements console.Health.
func (s *server) Vitals(ctx context.Context, day bool) []observe.Vitals {
	if s.member == nil {
		own := s.vitalsHere(day)
		own.Here = true
		return []observe.Vitals{own}
	}
	list := s.member.nodes.Vitals(ctx, day)
	list[0].Here = true
	for _, node := range unheard(s.member, list, func(v observe.Vitals) string { return v.Node }) {
		list = append(list, observe.Vitals{Node: node, Fault: "This node does not answer."})
	}
	return list
}

// Log implements console.Health.
func (s *server) Log(ctx context.Context, q observe.LogQuery) (observe.LogPart, error) {
	switch {
	case q.Node == s.hostName(), q.Node == "" && s.member == nil:
		return s.logHere(q), nil
	case q.Node == "":
		return s.logs(ctx, q), nil
	case s.member == nil:
		return observe.LogPart{}, fmt.Errorf("%w: this server is on its own", console.UnknownNode(q.Node))
	}
	for _, peer := range s.member.node.Peers() {
		if peer.Node == q.Node && peer.Address != "" {
			return s.member.nodes.Log(ctx, peer.Address, q)
		}
	}
	if slices.Contains(s.member.silent(nil), q.Node) {
		return observe.LogPart{}, fmt.Errorf("node %q does not answer", q.Node)
	}
	return observe.LogPart{}, console.UnknownNode(q.Node)
}

// logs returns lines of the logs of all nodes.
func (s *server) logs(ctx context.Context, q observe.LogQuery) observe.LogPart {
	parts, said := s.member.nodes.Logs(ctx, q), map[string]bool{}
	for _, p := range parts {
		for node := range p.Last {
			said[node] = true
		}
	}
	all := q.Merge(parts...)
	all.Silent = s.member.silent(said)
	return all
}

// silent returns the nodes of the cluster that are not among those that said
// something, by name.
func (m *member) silent(said map[string]bool) (names []string) {
	for _, n := range m.node.Status() {
		if !said[n.Node] {
			names = append(names, n.Node)
		}
	}
	return names
}

// unheard returns the nodes of which there is no answer, by name; node says whose
// one is.
func unheard[A any](m *member, answers []A, node func(A) string) []string {
	said := make(map[string]bool, len(answers))
	for _, a := range answers {
		said[node(a)] = true
	}
	return m.silent(said)
}
