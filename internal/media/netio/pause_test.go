package netio

import (
	"net"
	"runtime"
	"slices"
	"testing"
	"time"
)

// BenchmarkPause measures for how long sending holds up everybody else: while a
// goroutine sends batches as large as they get, another one stops the world
// again and again, as the garbage collector does, and a third one sleeps. The
// reported times are the longest and the 99th percentile of the stops, and how
// late the sleeper woke at worst.
func BenchmarkPause(b *testing.B) {
	u, err := ListenUDP("127.0.0.1:0", 1)
	if err != nil {
		b.Fatal(err)
	}
	defer u.Close()
	var senders []*Sender
	for range 50 {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		senders = append(senders, u.sockets[0].Sender(Pair{Remote: c.LocalAddr().(*net.UDPAddr).AddrPort()}))
	}
	stop := make(chan struct{})
	stops, late := make(chan []time.Duration), make(chan time.Duration)
	go func() { stops <- repeat(stop, stopTheWorld) }()
	go func() { late <- slices.Max(repeat(stop, oversleep)) }()
	var flushes []time.Duration
	for i := 0; b.Loop(); i++ {
		for n := range queueLimit - 1 {
			buf := Get()
			buf.N = 1150
			senders[(n/10)%len(senders)].Send(buf)
		}
		begun := time.Now()
		u.Flush()
		flushes = append(flushes, time.Since(begun))
	}
	close(stop)
	taken := <-stops
	slices.Sort(taken)
	slices.Sort(flushes)
	b.ReportMetric(float64(taken[len(taken)-1].Microseconds()), "µs/longest-stop")
	b.ReportMetric(float64(taken[len(taken)*99/100].Microseconds()), "µs/p99-stop")
	b.ReportMetric(float64((<-late).Microseconds()), "µs/late")
	b.ReportMetric(float64(flushes[len(flushes)/2].Microseconds()), "µs/flush")
}

// repeat collects what measure returns until stop is closed, at least once.
func repeat(stop chan struct{}, measure func() time.Duration) (all []time.Duration) {
	for {
		all = append(all, measure())
		select {
		case <-stop:
			return all
		default:
		}
	}
}

// stopTheWorld is how long it takes to stop every goroutine and let them go on.
func stopTheWorld() time.Duration {
	time.Sleep(time.Millisecond)
	var m runtime.MemStats
	begun := time.Now()
	runtime.ReadMemStats(&m)
	return time.Since(begun)
}

// oversleep is by how much a sleep of a millisecond exceeds it.
func oversleep() time.Duration {
	begun := time.Now()
	time.Sleep(time.Millisecond)
	return time.Since(begun) - time.Millisecond
}
