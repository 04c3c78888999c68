package guid_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/carillon-meetings/carillon/internal/guid"
)

func Example() {
	id, ok := guid.Parse("1A08EE9D-d12a-47f6-bf80-d7ec1c4144a8")
	text := make([]byte, guid.Size)
	guid.Put(text, id)
	fmt.Println(ok, string(text))
	// Output: true 1a08ee9d-d12a-47f6-bf80-d7ec1c4144a8
}

// FuzzParse holds the reader against another library's, which takes other
// forms too, and what is read against what is written.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"1a08ee9d-d12a-47f6-bf80-d7ec1c4144a8", "1A08EE9D-D12A-47F6-BF80-D7EC1C4144A8", "1a08ee9dd12a47f6bf80d7ec1c4144a8", "",
		"{1a08ee9d-d12a-47f6-bf80-d7ec1c4144a8}", "1a08ee9d-d12a-47f6-bf80-d7ec1c4144a", "1a08ee9d-d12a-47f6-bf80-d7ec1c4144ag",
		"1a08ee9d-d12a-47f6-bf80-d7ec1c4144a8\n", "1a08ee9d_d12a-47f6-bf80-d7ec1c4144a8",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, ok := guid.Parse(s)
		again, sameOK := guid.Parse([]byte(s))
		if again != id || sameOK != ok {
			t.Errorf("%q is read differently as bytes", s)
		}
		theirs, err := uuid.Parse(s)
		if want := err == nil && len(s) == guid.Size; ok != want {
			t.Fatalf("%q: ok is %t, want %t", s, ok, want)
		}
		if !ok {
			if id != [16]byte{} {
				t.Errorf("%q: not ok and yet %x", s, id)
			}
			return
		}
		text := make([]byte, guid.Size)
		guid.Put(text, id)
		if id != theirs || string(text) != strings.ToLower(s) {
			t.Errorf("%q became %x, then %q", s, id, text)
		}
	})
}
