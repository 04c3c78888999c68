package clustertest

import (
	"cmp"
	"slices"
	"sync"
	"testing"
)

// clusters is how many tests have nodes at work at the same time, however few
// processors there are: they mostly wait, for those who were killed and for
// elections.
const clusters = 3

// lanes lets that many tests work, those that take longest first: a long one that
// began last would have the others' processors to itself in the end.
type lanes struct {
	mu      sync.Mutex
	free    int     // guarded by mu
	waiting []*turn // guarded by mu
}

// turn is a test's place in the queue.
type turn struct {
	seconds int
	begin   chan struct{}
}

func newLanes() *lanes { return &lanes{free: clusters} }

// queue is that of all tests.
var queue = sync.OnceValue(newLanes)

// alongside has the test run beside others; seconds is about how long it takes on
// two processors that do other things too.
func alongside(t *testing.T, seconds int) {
	t.Helper()
	l := queue()
	turn := l.join(seconds)
	t.Parallel() // until the last test of the run has joined
	t.Cleanup(l.leave)
	l.next()
	<-turn.begin
}

func (l *lanes) join(seconds int) *turn {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := &turn{seconds, make(chan struct{})}
	l.waiting = append(l.waiting, t)
	slices.SortStableFunc(l.waiting, func(a, b *turn) int { return cmp.Compare(b.seconds, a.seconds) })
	return t
}

// next lets tests begin for which there is room.
func (l *lanes) next() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.free > 0 && len(l.waiting) > 0 {
		l.free--
		close(l.waiting[0].begin)
		l.waiting = l.waiting[1:]
	}
}

func (l *lanes) leave() {
	l.mu.Lock()
	l.free++
	l.mu.Unlock()
	l.next()
}

func TestTheLongestTestsBeginFirst(t *testing.T) {
	l := newLanes()
	var turns []*turn
	for i := range 2 * clusters {
		turns = append(turns, l.join(i))
	}
	begun := func() (list []int) {
		for _, turn := range turns {
			select {
			case <-turn.begin:
				list = append(list, turn.seconds)
			default:
			}
		}
		return list
	}
	if l.next(); !slices.Equal(begun(), []int{3, 4, 5}) {
		t.Errorf("at first %v", begun())
	}
	if l.leave(); !slices.Equal(begun(), []int{2, 3, 4, 5}) {
		t.Errorf("when one has ended %v", begun())
	}
}
