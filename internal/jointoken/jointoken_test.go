package jointoken

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"regexp"
	"strings"
	"sync"
	"testing"
)

func newKey(t testing.TB, fill byte) Key {
	t.Helper()
	k, err := NewKey(bytes.Repeat([]byte{fill}, MinSecret))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func randomID() (id [16]byte) {
	_, _ = rand.Read(id[:])
	return id
}

func TestTokenHasTheFormClientsExpect(t *testing.T) {
	k := newKey(t, 1)
	alphanumeric := regexp.MustCompile(`^[A-Za-z0-9]{98}$`)
	inner := regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	for range 500 {
		token := k.Mint(randomID(), randomID())
		if !alphanumeric.MatchString(token) {
			t.Fatalf("token %q is not 98 letters and digits", token)
		}
		plain, err := base64.RawStdEncoding.DecodeString(token)
		if err != nil || !inner.Match(plain) {
			t.Fatalf("token holds %q (%v)", plain, err)
		}
	}
}

func TestVerifyAcceptsOnlyTheMintedToken(t *testing.T) {
	k, meeting, attendee := newKey(t, 1), randomID(), randomID()
	token := k.Mint(meeting, attendee)
	if got, ok := k.Verify(meeting, token); !ok || got != attendee {
		t.Fatalf("the minted token was refused (%x, %v)", got, ok)
	}
	other := k.Mint(meeting, randomID())
	wrong := map[string]string{
		"empty":              "",
		"short":              token[:Size-1],
		"long":               token + "A",
		"content suffix":     token + "#content",
		"other attendee":     other[:49] + token[49:],
		"other secret":       token[:49] + other[49:],
		"not base64":         strings.Repeat("#", Size),
		"last bits changed":  token[:Size-1] + string(token[Size-1]+1),
		"other letter case":  strings.ToLower(token),
		"trailing line feed": token[:Size-1] + "\n",
	}
	for name, w := range wrong {
		if got, ok := k.Verify(meeting, w); ok || got != ([16]byte{}) {
			t.Errorf("%s: accepted as %x", name, got)
		}
	}
	if _, ok := k.Verify(randomID(), token); ok {
		t.Error("accepted in another meeting")
	}
	if _, ok := newKey(t, 2).Verify(meeting, token); ok {
		t.Error("accepted under another key")
	}
}

func TestMintAllEqualsMint(t *testing.T) {
	k, meeting := newKey(t, 1), randomID()
	ids := make([][16]byte, 100)
	for i := range ids {
		ids[i] = randomID()
	}
	for i, token := range k.MintAll(meeting, len(ids), func(i int) [16]byte { return ids[i] }) {
		if token != k.Mint(meeting, ids[i]) {
			t.Fatalf("token %d differs", i)
		}
	}
	if got := k.MintAll(meeting, 0, nil); len(got) != 0 {
		t.Errorf("no attendees gave %v", got)
	}
}

// Issued tokens must stay valid over releases: this one is pinned.
func TestTokenIsStable(t *testing.T) {
	const want = "MDIwMjAyMDItMDIwMi0wMjAyLTAyMDItMDIwMjAyMDIwMjAyOmE4MWEyMmVmLWQwZDktNDY5Zi1hZjc0LWEyOTg4YWY5MDc5OA"
	got := newKey(t, 1).Mint([16]byte(bytes.Repeat([]byte{3}, 16)), [16]byte(bytes.Repeat([]byte{2}, 16)))
	if got != want {
		t.Errorf("got %s", got)
	}
}

func TestKeysAreSafeForConcurrentUse(t *testing.T) {
	k, meeting := newKey(t, 1), randomID()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				id := randomID()
				if got, ok := k.Verify(meeting, k.Mint(meeting, id)); !ok || got != id {
					t.Error("own token refused")
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestNewKeyRefusesAShortSecret(t *testing.T) {
	if _, err := NewKey(make([]byte, MinSecret-1)); !errors.Is(err, ErrShortSecret) {
		t.Errorf("got %v", err)
	}
}

func TestNewKeyKeepsItsOwnCopy(t *testing.T) {
	secret := bytes.Repeat([]byte{7}, MinSecret)
	k, err := NewKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	before := k.Derive("x")
	clear(secret)
	if k.Derive("x") != before {
		t.Error("changing the caller's bytes changed the key")
	}
}

func TestDerivedSecretsDiffer(t *testing.T) {
	k := newKey(t, 1)
	a, again, b := k.Derive("a"), k.Derive("a"), k.Derive("b")
	if a == b || a != again {
		t.Error("labels do not separate secrets")
	}
}

func FuzzVerify(f *testing.F) {
	k, meeting := newKey(f, 1), [16]byte{1, 2, 3}
	f.Add(k.Mint(meeting, [16]byte{4}))
	f.Add(strings.Repeat("A", Size))
	f.Fuzz(func(t *testing.T, token string) {
		if id, ok := k.Verify(meeting, token); ok && k.Mint(meeting, id) != token {
			t.Fatalf("accepted %q, which was never minted", token)
		}
	})
}

func BenchmarkMintAll100(b *testing.B) {
	k, meeting := newKey(b, 1), randomID()
	ids := make([][16]byte, 100)
	b.ReportAllocs()
	for b.Loop() {
		k.MintAll(meeting, len(ids), func(i int) [16]byte { return ids[i] })
	}
}

func BenchmarkVerify(b *testing.B) {
	k, meeting := newKey(b, 1), randomID()
	token := k.Mint(meeting, randomID())
	b.ReportAllocs()
	for b.Loop() {
		k.Verify(meeting, token)
	}
}
