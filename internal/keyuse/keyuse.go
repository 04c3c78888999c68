// Package keyuse remembers when each access key was last used, to the minute,
// also across restarts: an operator who wants to take a key away sees whether
// anybody still has it.
package keyuse

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/durable"
)

// grain is how exact a time is, and how often Run stores what is new.
const grain = time.Minute

// Book is when keys were last used. Its methods may be called from any goroutine.
type Book struct {
	path string
	now  func() time.Time

	mu    sync.Mutex
	last  map[string]int64 // key id: Unix seconds, whole minutes
	dirty bool
}

// Open reads what is known from a file, which need not be there. One that makes
// no sense counts as empty: it is good for looking at only. now may be nil.
func Open(path string, now func() time.Time) (*Book, error) {
	if now == nil {
		now = time.Now
	}
	b := &Book{path: path, now: now, last: map[string]int64{}}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return nil, err
	}
	if json.Unmarshal(raw, &b.last) != nil || b.last == nil {
		b.last = map[string]int64{}
	}
	return b, nil
}

// Used says that a key was used now. The caller has checked that it exists.
func (b *Book) Used(id string) {
	minute := b.now().Truncate(grain).Unix()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.last[id] != minute {
		b.last[id], b.dirty = minute, true
	}
}

// Part is when keys were last used at one node of a cluster.
type Part struct {
	Node string
	Last map[string]int64 // key id: Unix seconds
}

// Part returns what the book has, as that of a node.
func (b *Book) Part(node string) Part {
	b.mu.Lock()
	defer b.mu.Unlock()
	return Part{Node: node, Last: maps.Clone(b.last)}
}

// Latest returns when a key was last used at any of the nodes; zero when never.
func Latest(id string, parts []Part) time.Time {
	var last int64
	for _, p := range parts {
		last = max(last, p.Last[id])
	}
	if last <= 0 {
		return time.Time{}
	}
	return time.Unix(last, 0)
}

// Keep forgets all keys but these.
func (b *Book) Keep(ids []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := make(map[string]int64, len(ids))
	for _, id := range ids {
		if at := b.last[id]; at > 0 {
			kept[id] = at
		}
	}
	b.dirty = b.dirty || len(kept) < len(b.last)
	b.last = kept
}

// Store writes what is new to the file.
func (b *Book) Store() error {
	b.mu.Lock()
	if !b.dirty {
		b.mu.Unlock()
		return nil
	}
	raw, err := json.Marshal(b.last)
	b.dirty = false
	b.mu.Unlock()
	if err == nil {
		err = durable.WriteFile(b.path, raw)
	}
	if err != nil {
		b.mu.Lock()
		b.dirty = true
		b.mu.Unlock()
	}
	return err
}

// Run stores what is new each minute, and at the end; failed is told what could
// not be stored. It returns when stop is closed.
func (b *Book) Run(stop <-chan struct{}, failed func(error)) {
	tick := time.NewTicker(grain)
	defer tick.Stop()
	for done := false; !done; {
		select {
		case <-tick.C:
		case <-stop:
			done = true
		}
		if err := b.Store(); err != nil {
			failed(err)
		}
	}
}
