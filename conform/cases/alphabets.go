package cases

import (
	"strings"

	"github.com/google/uuid"

	"github.com/carillon-meetings/carillon/conform"
)

// alphabetCases try every printable ASCII character, and some others, against
// each pattern of the API. Several patterns hold a range that looks like three
// single characters; the range is the rule.
func alphabetCases() []conform.Case {
	return []conform.Case{
		{Name: "Alphabet_ClientRequestToken", Says: "a token has letters, digits, - and _, nothing else (D-19)", In: inBoth(), Body: alphabetOf(tokenAlphabet())},
		{Name: "Alphabet_ExternalMeetingId", Says: "an external meeting id has the characters of its pattern, nothing else", In: inMeetings(), Body: alphabetOf(externalMeetingAlphabet())},
		{Name: "Alphabet_MeetingHostId", Says: "a host id has the characters of an external user id, nothing else", In: inMeetings(), Body: alphabetOf(hostAlphabet())},
		{Name: "Alphabet_ExternalUserId", Says: "an external user id has the characters of its pattern, nothing else", In: inMeetings(), Body: alphabetOf(externalUserAlphabet())},
		{Name: "Alphabet_TenantId", Says: "a tenant id has letters, digits and - _ ! @ # $, nothing else", In: inMeetings(), Body: alphabetOf(tenantAlphabet())},
		{Name: "Alphabet_NotificationArn", Says: "the ARN of a target has letters, digits and / : - _ . , nothing else", In: inBoth(), Body: alphabetOf(arnAlphabet())},
		{Name: "Alphabet_TagKey", Says: "a tag key has letters, digits, _ and the characters from + to =, nothing else", In: inMeetings(), Body: alphabetOf(tagKeyAlphabet())},
		{Name: "Alphabet_TagValue", Says: "a tag value has white space, letters, digits, _ @ and the characters from + to =, nothing else", In: inMeetings(), Body: alphabetOf(tagValueAlphabet())},
		{Name: "Alphabet_MeetingId", Says: "an id in a path has hexadecimal digits in five groups, nothing else", In: inBoth(), Body: hexadecimalOnly},
	}
}

const (
	alphanumerics = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	whiteSpace    = " \t\n\v\f\r"
)

// pattern is one string of a request with the characters it may have.
type pattern struct {
	allowed string
	word    string // of the message when another is sent
	// prepare makes what the requests need and returns how one is built around
	// a value of the string.
	prepare func(t *conform.T) func(value string) (target string, body object)
}

// alphabetOf returns a case body that tries single characters in the middle of
// a value.
func alphabetOf(p pattern) func(*conform.T) {
	return func(t *conform.T) {
		build := p.prepare(t)
		for _, c := range characters() {
			target, body := build("ab" + c + "cd")
			reply := t.API.Raw(post, target, body)
			reply = reply.Noted(" with the character %s", conform.Show(c))
			if !strings.Contains(p.allowed, c) {
				reply.Fails(badRequest(), p.word)
				continue
			}
			reply.Creates()
			if meeting, ok := reply.Object()["Meeting"].(object); ok {
				t.API.DeleteMeeting(meeting["MeetingId"].(string)).OK()
			}
		}
	}
}

// characters returns ASCII, the borders of Latin-1 and characters that patterns
// are apt to treat wrongly.
func characters() []string {
	var list []string
	for c := rune(1); c < 0x80; c++ {
		list = append(list, string(c))
	}
	for _, c := range "\u0085\u00a0«»¿ÀÖ×Øö÷øÿĀ\u0130\u0131ſ\u212a\u200b\u2028\u3000日\uff41\U0001F600" {
		list = append(list, string(c))
	}
	return list
}

// newMeetings builds requests for new meetings in which one member has the
// value that wrap makes of the string.
func newMeetings(member string, wrap func(value string) any) func(*conform.T) func(string) (string, object) {
	return func(*conform.T) func(string) (string, object) {
		return func(value string) (string, object) {
			return "/meetings", object{
				"ClientRequestToken": uuid.NewString(), "MediaRegion": "us-east-1", "ExternalMeetingId": "conform-alphabet", member: wrap(value),
			}
		}
	}
}

func tokenAlphabet() pattern {
	return pattern{alphanumerics + "-_", "clientRequestToken", newMeetings("ClientRequestToken", func(value string) any { return uuid.NewString() + value })}
}

// externalAlphabet is that of the external ids of the current flavour.
func externalAlphabet() string {
	return alphanumerics + whiteSpace + `-_&@+=,(){}[]/«».:|'"#` + "ÀÖ×Øö÷øÿ"
}

func externalMeetingAlphabet() pattern {
	return pattern{externalAlphabet(), "externalMeetingId", newMeetings("ExternalMeetingId", func(value string) any { return value })}
}

func hostAlphabet() pattern {
	return pattern{externalAlphabet(), "meetingHostId", newMeetings("MeetingHostId", func(value string) any { return value })}
}

func externalUserAlphabet() pattern {
	return pattern{externalAlphabet(), "externalUserId", func(t *conform.T) func(string) (string, object) {
		m := t.Meeting()
		return func(value string) (string, object) { return attendeesPath(m.ID), object{"ExternalUserId": value} }
	}}
}

func tenantAlphabet() pattern {
	return pattern{alphanumerics + "-_!@#$", "tenantIds", newMeetings("TenantIds", func(value string) any { return list{value} })}
}

func arnAlphabet() pattern {
	return pattern{alphanumerics + "/:-_.", "sqsQueueArn", newMeetings("NotificationsConfiguration", func(value string) any {
		return object{"SqsQueueArn": "arn:aws:sqs:us-east-1:000000000000:" + value}
	})}
}

// plusToEquals are the characters of the range that tag patterns hold.
const plusToEquals = "+,-./0123456789:;<="

func tagKeyAlphabet() pattern {
	return pattern{alphanumerics + "_" + plusToEquals, "key", newMeetings("Tags", func(value string) any {
		return list{object{"Key": value, "Value": "v"}}
	})}
}

func tagValueAlphabet() pattern {
	return pattern{alphanumerics + whiteSpace + "_@" + plusToEquals, "value", newMeetings("Tags", func(value string) any {
		return list{object{"Key": "k", "Value": value}}
	})}
}

func hexadecimalOnly(t *conform.T) {
	for _, c := range characters() {
		if strings.ContainsAny(c, "0123456789abcdefABCDEF") {
			continue
		}
		t.API.Raw(get, meetingPath("0000"+escapeLabel(c)+"000"+unknownID[8:]), nil).Fails(badRequest(), "meetingId")
	}
	for _, at := range []int{0, 8, 13, 18, 23, 36} {
		t.API.Raw(get, meetingPath(unknownID[:at]+"0"+unknownID[at:]), nil).Fails(badRequest(), "meetingId")
	}
}

// escapeLabel percent-encodes every byte of a character.
func escapeLabel(c string) string {
	var b strings.Builder
	for i := range len(c) {
		b.WriteString("%" + hexOf(c[i]))
	}
	return b.String()
}
