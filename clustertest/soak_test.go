//go:build soak

package clustertest

import (
	"flag"
	"math/rand/v2"
	"testing"
	"time"
)

// duration and seed of TestSoak; `make soak-cluster` sets them.
var (
	soakFor  = flag.Duration("duration", time.Hour, "how long TestSoak lasts")
	soakSeed = flag.Uint64("seed", 0, "what TestSoak draws its faults from; 0 for another each time")
)

// Faults of all kinds, one after the other, in the order that the seed says.
func TestSoak(t *testing.T) {
	seed := *soakSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	draw := rand.New(rand.NewPCG(seed, 0))
	c := shop(t).Start(t, Build{}, 3)
	v := NewVerdict()
	trial := begin(t, c, v, DefaultLoad())
	var left []Fault
	for end := time.Now().Add(*soakFor); time.Now().Before(end); {
		if len(left) == 0 { // each as often as the others
			left = Faults()
			draw.Shuffle(len(left), func(i, j int) { left[i], left[j] = left[j], left[i] })
		}
		before := v.total()
		trial.Suffer(left[0], draw)
		t.Logf("%s %s: %d findings", time.Now().Format(time.TimeOnly), left[0].Name, v.total()-before)
		left = left[1:]
		time.Sleep(time.Duration(draw.Int64N(int64(10 * time.Second))))
	}
	trial.End()
	sound(t, v)
}
