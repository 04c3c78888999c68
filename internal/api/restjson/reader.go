package restjson

import (
	"iter"
	"strconv"
	"unicode/utf8"
)

// maxDepth bounds the nesting of objects and lists. Requests of the API need
// five levels.
const maxDepth = 64

// Reader reads one request body from front to back. After the first fault all
// reads return nothing and all loops end; End tells the fault.
type Reader struct {
	data    []byte
	pos     int
	depth   int
	fault   *Error
	path    []step // where the reader stands, for error texts
	scratch []byte // unescaped text
}

type step struct {
	name  string
	index int // 1-based; 0 for a member
}

// Text is a string member; Set is false when it was absent or null.
type Text struct {
	Value string
	Set   bool
}

// Int is an integer member; Set is false when it was absent or null.
type Int struct {
	Value int64
	Set   bool
}

// Bool is a boolean member; Set is false when it was absent or null.
type Bool struct {
	Value, Set bool
}

// Read begins to read a body, which must not change until the reader is done.
// Values that are read are copies. An empty body reads as {}.
func Read(body []byte) *Reader {
	r := &Reader{data: body}
	if !utf8.Valid(body) {
		r.fail("The request body is not valid UTF-8.")
	}
	return r
}

// Object yields the names of the members of the object that comes next, as far
// as they are in names, which holds at most 64. The body of the loop reads the
// member's value or leaves it, and must not break out of the loop. A name of
// the list that occurs twice is a fault; other members are skipped.
func (r *Reader) Object(names []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if r.depth == 0 && len(r.data) == 0 || !r.open('{', "an object") {
			return
		}
		var seen uint64
		for first := true; r.more('}', first); first = false {
			i := r.memberName(names)
			if r.fault != nil {
				return
			}
			if i < 0 {
				r.skip()
				continue
			}
			r.path = append(r.path, step{name: names[i]})
			if seen&(1<<i) != 0 {
				r.wrong("is given more than once")
			}
			seen |= 1 << i
			start := r.pos
			if !yield(names[i]) {
				panic("restjson: break out of Object")
			}
			r.leave(start)
		}
	}
}

// Array yields the 0-based positions of the list that comes next. The rules of
// Object apply to the body of the loop.
func (r *Reader) Array() iter.Seq[int] {
	return func(yield func(int) bool) {
		if !r.open('[', "a list") {
			return
		}
		for i := 0; r.more(']', i == 0); i++ {
			r.path = append(r.path, step{index: i + 1})
			start := r.pos
			if !yield(i) {
				panic("restjson: break out of Array")
			}
			r.leave(start)
		}
	}
}

// leave ends the visit of one value, skipping it if the visitor did not read it.
func (r *Reader) leave(start int) {
	if r.pos == start {
		r.skip()
	}
	if r.fault == nil { // the path of a fault is kept
		r.path = r.path[:len(r.path)-1]
	}
}

// Present reports whether a value comes next; a null is consumed and does not
// count as one.
func (r *Reader) Present() bool {
	if r.fault != nil {
		return false
	}
	if r.peek() == 'n' {
		r.literal("null")
		return false
	}
	return true
}

// Text reads a string or null.
func (r *Reader) Text() Text {
	chars, ok := r.Chars()
	if !ok {
		return Text{}
	}
	return Text{Value: string(chars), Set: true}
}

// Chars reads a string or null without copying it: the bytes are good until
// the next call of any method. ok is false for null and after a fault.
func (r *Reader) Chars() (chars []byte, ok bool) {
	if !r.Present() {
		return nil, false
	}
	if r.peek() != '"' {
		r.wrong("must be a string")
		return nil, false
	}
	return r.chars()
}

// Int reads an integer or null.
func (r *Reader) Int() Int {
	if !r.Present() {
		return Int{}
	}
	c := r.peek()
	start := r.pos
	if c != '-' && (c < '0' || c > '9') || !r.number() {
		r.wrong("must be an integer")
		return Int{}
	}
	n, err := strconv.ParseInt(string(r.data[start:r.pos]), 10, 64)
	if err != nil {
		r.wrong("must be an integer")
		return Int{}
	}
	return Int{Value: n, Set: true}
}

// Bool reads true, false or null.
func (r *Reader) Bool() Bool {
	if !r.Present() {
		return Bool{}
	}
	switch r.peek() {
	case 't':
		return Bool{Value: true, Set: r.literal("true")}
	case 'f':
		return Bool{Set: r.literal("false")}
	}
	r.wrong("must be a boolean")
	return Bool{}
}

// End returns the first fault, or the fault of anything but white space after
// the document.
func (r *Reader) End() error {
	if r.fault == nil {
		if r.peek(); r.pos < len(r.data) {
			r.syntax()
		}
	}
	if r.fault != nil {
		return r.fault
	}
	return nil
}

func (r *Reader) fail(message string) {
	if r.fault == nil {
		r.fault = &Error{Message: message}
	}
}

// wrong records what is wrong with the value at the current path.
func (r *Reader) wrong(problem string) {
	if r.fault != nil {
		return
	}
	if len(r.path) == 0 {
		r.fail("The request body " + problem + ".")
		return
	}
	var path []byte
	for _, s := range r.path {
		path = appendStep(path, s.name, s.index)
	}
	r.fail("Value at '" + string(path) + "' " + problem + ".")
}

func (r *Reader) syntax() {
	if r.pos >= len(r.data) {
		r.fail("The request body is not valid JSON: it ends too early.")
		return
	}
	r.fail("The request body is not valid JSON: unexpected character at byte " + strconv.Itoa(r.pos+1) + ".")
}
