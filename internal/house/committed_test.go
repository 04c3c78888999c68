package house

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// largestFile is the most bytes a committed file may have: twice what the
// largest of them has, a picture of the console or the generated wire format.
const largestFile = 300 << 10

// TestNothingBuiltIsCommitted is about what the index holds, not about what
// lies in the folder: a binary that "git add" took along stays in every clone.
func TestNothingBuiltIsCommitted(t *testing.T) {
	if _, err := os.Lstat(filepath.Join(root, ".git")); err != nil {
		t.Skip("not a checkout: nothing is committed here")
	}
	list := exec.CommandContext(t.Context(), "git", "ls-files", "-z")
	list.Dir = root
	names, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(names), "\x00"), "\x00") {
		info, err := os.Lstat(filepath.Join(root, name))
		if err != nil {
			continue // deleted in the folder, not yet in the index
		}
		if info.Size() > largestFile {
			t.Errorf("%s has %d bytes, at most %d are allowed: is it something that was built?", name, info.Size(), largestFile)
		}
	}
}
