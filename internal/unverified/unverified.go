// Package unverified bounds the memory that the bodies of requests take while
// nobody knows yet who sends them: strangers cannot fill it, and one alone cannot
// use up what there is for all.
package unverified

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"sync"

	"github.com/carillon-meetings/carillon/internal/clientaddr"
)

const (
	// step is how many bytes of a body are made room for at first; each further
	// step doubles the room. The first one is not counted, so that small requests
	// need not wait for large ones: what bounds them is the number of
	// connections.
	step = 16 << 10
	// clients is how many clients it takes to use up a budget.
	clients = 4
)

// Errors of Share.Read.
var (
	ErrFull    = errors.New("unverified: too many bodies arrive at the same time")
	ErrTooLong = errors.New("unverified: the body is too long")
)

// Budget is a number of bytes that bodies share. It is safe for concurrent use.
type Budget struct {
	most int

	mu       sync.Mutex
	used     int                  // guarded by mu
	byClient map[netip.Prefix]int // of used; guarded by mu
}

// NewBudget returns a budget of so many bytes. One client gets a quarter of them
// at most.
func NewBudget(most int) *Budget {
	return &Budget{most: most, byClient: make(map[netip.Prefix]int)}
}

// Share returns the share of a request from an address. It has to be released.
func (b *Budget) Share(from netip.Addr) *Share {
	return &Share{of: b, client: clientaddr.Network(from)}
}

// Share is what one request holds of a budget. A nil one, for a request whose
// sender is known, has no bound.
type Share struct {
	of     *Budget
	client netip.Prefix
	room   int // bytes
}

// Read reads all of r into b, which has to be empty, with room that grows as
// bytes arrive, whatever length was announced. More than limit bytes are
// ErrTooLong: one more has been read then.
func (s *Share) Read(b *bytes.Buffer, r io.Reader, limit int) error {
	room := 0
	for {
		if b.Len() == room {
			more := min(max(step, room), limit+1-room)
			if !s.take(more) {
				return ErrFull
			}
			room += more
			makeRoom(b, room)
		}
		n, err := r.Read(b.AvailableBuffer()[:room-b.Len()])
		b.Write(b.AvailableBuffer()[:n])
		switch {
		case b.Len() > limit:
			return ErrTooLong
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// makeRoom makes the buffer large enough for so many bytes in all, and no larger
// as Grow would: they are counted.
func makeRoom(b *bytes.Buffer, size int) {
	if b.Cap() < size {
		*b = *bytes.NewBuffer(append(make([]byte, 0, size), b.Bytes()...))
	}
}

// take reports whether the request may have n more bytes, and if so counts them.
func (s *Share) take(n int) bool {
	if s == nil {
		return true
	}
	b := s.of
	b.mu.Lock()
	defer b.mu.Unlock()
	more := counted(s.room+n) - counted(s.room)
	if more > 0 && (b.used+more > b.most || b.byClient[s.client]+more > b.most/clients) {
		return false
	}
	s.room += n
	if more > 0 {
		b.used += more
		b.byClient[s.client] += more
	}
	return true
}

// counted is how many of a request's bytes count.
func counted(room int) int { return max(0, room-step) }

// Release gives back what the request holds.
func (s *Share) Release() {
	if s == nil {
		return
	}
	b, held := s.of, counted(s.room)
	s.room = 0
	if held == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= held
	if b.byClient[s.client] -= held; b.byClient[s.client] == 0 {
		delete(b.byClient, s.client)
	}
}
