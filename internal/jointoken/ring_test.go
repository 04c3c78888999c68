package jointoken

import "testing"

// A key takes over from another: the old one's tokens stay good until it is
// taken out, and then those of nobody else are touched.
func TestAKeyTakesOverFromAnother(t *testing.T) {
	before, after := newKey(t, 1), newKey(t, 2)
	meeting, attendee := [16]byte{1}, [16]byte{2}
	r := NewRing(before)
	old := r.Mint(meeting, attendee)
	good := func(token string, with Key, want bool) {
		t.Helper()
		who, id, ok := r.Verify(meeting, token)
		if ok != want || want && (who != attendee || id != with.ID()) || !want && (who != [16]byte{} || id != KeyID{}) {
			t.Errorf("%x %s %v", who, id, ok)
		}
		if r.Has(with.ID()) != want {
			t.Errorf("has %s: %v", with.ID(), !want)
		}
	}
	good(old, before, true)
	r.Set(before, after) // known, but not in use yet
	if r.Mint(meeting, attendee) != old {
		t.Error("a key mints that only is to be accepted")
	}
	good(after.Mint(meeting, attendee), after, true)
	r.Set(after, before)
	young := r.MintAll(meeting, 1, func(int) [16]byte { return attendee })[0]
	if young != after.Mint(meeting, attendee) {
		t.Error("the new key does not mint")
	}
	good(old, before, true)
	good(young, after, true)
	r.Set(after)
	good(old, before, false)
	good(young, after, true)
	if before.ID() == after.ID() || before.ID().String() == "00000000" {
		t.Errorf("ids %s and %s", before.ID(), after.ID())
	}
}

func BenchmarkVerifyWithTwoKeys(b *testing.B) {
	r := NewRing(newKey(b, 1), newKey(b, 2))
	token := newKey(b, 2).Mint([16]byte{1}, [16]byte{2})
	for b.Loop() {
		if _, _, ok := r.Verify([16]byte{1}, token); !ok {
			b.Fatal("refused")
		}
	}
}
