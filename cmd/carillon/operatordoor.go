package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/cluster"
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
	wrong  chan struct{} // one for each caller that waits for its wrong secret to be refused
}

// Guessing is slow: a wrong secret is refused after wrongDelay, and only
// wrongAtOnce callers may wait for that.
const (
	wrongDelay  = time.Second
	wrongAtOnce = 10
)

func newOperatorDoor(s *server) *operatorDoor {
	d := &operatorDoor{server: s, mux: http.NewServeMux(), wrong: make(chan struct{}, wrongAtOnce)}
	d.mux.HandleFunc("GET "+pathCluster, d.status)
	d.mux.HandleFunc("POST "+pathCluster+"/nodes/{node}/drain", func(w http.ResponseWriter, r *http.Request) {
		d.change(w, r, s.member.node.Drain)
	})
	d.mux.HandleFunc("DELETE "+pathCluster+"/nodes/{node}", func(w http.ResponseWriter, r *http.Request) {
		d.change(w, r, s.removeNode)
	})
	return d
}

// ServeHTTP implements http.Handler.
func (d *operatorDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	select {
	case d.wrong <- struct{}{}:
	default:
		w.Header().Set("Retry-After", "1")
		operatorFault(w, http.StatusTooManyRequests, "Too many wrong secrets at the same time.")
		return
	}
	if !d.knows(r) {
		time.Sleep(wrongDelay)
		<-d.wrong
		operatorFault(w, http.StatusUnauthorized, "That is not the operator secret.")
		return
	}
	<-d.wrong
	if d.server.member == nil {
		operatorFault(w, http.StatusNotFound, "This server is on its own.")
		return
	}
	d.mux.ServeHTTP(w, r)
}

// knows tells whether the caller has the operator secret.
func (d *operatorDoor) knows(r *http.Request) bool {
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(d.server.operatorSecret()))
	return ok && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

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

func (d *operatorDoor) change(w http.ResponseWriter, r *http.Request, change func(context.Context, string) error) {
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	node := r.PathValue("node")
	err := change(ctx, node)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		w.Header().Set("Retry-After", "1")
		operatorFault(w, http.StatusServiceUnavailable, "The cluster does not answer: "+err.Error())
	case err != nil:
		operatorFault(w, http.StatusConflict, err.Error())
	default:
		d.server.log.Info("the cluster was changed by an operator", "method", r.Method, "node", node, "from", d.server.proxies().Of(r))
		w.WriteHeader(http.StatusNoContent)
	}
}

func operatorJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a caller who has gone away is told nothing
}

// operatorFault answers with a sentence, in the form the console has for it.
func operatorFault(w http.ResponseWriter, status int, sentence string) {
	operatorJSON(w, status, map[string]string{"error": sentence})
}
