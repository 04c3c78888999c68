package api

import (
	"strings"

	"github.com/carillon-meetings/carillon/internal/api/restjson"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// The published patterns of the service, each with a function that matches the
// whole value (API decision D-19). Several classes hold ranges that look like
// three single characters; the range is the rule.

const (
	guidPattern = `[a-fA-F0-9]{8}(?:-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}`
	arnPattern  = `^arn[\/\:\-\_\.a-zA-Z0-9]+$`
)

// The shapes that both flavours share.
var (
	clientRequestToken = restjson.TextRule{Min: 2, Max: 64, Match: isToken, Pattern: `[-_a-zA-Z0-9]*`}
	mediaRegion        = restjson.TextRule{Min: 2, Max: 64}
	primaryMeetingID   = restjson.TextRule{Min: 2, Max: 64}
	notificationArn    = restjson.TextRule{Min: 1, Max: 1024, Match: isArn, Pattern: arnPattern}
	tenantID           = restjson.TextRule{Min: 2, Max: 256, Match: isTenantID, Pattern: `^(?!.*?(.)\1{3})[-_!@#$a-zA-Z0-9]*$`}
	networkType        = restjson.TextRule{Enum: []string{"Ipv4Only", "DualStack"}}
	nextToken          = restjson.TextRule{Max: 4096}
	guid               = restjson.TextRule{Match: isGUID, Pattern: guidPattern}
	accessNames        = []string{"SendReceive", "Send", "Receive", "None"}
)

func isGUID(s string) bool {
	_, ok := meeting.ParseID(s)
	return ok
}

// all reports whether every character of s is allowed.
func all(s string, allowed func(rune) bool) bool {
	for _, c := range s {
		if !allowed(c) {
			return false
		}
	}
	return true
}

func isAlphanumeric(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// isSpace is \s of Java and JavaScript without Unicode: what the service means.
func isSpace(c rune) bool { return c == ' ' || '\t' <= c && c <= '\r' }

func isToken(s string) bool {
	return all(s, func(c rune) bool { return isAlphanumeric(c) || c == '-' || c == '_' })
}

// isExternalID matches ExternalUserId: Latin-1 letters with × and ÷ between
// them, white space and some signs.
func isExternalID(s string) bool {
	return all(s, func(c rune) bool {
		return isAlphanumeric(c) || isSpace(c) || 'À' <= c && c <= 'ÿ' ||
			c < 0x80 && strings.IndexByte(`-_&@+=,(){}[]/.:|'"#`, byte(c)) >= 0 || c == '«' || c == '»'
	})
}

// isPlusToEquals is the range +-= of the tag patterns: digits and , - . / : ; <
// besides the two ends.
func isPlusToEquals(c rune) bool { return '+' <= c && c <= '=' }

func isTagKey(s string) bool {
	return s != "" && all(s, func(c rune) bool { return isAlphanumeric(c) || isPlusToEquals(c) || c == '_' })
}

func isTagValue(s string) bool {
	return all(s, func(c rune) bool {
		return isAlphanumeric(c) || isSpace(c) || isPlusToEquals(c) || c == '_' || c == '@'
	})
}

// startsLikeArn matches ^arn:.* where the dot stops at line ends.
func startsLikeArn(s string) bool {
	return strings.HasPrefix(s, "arn:") && !strings.ContainsAny(s, "\n\r\u0085\u2028\u2029")
}

func isArn(s string) bool {
	rest, ok := strings.CutPrefix(s, "arn")
	return ok && rest != "" && all(rest, func(c rune) bool { return isAlphanumeric(c) || strings.ContainsRune("/:-_.", c) })
}

// isTenantID is written by hand because Go's regular expressions cannot say
// "no character four times in a row".
func isTenantID(s string) bool {
	run, last := 0, rune(-1)
	for _, c := range s {
		if !isAlphanumeric(c) && !strings.ContainsRune("-_!@#$", c) {
			return false
		}
		if run++; c != last {
			run, last = 1, c
		}
		if run == 4 {
			return false
		}
	}
	return true
}

// reserved reports whether a value begins with the prefix that AWS keeps for
// itself, in any letter case.
func reserved(s string) bool { return len(s) >= 4 && strings.EqualFold(s[:4], "aws:") }

// checkExternalID checks an external id, which must be there when required.
func (sh *shapes) checkExternalID(v *restjson.Violations, at *restjson.Path, t restjson.Text, required bool) {
	if required {
		v.RequiredText(at, t, &sh.externalID)
	} else {
		v.Text(at, t, &sh.externalID)
	}
	if sh.reservesAWS && reserved(t.Value) {
		v.Rule("Value at '%s' begins with the reserved prefix 'aws:'.", at.String())
	}
}
