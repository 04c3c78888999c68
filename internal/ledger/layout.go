package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

const (
	layoutName    = "ledger.json"
	layoutVersion = 1

	// DefaultShards suits one machine: enough for several flushes side by
	// side, few enough to be created and recovered in no time.
	DefaultShards = 8
	maxShards     = 100 // two digits in the name of a stream
)

// layout is what a data directory has to remember about itself. The number of
// shards decides where a meeting is found, so it can never change.
type layout struct {
	Version int `json:"version"`
	Shards  int `json:"shards"`

	// Created is set once all streams exist. A stream that is missing later
	// was lost, and must not be silently replaced by an empty one.
	Created bool `json:"created"`
}

// loadLayout reads the layout of dir, or writes a new one with the given
// number of shards.
func loadLayout(dir string, shards int) (layout, error) {
	raw, err := os.ReadFile(filepath.Join(dir, layoutName))
	if errors.Is(err, fs.ErrNotExist) {
		l := layout{Version: layoutVersion, Shards: shards}
		return l, l.save(dir)
	}
	if err != nil {
		return layout{}, fmt.Errorf("read layout: %w", err)
	}
	var l layout
	if err := json.Unmarshal(raw, &l); err != nil {
		return layout{}, fmt.Errorf("read layout %s: %w", layoutName, err)
	}
	if l.Version != layoutVersion {
		return layout{}, fmt.Errorf("data directory has layout version %d; this program knows %d", l.Version, layoutVersion)
	}
	if l.Shards < 1 || l.Shards > maxShards {
		return layout{}, fmt.Errorf("layout %s: %d shards", layoutName, l.Shards)
	}
	return l, nil
}

// save writes the layout so that a power cut leaves either the old or the new
// one.
func (l layout) save(dir string) error {
	raw, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("write layout: %w", err)
	}
	path := filepath.Join(dir, layoutName)
	if err := writeSynced(path+".new", append(raw, '\n')); err != nil {
		return fmt.Errorf("write layout: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write layout: %w", err)
	}
	return syncDir(dir)
}

func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncDir makes the names in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	return nil
}

// syncTree makes all names below root durable. The embedded server syncs the
// files it writes but not the directories it makes.
func syncTree(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return syncDir(path)
	})
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
