package media

import "sync"

// dispatcher calls functions one after the other in a goroutine of its own, so
// that events leave the packet path and keep their order.
type dispatcher struct {
	mu     sync.Mutex
	queue  []func()
	closed bool
	wake   chan struct{}
	done   chan struct{}
}

func newDispatcher() *dispatcher {
	d := &dispatcher{wake: make(chan struct{}, 1), done: make(chan struct{})}
	go d.run()
	return d
}

// post appends a call; after close it does nothing.
func (d *dispatcher) post(fn func()) {
	d.mu.Lock()
	if !d.closed {
		d.queue = append(d.queue, fn)
	}
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *dispatcher) run() {
	defer close(d.done)
	for range d.wake {
		for {
			d.mu.Lock()
			batch := d.queue
			d.queue = nil
			closed := d.closed
			d.mu.Unlock()
			if len(batch) == 0 {
				if closed {
					return
				}
				break
			}
			for _, fn := range batch {
				fn()
			}
		}
	}
}

// close waits for the calls already posted.
func (d *dispatcher) close() {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default:
	}
	<-d.done
}
