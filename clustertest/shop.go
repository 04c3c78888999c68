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
	made  map[Build]func() (path string, err error) // guarded by mu; each compiles once
	dirs  []string                                  // guarded by mu; of programs
	hosts int                                       // guarded by mu; made so far
}

// NewShop returns an empty Shop.
func NewShop() *Shop { return &Shop{made: map[Build]func() (string, error){}} }

// Close removes what was built.
func (s *Shop) Close() (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, dir := range s.dirs {
		err = errors.Join(err, os.RemoveAll(dir))
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
	program := s.made[what]
	if program == nil {
		program = sync.OnceValues(func() (string, error) { return s.build(what) })
		s.made[what] = program
	}
	s.mu.Unlock()
	return program() // others do not wait for this one
}

// build compiles a server into a folder of its own.
func (s *Shop) build(what Build) (path string, err error) {
	dir, err := os.MkdirTemp("", "carillon-clustertest-")
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	s.dirs = append(s.dirs, dir)
	s.mu.Unlock()
	return compile(dir, what)
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
