package rtmp

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Markers of values (AMF 0 §2.1).
const (
	markNumber    = 0x00
	markBool      = 0x01
	markString    = 0x02
	markObject    = 0x03
	markNull      = 0x05
	markUndefined = 0x06
	markArray     = 0x08 // of named values
	markEnd       = 0x09
	markList      = 0x0A
	markDate      = 0x0B
	markLong      = 0x0C // a string
)

// maxNesting is how deep values of a server may nest.
const maxNesting = 8

// member is one member of an object that is sent.
type member struct{ name, value string }

// putNumber and those after it append a value as it is sent.
func putNumber(b []byte, n float64) []byte {
	return binary.BigEndian.AppendUint64(append(b, markNumber), math.Float64bits(n))
}

func putString(b []byte, s string) []byte { return putName(append(b, markString), s) }

func putName(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

func putNull(b []byte) []byte { return append(b, markNull) }

func putObject(b []byte, members []member) []byte {
	b = append(b, markObject)
	for _, m := range members {
		b = putString(putName(b, m.name), m.value)
	}
	return append(b, 0, 0, markEnd)
}

// values reads all values of a command: float64, bool, string, nil, and
// map[string]any for objects. Lists and dates are passed over as nil.
func values(b []byte) (list []any, err error) {
	for len(b) > 0 {
		var v any
		if v, b, err = value(b, 0); err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// value reads one value and returns what follows it.
func value(b []byte, depth int) (v any, rest []byte, err error) {
	if len(b) == 0 || depth > maxNesting {
		return nil, nil, errMalformed
	}
	mark, b := b[0], b[1:]
	switch mark {
	case markNumber:
		if len(b) < 8 {
			return nil, nil, errMalformed
		}
		return math.Float64frombits(binary.BigEndian.Uint64(b)), b[8:], nil
	case markBool:
		if len(b) < 1 {
			return nil, nil, errMalformed
		}
		return b[0] != 0, b[1:], nil
	case markString:
		return sized(b, 2)
	case markLong:
		return sized(b, 4)
	case markNull, markUndefined:
		return nil, b, nil
	case markObject:
		return object(b, depth)
	case markArray:
		if len(b) < 4 {
			return nil, nil, errMalformed
		}
		return object(b[4:], depth)
	case markList:
		return passList(b, depth)
	case markDate:
		if len(b) < 10 {
			return nil, nil, errMalformed
		}
		return nil, b[10:], nil
	}
	return nil, nil, fmt.Errorf("%w: value of kind %d", errMalformed, mark)
}

// sized reads a string behind a length of so many bytes.
func sized(b []byte, width int) (s any, rest []byte, err error) {
	if len(b) < width {
		return nil, nil, errMalformed
	}
	n := 0
	for _, c := range b[:width] {
		n = n<<8 | int(c)
	}
	if b = b[width:]; n > len(b) {
		return nil, nil, errMalformed
	}
	return string(b[:n]), b[n:], nil
}

// object reads the members of an object.
func object(b []byte, depth int) (v any, rest []byte, err error) {
	members := make(map[string]any)
	for {
		var name any
		if name, b, err = sized(b, 2); err != nil {
			return nil, nil, err
		}
		if name == "" && len(b) > 0 && b[0] == markEnd {
			return members, b[1:], nil
		}
		var of any
		if of, b, err = value(b, depth+1); err != nil {
			return nil, nil, err
		}
		members[name.(string)] = of
	}
}

// passList passes over the values of a list.
func passList(b []byte, depth int) (v any, rest []byte, err error) {
	if len(b) < 4 {
		return nil, nil, errMalformed
	}
	n := binary.BigEndian.Uint32(b)
	for b = b[4:]; n > 0; n-- {
		if _, b, err = value(b, depth+1); err != nil {
			return nil, nil, err
		}
	}
	return nil, b, nil
}
