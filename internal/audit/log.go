package audit

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carillon-meetings/carillon/internal/durable"
)

// Config says where the account is kept, and how much of it.
type Config struct {
	Dir  string // made when missing
	Node string // of a cluster; "" alone
	// Age and Bytes bound what is kept: a file whose last line is older goes, and
	// the oldest go when all are larger. At least one file stays.
	Age   time.Duration
	Bytes int64

	Now    func() time.Time // nil is time.Now
	Logger *slog.Logger     // nil discards
}

func (c Config) withDefaults() Config {
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

const (
	// parts is of how many files at least the account consists once it is full.
	parts = 16
	// partAge is for how long a file is written to.
	partAge = 24 * time.Hour
	// syncEvery is how much is lost with the power at most.
	syncEvery = time.Second
	// tidyEvery is how often it is looked for files that are too old.
	tidyEvery = time.Minute
)

// Log is the account. Its methods may be called from any goroutine.
type Log struct {
	cfg  Config
	lost atomic.Uint64

	mu     sync.Mutex
	file   *os.File // nil while it could not be opened
	seq    uint64   // of file
	size   int64
	born   time.Time       // when file was begun
	dirty  bool            // written to since it was synced
	broken bool            // the last write failed; said once
	spoilt map[uint64]bool // files of which was said that lines cannot be read

	stop chan struct{}
	done chan struct{}
}

// Open opens the account in a directory and goes on with its newest file.
func Open(cfg Config) (*Log, error) {
	l := &Log{cfg: cfg.withDefaults(), spoilt: map[uint64]bool{}, stop: make(chan struct{}), done: make(chan struct{})}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	files, err := l.files()
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	if len(files) > 0 {
		l.seq = files[len(files)-1]
	}
	if err := l.openLocked(max(l.seq, 1)); err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	go l.run()
	return l, nil
}

func (l *Log) path(seq uint64) string {
	return filepath.Join(l.cfg.Dir, fmt.Sprintf("audit-%010d.jsonl", seq))
}

// files returns the numbers of the files, oldest first.
func (l *Log) files() ([]uint64, error) {
	entries, err := os.ReadDir(l.cfg.Dir)
	if err != nil {
		return nil, err
	}
	var list []uint64
	for _, e := range entries {
		name, ok := strings.CutPrefix(e.Name(), "audit-")
		name, ends := strings.CutSuffix(name, ".jsonl")
		if seq, err := strconv.ParseUint(name, 10, 64); err == nil && ok && ends {
			list = append(list, seq)
		}
	}
	slices.Sort(list)
	return list, nil
}

// openLocked goes on with a file. A last line that was cut off stays by itself.
func (l *Log) openLocked(seq uint64) error {
	f, err := os.OpenFile(l.path(seq), os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	last := []byte{'\n'}
	if info.Size() > 0 {
		if _, err := f.ReadAt(last, info.Size()-1); err != nil && !errors.Is(err, io.EOF) {
			return errors.Join(err, f.Close())
		}
	}
	l.file, l.seq, l.size, l.born = f, seq, info.Size(), l.cfg.Now()
	if last[0] != '\n' {
		n, err := f.Write([]byte{'\n'})
		l.size += int64(n)
		return err
	}
	return durable.SyncDir(l.cfg.Dir)
}

// Write adds an entry, whose time and node it fills in. What cannot be written,
// for want of room, is counted and said in the server's log: whoever acts is not
// held up.
func (l *Log) Write(e Entry) {
	e.At, e.Node = l.cfg.Now().UTC(), l.cfg.Node
	e.shorten()
	line, err := json.Marshal(e)
	if err != nil {
		l.lost.Add(1)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err = l.addLocked(append(line, '\n')); err == nil {
		l.broken = false
		return
	}
	l.lost.Add(1)
	if !l.broken {
		l.cfg.Logger.Error("the audit cannot be written", "err", err)
	}
	l.broken = true
}

func (l *Log) addLocked(line []byte) error {
	full := l.size > 0 && (l.size+int64(len(line)) > l.cfg.Bytes/parts || l.cfg.Now().Sub(l.born) >= partAge)
	if l.file == nil || full {
		if err := l.nextLocked(); err != nil {
			return err
		}
	}
	n, err := l.file.Write(line)
	l.size += int64(n)
	l.dirty = true
	if err != nil && n > 0 { // the rest of the line is not to run into the next
		err = errors.Join(err, l.nextLocked())
	}
	return err
}

// nextLocked begins a new file and makes room for it.
func (l *Log) nextLocked() error {
	if l.file != nil {
		err := errors.Join(l.file.Sync(), l.file.Close())
		if l.file = nil; err != nil {
			return err
		}
	}
	if err := l.openLocked(l.seq + 1); err != nil {
		return err
	}
	return l.tidyLocked()
}

// tidyLocked removes files that are too old or too many; never the newest.
func (l *Log) tidyLocked() error {
	files, err := l.files()
	if err != nil {
		return err
	}
	var sizes int64
	for i, seq := range slices.Backward(files) {
		info, err := os.Stat(l.path(seq))
		if err != nil {
			return err
		}
		sizes += info.Size()
		old := l.cfg.Now().Sub(info.ModTime()) >= l.cfg.Age
		if i == len(files)-1 || !old && sizes <= l.cfg.Bytes-l.cfg.Bytes/parts {
			continue
		}
		if err := os.Remove(l.path(seq)); err != nil {
			return err
		}
	}
	return nil
}

// run syncs and tidies until Close.
func (l *Log) run() {
	defer close(l.done)
	syncs, tidies := time.NewTicker(syncEvery), time.NewTicker(tidyEvery)
	defer syncs.Stop()
	defer tidies.Stop()
	for {
		var err error
		select {
		case <-l.stop:
			return
		case <-syncs.C:
			err = l.sync()
		case <-tidies.C:
			l.mu.Lock()
			err = l.tidyLocked()
			l.mu.Unlock()
		}
		if err != nil {
			l.cfg.Logger.Error("the audit is not looked after", "err", err)
		}
	}
}

// sync makes what was written safe from a loss of power. Writers are not held up
// by it: a file that was closed meanwhile is safe already.
func (l *Log) sync() error {
	l.mu.Lock()
	file, dirty := l.file, l.dirty
	l.dirty = false
	l.mu.Unlock()
	if file == nil || !dirty {
		return nil
	}
	if err := file.Sync(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

// Lost returns how many entries could not be written.
func (l *Log) Lost() uint64 { return l.lost.Load() }

// Close ends the account. Nothing may be written afterwards.
func (l *Log) Close() error {
	close(l.stop)
	<-l.done
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	err := errors.Join(l.file.Sync(), l.file.Close())
	l.file = nil
	return err
}
