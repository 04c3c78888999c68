package signal

import "sync"

// line runs functions one after the other, in the order given, on a goroutine
// that exists only while there is something to run. It is what lets a lock
// holder hand over work that may block.
type line struct {
	running *sync.WaitGroup // counts the goroutine

	mu      sync.Mutex
	waiting []func()
	busy    bool
}

// push appends fn. It never blocks.
func (l *line) push(fn func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, fn)
	if !l.busy {
		l.busy = true
		l.running.Go(l.run)
	}
}

// run works off the line until it is empty.
func (l *line) run() {
	for {
		l.mu.Lock()
		batch := l.waiting
		l.waiting = nil
		if len(batch) == 0 {
			l.busy = false
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		for _, fn := range batch {
			fn()
		}
	}
}
