// Package strangers bounds the connections of those who have not shown yet who
// they are.
//
// Anybody can open a connection to a port and say nothing. A port that refuses
// newcomers when it has too many of those is shut by them; so the one that has
// kept silent for longest makes room instead. A client shows who it is as soon
// as it is connected, and is no stranger any more.
package strangers

import (
	"net/netip"
	"slices"

	"github.com/carillon-meetings/carillon/internal/clientaddr"
)

// How many strangers a port may have, in all and of one network
// (clientaddr.Network), behind which many clients may sit.
const (
	Most     = 512
	MostFrom = 64
)

// Queue holds the strangers of one port, the oldest first. The zero value is
// empty. It is not safe for concurrent use.
type Queue[C comparable] struct {
	list []stranger[C]
}

type stranger[C comparable] struct {
	conn C
	from netip.Prefix
}

// Add takes in a connection from an address. When it is one too many, the
// connection that has to go for it is taken out and returned.
func (q *Queue[C]) Add(conn C, addr netip.Addr) (oldest C, surplus bool) {
	from := clientaddr.Network(addr)
	if i := q.surplus(from); i >= 0 {
		oldest, surplus = q.list[i].conn, true
		q.list = slices.Delete(q.list, i, i+1)
	}
	q.list = append(q.list, stranger[C]{conn, from})
	return oldest, surplus
}

// surplus finds the stranger that must go before another one from a network
// comes; -1 for none.
func (q *Queue[C]) surplus(from netip.Prefix) int {
	oldest, same := -1, 0
	for i, s := range q.list {
		if s.from == from {
			if same == 0 {
				oldest = i
			}
			same++
		}
	}
	switch {
	case same >= MostFrom:
		return oldest
	case len(q.list) >= Most:
		return 0
	}
	return -1
}

// Remove takes out a connection that has shown whose it is, or has ended. It
// reports whether it was a stranger.
func (q *Queue[C]) Remove(conn C) bool {
	i := slices.IndexFunc(q.list, func(s stranger[C]) bool { return s.conn == conn })
	if i >= 0 {
		q.list = slices.Delete(q.list, i, i+1)
	}
	return i >= 0
}

// Len returns how many there are.
func (q *Queue[C]) Len() int { return len(q.list) }
