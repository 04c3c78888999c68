package clustertest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// Build says which server the nodes run.
type Build struct {
	// Tags are build tags, such as unfenced.
	Tags string
	// Next builds it as a version after this one, see nextVersion.
	Next bool
}

// Shop builds servers for a package's tests and numbers their hosts. Its methods
// may be called by tests that run side by side. Make one for a process, and have
// it closed at the end.
type Shop struct {
	mu    sync.Mutex
	made  map[Build]string // guarded by mu; the paths of programs
	hosts int              // guarded by mu; made so far
}

// NewShop returns an empty Shop.
func NewShop() *Shop { return &Shop{made: map[Build]string{}} }

// Close removes what was built.
func (s *Shop) Close() (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, path := range s.made {
		err = errors.Join(err, os.RemoveAll(filepath.Dir(path)))
	}
	return err
}

// nextHost returns the number of another host. None is given twice: those who
// knew the former one would go on looking for it.
func (s *Shop) nextHost() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hosts++
	return s.hosts
}

// Program returns the path of a server, which it compiles when it is asked for
// it first. TESTED_CARILLON names another one for the zero Build.
func (s *Shop) Program(what Build) (string, error) {
	if path := os.Getenv("TESTED_CARILLON"); path != "" && what == (Build{}) {
		return filepath.Abs(path)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if path := s.made[what]; path != "" {
		return path, nil
	}
	dir, err := os.MkdirTemp("", "carillon-clustertest-")
	if err != nil {
		return "", err
	}
	path, err := compile(dir, what)
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	s.made[what] = path
	return path, nil
}

// program is Program for a test.
func (s *Shop) program(tb testing.TB, what Build) string {
	tb.Helper()
	path, err := s.Program(what)
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// compile builds the server in a folder and returns its path.
func compile(dir string, what Build) (path string, err error) {
	path = filepath.Join(dir, "carillon")
	args := []string{"build", "-o", path, "-tags", what.Tags}
	if what.Next {
		overlay, err := nextVersion().overlay(root(), dir)
		if err != nil {
			return "", err
		}
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.Command("go", append(args, "./cmd/carillon")...)
	cmd.Dir = root()
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the server: %w\n%s", err, out)
	}
	return path, nil
}

// root returns the repository's root folder.
func root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(file))
}
