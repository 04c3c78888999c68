package demo

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxExternalID is the length of an ExternalUserId in the API, in characters.
const maxExternalID = 64

// externalID returns the ExternalUserId of a person: a prefix that is theirs
// alone in this meeting, and the name for the others to see.
//
//	1f2e3d4c5b6a#Ada Lovelace
//	1f2e3d4c5b6a=5pm044GP44KJ      (a name with letters the API does not take)
//
// The prefix comes from the secret that the person's browser keeps for the
// visit. Coming back with the same secret finds the same attendee; the prefix,
// which everybody in the meeting sees, does not reveal the secret.
func (c codes) externalID(code, who, name string) string {
	prefix := c.person(code, who)
	if plainName(name) {
		return prefix + "#" + cut(name, maxExternalID-len(prefix)-1, "...")
	}
	room := base64.RawURLEncoding.DecodedLen(maxExternalID - len(prefix) - 1)
	return prefix + "=" + base64.RawURLEncoding.EncodeToString([]byte(cut(name, room, "…")))
}

// person is the prefix of a person's ExternalUserId.
func (c codes) person(code, who string) string {
	return hex.EncodeToString(c.mac("person", code, who)[:6])
}

// cleanName returns the name without control characters and outer or repeated
// spaces.
func cleanName(name string) string {
	printable := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, name)
	return strings.Join(strings.Fields(printable), " ")
}

// plainName reports whether an ExternalUserId may hold the name as it is:
// ASCII letters and digits, Latin letters up to U+00FF, spaces and some marks.
func plainName(name string) bool {
	for _, r := range name {
		switch {
		case r == ' ', '0' <= r && r <= '9', 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z':
		case 'À' <= r && r <= 'ÿ':
		case strings.ContainsRune(`-_&@+,(){}[]/«».:|'"`, r):
		default:
			return false
		}
	}
	return true
}

// cut shortens s to at most n bytes without cutting a character apart; mark then
// stands at its end.
func cut(s string, n int, mark string) string {
	if len(s) <= n {
		return s
	}
	n -= len(mark)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.TrimRight(s[:n], " ") + mark
}
