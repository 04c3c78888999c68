//go:build linux && (amd64 || arm64)

package netio

import (
	"net/netip"
	"testing"
	"time"
)

func TestArrival(t *testing.T) {
	now := time.Now()
	wall := now.UnixNano()
	for _, tc := range []struct {
		stamp int64
		ago   time.Duration
	}{
		{0, 0},
		{wall - int64(3*time.Millisecond), 3 * time.Millisecond},
		{wall + int64(time.Millisecond), 0}, // the clock was set back
		{wall - int64(2*time.Second), 0},    // or forward
	} {
		if ago := now.Sub(arrival(now, wall, tc.stamp)); ago != tc.ago {
			t.Errorf("%v ago, want %v", ago, tc.ago)
		}
	}
}

// times keeps when datagrams arrived and when they were handed over.
type times struct{ arrived, handed chan time.Time }

func (h times) Datagram(_ *Socket, _ Pair, _ []byte, at time.Time) {
	h.handed <- time.Now()
	h.arrived <- at
}

func (times) BatchEnd() {}

// Datagrams that wait for a busy socket keep the time of their arrival. The
// kernel begins to note it a moment after the first socket has asked for it, so the
// first ones may have none.
func TestArrivalIsTheKernels(t *testing.T) {
	u, err := ListenUDP("127.0.0.1:0", 1) // asks for it all the time
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	for deadline := time.Now().Add(10 * time.Second); ; {
		before, sent, arrived, handed := waitUnread(t)
		if arrived.After(before.Add(-time.Millisecond)) && arrived.Before(sent.Add(gather)) && handed.Sub(arrived) >= gather {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("sent within %v, arrived at +%v, handed over at +%v", sent.Sub(before), arrived.Sub(before), handed.Sub(before))
		}
	}
}

// waitUnread lets a datagram, sent between before and sent, wait in a socket, and
// returns when it arrived as it is told, and when it was handed over.
func waitUnread(t *testing.T) (before, sent, arrived, handed time.Time) {
	t.Helper()
	u, err := ListenUDP("127.0.0.1:0", 1)
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, "udp", "127.0.0.1", u.Port())
	before = time.Now()
	if _, err := c.Write([]byte("early")); err != nil {
		t.Fatal(err)
	}
	sent = time.Now()
	for time.Since(sent) < 2*gather { // nobody serves yet
	}
	h := times{make(chan time.Time, 1), make(chan time.Time, 1)}
	u.Serve(func() Handler { return h })
	handed, arrived = <-h.handed, <-h.arrived
	if err := u.Close(); err != nil {
		t.Error(err)
	}
	return before, sent, arrived, handed
}

func FuzzSockaddr(f *testing.F) {
	f.Add([]byte{127, 0, 0, 1}, uint16(9), true)
	f.Add([]byte("0123456789abcdef"), uint16(65535), true)
	f.Fuzz(func(t *testing.T, ip []byte, port uint16, inet6 bool) {
		a, ok := netip.AddrFromSlice(ip)
		if !ok || (!inet6 && !a.Unmap().Is4()) {
			return
		}
		var s sockaddr
		want := unmap(netip.AddrPortFrom(a, port))
		s.set(want, inet6)
		if got := s.get(); got != want {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}
