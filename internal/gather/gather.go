package gather

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/audit"
	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/keyuse"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// Control is what is known of the slots of this node. *control.Control
// satisfies it.
type Control interface {
	PartOfMeetings(owner meeting.Owner, limit int, token string) (control.MeetingsPart, error)
	NextMeetings(owner meeting.Owner, page []meeting.Summary, more bool) string
	PartOfOverview() (list []observe.Meeting, slots []int)
	Held() []int
	Active(owner meeting.Owner) int
	PartOfPipelines(owner meeting.Owner, kind meeting.PipelineKind, limit int, token string) (control.PipelinesPart, error)
	NextPipelines(owner meeting.Owner, kind meeting.PipelineKind, page []*meeting.Pipeline, more bool) string
	PipelineUse(owner meeting.Owner, token meeting.TokenHash) control.PipelineUse
}

// Lister has the meetings that this node serves to list.
type Lister interface {
	List(ctx context.Context, q observe.Query) (observe.Page, error)
}

// Config says whom to ask. All that has no default is required.
type Config struct {
	Control   Control
	List      Lister
	Load      func(meeting.ID) observe.Load // of a meeting of this node
	Holds     func(slot int) bool           // whether this node may answer for the slot now
	Peers     func() []string               // where the other nodes are asked, as host:port
	MediaHost string                        // where clients send sound and pictures of this node's meetings, as host:port

	Vitals func(day bool) observe.Vitals                                // how this node has fared
	Log    func(q observe.LogQuery) observe.LogPart                     // lines of this node's log
	Audit  func(ctx context.Context, q audit.Query) (audit.Part, error) // its account of who did what
	KeyUse func() keyuse.Part                                           // when access keys were last used at it

	TLS      *tls.Config   // for the way to other nodes; nil for none, on loopback only
	Patience time.Duration // how long an answer that is not whole yet is waited for; default 10 s
	Poll     time.Duration // between two rounds of questions; default 100 ms
	Within   time.Duration // how long one node may take; default 2 s
	Recent   time.Duration // how old a count may be that is far below its quota; default 1 s

	Logger *slog.Logger     // default: discard
	Now    func() time.Time // default: time.Now
}

