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
	layoutVersion = 2
	streamsDir    = "streams" // of the embedded server, alone
	clusterDir    = "cluster" // of the embedded server in a cluster

	// oneMachineStreams suits one machine: enough for several flushes side by
	// side, few enough to be created and recovered in no time.
	oneMachineStreams = 8

	// clusterStreams suits a cluster of three: its leaders can be spread, and
	// a replicated stream combines what waits into one flush by itself.
	clusterStreams = 4
)

// layout is what a data directory has to remember about itself. The numbers of
// slots and streams decide where a meeting is found, so they can never change.
type layout struct {
	Version  int    `json:"version"`
	Slots    int    `json:"slots"`
	Streams  int    `json:"streams"`
	KeyCheck string `json:"key_check,omitempty"`

	// Created is set once all streams exist. A stream that is missing later
	// was lost, and must not be silently replaced by an empty one.
	Created bool `json:"created"`

	// Shared says that the streams are those of a cluster, or of a server
	// that is not ours. Moving is set while the meetings of one machine are on
	// their way there: a random name of the move.
	Shared bool   `json:"shared,omitempty"`
	Moving string `json:"moving,omitempty"`
}

// moves tells whether the directory's meetings have to go where cfg says.
func (l layout) moves(cfg Config) bool { return l.Created && !l.Shared && !cfg.alone() }

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

// streamsIn returns the names of our streams that the embedded server keeps in
// dir, sorted.
func streamsIn(dir string) (names []string, err error) {
	for _, of := range []string{streamsDir, clusterDir} {
		found, err := filepath.Glob(filepath.Join(dir, of, "jetstream", "*", "streams", streamPrefix+"[0-9][0-9]"))
		if err != nil {
			return nil, err
		}
		for _, path := range found {
			names = append(names, filepath.Base(path))
		}
	}
	return names, nil
}

// loadLayout reads the layout of cfg.Dir, or writes a new one.
func loadLayout(cfg Config) (layout, error) {
	l, found, err := readLayout(cfg)
	if found || err != nil {
		return l, err
	}
	l = layout{Version: layoutVersion, Slots: meeting.Slots, Streams: cfg.Streams, KeyCheck: cfg.KeyCheck}
	return l, l.save(cfg.Dir)
}

// readLayout reads the layout of cfg.Dir; found tells whether there is one.
func readLayout(cfg Config) (l layout, found bool, err error) {
	there, err := streamsIn(cfg.Dir)
	if err != nil {
		return layout{}, false, fmt.Errorf("data directory: %w", err)
	}
	raw, err := os.ReadFile(filepath.Join(cfg.Dir, layoutName))
	if errors.Is(err, fs.ErrNotExist) {
		if len(there) > 0 {
			return layout{}, false, fmt.Errorf("%s is missing from the data directory, but the streams %s are there: restore it from a backup, or start with another directory", layoutName, strings.Join(there, ", "))
		}
		return layout{}, false, nil
	}
	if err != nil {
		return layout{}, false, fmt.Errorf("read layout: %w", err)
	}
	if err := json.Unmarshal(raw, &l); err != nil {
		return layout{}, false, fmt.Errorf("read layout %s: %w", layoutName, err)
	}
	return l, true, l.check(cfg, there)
}

// check refuses a layout that this program cannot serve, or that does not fit
// the streams that are there.
func (l layout) check(cfg Config, there []string) error {
	switch {
	case l.Version < layoutVersion:
		return fmt.Errorf("the data directory has layout version %d, from before the first release: its meetings cannot be taken over. "+
			"End them with the program that made them, or start with another directory (--data)", l.Version)
	case l.Version > layoutVersion:
		return fmt.Errorf("the data directory has layout version %d, this program knows %d: it needs a newer program", l.Version, layoutVersion)
	case l.Slots != meeting.Slots:
		return fmt.Errorf("layout %s: %d slots, this program has %d", layoutName, l.Slots, meeting.Slots)
	case l.Streams < 1 || l.Streams > meeting.Slots:
		return fmt.Errorf("layout %s: %d streams", layoutName, l.Streams)
	case l.Shared && cfg.alone():
		return errors.New("the data directory is that of a node of a cluster: start it with the cluster's flags, or start with another directory (--data)")
	case l.KeyCheck != "" && cfg.KeyCheck != "" && l.KeyCheck != cfg.KeyCheck:
		return ErrForeignKey
	case !l.Created:
		return nil
	}
	for _, name := range there {
		if !l.names(name) {
			return fmt.Errorf("layout %s says %d streams, but there is a stream %s: restore the file from a backup, or start with another directory", layoutName, l.Streams, name)
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

// streamOf returns the number of the stream that a slot lies in.
func (l layout) streamOf(slot int) int { return slot % l.Streams }

// streamName returns the name of a stream.
func (l layout) streamName(stream int) string { return fmt.Sprintf("%s%02d", streamPrefix, stream) }

// names tells whether one of the streams has the name.
func (l layout) names(stream string) bool {
	for i := range l.Streams {
		if l.streamName(i) == stream {
			return true
		}
	}
	return false
}
