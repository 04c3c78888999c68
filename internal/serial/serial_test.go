package serial

import (
	"slices"
	"sync"
	"testing"
)

func TestOrderIsKept(t *testing.T) {
	var running sync.WaitGroup
	q := New(&running)
	var got []int // touched by one function at a time, or the race detector says so
	for i := range 1000 {
		q.Push(func() { got = append(got, i) })
	}
	running.Wait()
	if len(got) != 1000 || !slices.IsSorted(got) {
		t.Errorf("%d functions run, in order: %v", len(got), slices.IsSorted(got))
	}
}

func TestAFunctionMayPush(t *testing.T) {
	var running sync.WaitGroup
	q := New(&running)
	ran := 0
	var again func()
	again = func() {
		if ran++; ran < 10 {
			q.Push(again)
		}
	}
	q.Push(again)
	running.Wait()
	if ran != 10 {
		t.Errorf("run %d times", ran)
	}
}

func TestPushDoesNotWait(t *testing.T) {
	var running sync.WaitGroup
	q := New(&running)
	release := make(chan struct{})
	q.Push(func() { <-release })
	done := false
	q.Push(func() { done = true })
	close(release)
	running.Wait()
	if !done {
		t.Error("what came second was not run")
	}
}

func TestClose(t *testing.T) {
	var running sync.WaitGroup
	q := New(&running)
	release := make(chan struct{})
	before, after := false, false
	q.Push(func() { <-release })
	q.Push(func() { before = true })
	q.Close()
	q.Push(func() { after = true })
	close(release)
	running.Wait()
	if !before || after {
		t.Errorf("run: pushed before the close %v, after it %v", before, after)
	}
}
