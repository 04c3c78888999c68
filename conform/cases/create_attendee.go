package cases

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/carillon-meetings/carillon/conform"
)

// createAttendeeCases are the behaviours of CreateAttendee that concern no
// subject with a file of its own (capabilities.go, idempotency.go, limits.go).
func createAttendeeCases() []conform.Case {
	a := anAttendee()
	return slices.Concat([]conform.Case{
		{Name: "CreateAttendee_AnswersTheAttendee", Says: "the answer has a GUID, the user id and a join token, with 200 (current) or 201 (legacy)", In: inBoth(), Body: answersTheAttendee},
		{Name: "CreateAttendee_AnswersExactlyTheMembersOfItsFlavour", Says: "the Attendee has Capabilities in the current flavour only", In: inBoth(), Body: attendeeMembers},
		{Name: "CreateAttendee_JoinTokenHasTheRealForm", Says: "a join token is 98 letters and digits: unpadded base64 of the attendee id, a colon and a UUID (D-30)", In: inBoth(), Body: joinTokenForm},
		{Name: "CreateAttendee_JoinTokensDiffer", Says: "no two attendees share an id or a join token, not even the same user in two meetings", In: inBoth(), Body: joinTokensDiffer},
		{Name: "CreateAttendee_CapabilitiesDefaultToEverything", Says: "without Capabilities an attendee may send and receive all media", In: inMeetings(), Body: capabilitiesDefault},
		{Name: "CreateAttendee_CapabilitiesAreKept", Says: "given capabilities are answered and stored", In: inMeetings(), Body: capabilitiesKept},
		{Name: "CreateAttendee_TagsAreKept", Says: "given tags are listed afterwards", In: inLegacy(), Body: attendeeTagsKept},
		{Name: "CreateAttendee_UnknownMeetingIsNotFound", Says: "an unknown meeting is NotFound, and the message names it", In: inBoth(), Body: attendeeOfUnknown},
		{Name: "CreateAttendee_MalformedMeetingIdIsRefused", Says: "a meeting id that is no GUID is BadRequest", In: inBoth(), Body: attendeeOfMalformed},
		{Name: "CreateAttendee_UserIdTakesEveryAllowedCharacter", Says: "letters, digits, Latin-1 letters, white space and the listed punctuation are accepted and echoed", In: inMeetings(), Body: userIDAlphabet},
		{Name: "CreateAttendee_UserIdIsFreeInLegacy", Says: "the legacy flavour bounds only the length of a user id", In: inLegacy(), Body: userIDFree},
		{Name: "CreateAttendee_UserIdsCompareExactly", Says: "user ids differ by letter case, spaces and Unicode form (D-38)", In: inBoth(), Body: userIDsCompareExactly},
	}, a.cases(attendeeProbes()...))
}

// anAttendee is the attempt whose valid body creates one attendee.
func anAttendee() attempt {
	return attempt{operation: "CreateAttendee", method: post, prepare: func(t *conform.T) (string, object) {
		return attendeesPath(t.Meeting().ID), object{"ExternalUserId": "user-1"}
	}}
}

