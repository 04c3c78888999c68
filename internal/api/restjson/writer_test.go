package restjson_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/api/restjson"
)

func TestWriterSetsCommas(t *testing.T) {
	w := restjson.NewWriter(nil)
	w.Object()
	w.Member("A", "x")
	w.OptionalMember("B", "")
	w.OptionalMember("C", "y")
	w.Name("List")
	w.Array()
	w.Int(-1)
	w.Bool(true)
	w.Array()
	w.EndArray()
	w.Object()
	w.EndObject()
	w.Text("z")
	w.EndArray()
	w.Name("Empty")
	w.Object()
	w.EndObject()
	w.EndObject()
	const want = `{"A":"x","C":"y","List":[-1,true,[],{},"z"],"Empty":{}}`
	if got := string(w.Bytes()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// FuzzWriterText: whatever is written reads back as it was, with invalid
// UTF-8 replaced.
func FuzzWriterText(f *testing.F) {
	for _, s := range []string{"", "plain text", "quote\"", "\\12345678", "tab\t12345678", "äöü 😀", "\xff12345678", "\x7f\x00", "1234567\x80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		w := restjson.NewWriter(nil)
		w.Text(s)
		var got string
		if err := json.Unmarshal(w.Bytes(), &got); err != nil {
			t.Fatalf("%q: %v", w.Bytes(), err)
		}
		if want := strings.ToValidUTF8(s, "\uFFFD"); got != want {
			t.Errorf("%q came back as %q", s, got)
		}
	})
}

func BenchmarkWrite100Attendees(b *testing.B) {
	user := "01234567-89ab-cdef-0123-456789abcdef"
	token := strings.Repeat("NWIxZDdjMDItOT", 7)
	w := restjson.NewWriter(make([]byte, 0, 64<<10))
	b.ReportAllocs()
	for b.Loop() {
		*w = *restjson.NewWriter(w.Bytes()[:0])
		w.Object()
		w.Name("Attendees")
		w.Array()
		for range 100 {
			w.Object()
			w.Member("ExternalUserId", user)
			w.PlainMember("AttendeeId", user)
			w.PlainMember("JoinToken", token)
			w.Name("Capabilities")
			w.Object()
			w.PlainMember("Audio", "SendReceive")
			w.PlainMember("Video", "SendReceive")
			w.PlainMember("Content", "SendReceive")
			w.EndObject()
			w.EndObject()
		}
		w.EndArray()
		w.EndObject()
	}
	b.SetBytes(int64(len(w.Bytes())))
}
