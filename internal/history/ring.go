package history

import "slices"

// ring keeps the last max of what is added.
type ring[T any] struct {
	max   int
	items []T
	next  int // where the oldest is once full
}

func (r *ring[T]) add(item T) {
	if len(r.items) < r.max {
		r.items = append(r.items, item)
		return
	}
	r.items[r.next] = item
	r.next = (r.next + 1) % r.max
}

// all returns a copy of what is kept, oldest first.
func (r *ring[T]) all() []T {
	return slices.Concat(r.items[r.next:], r.items[:r.next])
}
