package operators

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// Secrets with what stands for them, at the least cost that is taken.
const (
	secretOfAlice = "a secret of alice"
	hashOfAlice   = "$2a$10$f9s2GN7j/SAeD/JfRE0JJunn71DvI62iKgzk0uiUCvMIovQCo3e0y"
	hashOfBob     = "$2a$10$SAJCoCqkRXQjunGl8/fQz.33vCgjKAGJhKSLc8T6ybS7qpk91ezdm"
)

func line(name, role, hash string) string {
	return "  - {name: \"" + name + "\", role: " + role + ", secret-hash: \"" + hash + "\"}\n"
}

func load(t *testing.T, text string) (*List, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "operators.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(file)
}

func TestWhatAFileMaySay(t *testing.T) {
	good := line("alice", "operator", hashOfAlice)
	for name, c := range map[string]struct{ text, says string }{
		"no YAML":              {"operators: [\n", "yaml"},
		"a secret alone":       {"operators: hunter2\n", "cannot unmarshal"},
		"unknown fields":       {"operators:\n  - {name: a, secret: x}\n", "secret"},
		"another part":         {"people: []\n", "people"},
		"no name":              {"operators:\n" + line("", "operator", hashOfAlice), "name"},
		"odd name":             {"operators:\n" + line("a b", "operator", hashOfAlice), `"a b"`},
		"long name":            {"operators:\n" + line(strings.Repeat("a", 65), "operator", hashOfAlice), "64"},
		"the server's own":     {"operators:\n" + line("operator", "operator", hashOfAlice), "operator secret of the server"},
		"unknown role":         {"operators:\n" + line("alice", "king", hashOfAlice), "king"},
		"no role":              {"operators:\n  - {name: alice, secret-hash: \"" + hashOfAlice + "\"}\n", "role"},
		"a secret in clear":    {"operators:\n" + line("alice", "operator", "hunter2 and more"), "no bcrypt hash"},
		"a cheap hash":         {"operators:\n" + line("alice", "operator", strings.Replace(hashOfAlice, "$10$", "$04$", 1)), "cost is 4"},
		"a hash cut off":       {"operators:\n" + line("alice", "operator", hashOfAlice[:len(hashOfAlice)-1]), "no bcrypt hash"},
		"a letter too many":    {"operators:\n" + line("alice", "operator", hashOfAlice+"x"), "no bcrypt hash"},
		"nothing":              {"", "it is empty"},
		"a comment alone":      {"# nobody yet\n", "it is empty"},
		"null":                 {"null\n", "it is empty"},
		"cut after its head":   {"operators:\n", "it is empty"},
		"two documents":        {"operators:\n" + good + "---\noperators:\n" + line("bob", "read-only", hashOfBob), "more than one YAML document"},
		"an expensive one":     {"operators:\n" + line("alice", "operator", strings.Replace(hashOfAlice, "$10$", "$20$", 1)), "cost is 20"},
		"somebody twice":       {"operators:\n" + good + good, "twice"},
		"two problems at once": {"operators:\n" + line("a b", "operator", hashOfAlice) + line("alice", "king", hashOfAlice), "operator 2"},
		"too many":             {"operators:\n" + strings.Repeat(good, maxOperators+1), "more than"},
	} {
		_, err := load(t, c.text)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error repeats the secret: %v", name, err)
		}
	}
	for text, n := range map[string]int{"operators: []\n": 0, "operators:\n" + good + line("bob", "read-only", hashOfBob): 2} {
		if list, err := load(t, text); err != nil || list.Len() != n {
			t.Errorf("%q: %v operators, %v", text, list.Len(), err)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none")); !os.IsNotExist(err) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestWhoMayDoWhat(t *testing.T) {
	list, err := load(t, "operators:\n"+line("alice", "operator", hashOfAlice)+line("bob", "read-only", hashOfBob))
	if err != nil {
		t.Fatal(err)
	}
	r := NewRoster("the server's secret", list, nil)
	for _, c := range []struct {
		name, secret string
		known        bool
		mayChange    bool
	}{
		{"", "the server's secret", true, true},
		{"operator", "the server's secret", true, true},
		{"operator", "the server's secre", false, false},
		{"alice", secretOfAlice, true, true},
		{"alice", "the server's secret", false, false},
		{"alice", "", false, false},
		{"alice", secretOfAlice + strings.Repeat("x", 80), false, false},
		{"bob", "a secret of bob", true, false},
		{"carol", secretOfAlice, false, false},
	} {
		who, known := r.Verify(t.Context(), c.name, c.secret)
		if known != c.known || known && who.MayChange() != c.mayChange {
			t.Errorf("%q with %q: %+v, %v", c.name, c.secret, who, known)
		}
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for range hashesAtOnce { // all turns are taken
		r.turns <- struct{}{}
	}
	if _, known := r.Verify(over, "alice", secretOfAlice); known {
		t.Error("somebody who has gone away was let in")
	}
}

// A standing holds until the file says something else of that person.
func TestStandings(t *testing.T) {
	lists := map[string]string{
		"same":           line("alice", "operator", hashOfAlice) + line("carol", "operator", hashOfBob),
		"gone":           line("bob", "read-only", hashOfBob),
		"another role":   line("alice", "read-only", hashOfAlice),
		"another secret": line("alice", "operator", hashOfBob),
	}
	r := NewRoster("the server's secret", nil, nil)
	if r.Several() {
		t.Error("one is several")
	}
	own, _ := r.Current(Name)
	for name, text := range lists {
		first, err := load(t, "operators:\n"+line("alice", "operator", hashOfAlice))
		if err != nil {
			t.Fatal(err)
		}
		r.SetList(first)
		alice, known := r.Current("alice")
		if !known || !r.Several() || !r.Holds(alice) {
			t.Fatalf("alice is %+v, %v", alice, known)
		}
		next, err := load(t, "operators:\n"+text)
		if err != nil {
			t.Fatal(err)
		}
		r.SetList(next)
		if r.Holds(alice) != (name == "same") || !r.Holds(own) {
			t.Errorf("%s: alice's standing holds: %v, the server's own: %v", name, r.Holds(alice), r.Holds(own))
		}
	}
	if NewRoster("another secret", nil, nil).Holds(own) {
		t.Error("a standing is good with another operator secret")
	}
}

func TestHashes(t *testing.T) {
	hash, err := Hash(secretOfAlice)
	if err != nil || bcrypt.CompareHashAndPassword([]byte(hash), []byte(secretOfAlice)) != nil {
		t.Fatalf("%q, %v", hash, err)
	}
	if _, err := load(t, "operators:\n"+line("alice", "operator", hash)); err != nil {
		t.Errorf("what Hash makes is not taken: %v", err)
	}
	for _, secret := range []string{"", "short", strings.Repeat("x", MaxSecret+1)} {
		if _, err := Hash(secret); err == nil {
			t.Errorf("a secret of %d bytes is taken", len(secret))
		}
	}
	// A name that nobody has takes as long as one that somebody has.
	if cost, err := bcrypt.Cost([]byte(NewRoster("x", nil, nil).nobody)); err != nil || cost != hashCost {
		t.Errorf("the hash for nobody: cost %d, %v", cost, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("operators:\n" + line("alice", "operator", hashOfAlice)))
	f.Add([]byte("operators: [1, {name: }]"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		list, err := parse(raw)
		if err != nil {
			return
		}
		for name, e := range list.byName {
			if name != e.Name || e.check() != nil {
				t.Errorf("%q is taken as %+v", name, e)
			}
		}
	})
}

// Who guesses has a few tries from an address and a few for a name; who was
// admitted from an address before is not kept out of it by others' tries.
func TestGuessesAreCounted(t *testing.T) {
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	r := NewRoster("the server's secret", nil, func() time.Time { return at })
	own, stranger := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.1")
	admit := func(from netip.Addr, secret string) error {
		_, err := r.Admit(t.Context(), from, "", secret)
		return err
	}
	tooMany := func(err error, ofName bool, wait time.Duration) {
		t.Helper()
		var many *TooMany
		if !errors.As(err, &many) || many.OfName != ofName || many.Wait != wait {
			t.Errorf("%v", err)
		}
	}
	if err := admit(own, "the server's secret"); err != nil {
		t.Fatal(err)
	}
	for range TriesBurst {
		if err := admit(stranger, "guess"); !errors.Is(err, ErrWrong) {
			t.Fatal(err)
		}
	}
	tooMany(admit(stranger, "the server's secret"), false, TriesEvery)
	at = at.Add(TriesEvery)
	if err := admit(stranger, "the server's secret"); err != nil {
		t.Errorf("after a wait: %v", err)
	}
	for i := range NameBurst { // the name's whole allowance, from addresses that each have theirs
		_ = admit(netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}), "guess")
	}
	tooMany(admit(netip.MustParseAddr("203.0.113.99"), "the server's secret"), true, NameEvery)
	if err := admit(own, "the server's secret"); err != nil {
		t.Errorf("from where the name was admitted before: %v", err)
	}
}
