package keyuse

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// last is when a key was last used, as its only node tells.
func last(b *Book, id string) time.Time { return Latest(id, []Part{b.Part("")}) }

func open(t *testing.T, path string) *Book {
	t.Helper()
	b, err := Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestUseIsRememberedToTheMinute(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys-used.json")
	synctest.Test(t, func(t *testing.T) {
		b := open(t, path)
		if !last(b, "AKID").IsZero() {
			t.Error("a key was used before it was")
		}
		time.Sleep(90 * time.Second)
		b.Used("AKID")
		want := time.Now().Truncate(time.Minute)
		time.Sleep(10 * time.Second)
		b.Used("AKID")
		if got := last(b, "AKID"); !got.Equal(want) {
			t.Errorf("used at %v, want %v", got, want)
		}
		if err := b.Store(); err != nil {
			t.Fatal(err)
		}
		if again := open(t, path); !last(again, "AKID").Equal(want) {
			t.Errorf("after a restart: %v, want %v", last(again, "AKID"), want)
		}
	})
}

func TestKeysThatAreGoneAreForgotten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys-used.json")
	b := open(t, path)
	b.Used("AKID")
	b.Used("AKGONE")
	b.Keep([]string{"AKID", "AKNEW"})
	if last(b, "AKID").IsZero() || !last(b, "AKGONE").IsZero() || !last(b, "AKNEW").IsZero() {
		t.Error("the wrong keys are remembered")
	}
	if err := b.Store(); err != nil {
		t.Fatal(err)
	}
	if raw, err := os.ReadFile(path); err != nil || strings.Contains(string(raw), "AKGONE") {
		t.Errorf("%s, %v", raw, err)
	}
}

func TestWhatMakesNoSenseIsEmpty(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys-used.json")
	for _, content := range []string{"", "null", "[1]", `{"AKID":`, `{"AKID":"yesterday"}`} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		b := open(t, path)
		if b.Used("AKNEW"); !last(b, "AKID").IsZero() || last(b, "AKNEW").IsZero() {
			t.Errorf("%q", content)
		}
	}
	if _, err := Open(t.TempDir(), nil); err == nil {
		t.Error("a folder is read as a file")
	}
}

// What is new is stored each minute and at the end; a disk that takes nothing is
// tried again.
func TestRunStores(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := open(t, filepath.Join(dir, "away", "keys-used.json"))
		stop, failures := make(chan struct{}), 0
		done := make(chan struct{})
		go func() {
			defer close(done)
			b.Run(stop, func(error) { failures++ })
		}()
		time.Sleep(grain / 2)
		b.Used("AKID")
		time.Sleep(2 * grain)
		synctest.Wait()
		if failures != 2 {
			t.Errorf("%d failures, want 2", failures)
		}
		if err := os.Mkdir(filepath.Join(dir, "away"), 0o700); err != nil {
			t.Fatal(err)
		}
		close(stop)
		<-done
		if failures != 2 || last(open(t, b.path), "AKID").IsZero() {
			t.Errorf("not stored at the end; %d failures", failures)
		}
	})
}

func BenchmarkUsed(b *testing.B) {
	book, err := Open(filepath.Join(b.TempDir(), "keys-used.json"), nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		book.Used("AKIAEXAMPLE")
	}
}

// A key was used when it was used last at any node.
func TestTheLatestUseOfAllNodesCounts(t *testing.T) {
	parts := []Part{{Node: "a", Last: map[string]int64{"AKID": 60, "AKOLD": 120}}, {Node: "b", Last: map[string]int64{"AKID": 180}}, {Node: "c"}}
	for id, want := range map[string]int64{"AKID": 180, "AKOLD": 120} {
		if got := Latest(id, parts); got.Unix() != want {
			t.Errorf("%s: %v", id, got)
		}
	}
	if got := Latest("AKNEVER", parts); !got.IsZero() {
		t.Errorf("a key that nobody uses: %v", got)
	}
}
