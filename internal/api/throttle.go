package api

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Throttle says how many requests per second one account may make of one
// operation in one Region. Rate 0 switches throttling off. The real service
// has a rate of 10 and a burst of 20.
type Throttle struct {
	Rate  float64
	Burst int // requests that may come at once; at least 1
}

// throttle holds the token buckets.
type throttle struct {
	cfg     Throttle
	mu      sync.Mutex
	buckets map[bucketID]*rate.Limiter // guarded by mu
}

type bucketID struct {
	account, region, operation string
}

// maxBuckets bounds the buckets kept. Past it the full ones go: they are as
// good as new ones.
const maxBuckets = 16384

func newThrottle(cfg Throttle) *throttle {
	if cfg.Rate <= 0 {
		return nil
	}
	return &throttle{cfg: cfg, buckets: map[bucketID]*rate.Limiter{}}
}

// take takes one request out of the bucket, or returns a *throttled with the
// time until there is one.
func (t *throttle) take(account, region, operation string, now time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	id := bucketID{account, region, operation}
	bucket := t.buckets[id]
	if bucket == nil {
		t.makeRoom(now)
		bucket = rate.NewLimiter(rate.Limit(t.cfg.Rate), t.cfg.Burst)
		t.buckets[id] = bucket
	}
	reservation := bucket.ReserveN(now, 1)
	if wait := reservation.DelayFrom(now); wait > 0 {
		reservation.CancelAt(now)
		return &throttled{wait: wait}
	}
	return nil
}

func (t *throttle) makeRoom(now time.Time) {
	if len(t.buckets) < maxBuckets {
		return
	}
	for id, bucket := range t.buckets {
		if bucket.TokensAt(now) >= float64(t.cfg.Burst) {
			delete(t.buckets, id)
		}
	}
	if len(t.buckets) >= maxBuckets { // nobody rests: start anew rather than grow
		clear(t.buckets)
	}
}
