package bwe_test

import (
	"fmt"
	"time"

	"github.com/carillon-meetings/carillon/internal/linktest"
	"github.com/carillon-meetings/carillon/internal/media/bwe"
)

// A sender of 400 kb/s finds out by a probe that its way carries 5 Mb/s.
func Example() {
	var e bwe.Estimator
	way := linktest.New(5_000_000, time.Unix(0, 0), &e)
	send := func(d time.Duration, bytes int) { // so many every 5 ms, in packets of at most 1,000
		for end := way.Now.Add(d); way.Now.Before(end); way.Pass(linktest.Step) {
			for left := bytes; left > 0; left -= 1000 {
				size := min(left, 1000)
				way.Carry(e.Sent(size, way.Now), size)
			}
		}
	}
	_, known := e.Estimate(way.Now)
	fmt.Println("known before the first report:", known)

	send(3*time.Second, 250)
	bps, known := e.Estimate(way.Now)
	fmt.Printf("after three seconds: %.1f Mb/s %v\n", float64(bps)/1e6, known)

	e.Probe(way.Now)
	for e.Probing(way.Now) {
		send(linktest.Step, 4000) // 6.4 Mb/s
	}
	send(time.Second, 250)
	bps, _ = e.Estimate(way.Now)
	fmt.Printf("after the probe: %.1f Mb/s\n", float64(bps)/1e6)
	// Output:
	// known before the first report: false
	// after three seconds: 2.5 Mb/s true
	// after the probe: 4.7 Mb/s
}