func (c Config) withDefaults() Config {
	c.Patience = cmp.Or(c.Patience, 10*time.Second)
	c.Poll = cmp.Or(c.Poll, 100*time.Millisecond)
	c.Within = cmp.Or(c.Within, 2*time.Second)
	c.Recent = cmp.Or(c.Recent, time.Second)
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Nodes is all nodes of the cluster, as one. Its methods may be called from any
// goroutine.
type Nodes struct {
	cfg    Config
	client *http.Client
	counts counts

	mu    sync.Mutex
	loads map[meeting.ID]observe.Load // of other nodes' meetings, as gathered last; guarded by mu
}

// New returns Nodes.
func New(cfg Config) *Nodes {
	cfg = cfg.withDefaults()
	return &Nodes{cfg: cfg, counts: newCounts(), client: &http.Client{Transport: &http.Transport{
		TLSClientConfig:     cfg.TLS,
		DialContext:         (&net.Dialer{Timeout: cfg.Within, KeepAlive: 5 * time.Second}).DialContext,
		MaxIdleConnsPerHost: 8,
		IdleConnTimeout:     time.Minute,
	}}}
}

// Close lets go of idle connections to other nodes.
func (n *Nodes) Close() { n.client.CloseIdleConnections() }

// Header is what tells a question of a node from a request that it passes on.
// Its value says what is asked.
const Header = "Carillon-Ask"

const (
	askMeetings = "meetings" // a part of an owner's meetings
	askOverview = "overview" // all meetings
	askList     = "list"     // a part of what a query asks for
	askActive   = "active"   // the number of an owner's meetings

	askPipelines   = "pipelines"    // a part of an owner's media pipelines
	askPipelineUse = "pipeline-use" // what counts when another is created

	askVitals = "vitals" // how a node has fared
	askLines  = "lines"  // of its log
	askAudit  = "audit"  // who did what
	askKeyUse = "keyuse" // when access keys were last used
)

// question is the body of a question; what is asked says which members it has.
type question struct {
	Owner meeting.Owner
	Limit int
	Token string
	Query observe.Query
	Kind  meeting.PipelineKind
	Hash  meeting.TokenHash
	Day   bool
	Lines observe.LogQuery
	Audit audit.Query
}

// maxAnswer bounds what is read of an answer, in bytes: about a kilobyte for
// each meeting of a node.
const maxAnswer = 1 << 30

// ask asks one node and decodes its answer into a.
func (n *Nodes) ask(ctx context.Context, address, what string, q question, a any) error {
	ctx, cancel := context.WithTimeout(ctx, n.cfg.Within)
	defer cancel()
	body, err := json.Marshal(q)
	if err != nil {
		return err
	}
	scheme := "http"
	if n.cfg.TLS != nil {
		scheme = "https"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, scheme+"://"+address+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set(Header, what)
	resp, err := n.client.Do(req)
	if err != nil {
		return fmt.Errorf("asking a node: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("asking a node: %s answered %s", address, resp.Status)
	}
	return json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(a)
}

// Answer serves a question of another node.
func (n *Nodes) Answer(w http.ResponseWriter, r *http.Request) {
	var q question
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(&q); err != nil {
		http.Error(w, "not a question", http.StatusBadRequest)
		return
	}
	var answer any
	var err error
	switch r.Header.Get(Header) {
	case askMeetings:
		answer, err = n.meetingsHere(q)
	case askOverview:
		answer = n.overviewHere()
	case askList:
		answer, err = n.listHere(r.Context(), q.Query)
	case askActive:
		answer = n.cfg.Control.Active(q.Owner)
	case askPipelines:
		answer, err = n.pipelinesHere(q)
	case askPipelineUse:
		answer = n.pipelineUseHere(q)
	case askVitals:
		answer = n.cfg.Vitals(q.Day)
	case askLines:
		answer = n.cfg.Log(q.Lines)
	case askAudit:
		answer, err = n.cfg.Audit(r.Context(), q.Audit)
	case askKeyUse:
		answer = n.cfg.KeyUse()
	default:
		err = errors.New("an unknown question")
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	body, err := json.Marshal(answer)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // a node that has gone asks again
}

// held returns those of the slots that this node may still answer for.
func (n *Nodes) held(slots []int) []int {
	held := make([]int, 0, len(slots))
	for _, slot := range slots {
		if n.cfg.Holds(slot) {
			held = append(held, slot)
		}
	}
	return held
}

// part is what one node says.
type part interface{ covers() []int }

// whole asks this node and all others again and again until what they say
// covers every slot. An error of this node's ends it.
func whole[P part](ctx context.Context, n *Nodes, here func() (P, error), there func(ctx context.Context, address string) (P, error)) ([]P, error) {
	ctx, cancel := context.WithTimeout(ctx, n.cfg.Patience)
	defer cancel()
	for {
		own, err := here()
		if err != nil {
			return nil, err
		}
		parts := append(others(ctx, n, there), own)
		var covered [meeting.Slots]bool
		missing := meeting.Slots
		for _, p := range parts {
			for _, slot := range p.covers() {
				if slot >= 0 && slot < meeting.Slots && !covered[slot] {
					covered[slot] = true
					missing--
				}
			}
		}
		if missing == 0 {
			return parts, nil
		}
		select {
		case <-ctx.Done():
			n.cfg.Logger.Warn("a list could not be gathered", "slots_missing", missing)
			return nil, meeting.Errorf(meeting.Unavailable, "Some meetings are moving to another server")
		case <-time.After(n.cfg.Poll):
		}
	}
}

// others asks all other nodes side by side; those that do not answer say
// nothing.
func others[P any](ctx context.Context, n *Nodes, ask func(ctx context.Context, address string) (P, error)) []P {
	peers := n.cfg.Peers()
	answers, errs := make([]P, len(peers)), make([]error, len(peers))
	var asked sync.WaitGroup
	for i, address := range peers {
		asked.Go(func() { answers[i], errs[i] = ask(ctx, address) })
	}
	asked.Wait()
	said := make([]P, 0, len(peers)+1)
	for i, err := range errs {
		if err != nil {
			n.cfg.Logger.Debug("a node does not answer", "address", peers[i], "err", err)
			continue
		}
		said = append(said, answers[i])
	}
	return said
}
