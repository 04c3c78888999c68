//go:build linux

package ledger

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
)

// playFullStop: the disk is full when the ledger is closed, which is a stop in
// order all the same.
func playFullStop(dir string) error {
	cfg := Config{Dir: filepath.Join(dir, "ledger"), MinFree: 16 << 20}
	l, _, err := prepare(cfg, 4)
	if err != nil {
		return err
	}
	grown := func() error {
		if room, err := l.Space(); err != nil || room.Ballast != 32<<20 {
			return fmt.Errorf("ballast: %v, %w", room, err)
		}
		return nil
	}
	if err := until("ballast", grown); err != nil {
		return err
	}
	if err := (occupant{filepath.Join(dir, "other")}).fill(); err != nil {
		return err
	}
	if err := l.Close(); err != nil {
		return err
	}
	if told, err := loadTestimony(cfg.Dir); err != nil || !told.Clean {
		return fmt.Errorf("the stop was none in order: %w", err)
	}
	return nil
}

func TestAStopOnAFullDiskIsInOrder(t *testing.T) {
	onSmallDisk(t, 160<<20, nil, func(dir string, attr *syscall.SysProcAttr) { act(t, "full stop", dir, attr) })
}
