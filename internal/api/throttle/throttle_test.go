package throttle

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestEachAccountRegionAndOperationHasABucket(t *testing.T) {
	th, now := New(Config{Rate: 2, Burst: 3}), time.Unix(1_700_000_000, 0)
	take := func(account, region, operation string) error { return th.Take(account, region, operation, now) }
	for range 3 {
		if err := take("1", "r", "o"); err != nil {
			t.Fatal(err)
		}
	}
	var over *Exceeded
	if err := take("1", "r", "o"); !errors.As(err, &over) || over.Wait != 500*time.Millisecond {
		t.Errorf("one too many: %v, wait %v", err, over)
	}
	for _, other := range [][3]string{{"2", "r", "o"}, {"1", "s", "o"}, {"1", "r", "p"}} {
		if err := take(other[0], other[1], other[2]); err != nil {
			t.Errorf("%v: %v", other, err)
		}
	}
	now = now.Add(500 * time.Millisecond)
	if err := take("1", "r", "o"); err != nil {
		t.Error(err)
	}
	if err := take("1", "r", "o"); err == nil {
		t.Error("a refused request used up nothing, and yet there was room for two")
	}
}

// What was taken before is forgotten, also when the clock went back with it.
func TestRefill(t *testing.T) {
	th, now := New(Config{Rate: 1, Burst: 1}), time.Unix(1_700_000_000, 0)
	for i, at := range []time.Time{now.Add(time.Hour), now} {
		if err := th.Take("1", "r", "o", at); err != nil {
			t.Errorf("first request, round %d: %v", i, err)
		}
		if err := th.Take("1", "r", "o", at); err == nil {
			t.Errorf("second request, round %d: taken", i)
		}
		th.Refill()
	}
}

func TestOffIsNil(t *testing.T) {
	var off *Throttle
	if New(Config{}) != off || New(Config{Rate: -1}) != off {
		t.Error("a rate of nothing throttles")
	}
	if err := off.Take("1", "r", "o", time.Now()); err != nil {
		t.Error(err)
	}
	off.Refill()
	if err := New(Config{Rate: 1}).Take("1", "r", "o", time.Now()); err != nil {
		t.Error("without a burst nothing passes:", err)
	}
}

func TestTheBucketsAreBounded(t *testing.T) {
	th, now := New(Config{Rate: 1, Burst: 2}), time.Unix(1_700_000_000, 0)
	for i := range 3 * maxBuckets {
		if err := th.Take(fmt.Sprint(i), "r", "o", now); err != nil {
			t.Fatal(err)
		}
		if len(th.buckets) > maxBuckets {
			t.Fatalf("%d buckets", len(th.buckets))
		}
	}
}
