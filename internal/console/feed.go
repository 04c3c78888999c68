package console

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"
)

// state is what a feed shows: tables of JSON objects, each under a key. Every
// object repeats its key as "id".
type state map[string]map[string]json.RawMessage

// tableOf returns the rows of a state's table by their keys; of two with the same
// key the last one.
func tableOf[T any](list []T, key func(*T) string) (map[string]json.RawMessage, error) {
	table := make(map[string]json.RawMessage, len(list))
	for i := range list {
		encoded, err := json.Marshal(&list[i])
		if err != nil {
			return nil, err
		}
		table[key(&list[i])] = encoded
	}
	return table, nil
}

// reading is one look at a source.
type reading struct {
	state  state
	sample any // sent to viewers as it is and not kept; nil for none
}

// source reads the present state of something. Its read is called by one
// goroutine.
type source interface {
	read(ctx context.Context) (reading, error)
}

// feeds are the sources somebody looks at now. Viewers of the same thing share
// one feed, so that a second operator costs no second reading.
type feeds struct {
	mu   sync.Mutex
	open map[string]*feed
}

// feed reads its source again and again and tells its viewers what changed. It
// runs while it has viewers.
type feed struct {
	source source
	every  time.Duration
	now    func() time.Time
	nudge  chan struct{} // asks for a reading now
	stop   context.CancelFunc

	mu      sync.Mutex
	last    state // nil before the first good reading
	viewers map[*viewer]struct{}
}

// viewer is one open event stream. When it does not keep up, its backlog is
// dropped and it gets the whole state again.
type viewer struct {
	events chan []byte // whole server-sent events
	behind bool        // needs the whole state; guarded by feed.mu
}

// viewerBacklog is how many events may wait for a slow viewer.
const viewerBacklog = 16

// look joins the feed with the name, opening it with open if nobody looks at it
// yet. The caller must call leave.
func (c *Console) look(name string, open func() source) (v *viewer, leave func()) {
	c.feeds.mu.Lock()
	defer c.feeds.mu.Unlock()
	f, ok := c.feeds.open[name]
	if !ok {
		ctx, stop := context.WithCancel(c.ctx)
		f = &feed{
			source: open(), every: c.cfg.Refresh, now: c.cfg.Now,
			nudge: make(chan struct{}, 1), stop: stop, viewers: make(map[*viewer]struct{}),
		}
		c.feeds.open[name] = f
		c.wg.Go(func() { f.run(ctx) })
	}
	v = f.join()
	return v, func() {
		c.feeds.mu.Lock()
		defer c.feeds.mu.Unlock()
		if f.leave(v) == 0 && c.feeds.open[name] == f {
			delete(c.feeds.open, name)
			f.stop()
		}
	}
}

// refresh makes the named feeds read their sources now, so that an operator
// sees at once what an action did.
func (c *Console) refresh(names ...string) {
	c.feeds.mu.Lock()
	defer c.feeds.mu.Unlock()
	for _, name := range names {
		if f, ok := c.feeds.open[name]; ok {
			select {
			case f.nudge <- struct{}{}:
			default:
			}
		}
	}
}

func (f *feed) join() *viewer {
	f.mu.Lock()
	defer f.mu.Unlock()
	v := &viewer{events: make(chan []byte, viewerBacklog), behind: true}
	f.viewers[v] = struct{}{}
	if f.last != nil {
		v.offer(snapshotEvent(f.last))
		v.behind = false
	}
	return v
}

func (f *feed) leave(v *viewer) (left int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.viewers, v)
	return len(f.viewers)
}

func (f *feed) run(ctx context.Context) {
	tick := time.NewTicker(f.every)
	defer tick.Stop()
	for {
		got, err := f.source.read(ctx)
		if ctx.Err() != nil {
			return
		}
		f.publish(got, err)
		select {
		case <-tick.C:
		case <-f.nudge:
		case <-ctx.Done():
			return
		}
	}
}

// beat ends what is told of every reading, good or bad. It is how a page knows
// that what it shows is of now: a frozen server keeps the connection open.
type beat struct {
	At    int64  `json:"at"`              // Unix ms
	Every int64  `json:"every"`           // ms until the next one is due
	Fault string `json:"fault,omitempty"` // why the reading failed, as a sentence; what was shown before is out of date
}

// publish tells the viewers what differs from the last reading.
func (f *feed) publish(got reading, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := beat{At: f.now().UnixMilli(), Every: f.every.Milliseconds()}
	if err != nil {
		b.Fault = err.Error()
	} else {
		f.tellLocked(got)
	}
	e := event("beat", b)
	for v := range f.viewers {
		if !v.behind || err != nil { // who waits for the whole state sees nothing of now
			v.offer(e)
		}
	}
}

// tellLocked tells what a good reading has brought.
func (f *feed) tellLocked(got reading) {
	if changes := difference(f.last, got.state); changes != nil && f.last != nil {
		f.toAllLocked(event("delta", changes))
	}
	f.last = got.state
	if got.sample != nil {
		f.toAllLocked(event("sample", got.sample))
	}
	f.catchUpLocked()
}

// toAllLocked offers an event to everybody who is up to date.
func (f *feed) toAllLocked(e []byte) {
	for v := range f.viewers {
		if !v.behind && !v.offer(e) {
			v.behind = true
		}
	}
}

// catchUpLocked sends the whole state to new viewers and to those who fell
// behind and have read what they had.
func (f *feed) catchUpLocked() {
	var whole []byte
	for v := range f.viewers {
		if !v.behind || len(v.events) > 0 {
			continue
		}
		if whole == nil {
			whole = snapshotEvent(f.last)
		}
		v.behind = !v.offer(whole)
	}
}

func (v *viewer) offer(e []byte) bool {
	select {
	case v.events <- e:
		return true
	default:
		return false
	}
}

// delta is what changed between two states.
type delta struct {
	Set  map[string][]json.RawMessage `json:"set,omitempty"`
	Gone map[string][]string          `json:"gone,omitempty"`
}

// difference returns what leads from one state to the next, or nil when they
// are the same. It is in the order of keys, so that it can be tested.
func difference(from, to state) *delta {
	d := delta{Set: map[string][]json.RawMessage{}, Gone: map[string][]string{}}
	for table, rows := range to {
		for _, key := range slices.Sorted(maps.Keys(rows)) {
			if !bytes.Equal(from[table][key], rows[key]) {
				d.Set[table] = append(d.Set[table], rows[key])
			}
		}
	}
	for table, rows := range from {
		for _, key := range slices.Sorted(maps.Keys(rows)) {
			if _, still := to[table][key]; !still {
				d.Gone[table] = append(d.Gone[table], key)
			}
		}
	}
	if len(d.Set) == 0 && len(d.Gone) == 0 {
		return nil
	}
	return &d
}

func snapshotEvent(s state) []byte {
	tables := make(map[string][]json.RawMessage, len(s))
	for table, rows := range s {
		list := make([]json.RawMessage, 0, len(rows))
		for _, key := range slices.Sorted(maps.Keys(rows)) {
			list = append(list, rows[key])
		}
		tables[table] = list
	}
	return event("snapshot", tables)
}

// event encodes one server-sent event. JSON has no line breaks, so that one
// data line always suffices.
func event(name string, v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		body = []byte("null") // cannot happen: every v is made of plain values
	}
	return slices.Concat([]byte("event: "+name+"\ndata: "), body, []byte("\n\n"))
}