func attendeeProbes() []probe {
	const m = "ExternalUserId"
	caps := func(audio, video, content any) object {
		return object{"Audio": audio, "Video": video, "Content": content}
	}
	return []probe{
		{name: "UserIdMissing", change: drop(m), says: "ExternalUserId is required", words: m},
		{name: "UserIdNull", change: set(m, nil), says: "null equals absent", words: m},
		{name: "UserIdTooShort", change: set(m, "u"), says: "ExternalUserId has at least 2 characters", words: m},
		{name: "UserIdTooLong", change: set(m, letters(65)), says: "ExternalUserId has at most 64 characters", words: m},
		{name: "UserIdOfSixtyFourCodePoints", change: set(m, strings.Repeat("ü", 64)), says: "lengths count code points, not bytes"},
		{name: "UserIdOfWrongType", change: set(m, list{"user"}), says: "a list where a string is wanted is refused", words: anyWords},
		{name: "UserIdReserved", in: inMeetings(), change: set(m, "aws:user"), says: "the prefix aws: is reserved", words: anyWords},
		{name: "UserIdReservedInAnyCase", in: inMeetings(), change: set(m, "Aws:user"), says: "the prefix aws: is reserved in any letter case", words: anyWords},
		{name: "UserIdReservedNotInLegacy", in: inLegacy(), change: set(m, "aws:user"), says: "the legacy flavour reserves no prefix"},
		{name: "UserIdWithAwsElsewhere", in: inMeetings(), change: set(m, "my-aws:user"), says: "aws: is reserved at the beginning only"},
		{name: "CapabilitiesNull", in: inMeetings(), change: set("Capabilities", nil), says: "null Capabilities are absent ones"},
		{name: "CapabilitiesWithoutAudio", in: inMeetings(), change: set("Capabilities", object{"Video": "Send", "Content": "Send"}), says: "all three capabilities are required", words: "capabilities.audio"},
		{name: "CapabilitiesWithoutVideo", in: inMeetings(), change: set("Capabilities", object{"Audio": "Send", "Content": "Send"}), says: "all three capabilities are required", words: "capabilities.video"},
		{name: "CapabilitiesWithoutContent", in: inMeetings(), change: set("Capabilities", object{"Audio": "Send", "Video": "Send"}), says: "all three capabilities are required", words: "capabilities.content"},
		{name: "CapabilitiesEmpty", in: inMeetings(), change: set("Capabilities", object{}), says: "an empty Capabilities is refused", words: "capabilities.audio capabilities.video capabilities.content"},
		{name: "CapabilitiesUnknownValue", in: inMeetings(), change: set("Capabilities", caps("Both", "None", "None")), says: "capabilities are an enum", words: "capabilities.audio"},
		{name: "CapabilitiesInSmallLetters", in: inMeetings(), change: set("Capabilities", caps("send", "None", "None")), says: "enum values are case-sensitive", words: "capabilities.audio"},
		{name: "CapabilitiesOfWrongType", in: inMeetings(), change: set("Capabilities", caps(true, "None", "None")), says: "a boolean where a string is wanted is refused", words: anyWords},
		{name: "CapabilitiesIgnoredInLegacy", in: inLegacy(), change: set("Capabilities", object{"Audio": "Loud"}), says: "the legacy flavour does not know Capabilities (D-02)"},
		{name: "TagsTen", in: inLegacy(), change: set("Tags", times(10, numberedTag)), says: "an attendee may have 10 tags"},
		{name: "TagsEleven", in: inLegacy(), change: set("Tags", times(11, numberedTag)), says: "an attendee has at most 10 tags", words: "tags"},
		{name: "TagsEmptyList", in: inLegacy(), change: set("Tags", list{}), says: "an empty tag list is refused", words: "tags"},
		{name: "TagsDuplicateKeys", in: inLegacy(), change: set("Tags", list{numberedTag(1), numberedTag(1)}), says: "a key twice in one request is refused (D-17)", words: anyWords},
		{name: "TagsIgnoredInCurrent", in: inMeetings(), change: set("Tags", list{object{"Key": ""}}), says: "attendees have no tags in the current flavour (D-02)"},
	}
}

func answersTheAttendee(t *conform.T) {
	_, a := t.Attendee()
	t.True("AttendeeId is a GUID in lower case (D-21)", conform.IsGUID(a.ID))
	t.Equal("ExternalUserId", a.ExternalUserID, "user-1")
	t.True("there is a join token", a.JoinToken != "")
}

func attendeeMembers(t *conform.T) {
	m := t.Meeting()
	r := t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: "user-1"})
	r.OK()
	t.Equal("members of the answer", r.Keys(), []string{"Attendee"})
	want := []string{"AttendeeId", "Capabilities", "ExternalUserId", "JoinToken"}
	if t.Flavour == conform.Legacy {
		want = []string{"AttendeeId", "ExternalUserId", "JoinToken"}
	}
	t.Equal("members of the Attendee", r.Keys("Attendee"), want)
	if t.Flavour == conform.Meetings {
		t.Equal("members of Capabilities", r.Keys("Attendee", "Capabilities"), []string{"Audio", "Content", "Video"})
	}
}

