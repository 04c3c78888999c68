// Package durable keeps files that are whole or absent, whatever happens: a
// crash or a power cut in the middle of a write leaves the old content or the
// new one, never half of either. It also holds the lock that lets one process
// at a time use a directory of such files.
package durable

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// WriteFile gives the file at path the content, readable by its user only: what
// root writes is its directory's user's, so that an operator's command as root
// leaves nothing that the server cannot read. When it returns nil, content and
// name are on the disk. Two writers of one path must not run at the same time.
func WriteFile(path string, content []byte) error {
	return WriteFrom(path, bytes.NewReader(content))
}

// Unfinished ends the name of a file that is being written. After a crash one may
// be left, of which nothing is promised.
const Unfinished = ".new"

// WriteFrom is WriteFile for content that need not be in memory.
func WriteFrom(path string, content io.Reader) error {
	next := path + Unfinished
	if err := writeSynced(next, content); err != nil {
		return errors.Join(err, removeIfThere(next))
	}
	if err := os.Rename(next, path); err != nil {
		return errors.Join(err, removeIfThere(next))
	}
	return SyncDir(filepath.Dir(path))
}

func writeSynced(path string, content io.Reader) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err = giveAway(f, filepath.Dir(path)); err == nil {
		_, err = io.Copy(f, content)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// giveAway makes a file of root's that of the user of its directory. Where root
// may not give files away, as in some containers, it stays root's.
func giveAway(f *os.File, dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if owner := info.Sys().(*syscall.Stat_t); owner.Uid != 0 {
		if err := f.Chown(int(owner.Uid), int(owner.Gid)); !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// SyncDir makes the names in dir durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	return nil
}

// SyncTree makes all names below root durable, for files that somebody else
// made who synced only their content. What that one removes meanwhile needs
// nothing.
func SyncTree(root string) error {
	if _, err := os.Stat(root); err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = SyncDir(path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
}
