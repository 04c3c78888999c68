package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// In a cluster, streams outlive every node, and who comes last goes by what is
// there: how many streams there are and whose key their meetings belong to
// stands in their metadata. New streams are made only when all nodes are there
// and none has meetings from when it was alone, because streams made too early
// would have to be given up for the ones that come with that node.

// Metadata of a shared stream.
const (
	metaLayout = "carillon_layout" // version
	metaKey    = "carillon_key"    // check value of the key
	metaFrom   = "carillon_from"   // the move that filled it; none when it began empty
	metaMoving = "carillon_moving" // set while that move is under way
)

const (
	// streamRetry is how often a stream is asked for that cannot answer yet:
	// the nodes of a cluster start one after the other.
	streamRetry = 200 * time.Millisecond

	// firstWithin is how long an answer about the first stream is waited for.
	firstWithin = time.Second

	// waitTold is how often it is said what a start waits for.
	waitTold = 10 * time.Second

	// helloSubject is where nodes are asked who they are, and helloWithin how
	// long their answers are waited for.
	helloSubject = "carillon.ledger.hello"
	helloWithin  = 500 * time.Millisecond
)

// hello is what a node says of itself before there are streams.
type hello struct {
	Node     string `json:"node"`
	Meetings bool   `json:"meetings"` // it has some from when it was alone
}

func (e *engine) metadata() map[string]string {
	m := map[string]string{metaLayout: strconv.Itoa(layoutVersion)}
	if e.cfg.KeyCheck != "" {
		m[metaKey] = e.cfg.KeyCheck
	}
	if e.layout.Moving != "" {
		m[metaFrom], m[metaMoving] = e.layout.Moving, "yes"
	}
	return m
}

// openShared opens the streams of a cluster, waiting for the other nodes as
// long as that takes.
func (e *engine) openShared(ctx context.Context, js jetstream.JetStream) error {
	if err := e.sayHello(); err != nil {
		return err
	}
	told := time.Now()
	for {
		err := e.tryShared(ctx, js)
		if err == nil {
			break
		}
		if trouble := e.check(); trouble != nil {
			return trouble
		}
		if e.cfg.URL != "" && errors.Is(err, nats.ErrNoResponders) {
			return errors.New("the NATS server has no JetStream for us: enable it there")
		}
		if !passing(err) {
			return err
		}
		if time.Since(told) > waitTold {
			told = time.Now()
			e.cfg.Logger.Info("waiting for the other nodes", "for", err)
		}
		if !pause(ctx, streamRetry) {
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
	}
	if e.layout.Moving != "" || e.layout.Created {
		return nil
	}
	e.layout.Shared = true
	return e.created()
}

// What a start in a cluster waits for.
var (
	errNotThere = errors.New("not all nodes are there yet, which making the streams needs")
	errMoving   = errors.New("a node is still moving the meetings from when it was alone")
)

// passing tells whether an error comes from a cluster that is not complete yet.
func passing(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode {
		case jetstream.JSErrCodeStreamNotFound, jetstream.JSErrCodeStreamNameInUse, jetstream.ErrorCode(server.JSClusterNoPeersErrF):
			return true
		}
		return api.Code == 503
	}
	for _, passes := range []error{context.DeadlineExceeded, jetstream.ErrNoStreamResponse, nats.ErrNoResponders, errNobody, errNotThere, errMoving} {
		if errors.Is(err, passes) {
			return true
		}
	}
	return false
}

// tryShared makes one attempt to open the streams.
func (e *engine) tryShared(ctx context.Context, js jetstream.JetStream) error {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.AnswerWithin)
	defer cancel()
	create := e.layout.Moving != ""
	first, err := e.firstStream(ctx, js)
	switch {
	case err == nil:
		c := first.CachedInfo().Config
		if !e.layout.Created {
			e.layout.Streams = meeting.Slots / max(len(c.Subjects)/len(patterns(0)), 1)
			create = true // whoever began may not be here any more
		}
		err = e.accept(c.Metadata)
	case errors.Is(err, jetstream.ErrStreamNotFound) && !e.layout.Created:
		create = true
		err = e.complete(ctx)
	case errors.Is(err, jetstream.ErrStreamNotFound) && create:
		err = nil
	}
	if err != nil {
		return err
	}
	return e.eachStream(func(stream int) error { return e.openStream(ctx, js, stream, create) })
}

// firstStream asks for the first stream. A server that is not ready does not
// answer at all.
func (e *engine) firstStream(ctx context.Context, js jetstream.JetStream) (jetstream.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, firstWithin)
	defer cancel()
	return js.Stream(ctx, e.layout.streamName(0))
}

// accept refuses streams that are not for this node, or not yet.
func (e *engine) accept(meta map[string]string) error {
	version, _ := strconv.Atoi(meta[metaLayout])
	from, key := meta[metaFrom], meta[metaKey]
	switch {
	case version > layoutVersion:
		return fmt.Errorf("the cluster's streams have layout version %d, this program knows %d: it needs a newer program", version, layoutVersion)
	case key != "" && e.cfg.KeyCheck != "" && key != e.cfg.KeyCheck:
		return ErrForeignKey
	case e.layout.Moving != "" && from != e.layout.Moving:
		return errors.New("the data directory has meetings of one machine, and the cluster has others: start the cluster on this node's data first, or this node with another directory (--data)")
	case e.layout.Moving == "" && meta[metaMoving] != "":
		return errMoving
	}
	return nil
}

// sayHello answers other nodes that ask, as long as the engine runs.
func (e *engine) sayHello() error {
	answer, err := json.Marshal(hello{Node: e.cfg.Node, Meetings: e.layout.Moving != ""})
	if err != nil {
		return err
	}
	if _, err := e.read.Subscribe(helloSubject, func(m *nats.Msg) { _ = m.Respond(answer) }); err != nil { // who gets none asks again
		return fmt.Errorf("answering other nodes: %w", err)
	}
	return nil
}

// complete returns nil when all nodes are there, none brings meetings, and it is
// this one's turn to make the streams, as the first by name.
func (e *engine) complete(ctx context.Context) error {
	if e.cfg.Cluster == nil {
		return nil // nobody knows how many share somebody else's server
	}
	inbox := e.read.NewInbox()
	sub, err := e.read.SubscribeSync(inbox)
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only when the connection is gone
	if err := e.read.PublishRequest(helloSubject, inbox, nil); err != nil {
		return err
	}
	here, want := map[string]bool{}, e.cfg.Cluster.Nodes()
	for deadline := time.Now().Add(helloWithin); len(here) < want; {
		m, err := nextOf(ctx, sub, time.Until(deadline))
		if err != nil {
			return fmt.Errorf("%w: of %d there are %d", errNotThere, want, len(here))
		}
		var h hello
		if err := json.Unmarshal(m.Data, &h); err != nil || h.Node == "" {
			continue
		}
		if h.Meetings {
			return fmt.Errorf("%w: %s", errMoving, h.Node)
		}
		here[h.Node] = true
	}
	if first := slices.Min(slices.Collect(maps.Keys(here))); first != e.cfg.Node {
		return fmt.Errorf("%w: %s makes the streams", errNotThere, first)
	}
	return nil
}
