package restjson

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Writer writes one JSON document. It sets the commas; the caller sees to it
// that objects hold names and values in turn and that what is opened is
// closed. The zero value is ready.
type Writer struct {
	out []byte
}

// NewWriter returns a Writer that appends to buf.
func NewWriter(buf []byte) *Writer { return &Writer{out: buf} }

// Bytes returns what was written.
func (w *Writer) Bytes() []byte { return w.out }

// separate writes the comma between what was written and what comes next.
func (w *Writer) separate() {
	if n := len(w.out); n > 0 {
		switch w.out[n-1] {
		case '{', '[', ':':
		default:
			w.out = append(w.out, ',')
		}
	}
}

// Object opens an object.
func (w *Writer) Object() {
	w.separate()
	w.out = append(w.out, '{')
}

// EndObject closes an object.
func (w *Writer) EndObject() { w.out = append(w.out, '}') }

// Array opens a list.
func (w *Writer) Array() {
	w.separate()
	w.out = append(w.out, '[')
}

// EndArray closes a list.
func (w *Writer) EndArray() { w.out = append(w.out, ']') }

// Name writes the name of a member, which needs no escaping.
func (w *Writer) Name(name string) {
	w.separate()
	w.out = append(w.out, '"')
	w.out = append(w.out, name...)
	w.out = append(w.out, '"', ':')
}

// Text writes a string value.
func (w *Writer) Text(s string) {
	w.separate()
	w.out = append(w.out, '"')
	if plain(s) {
		w.out = append(w.out, s...)
	} else {
		w.escaped(s)
	}
	w.out = append(w.out, '"')
}

// Member writes a name and a string value.
func (w *Writer) Member(name, value string) {
	w.Name(name)
	w.Text(value)
}

// PlainMember writes a name and a string value that needs no escaping by what
// it is: an id, a token, a value out of a list of ours.
func (w *Writer) PlainMember(name, value string) {
	w.Name(name)
	w.out = append(w.out, '"')
	w.out = append(w.out, value...)
	w.out = append(w.out, '"')
}

// OptionalMember writes a name and a string value unless it is empty.
func (w *Writer) OptionalMember(name, value string) {
	if value != "" {
		w.Member(name, value)
	}
}

// Int writes an integer value.
func (w *Writer) Int(n int64) {
	w.separate()
	w.out = strconv.AppendInt(w.out, n, 10)
}

// Bool writes a boolean value.
func (w *Writer) Bool(b bool) {
	w.separate()
	w.out = strconv.AppendBool(w.out, b)
}

// plain reports whether s is printable ASCII without quote and backslash, as
// all strings but people's names are.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// escaped writes the inside of a string the slow way. Bytes that are no UTF-8
// become U+FFFD.
func (w *Writer) escaped(s string) {
	const digits = "0123456789abcdef"
	for _, c := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case c == '"' || c == '\\':
			w.out = append(w.out, '\\', byte(c))
		case c == '\n':
			w.out = append(w.out, '\\', 'n')
		case c < ' ':
			w.out = append(w.out, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		default:
			w.out = utf8.AppendRune(w.out, c)
		}
	}
}
