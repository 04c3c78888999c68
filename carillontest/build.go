package carillontest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
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
	if out, err := exec.Command("go", "build", "-o", fresh, command).CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the server: %w\n%sSet %s to a binary, or have Go find the module: go get %s", err, out, binaryEnv, command)
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
