package ledger

import (
	"encoding/hex"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// write-corpus writes down what this version's messages look like. It is given
// once a version, into a folder of that version's name; what is there is never
// written over.
var writeCorpus = flag.String("write-corpus", "", "the version under whose name to add messages to the corpus")

const corpusDir = "testdata/corpus"

// samples are the messages that every version adds to the corpus.
func samples() map[string]message {
	at := time.Unix(1772600767, 123456789)
	return map[string]message{
		"entry":       {kind: kindEntry, nonce: 0x1122334455667788, time: at, before: 0xfedcba98, data: []byte("created")},
		"first entry": {kind: kindEntry, nonce: 1, time: at, data: []byte{}},
		"end":         {kind: kindEnd, nonce: 2, time: at, before: 7, expires: time.UnixMilli(1772602567000), data: []byte("ended")},
		"marker":      {kind: kindMarker, nonce: 3, time: at, data: []byte(`{"epoch":12,"node":"n1"}`)},
	}
}

func TestEveryVersionsMessagesAreRead(t *testing.T) {
	want := samples()
	if *writeCorpus != "" {
		dir := filepath.Join(corpusDir, *writeCorpus)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, m := range want {
			if err := os.WriteFile(filepath.Join(dir, name+".hex"), []byte(hex.EncodeToString(m.seal())+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(corpusDir, "*", "*.hex"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	for _, file := range files {
		text := must[[]byte](t)(os.ReadFile(file))
		raw := must[[]byte](t)(hex.DecodeString(strings.TrimSpace(string(text))))
		got, known, err := unseal(raw)
		if name := strings.TrimSuffix(filepath.Base(file), ".hex"); err != nil || !known || !reflect.DeepEqual(got, want[name]) {
			t.Errorf("%s is read as %+v, %t, %v", file, got, known, err)
		}
	}
}

// What the next version may add is passed over, unless it says that it must not
// be.
func TestTheNextVersionsMessagesAreRead(t *testing.T) {
	for name, m := range samples() {
		b := m.seal()
		size := int(b[1])
		grown := append(append(append([]byte{}, b[:size]...), "more"...), b[size:]...)
		grown[1] += 4
		got, known, err := unseal(grown)
		if err != nil || !known || !reflect.DeepEqual(got, m) {
			t.Errorf("%s with a longer head is read as %+v, %t, %v", name, got, known, err)
		}
	}
	b := samples()["entry"].seal()
	b[0] = 0x41
	if _, known, err := unseal(b); known || err != nil {
		t.Errorf("a kind that may be passed over: %t, %v", known, err)
	}
	b[0] |= mustKnow
	if _, _, err := unseal(b); !errors.Is(err, ErrNewer) {
		t.Errorf("a kind that must be known: %v", err)
	}
	if p, err := unsealMarker(9, message{kind: kindMarker, data: []byte(`{"epoch":1,"node":"n","more":[1,2]}`)}.seal()); err != nil || p.Epoch != 1 || p.Node != "n" {
		t.Errorf("a marker that says more: %+v, %v", p, err)
	}
}
