package carillontest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// binaryEnv names the environment variable that points at a binary. Settings of
// the server itself begin with CARILLON_, so this does not.
const binaryEnv = "TESTED_CARILLON"

// command is the import path of the server.
const command = "github.com/carillon-meetings/carillon/cmd/carillon"

// binary returns the path of the server's binary.
func binary(asked string) (string, error) {
	if asked == "" {
		asked = os.Getenv(binaryEnv)
	}
	if asked == "" {
		return built()
	}
	path, err := filepath.Abs(asked)
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		return "", fmt.Errorf("carillontest: the server's binary: %w", err)
	}
	return path, nil
}

// built returns the server that the module graph of the package under test
// makes, built once for each test process.
var built = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	path, err := build(filepath.Join(cache, "carillontest"))
	if err != nil {
		return "", fmt.Errorf("carillontest: %w", err)
	}
	return path, nil
})

// build builds the server into dir under a name that tells its content, so that
// test processes side by side do not disturb each other. It removes what was
// built for others long ago.
func build(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(dir, "build-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work) // empty by then, or of no use
	fresh := filepath.Join(work, "carillon")
	if err := seed(dir, fresh); err != nil {
		return "", err
	}
	if err := compile(work, fresh); err != nil {
		return "", err
	}
	sum, err := digest(fresh)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "carillon-"+sum)
	if err := os.Rename(fresh, path); err != nil {
		return "", err
	}
	return path, removeOld(dir)
}

// seed puts a copy of what was built last where the next one is to be built. Go
// looks whether that is up to date and then does not link it again, which takes
// ten times as long.
func seed(dir, fresh string) error {
	found, err := filepath.Glob(filepath.Join(dir, "carillon-*"))
	if err != nil {
		return err
	}
	var newest string
	var at time.Time
	for _, path := range found {
		if info, err := os.Stat(path); err == nil && info.ModTime().After(at) {
			newest, at = path, info.ModTime()
		}
	}
	if newest == "" {
		return nil
	}
	last, err := os.ReadFile(newest)
	if errors.Is(err, fs.ErrNotExist) { // another process found it old
		return nil
	}
	if err != nil {
		return err
	}
	return os.WriteFile(fresh, last, 0o700)
}

// compile builds the server. A module that uses this package has no need of the
// server's own dependencies, so its go.sum may lack them: then Go completes a copy
// of it in work, and leaves the module's own files alone.
func compile(work, into string) error {
	if exec.Command("go", "build", "-o", into, command).Run() == nil {
		return nil
	}
	found, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return err
	}
	mod := strings.TrimSpace(string(found))
	copied := filepath.Join(work, "go.mod")
	for _, file := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join(filepath.Dir(mod), file))
		if err == nil {
			err = os.WriteFile(filepath.Join(work, file), content, 0o600)
		}
		if err != nil {
			return fmt.Errorf("the module of the test: %w", err)
		}
	}
	cmd := exec.Command("go", "build", "-mod=mod", "-modfile="+copied, "-o", into, command)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the server: %w\n%sSet %s to a binary, or run: go get -tool %s", err, out, binaryEnv, command)
	}
	return nil
}

func digest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}

// keep is how long a binary stays that nobody builds again.
const keep = 7 * 24 * time.Hour

func removeOld(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > keep {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// BinaryPath returns the path of the server's binary, for a test of something that
// starts the server itself.
func BinaryPath(tb testing.TB) string {
	tb.Helper()
	path, err := binary("")
	if err != nil {
		tb.Fatal(err)
	}
	return path
}
