package durable_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/carillon-meetings/carillon/internal/durable"
)

func TestAFileIsReplacedAsAWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for _, content := range []string{"a first content that is long", "short", ""} {
		if err := durable.WriteFile(path, []byte(content)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != content {
			t.Errorf("read %q, %v, wrote %q", got, err, content)
		}
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 1 {
		t.Errorf("left in the directory: %v, %v", names, err)
	}
}

// What root writes into the directory of a server that runs as somebody else is
// the server's, first and when it is replaced.
func TestRootLeavesFilesToTheUserOfTheDirectory(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can write for others")
	}
	const user, group = 65532, 65531
	theirs, own := t.TempDir(), t.TempDir()
	if err := os.Chown(theirs, user, group); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for dir, want := range map[string][2]uint32{theirs: {user, group}, own: {0, 0}} {
			path := filepath.Join(dir, "file")
			if err := durable.WriteFile(path, []byte("content")); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if have := info.Sys().(*syscall.Stat_t); have.Uid != want[0] || have.Gid != want[1] || info.Mode().Perm() != 0o600 {
				t.Errorf("%d:%d %v, want %v 600", have.Uid, have.Gid, info.Mode().Perm(), want)
			}
		}
	}
}

// A container's root may have no right to give files away: it writes its own.
func TestARootThatMayNotGiveFilesAwayWrites(t *testing.T) {
	const inside = "DURABLE_TEST_DIRECTORY"
	if dir := os.Getenv(inside); dir != "" {
		if err := durable.WriteFile(filepath.Join(dir, "file"), []byte("content")); err != nil {
			t.Error(err)
		}
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can write for others")
	}
	dir := t.TempDir()
	if err := os.Chown(dir, 65532, 65532); err != nil {
		t.Fatal(err)
	}
	again := exec.CommandContext(t.Context(), "setpriv", "--bounding-set", "-chown", os.Args[0], "-test.run", "^"+t.Name()+"$")
	again.Env = append(os.Environ(), inside+"="+dir)
	if out, err := again.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if content, err := os.ReadFile(filepath.Join(dir, "file")); string(content) != "content" {
		t.Errorf("%q, %v", content, err)
	}
}

// What cannot be written leaves the old file as it was, and nothing else.
func TestAFailedWriteLeavesTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.MkdirAll(filepath.Join(path, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := durable.WriteFile(path, []byte("new")); err == nil {
		t.Error("a directory was replaced by a file")
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 1 || !names[0].IsDir() {
		t.Errorf("left in the directory: %v, %v", names, err)
	}
	if err := durable.WriteFile(filepath.Join(dir, "nowhere", "file"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("in a missing directory: %v", err)
	}
}

func TestSyncTreeReachesEverything(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := durable.SyncTree(dir); err != nil {
		t.Error(err)
	}
	if err := durable.SyncTree(filepath.Join(dir, "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing tree: %v", err)
	}
}

func TestADirectoryHasOneOwner(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "when missing")
	lock, err := durable.Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := durable.Lock(dir); !errors.Is(err, durable.ErrLocked) {
		t.Errorf("second lock: %v, want ErrLocked", err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := durable.Lock(dir)
	if err != nil {
		t.Fatalf("after the release: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := durable.Lock(file); err == nil {
		t.Error("a file was locked as a directory")
	}
}

func TestCheckMakesNothing(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	fresh := filepath.Join(dir, "not", "yet", "there")
	linked, nowhere := filepath.Join(dir, "linked"), filepath.Join(dir, "nowhere")
	for link, to := range map[string]string{linked: dir, nowhere: filepath.Join(dir, "not mounted")} {
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}
	for path, ok := range map[string]bool{
		dir: true, fresh: true, file: false, filepath.Join(file, "below"): false,
		linked: true, filepath.Join(linked, "below"): true, nowhere: false, filepath.Join(nowhere, "below"): false,
	} {
		if err := durable.Check(path); (err == nil) != ok {
			t.Errorf("%s: %v", path, err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Errorf("it left something: %v, %v", entries, err)
	}
	if _, err := os.Stat(filepath.Dir(filepath.Dir(fresh))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it made something: %v", err)
	}
	lock, err := durable.Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := durable.Check(dir); err != nil {
		t.Errorf("while it is locked: %v", err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
}
