package strangers

import (
	"net/netip"
	"testing"
)

func address(n int) netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 1, byte(n)}) }

func TestTheOldestMakesRoom(t *testing.T) {
	var q Queue[int]
	for i := range Most {
		if gone, surplus := q.Add(i, address(i/MostFrom)); surplus {
			t.Fatalf("%d had to go for %d", gone, i)
		}
	}
	if gone, surplus := q.Add(Most, address(100)); !surplus || gone != 0 {
		t.Errorf("%d, %v had to go for one too many, want 0", gone, surplus)
	}
	if q.Remove(0) || !q.Remove(1) || q.Remove(1) {
		t.Error("0 has gone, and 1 goes once")
	}
	if _, surplus := q.Add(Most+1, address(100)); surplus || q.Len() != Most {
		t.Errorf("no room where one had gone: %d", q.Len())
	}
}

func TestANetworkIsBounded(t *testing.T) {
	var q Queue[int]
	q.Add(-1, address(9)) // older than all, but another's
	for i := range MostFrom {
		q.Add(i, address(1))
	}
	if gone, surplus := q.Add(MostFrom, address(1)); !surplus || gone != 0 {
		t.Errorf("%d, %v had to go, want the network's own oldest, 0", gone, surplus)
	}
	for i := range MostFrom {
		q.Add(1000+i, netip.AddrFrom16([16]byte{0x20, 1, 0x0d, 0xb8, 15: byte(i)}))
	}
	if gone, surplus := q.Add(2000, netip.MustParseAddr("2001:db8::ffff:1")); !surplus || gone != 1000 {
		t.Errorf("%d, %v had to go, want the oldest of the IPv6 /64, 1000", gone, surplus)
	}
}
