package control

import (
	"container/heap"
	"time"
)

// alarms holds every active meeting, the one with the nearest deadline first.
// Guarded by Control.mu.
type alarms []*entry

func (a *alarms) add(e *entry, at time.Time) {
	e.deadline = at
	heap.Push((*alarmHeap)(a), e)
}

func (a *alarms) set(e *entry, at time.Time) {
	if !e.deadline.Equal(at) {
		e.deadline = at
		heap.Fix((*alarmHeap)(a), e.alarm)
	}
}

func (a *alarms) remove(e *entry) { heap.Remove((*alarmHeap)(a), e.alarm) }

// next returns the meeting with the nearest deadline, or nil.
func (a *alarms) next() *entry {
	if len(*a) == 0 {
		return nil
	}
	return (*a)[0]
}

// alarmHeap implements heap.Interface.
type alarmHeap []*entry

func (h alarmHeap) Len() int           { return len(h) }
func (h alarmHeap) Less(i, j int) bool { return h[i].deadline.Before(h[j].deadline) }

func (h alarmHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].alarm, h[j].alarm = i, j
}

func (h *alarmHeap) Push(v any) {
	e := v.(*entry)
	e.alarm = len(*h)
	*h = append(*h, e)
}

func (h *alarmHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return e
}
