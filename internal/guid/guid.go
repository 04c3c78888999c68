// Package guid writes and reads the text form of 128-bit identifiers, the
// 8-4-4-4-12 hexadecimal digits of RFC 9562, without allocating. Meeting and
// attendee ids and the parts of a join token have it.
package guid

import "encoding/hex"

// Size is the length of the text form in bytes.
const Size = 36

// Put writes id in lower case into the first Size bytes of dst, which must be
// there.
func Put(dst []byte, id [16]byte) {
	_ = dst[Size-1]
	hex.Encode(dst[0:], id[:4])
	hex.Encode(dst[9:], id[4:6])
	hex.Encode(dst[14:], id[6:8])
	hex.Encode(dst[19:], id[8:10])
	hex.Encode(dst[24:], id[10:])
	dst[8], dst[13], dst[18], dst[23] = '-', '-', '-', '-'
}

// Parse reads an id in either letter case. ok is false, and the id zero, when
// s is not exactly 8-4-4-4-12 hexadecimal digits.
func Parse[T string | []byte](s T) (id [16]byte, ok bool) {
	if len(s) != Size || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return [16]byte{}, false
	}
	var digits [32]byte
	n := copy(digits[:], s[:8])
	n += copy(digits[n:], s[9:13])
	n += copy(digits[n:], s[14:18])
	n += copy(digits[n:], s[19:23])
	copy(digits[n:], s[24:])
	if _, err := hex.Decode(id[:], digits[:]); err != nil {
		return [16]byte{}, false
	}
	return id, true
}
