// Package jsonbody reads small JSON bodies as strictly as the meetings API reads
// its own: those of the application API, the console, the meeting page's backend,
// the test mode and the signaling door's plain requests.
//
// encoding/json alone takes a member by its name in any letter case, the last of
// several with the same name, U+FFFD for what is no character, and whatever
// follows the first value. Each of these does something else than the caller
// thinks, without a word. Here they are errors. Package restjson has the same
// rules for large bodies, in its own words.
package jsonbody

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// ErrNoObject says that a body is not one JSON object and nothing else.
var ErrNoObject = errors.New("it is not a JSON object")

// ErrText says that a body has bytes or escapes that are no characters.
var ErrText = errors.New("it is not valid UTF-8, or has half of a surrogate pair")

// MemberError is about a member of the body.
type MemberError struct {
	Name  string // as it was sent
	Twice bool   // it is there more than once; otherwise it is not one of those that are known
}

// Error says what is wrong with the member, which it names in at most 64 bytes.
func (e *MemberError) Error() string {
	name := strconv.Quote(e.Name[:min(len(e.Name), 64)])
	if e.Twice {
		return "the member " + name + " is given twice"
	}
	return "there is no member " + name
}

// Decode reads a body, which has to be an object, into the struct that into
// points to. Members that the struct has not are refused, and so is any that is
// given twice, on whatever level. Errors are those above, or of encoding/json.
func Decode(body []byte, into any) error {
	names, err := check(body)
	if err != nil {
		return err
	}
	known := members(into)
	for _, name := range names {
		if !slices.Contains(known, name) {
			return &MemberError{Name: name}
		}
	}
	return json.Unmarshal(body, into)
}

// DecodeKnown is Decode for bodies of clients that others have written: members
// that the struct has not are passed over. One whose name differs from a known
// one in letter case only is still refused.
func DecodeKnown(body []byte, into any) error {
	names, err := check(body)
	if err != nil {
		return err
	}
	known := members(into)
	for _, name := range names {
		if !slices.Contains(known, name) && slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, name) }) {
			return &MemberError{Name: name}
		}
	}
	return json.Unmarshal(body, into)
}

// members are the names of a struct's members in JSON.
func members(into any) (names []string) {
	for _, f := range reflect.VisibleFields(reflect.TypeOf(into).Elem()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// check returns the names of the body's members.
func check(body []byte) (names []string, err error) {
	if !utf8.Valid(body) || halfPair(body) {
		return nil, ErrText
	}
	// Valid bounds the nesting, too.
	if begin := bytes.TrimLeft(body, " \t\r\n"); len(begin) == 0 || begin[0] != '{' || !json.Valid(body) {
		return nil, ErrNoObject
	}
	return walk(json.NewDecoder(bytes.NewReader(body)))
}

// walk reads one value and returns the names of its members if it is an object.
func walk(dec *json.Decoder) (names []string, err error) {
	token, err := dec.Token()
	if err != nil {
		return nil, fmt.Errorf("read token: %w", err)
	}
	kind, composed := token.(json.Delim)
	if !composed {
		return nil, nil
	}
	seen := map[string]bool{}
	for dec.More() {
		if kind == '{' {
			token, err := dec.Token()
			if err != nil {
				return nil, fmt.Errorf("read name: %w", err)
			}
			name, _ := token.(string)
			if seen[name] {
				return nil, &MemberError{Name: name, Twice: true}
			}
			seen[name] = true
			names = append(names, name)
		}
		if _, err := walk(dec); err != nil {
			return nil, err
		}
	}
	_, err = dec.Token() // the closing bracket
	return names, err
}

// halfPair reports whether one of the escapes in the body's strings is half of a
// surrogate pair. A backslash stands in strings only.
func halfPair(body []byte) bool {
	for i := 0; i+1 < len(body); i++ {
		if body[i] != '\\' {
			continue
		}
		i++ // what follows belongs to it, be it another backslash
		r := escaped(body[i:])
		if !utf16.IsSurrogate(r) {
			continue
		}
		rest := body[min(i+5, len(body)):]
		if len(rest) < 6 || rest[0] != '\\' || utf16.DecodeRune(r, escaped(rest[1:])) == utf8.RuneError {
			return true
		}
		i += 10
	}
	return false
}

// escaped returns what uXXXX stands for; 0 for anything else.
func escaped(s []byte) rune {
	if len(s) < 5 || s[0] != 'u' {
		return 0
	}
	n, err := strconv.ParseUint(string(s[1:5]), 16, 16)
	if err != nil {
		return 0
	}
	return rune(n)
}
