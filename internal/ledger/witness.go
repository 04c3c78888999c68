package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/carillon-meetings/carillon/internal/durable"
)

// ErrDamaged says that entries which were stored are not there any more, or
// not as they were written. Nothing was changed. Serving what is left could
// bring back what had been taken away, such as a removed attendee.
var ErrDamaged = errors.New("ledger: entries are damaged or missing")

const (
	witnessName    = "witness.json"
	witnessVersion = 1

	// witnessEvery is after how many acknowledged messages of a stream the
	// witness is written anew.
	witnessEvery = 256
)

// testimony is what the witness file holds.
type testimony struct {
	Version int                  `json:"version"`
	Clean   bool                 `json:"clean"` // the ledger was closed; Blocks are exact
	Stores  map[string]storeSeen `json:"stores"`
}

// storeSeen is what was seen of one stream.
type storeSeen struct {
	Last   uint64      `json:"last"`             // sequence, acknowledged
	Blocks []blockFile `json:"blocks,omitempty"` // when clean
}

// witness keeps a second, independent account of the streams in a file of its
// own: how far they had come, and after a clean stop exactly which blocks there
// are. What the checksums of the blocks cannot tell, that a block or the end of
// one is gone, shows when the two are compared.
type witness struct {
	dir  string // of the ledger
	from string // where the streams are
	wake chan struct{}
	done chan struct{} // closed when the writer has stopped

	mu      sync.Mutex
	last    map[string]uint64 // by stream, acknowledged; guarded by mu
	written map[string]uint64 // by stream, in the file; guarded by mu
	closed  bool              // guarded by mu
}

// examine compares the blocks in dir with the testimony and their checksums,
// and returns all damage. created tells whether there must be a testimony.
func examine(ctx context.Context, cfg Config, created bool) (damage []string, seen map[string]uint64, err error) {
	dir := cfg.Dir
	stores, err := blockStores(cfg.streams())
	if err != nil {
		return nil, nil, err
	}
	told, err := loadTestimony(dir)
	switch {
	case errors.Is(err, os.ErrNotExist) && created:
		damage = append(damage, witnessName+" is missing")
	case errors.Is(err, errTestimony) && created:
		damage = append(damage, err.Error())
	case err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, errTestimony):
		return nil, nil, err
	}
	how := crashed
	switch {
	case told.Clean:
		how = closed
	case !cfg.alone():
		how = crashedReplica
	}
	checked, err := checkAll(ctx, stores, how)
	if err != nil {
		return nil, nil, err
	}
	seen = map[string]uint64{}
	for i, s := range stores {
		damage = append(damage, checked[i].damage...)
		seen[s.name] = checked[i].last
		damage = append(damage, told.compare(s, checked[i].last)...)
		delete(told.Stores, s.name)
	}
	for name, s := range told.Stores {
		if s.Last > 0 || len(s.Blocks) > 0 {
			damage = append(damage, name+": its messages are missing")
		}
	}
	slices.Sort(damage)
	return damage, seen, nil
}

type checkedStore struct {
	last   uint64
	damage []string
}

// checkAll reads the blocks of all stores, as many at a time as there are
// processors.
func checkAll(ctx context.Context, stores []blockStore, how ending) ([]checkedStore, error) {
	found := make([]checkedStore, len(stores))
	errs := make([]error, len(stores))
	next := make(chan int, len(stores))
	for i := range stores {
		next <- i
	}
	close(next)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(stores)) {
		wg.Go(func() {
			for i := range next {
				if errs[i] = ctx.Err(); errs[i] == nil {
					found[i].last, found[i].damage, errs[i] = stores[i].check(how)
				}
			}
		})
	}
	wg.Wait()
	return found, errors.Join(errs...)
}

