package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/carillon-meetings/carillon/internal/durable"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

const (
	layoutName    = "ledger.json"
	streamsDir    = "streams" // of the embedded server
	layoutVersion = 1

	// DefaultShards suits one machine: enough for several flushes side by
	// side, few enough to be created and recovered in no time.
	DefaultShards = 8
	maxShards     = 100 // two digits in the name of a stream
)

// layout is what a data directory has to remember about itself. The number of
// shards decides where a meeting is found, so it can never change.
type layout struct {
	Version  int    `json:"version"`
	Shards   int    `json:"shards"`
	KeyCheck string `json:"key_check,omitempty"`

	// Created is set once all streams exist. A stream that is missing later
	// was lost, and must not be silently replaced by an empty one.
	Created bool `json:"created"`
}

// Exists reports whether dir holds a ledger, and with it entries that were
// written under some key.
func Exists(dir string) (bool, error) {
	_, err := os.Stat(filepath.Join(dir, layoutName))
	if errors.Is(err, fs.ErrNotExist) {
		streams, err := streamsIn(dir)
		return len(streams) > 0, err
	}
	return err == nil, err
}

// streamsIn returns the names of the streams that the embedded server keeps in
// dir, sorted.
func streamsIn(dir string) (names []string, err error) {
	found, err := filepath.Glob(filepath.Join(dir, streamsDir, "jetstream", "*", "streams", "*"))
	for _, path := range found {
		names = append(names, filepath.Base(path))
	}
	return names, err
}

// loadLayout reads the layout of cfg.Dir, or writes a new one.
func loadLayout(cfg Config) (layout, error) {
	there, err := streamsIn(cfg.Dir)
	if err != nil {
		return layout{}, fmt.Errorf("data directory: %w", err)
	}
	raw, err := os.ReadFile(filepath.Join(cfg.Dir, layoutName))
	if errors.Is(err, fs.ErrNotExist) {
		if len(there) > 0 {
			return layout{}, fmt.Errorf("%s is missing from the data directory, but the streams %s are there: restore it from a backup, or start with another directory", layoutName, strings.Join(there, ", "))
		}
		l := layout{Version: layoutVersion, Shards: cfg.Shards, KeyCheck: cfg.KeyCheck}
		return l, l.save(cfg.Dir)
	}
	if err != nil {
		return layout{}, fmt.Errorf("read layout: %w", err)
	}
	var l layout
	if err := json.Unmarshal(raw, &l); err != nil {
		return layout{}, fmt.Errorf("read layout %s: %w", layoutName, err)
	}
	return l, l.check(cfg, there)
}

// check refuses a layout that this program cannot serve, or that does not fit
// the streams that are there.
func (l layout) check(cfg Config, there []string) error {
	switch {
	case l.Version != layoutVersion:
		return fmt.Errorf("data directory has layout version %d; this program knows %d", l.Version, layoutVersion)
	case l.Shards < 1 || l.Shards > maxShards:
		return fmt.Errorf("layout %s: %d shards", layoutName, l.Shards)
	case l.KeyCheck != "" && cfg.KeyCheck != "" && l.KeyCheck != cfg.KeyCheck:
		return ErrForeignKey
	case !l.Created:
		return nil
	}
	for _, name := range there {
		if !l.names(name) {
			return fmt.Errorf("layout %s says %d shards, but there is a stream %s: restore the file from a backup, or start with another directory", layoutName, l.Shards, name)
		}
	}
	return nil
}

// save writes the layout so that a power cut leaves either the old or the new
// one.
func (l layout) save(dir string) error {
	raw, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("write layout: %w", err)
	}
	if err := durable.WriteFile(filepath.Join(dir, layoutName), append(raw, '\n')); err != nil {
		return fmt.Errorf("write layout: %w", err)
	}
	return nil
}

// shardOf returns where a meeting lives: FNV-1a of its id. It is part of the
// layout and must give the same answer for ever.
func (l layout) shardOf(id meeting.ID) int {
	const offset, prime = 2166136261, 16777619
	h := uint32(offset)
	for _, b := range id {
		h = (h ^ uint32(b)) * prime
	}
	return int(h % uint32(l.Shards))
}
