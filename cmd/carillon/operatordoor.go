package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/audit"
	"github.com/carillon-meetings/carillon/internal/cluster"
	"github.com/carillon-meetings/carillon/internal/operators"
	"github.com/carillon-meetings/carillon/internal/refusals"
)

// pathCluster is where operators see the cluster and change it, by the operator
// secret as a bearer token. It works without the console.
const pathCluster = "/operator/api/cluster"

// clusterStatus is what operators see of the cluster. docs/cluster.md shows it.
type clusterStatus struct {
	Node    string                 `json:"node"` // who answered
	Nodes   []cluster.NodeStatus   `json:"nodes"`
	Slots   []cluster.SlotStatus   `json:"slots"`
	Streams []cluster.StreamStatus `json:"streams"`
}

// operatorDoor serves pathCluster.
type operatorDoor struct {
	server *server
	mux    *http.ServeMux
	guard  guard
}

func newOperatorDoor(s *server) *operatorDoor {
	d := &operatorDoor{server: s, mux: http.NewServeMux(), guard: guard{s}}
	d.mux.HandleFunc("GET "+pathCluster, d.status)
	d.mux.HandleFunc("POST "+pathCluster+"/nodes/{node}/drain", func(w http.ResponseWriter, r *http.Request) {
		d.change(w, r, "drain node", s.member.node.Drain)
	})
	d.mux.HandleFunc("DELETE "+pathCluster+"/nodes/{node}", func(w http.ResponseWriter, r *http.Request) {
		d.change(w, r, "remove node", s.removeNode)
	})
	return d
}

// ServeHTTP implements http.Handler.
func (d *operatorDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	who, ok := d.guard.admits(w, r)
	if !ok {
		return
	}
	refusals.Note(r.Context(), "", slog.String("operator", who.Name))
	if d.server.member == nil {
		operatorFault(w, http.StatusNotFound, "This server is on its own.")
		return
	}
	if r.Method != http.MethodGet && !who.MayChange() {
		refusals.Note(r.Context(), "operator action refused: the role is read-only")
		d.note(r, who, "change cluster", http.StatusForbidden, "the role is read-only")
		operatorFault(w, http.StatusForbidden, "You may look at everything and change nothing: your role is read-only.")
		return
	}
	known := r.WithContext(context.WithValue(r.Context(), standingKey{}, who))
	d.mux.ServeHTTP(w, known)
	r.Pattern = known.Pattern // for the line of a refusal
}

// note writes down what came of a request.
func (d *operatorDoor) note(r *http.Request, who operators.Standing, action string, status int, reason string) {
	d.server.audit.Write(audit.Entry{
		Via: audit.Command, Who: "operator:" + who.Name, From: d.server.proxies().Of(r).String(), Action: action,
		Target: strings.TrimSpace("node " + r.PathValue("node")), Outcome: audit.OutcomeOf(status), Reason: reason,
		Request: refusals.ID(r.Context()),
	})
}

// standingKey is where the context of a request has its operator.
type standingKey struct{}

func (d *operatorDoor) status(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	m := d.server.member
	status := clusterStatus{Node: d.server.cfg.Cluster.Node, Nodes: m.node.Status(), Slots: m.node.Slots()}
	var err error
	if status.Streams, err = m.link.Streams(ctx); err != nil {
		d.server.log.Warn("streams not listed", "err", err) // the rest is worth knowing all the more
	}
	operatorJSON(w, http.StatusOK, status)
}

func (d *operatorDoor) change(w http.ResponseWriter, r *http.Request, action string, change func(context.Context, string) error) {
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	node := r.PathValue("node")
	who, _ := r.Context().Value(standingKey{}).(operators.Standing)
	status, reason, err := http.StatusNoContent, "", change(ctx, node)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		w.Header().Set("Retry-After", "1")
		status, reason = http.StatusServiceUnavailable, "The cluster does not answer: "+err.Error()
	case err != nil:
		status, reason = http.StatusConflict, err.Error()
	}
	d.note(r, who, action, status, reason)
	if err != nil {
		operatorFault(w, status, reason)
		return
	}
	d.server.log.Info("the cluster was changed by an operator", "action", action, "node", node, "operator", who.Name, "from", d.server.proxies().Of(r))
	w.WriteHeader(status)
}

func operatorJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a caller who has gone away is told nothing
}

// noting has a door's refusals written down in the log, by the part of the server
// that it is.
func (s *server) noting(door http.Handler, part string, level slog.Level) http.Handler {
	return &refusals.Door{Next: door, From: s.proxies().Of, Level: level, Logger: s.log.With("part", part)}
}

// operatorFault answers with a sentence, in the form the console has for it.
func operatorFault(w http.ResponseWriter, status int, sentence string) {
	operatorJSON(w, status, map[string]string{"error": sentence})
}