// compare returns what the testimony has and the store has not.
func (t testimony) compare(s blockStore, last uint64) (damage []string) {
	told := t.Stores[s.name]
	if last < told.Last {
		damage = append(damage, fmt.Sprintf("%s ends with message %d, but message %d was stored", s.name, last, told.Last))
	}
	if !t.Clean {
		return damage
	}
	for _, want := range told.Blocks {
		at := slices.IndexFunc(s.files, func(f blockFile) bool { return f.Name == want.Name })
		switch {
		case at < 0:
			damage = append(damage, fmt.Sprintf("%s, block %s is missing", s.name, want.Name))
		case s.files[at].Size != want.Size:
			damage = append(damage, fmt.Sprintf("%s, block %s has %d bytes instead of %d", s.name, want.Name, s.files[at].Size, want.Size))
		case s.files[at].Tail != want.Tail:
			damage = append(damage, fmt.Sprintf("%s, block %s ends with another record", s.name, want.Name))
		}
	}
	return damage
}

var errTestimony = errors.New(witnessName + " cannot be read")

func loadTestimony(dir string) (t testimony, err error) {
	raw, err := os.ReadFile(filepath.Join(dir, witnessName))
	if err != nil {
		return t, err
	}
	if err := json.Unmarshal(raw, &t); err != nil || t.Version != witnessVersion {
		return testimony{}, errTestimony
	}
	return t, nil
}

func (t testimony) save(dir string) error {
	t.Version = witnessVersion
	raw, err := json.Marshal(t)
	if err != nil {
		return err
	}
	if err := durable.WriteFile(filepath.Join(dir, witnessName), append(raw, '\n')); err != nil {
		return fmt.Errorf("write %s: %w", witnessName, err)
	}
	return nil
}

// dropIndexes removes what the server remembers of damaged blocks, so that it
// goes by the blocks alone.
func dropIndexes(streams string) error {
	stores, err := blockStores(streams)
	for _, s := range stores {
		if e := os.Remove(filepath.Join(s.dir, "index.db")); !errors.Is(e, os.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// damaged makes the error of a list of damage.
func damaged(list []string) error {
	const most = 5
	text := strings.Join(list[:min(most, len(list))], "; ")
	if len(list) > most {
		text += fmt.Sprintf("; and %d more", len(list)-most)
	}
	return fmt.Errorf("%w: %s", ErrDamaged, text)
}

// startWitness begins to keep account, from what was seen at the start. The
// testimony of a clean stop is withdrawn first: the server is about to change
// the blocks.
func startWitness(cfg Config, seen map[string]uint64, failed func(error)) (*witness, error) {
	w := &witness{dir: cfg.Dir, from: cfg.streams(), wake: make(chan struct{}, 1), done: make(chan struct{}), last: seen, written: map[string]uint64{}}
	if err := w.write(false, nil); err != nil {
		return nil, err
	}
	go w.run(failed)
	return w, nil
}

// acknowledged notes that the stream's message with the sequence is on the
// disk.
func (w *witness) acknowledged(stream string, seq uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last[stream] = max(w.last[stream], seq)
	if w.closed || w.last[stream] < w.written[stream]+witnessEvery {
		return
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// lastOf returns the last acknowledged sequence of a stream.
func (w *witness) lastOf(stream string) uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last[stream]
}

func (w *witness) run(failed func(error)) {
	defer close(w.done)
	for range w.wake {
		if err := w.write(false, nil); err != nil {
			failed(err)
		}
	}
}

// write brings the file up to date.
func (w *witness) write(clean bool, stores []blockStore) error {
	t := testimony{Clean: clean, Stores: map[string]storeSeen{}}
	w.mu.Lock()
	for name, seq := range w.last {
		t.Stores[name] = storeSeen{Last: seq}
		w.written[name] = seq
	}
	w.mu.Unlock()
	for _, s := range stores {
		t.Stores[s.name] = storeSeen{Last: t.Stores[s.name].Last, Blocks: s.files}
	}
	return t.save(w.dir)
}

// close stops the account. After a clean stop of the server it notes exactly
// what is there.
func (w *witness) close(clean bool) error {
	w.mu.Lock()
	already := w.closed
	w.closed = true
	if !already {
		close(w.wake)
	}
	w.mu.Unlock()
	<-w.done
	if already || !clean {
		return nil
	}
	return w.finish()
}

// finish notes exactly what is there, once nothing changes any more.
func (w *witness) finish() error {
	stores, err := blockStores(w.from)
	if err != nil {
		return err
	}
	return w.write(true, stores)
}
