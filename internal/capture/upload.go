package capture

import (
	"bytes"
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"
)

// The way from the spool into the sink.
const (
	inFlight   = 4 // pieces of one pipeline that are stored at the same time
	firstRetry = 500 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// uploader stores the pieces of one spool. The pieces of a stream are stored one
// after the other, so that whoever reads them finds no hole.
type uploader struct {
	sink  Sink
	spool *spool
	now   func() time.Time
	// trouble is called when storing has failed for as long as that, again and
	// again, and with 0 when it works again.
	trouble func(since time.Duration, err error)

	mu      sync.Mutex
	failing time.Time // since when; zero while it works
}

// run stores pieces until ctx ends; once drain is closed, until none is left.
func (u *uploader) run(ctx context.Context, drain <-chan struct{}) {
	free := make(chan struct{}, inFlight)
	done := make(chan string, inFlight)
	busy := make(map[string]bool) // streams
	var running sync.WaitGroup
	defer running.Wait()
	for {
		for _, p := range u.spool.waiting() {
			if busy[p.Stream] || len(busy) == cap(free) {
				continue
			}
			busy[p.Stream] = true
			running.Go(func() {
				u.store(ctx, p)
				done <- p.Stream
			})
		}
		if len(busy) == 0 && isClosed(drain) {
			return
		}
		draining := drain
		if isClosed(drain) {
			draining = nil
		}
		select {
		case <-ctx.Done():
			for len(busy) > 0 {
				delete(busy, <-done)
			}
			return
		case <-draining:
		case <-u.spool.wake:
		case stream := <-done:
			delete(busy, stream)
		}
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// store stores one piece, however often it must be tried.
func (u *uploader) store(ctx context.Context, p Piece) {
	wait := firstRetry
	for ctx.Err() == nil {
		err := u.attempt(ctx, p)
		u.note(err)
		if err == nil {
			return
		}
		pause := time.NewTimer(wait/2 + rand.N(wait/2))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
		}
		wait = min(2*wait, lastRetry)
	}
}

func (u *uploader) attempt(ctx context.Context, p Piece) error {
	content, err := u.spool.content(p)
	if err != nil {
		return err
	}
	of := u.spool.of
	o := Object{
		Bucket: of.Bucket, Key: p.Key, Type: p.Type, KMSKey: of.KMSKey, KMSContext: of.KMSContext,
		Metadata: map[string]string{
			"pipeline": of.Pipeline.String(), "meeting": of.Meeting.String(),
			"start": p.Start.Format(time.RFC3339Nano), "duration-ms": strconv.FormatInt(p.Millis, 10),
		},
	}
	if p.Gap > 0 {
		o.Metadata["gap-ms"] = strconv.FormatInt(p.Gap, 10)
	}
	err = u.sink.Put(ctx, o, bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return err
	}
	return u.spool.stored(p)
}

// failedFor returns for how long storing has failed; 0 while it works.
func (u *uploader) failedFor() time.Duration {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.failing.IsZero() {
		return 0
	}
	return u.now().Sub(u.failing)
}

// note keeps since when storing fails.
func (u *uploader) note(err error) {
	u.mu.Lock()
	now := u.now()
	was := u.failing
	switch {
	case err == nil:
		u.failing = time.Time{}
	case was.IsZero():
		u.failing, was = now, now
	}
	u.mu.Unlock()
	switch {
	case err != nil:
		u.spool.room.refusals.Add(1)
		u.trouble(now.Sub(was), err)
	case !was.IsZero():
		u.trouble(0, nil)
	}
}
