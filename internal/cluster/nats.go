package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// natsBus carries messages over core NATS, which needs no stored state and
// therefore no election before it works.
type natsBus struct{ nc *nats.Conn }

// NewBus returns a Bus on the connection, which stays the caller's.
func NewBus(nc *nats.Conn) Bus { return natsBus{nc} }

// subjectPrefix, and the node's name, is where its requests go.
const subjectPrefix = "cluster.node."

// Ask implements Bus.
func (b natsBus) Ask(ctx context.Context, node string, request []byte) ([]byte, error) {
	m, err := b.nc.RequestWithContext(ctx, subjectPrefix+node, request)
	if err != nil {
		return nil, fmt.Errorf("asking node %s: %w", node, err)
	}
	return m.Data, nil
}

// Serve implements Bus.
func (b natsBus) Serve(node string, answer func([]byte) []byte) (func(), error) {
	sub, err := b.nc.Subscribe(subjectPrefix+node, func(m *nats.Msg) {
		_ = m.Respond(answer(m.Data)) // one that is lost is asked for again
	})
	if err != nil {
		return nil, fmt.Errorf("serving requests of nodes: %w", err)
	}
	return func() { _ = sub.Unsubscribe() }, nil // fails only when the connection is gone
}

const (
	bucketName    = "CLUSTER"
	assignmentKey = "assignment"
)

// natsStore keeps the assignment in a key-value bucket.
type natsStore struct{ bucket jetstream.KeyValue }

// OpenStore returns the Store in the JetStream that nc leads to, and makes it
// with that many replicas if it is not there.
func OpenStore(ctx context.Context, nc *nats.Conn, replicas int) (Store, error) {
	bucket, err := openBucket(ctx, nc, replicas)
	if err != nil {
		return nil, fmt.Errorf("assignment: %w", err)
	}
	return natsStore{bucket}, nil
}

func openBucket(ctx context.Context, nc *nats.Conn, replicas int) (jetstream.KeyValue, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	bucket, err := js.KeyValue(ctx, bucketName)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		bucket, err = js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: bucketName, Description: "who owns which slot", History: 8, Storage: jetstream.FileStorage, Replicas: replicas,
		})
	}
	return bucket, err
}

// Get implements Store.
func (s natsStore) Get(ctx context.Context) ([]byte, uint64, error) {
	e, err := s.try(ctx)
	for errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		e, err = s.try(ctx)
	}
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading the assignment: %w", err)
	}
	return e.Value(), e.Revision(), nil
}

// getWithin is how long a replica may take to answer a Get. Any may be asked, one
// that is frozen or cut off too: then another attempt finds another one.
const getWithin = 400 * time.Millisecond

func (s natsStore) try(ctx context.Context) (jetstream.KeyValueEntry, error) {
	ctx, cancel := context.WithTimeout(ctx, getWithin)
	defer cancel()
	return s.bucket.Get(ctx, assignmentKey)
}

// Put implements Store.
func (s natsStore) Put(ctx context.Context, value []byte, revision uint64) (uint64, error) {
	next, err := s.bucket.Update(ctx, assignmentKey, value, revision)
	if isConflict(err) {
		return 0, ErrConflict
	}
	if err != nil {
		return 0, fmt.Errorf("writing the assignment: %w", err)
	}
	return next, nil
}

// isConflict tells whether the bucket has another revision, or may have: a
// write in flight is refused by a code of its own.
func isConflict(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) &&
		(api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == wrongLastSequenceInFlight)
}

// wrongLastSequenceInFlight is nats-server's JSStreamWrongLastSequenceConstantErr,
// which the client's package does not name.
const wrongLastSequenceInFlight jetstream.ErrorCode = 10164
