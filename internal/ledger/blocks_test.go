package ledger

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// A server that ends looks at its blocks while the embedded one may still clear
// away a group of Raft that it has left.
func TestFoldersOfBlocksMayVanishMeanwhile(t *testing.T) {
	root := t.TempDir()
	stays, goes := filepath.Join(root, "MT00", "msgs"), filepath.Join(root, "_js_", "S-R3F-gone")
	for _, dir := range []string{stays, goes} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	end := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-end:
				return
			default:
			}
			msgs := filepath.Join(goes, "msgs")
			err := os.MkdirAll(msgs, 0o700)
			if err == nil {
				err = os.WriteFile(filepath.Join(msgs, "1.blk"), nil, 0o600)
			}
			if err == nil {
				err = os.RemoveAll(goes)
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 500 {
		stores, err := blockStores(root)
		if err != nil {
			t.Fatal(err)
		}
		if len(stores) == 0 || stores[0].dir != stays {
			t.Fatalf("found %v", stores)
		}
	}
	close(end)
	wg.Wait()
	if stores, err := blockStores(filepath.Join(root, "nothing yet")); err != nil || len(stores) != 0 {
		t.Errorf("an empty directory: %v, %v", stores, err)
	}
}
