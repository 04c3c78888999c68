package restjson

import (
	"strconv"
)

// Path says where in a request a value stands. Paths are linked upwards and
// written out only when something is wrong there.
type Path struct {
	up    *Path
	name  string // of a member, as in the model
	index int    // 1-based position in a list; 0 for a member
}

// At returns the path of a top-level member or of a path label.
func At(name string) Path { return Path{name: name} }

// Member returns the path of a member of the structure at p; nil is the top of
// the request.
func (p *Path) Member(name string) Path { return Path{up: p, name: name} }

// Item returns the path of the item at a 0-based position of the list at p.
func (p *Path) Item(i int) Path { return Path{up: p, index: i + 1} }

// String returns the form of the validation grammar: lower-camel names and
// 1-based positions, as in "attendees.3.member.externalUserId".
func (p *Path) String() string { return string(p.append(nil)) }

func (p *Path) append(dst []byte) []byte {
	if p.up != nil {
		dst = p.up.append(dst)
	}
	return appendStep(dst, p.name, p.index)
}

func appendStep(dst []byte, name string, index int) []byte {
	if len(dst) > 0 {
		dst = append(dst, '.')
	}
	if index > 0 {
		return append(strconv.AppendInt(dst, int64(index), 10), ".member"...)
	}
	if name != "" && 'A' <= name[0] && name[0] <= 'Z' {
		dst = append(dst, name[0]|0x20)
		name = name[1:]
	}
	return append(dst, name...)
}
