// Package throttle bounds how often an account may ask for the same thing, with
// a token bucket for each account, Region and operation. The doors that take
// signed requests share it.
package throttle

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Config says how many requests per second one account may make of one
// operation in one Region. Rate 0 switches throttling off. The real service
// has a rate of 10 and a burst of 20.
type Config struct {
	Rate  float64
	Burst int // requests that may come at once; at least 1
}

// Exceeded is the error of a request that comes too soon.
type Exceeded struct {
	Wait time.Duration // until there is room for one
}

// Error returns the words of the real service.
func (e *Exceeded) Error() string { return "Rate exceeded" }

// Throttle holds the token buckets. It is safe for concurrent use. A nil one
// lets everything through.
type Throttle struct {
	cfg     Config
	mu      sync.Mutex
	buckets map[bucketID]*rate.Limiter // guarded by mu
}

type bucketID struct {
	account, region, operation string
}

// maxBuckets bounds the buckets kept. Past it the full ones go: they are as
// good as new ones.
const maxBuckets = 16384

// New returns a Throttle, or nil when it is switched off.
func New(cfg Config) *Throttle {
	if cfg.Rate <= 0 {
		return nil
	}
	cfg.Burst = max(cfg.Burst, 1)
	return &Throttle{cfg: cfg, buckets: map[bucketID]*rate.Limiter{}}
}

// Take takes one request out of the bucket, or returns an *Exceeded.
func (t *Throttle) Take(account, region, operation string, now time.Time) error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	id := bucketID{account, region, operation}
	bucket := t.buckets[id]
	if bucket == nil {
		t.makeRoomLocked(now)
		bucket = rate.NewLimiter(rate.Limit(t.cfg.Rate), t.cfg.Burst)
		t.buckets[id] = bucket
	}
	reservation := bucket.ReserveN(now, 1)
	if wait := reservation.DelayFrom(now); wait > 0 {
		reservation.CancelAt(now)
		return &Exceeded{Wait: wait}
	}
	return nil
}

// Refill makes all buckets full.
func (t *Throttle) Refill() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.buckets)
}

func (t *Throttle) makeRoomLocked(now time.Time) {
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
