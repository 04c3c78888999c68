package restjson

import (
	"unicode/utf16"
	"unicode/utf8"
)

// peek skips white space and returns the next byte, or 0 at the end (a real
// NUL is no valid start of anything either).
func (r *Reader) peek() byte {
	for r.pos < len(r.data) {
		switch c := r.data[r.pos]; c {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return c
		}
	}
	return 0
}

// open consumes the bracket of an object or a list. The value must be there:
// callers to whom null is fine ask Present first.
func (r *Reader) open(bracket byte, kind string) bool {
	if r.fault != nil {
		return false
	}
	if c := r.peek(); c != bracket {
		if c == 0 {
			r.syntax()
		} else {
			r.wrong("must be " + kind)
		}
		return false
	}
	return r.enter()
}

func (r *Reader) enter() bool {
	r.pos++
	r.depth++
	if r.depth > maxDepth {
		r.fail("The request body is nested too deeply.")
		return false
	}
	return true
}

// more consumes what stands before the next member or item, or the closing
// bracket; first says that none has been read yet.
func (r *Reader) more(closing byte, first bool) bool {
	if r.fault != nil {
		return false
	}
	c := r.peek()
	if c == closing {
		r.pos++
		r.depth--
		return false
	}
	if first {
		return true
	}
	if c != ',' {
		r.syntax()
		return false
	}
	r.pos++
	if r.peek() == closing { // a comma before the bracket
		r.syntax()
		return false
	}
	return true
}

// memberName consumes a name and its colon and returns the name's position in
// names, or -1.
func (r *Reader) memberName(names []string) int {
	if r.peek() != '"' {
		r.syntax()
		return -1
	}
	name, ok := r.chars()
	if !ok {
		return -1
	}
	found := -1
	for i := range names {
		if names[i] == string(name) {
			found = i
			break
		}
	}
	if r.peek() != ':' {
		r.syntax()
		return -1
	}
	r.pos++
	r.peek()
	return found
}

// skip consumes any value.
func (r *Reader) skip() {
	if r.fault != nil {
		return
	}
	switch c := r.peek(); {
	case c == '"':
		r.chars()
	case c == '{':
		if r.enter() {
			for first := true; r.more('}', first); first = false {
				r.memberName(nil)
				r.skip()
			}
		}
	case c == '[':
		if r.enter() {
			for first := true; r.more(']', first); first = false {
				r.skip()
			}
		}
	case c == 't':
		r.literal("true")
	case c == 'f':
		r.literal("false")
	case c == 'n':
		r.literal("null")
	default:
		r.number()
	}
}

func (r *Reader) literal(word string) bool {
	rest := r.data[r.pos:]
	if len(rest) < len(word) || string(rest[:len(word)]) != word {
		r.syntax()
		return false
	}
	r.pos += len(word)
	return true
}

// number consumes a number by the grammar of JSON.
func (r *Reader) number() bool {
	if r.at() == '-' {
		r.pos++
	}
	if r.at() == '0' {
		r.pos++
	} else if !r.digits() {
		return false
	}
	if r.at() == '.' {
		r.pos++
		if !r.digits() {
			return false
		}
	}
	if c := r.at(); c == 'e' || c == 'E' {
		r.pos++
		if c := r.at(); c == '+' || c == '-' {
			r.pos++
		}
		return r.digits()
	}
	return true
}

// at returns the byte at the position, or 0 at the end.
func (r *Reader) at() byte {
	if r.pos < len(r.data) {
		return r.data[r.pos]
	}
	return 0
}

func (r *Reader) digits() bool {
	start := r.pos
	for c := r.at(); c >= '0' && c <= '9'; c = r.at() {
		r.pos++
	}
	if r.pos == start {
		r.syntax()
		return false
	}
	return true
}

// chars consumes a string, whose quote comes next, and returns what it says.
func (r *Reader) chars() ([]byte, bool) {
	start := r.pos + 1
	i := start + plainPrefix(r.data[start:])
	r.pos = i
	switch {
	case i == len(r.data) || r.data[i] < ' ':
		r.syntax()
		return nil, false
	case r.data[i] == '"':
		r.pos++
		return r.data[start:i], true
	default:
		r.scratch = append(r.scratch[:0], r.data[start:i]...)
		return r.escapedChars()
	}
}

// plainPrefix returns how many bytes stand before the first quote, backslash
// or control character.
func plainPrefix(s []byte) int {
	for i, c := range s {
		if c == '"' || c == '\\' || c < ' ' {
			return i
		}
	}
	return len(s)
}

// escapedChars goes on with a string from its first backslash.
func (r *Reader) escapedChars() ([]byte, bool) {
	for r.pos < len(r.data) {
		switch c := r.data[r.pos]; {
		case c == '"':
			r.pos++
			return r.scratch, true
		case c == '\\':
			if !r.escape() {
				return nil, false
			}
		case c < ' ':
			r.syntax()
			return nil, false
		default:
			r.scratch = append(r.scratch, c)
			r.pos++
		}
	}
	r.syntax()
	return nil, false
}

// escape consumes one backslash escape and appends what it stands for.
func (r *Reader) escape() bool {
	r.pos++
	c := r.at()
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		return r.unicode()
	default:
		r.syntax()
		return false
	}
	r.scratch = append(r.scratch, c)
	r.pos++
	return true
}

// unicode consumes the uXXXX of an escape, and the second escape of a
// surrogate pair.
func (r *Reader) unicode() bool {
	unit, ok := r.hex4()
	if !ok {
		return false
	}
	if utf16.IsSurrogate(unit) {
		var second rune
		if r.at() == '\\' && r.pos+1 < len(r.data) && r.data[r.pos+1] == 'u' {
			r.pos++
			if second, ok = r.hex4(); !ok {
				return false
			}
		}
		if unit = utf16.DecodeRune(unit, second); unit == utf8.RuneError {
			r.fail("The request body holds half of a surrogate pair.")
			return false
		}
	}
	r.scratch = utf8.AppendRune(r.scratch, unit)
	return true
}

// hex4 consumes the letter u and four hexadecimal digits.
func (r *Reader) hex4() (rune, bool) {
	r.pos++
	var n rune
	for range 4 {
		c := r.at()
		switch {
		case '0' <= c && c <= '9':
			n = n<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			n = n<<4 | rune(c|0x20-'a'+10)
		default:
			r.syntax()
			return 0, false
		}
		r.pos++
	}
	return n, true
}
