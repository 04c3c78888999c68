package rtpx

import (
	"bytes"
	"testing"
)

func TestCache(t *testing.T) {
	c := NewCache(10) // becomes 16
	for i := range 20 {
		c.Put(uint16(65530+i), i%2 == 0, []byte{byte(i)})
	}
	if _, ok := c.Get(uint16(65530 + 3)); ok {
		t.Error("a packet outlived its ring")
	}
	for i := 4; i < 20; i++ {
		got, ok := c.Get(uint16(65530 + i))
		if !ok || got.Marker != (i%2 == 0) || !bytes.Equal(got.Payload, []byte{byte(i)}) {
			t.Errorf("packet %d: %+v, %v", i, got, ok)
		}
	}
}

func TestCacheKeepsNewerOverLate(t *testing.T) {
	c := NewCache(16)
	c.Put(100, false, []byte("new"))
	c.Put(84, false, []byte("late")) // shares the place of 100
	if got, ok := c.Get(100); !ok || string(got.Payload) != "new" {
		t.Errorf("a late packet replaced a newer one: %+v, %v", got, ok)
	}
	c.Put(95, false, []byte("reordered"))
	if got, ok := c.Get(95); !ok || string(got.Payload) != "reordered" {
		t.Errorf("a reordered packet was not kept: %+v, %v", got, ok)
	}
}

func TestCacheFollowsRenumbering(t *testing.T) {
	c := NewCache(16)
	c.Put(5000, false, []byte("old"))
	for seq := uint16(100); seq < 100+strayRunLength; seq++ {
		c.Put(seq, false, []byte("new"))
	}
	if _, ok := c.Get(100 + strayRunLength - 1); !ok {
		t.Error("the renumbered stream is not kept")
	}
	if _, ok := c.Get(5000); ok {
		t.Error("a packet of the old numbering is still there")
	}
}

func BenchmarkCachePut(b *testing.B) {
	c := NewCache(512)
	payload := make([]byte, 1150)
	for seq := range 512 {
		c.Put(uint16(seq), false, payload)
	}
	b.ReportAllocs()
	seq := uint16(512)
	for b.Loop() {
		c.Put(seq, false, payload)
		seq++
	}
}