func joinTokenForm(t *conform.T) {
	_, a := t.Attendee()
	t.Equal("characters", len(a.JoinToken), 98)
	plain, err := base64.RawStdEncoding.DecodeString(a.JoinToken)
	if err != nil {
		t.Fatalf("the join token is not unpadded base64")
	}
	id, secret, _ := strings.Cut(string(plain), ":")
	t.Equal("the first half", id, a.ID)
	t.True("the second half is a UUID of version 4", conform.IsGUID(secret) && secret[14] == '4' && strings.ContainsRune("89ab", rune(secret[19])))
	t.True("letters and digits only", strings.Trim(a.JoinToken, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") == "")
}

func joinTokensDiffer(t *conform.T) {
	seen := map[string]bool{}
	for range 3 {
		m := t.Meeting()
		for _, a := range t.API.BatchCreateAttendee(m.ID, users(20)...).OK().Attendees {
			t.True("id and token are new", !seen[a.ID] && !seen[a.JoinToken])
			seen[a.ID], seen[a.JoinToken] = true, true
		}
	}
}

func capabilitiesDefault(t *conform.T) {
	_, a := t.Attendee()
	t.Equal("capabilities", a.Capabilities, all("SendReceive"))
}

func capabilitiesKept(t *conform.T) {
	m := t.Meeting()
	for i, caps := range []conform.Capabilities{
		{Audio: "SendReceive", Video: "SendReceive", Content: "SendReceive"}, {Audio: "Send", Video: "Receive", Content: "Receive"}, {Audio: "Receive", Video: "Send", Content: "None"},
		{Audio: "None", Video: "None", Content: "Send"}, {Audio: "None", Video: "None", Content: "None"}, {Audio: "Send", Video: "SendReceive", Content: "Receive"},
	} {
		in := conform.NewAttendee{ExternalUserID: "user-" + letters(i+1), Capabilities: &caps}
		a := t.API.CreateAttendee(m.ID, in).OK()
		t.Equal("capabilities", a.Capabilities, &caps)
		t.Equal("the attendee when read", t.API.GetAttendee(m.ID, a.ID).OK(), a)
	}
}

func attendeeTagsKept(t *conform.T) {
	m := t.Meeting()
	tags := []conform.Tag{{Key: "seat", Value: "4b"}, {Key: "row", Value: "2"}}
	a := t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: "user-1", Tags: tags}).OK()
	t.Equal("tags", sorted(t.API.ListAttendeeTags(m.ID, a.ID).OK()), sorted(tags))
}

func attendeeOfUnknown(t *conform.T) {
	t.API.CreateAttendee(unknownID, conform.NewAttendee{ExternalUserID: "user-1"}).Fails(notFound(), unknownID)
}

func attendeeOfMalformed(t *conform.T) {
	refusesBadIDs(t, post, attendeesPath, object{"ExternalUserId": "user-1"}, "meetingId")
}

func userIDAlphabet(t *conform.T) {
	m := t.Meeting()
	for _, value := range alphabet() {
		t.Equal("ExternalUserId", t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: value}).OK().ExternalUserID, value)
	}
}

func userIDFree(t *conform.T) {
	m := t.Meeting()
	for _, value := range []string{"50%!", "会議", "😀😀", "a$b*c?d;<e>~^\\`", "\x01\x02"} {
		t.Equal("ExternalUserId", t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: value}).OK().ExternalUserID, value)
	}
}

func userIDsCompareExactly(t *conform.T) {
	m := t.Meeting()
	ids := map[string]bool{}
	names := []string{"alice", "Alice", "alice ", " alice", "al\u00efce"}
	if t.Flavour == conform.Legacy {
		names = append(names, "ali\u0308ce", "al\u0131ce")
	}
	for _, name := range names {
		ids[t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: name}).OK().ID] = true
	}
	t.Equal("attendees", len(ids), len(names))
}
