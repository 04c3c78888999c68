package unverified

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"
)

var (
	ada = netip.MustParseAddr("192.0.2.1")
	bob = netip.MustParseAddr("2001:db8::1")
)

// read has a share read a body of so many bytes.
func read(s *Share, size, limit int) (got int, err error) {
	var b bytes.Buffer
	err = s.Read(&b, io.LimitReader(zeros{}, int64(size)), limit)
	return b.Len(), err
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestBodiesAreReadAsTheyAre(t *testing.T) {
	for _, size := range []int{0, 1, step - 1, step, step + 1, 5 * step} {
		text := strings.Repeat("x", size)
		var b bytes.Buffer
		s := NewBudget(1 << 20).Share(ada)
		if err := s.Read(&b, iotest.OneByteReader(strings.NewReader(text)), 5*step); err != nil || b.String() != text {
			t.Errorf("%d bytes: %d read, %v", size, b.Len(), err)
		}
		s.Release()
		if s.of.used != 0 || len(s.of.byClient) != 0 {
			t.Errorf("%d bytes: %d still held", size, s.of.used)
		}
	}
	if n, err := read(nil, 10*step, 9*step); !errors.Is(err, ErrTooLong) || n != 9*step+1 {
		t.Errorf("read %d, %v", n, err)
	}
	want := errors.New("cut off")
	if err := NewBudget(1).Share(ada).Read(new(bytes.Buffer), iotest.ErrReader(want), 10); !errors.Is(err, want) {
		t.Errorf("got %v", err)
	}
}

func TestOneClientUsesAQuarter(t *testing.T) {
	b := NewBudget(64 * step)
	one := b.Share(ada)
	if _, err := read(one, 16*step, 16*step-1); !errors.Is(err, ErrTooLong) {
		t.Fatal(err)
	}
	if _, err := read(b.Share(ada), 4*step, 4*step); !errors.Is(err, ErrFull) {
		t.Errorf("one client has more than a quarter: %v", err)
	}
	other := b.Share(bob)
	if _, err := read(other, 4*step, 4*step); err != nil {
		t.Errorf("another client has nothing: %v", err)
	}
	one.Release()
	if _, err := read(b.Share(ada), 4*step, 4*step); err != nil {
		t.Errorf("what was released is not there: %v", err)
	}
}

// Whoever fills the budget to its last byte keeps no small request out.
func TestSmallBodiesAreReadInAnyCase(t *testing.T) {
	b := NewBudget(8 * step)
	for i := range byte(clients) {
		s := b.Share(netip.AddrFrom4([4]byte{192, 0, 2, 100 + i}))
		if !s.take(step) || !s.take(b.most/clients) || s.take(1) {
			t.Fatal("a client gets more or less than a quarter")
		}
	}
	if b.used != b.most {
		t.Fatalf("%d of %d are used", b.used, b.most)
	}
	for range 3 {
		s := b.Share(ada)
		if _, err := read(s, step-1, step); err != nil {
			t.Errorf("a small body: %v", err)
		}
		if _, err := read(b.Share(bob), step+1, 2*step); !errors.Is(err, ErrFull) {
			t.Errorf("a large body: %v", err)
		}
		s.Release()
	}
	if b.used != b.most {
		t.Errorf("%d are used", b.used)
	}
}
