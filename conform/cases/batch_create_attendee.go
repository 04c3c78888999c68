package cases

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/carillon-meetings/carillon/conform"
)

// batchCreateAttendeeCases are the behaviours of BatchCreateAttendee; those
// about capacity are in limits.go.
func batchCreateAttendeeCases() []conform.Case {
	return slices.Concat([]conform.Case{
		{Name: "BatchCreateAttendee_HundredInOneCall", Says: "100 attendees in one call are created and answered in request order (D-12)", In: inBoth(), Body: batchHundred},
		{Name: "BatchCreateAttendee_OneItem", Says: "a batch may have one item", In: inBoth(), Body: batchOne},
		{Name: "BatchCreateAttendee_AnswersExactlyTwoMembers", Says: "Attendees and Errors are always present, Errors as [] (D-10)", In: inBoth(), Body: batchMembers},
		{Name: "BatchCreateAttendee_AttendeesExistAfterwards", Says: "the attendees are read back as they were answered, join tokens included", In: inBoth(), Body: batchReadBack},
		{Name: "BatchCreateAttendee_DuplicateExternalUserIdsResolveToOneAttendee", Says: "a user id twice in a batch yields equal elements at both places (D-39)", In: inBoth(), Body: batchDuplicates},
		{Name: "BatchCreateAttendee_FirstDuplicateWins", Says: "the capabilities of the first occurrence count (D-39)", In: inMeetings(), Body: batchFirstDuplicateWins},
		{Name: "BatchCreateAttendee_FirstDuplicateWinsTags", Says: "the tags of the first occurrence count (D-39)", In: inLegacy(), Body: batchFirstDuplicateTags},
		{Name: "BatchCreateAttendee_RepeatReturnsTheSameAttendees", Says: "the same batch again returns the same attendees and join tokens, with the status of a creation (D-34)", In: inBoth(), Body: batchRepeat},
		{Name: "BatchCreateAttendee_OverlapKeepsTheKnown", Says: "known user ids resolve to their attendee, the others are created, all in request order", In: inBoth(), Body: batchOverlap},
		{Name: "BatchCreateAttendee_CapabilitiesPerItem", Says: "each item has its own capabilities or the default", In: inMeetings(), Body: batchCapabilities},
		{Name: "BatchCreateAttendee_HundredWithCapabilities", Says: "100 items with capabilities each are accepted", In: inMeetings(), Body: batchHundredCapable},
		{Name: "BatchCreateAttendee_TagsPerItem", Says: "each item has its own tags", In: inLegacy(), Body: batchTags},
		{Name: "BatchCreateAttendee_HundredWithTenTags", Says: "100 items with 10 tags each are accepted", In: inLegacy(), Body: batchHundredTagged},
		{Name: "BatchCreateAttendee_HundredAndOneIsRefused", Says: "more than 100 items are refused as a whole", In: inBoth(), Body: batchTooMany},
		{Name: "BatchCreateAttendee_OneInvalidItemRefusesAll", Says: "one invalid item, wherever it stands, refuses the request and creates nothing (D-42)", In: inBoth(), Body: batchOneInvalid},
		{Name: "BatchCreateAttendee_OneReservedUserIdRefusesAll", Says: "one reserved user id refuses the request and creates nothing (D-42)", In: inMeetings(), Body: batchOneReserved},
		{Name: "BatchCreateAttendee_OneBadTagRefusesAll", Says: "one bad tag refuses the request and creates nothing (D-42)", In: inLegacy(), Body: batchOneBadTag},
		{Name: "BatchCreateAttendee_OneBadCapabilityRefusesAll", Says: "one broken capability rule refuses the request and creates nothing", In: inMeetings(), Body: batchOneBadCapability},
		{Name: "BatchCreateAttendee_EveryInvalidItemIsNamed", Says: "the refusal names every invalid item by its place", In: inBoth(), Body: batchAllNamed},
		{Name: "BatchCreateAttendee_UnknownMeetingIsNotFound", Says: "an unknown meeting is NotFound", In: inBoth(), Body: func(t *conform.T) { t.API.BatchCreateAttendee(unknownID, users(3)...).Fails(notFound(), unknownID) }},
		{Name: "BatchCreateAttendee_MalformedMeetingIdIsRefused", Says: "a meeting id that is no GUID is BadRequest", In: inBoth(), Body: batchMalformed},
		{Name: "BatchCreateAttendee_LongestItems", Says: "100 items of the longest user ids, escaped as JSON allows, are accepted", In: inBoth(), Body: batchLongest},
		{Name: "BatchCreateAttendee_SixtyFourClientsEndWithTheUnion", Says: "64 clients creating overlapping user ids at once end with exactly their union, every answer consistent", In: inBoth(), Alone: true, Body: batchTogether},
		{Name: "BatchCreateAttendee_EmptyMeetingIdIsRefused", Says: "an empty path label is BadRequest", In: inBoth(), Body: func(t *conform.T) {
			t.API.Raw(post, "/meetings//attendees?operation=batch-create", object{"Attendees": list{}}).Fails(badRequest())
		}},
	}, aBatch().cases(batchProbes()...))
}

// aBatch is the attempt whose valid body creates two attendees.
func aBatch() attempt {
	return attempt{operation: "BatchCreateAttendee", method: post, prepare: func(t *conform.T) (string, object) {
		return batchPath(t.Meeting().ID), object{"Attendees": list{object{"ExternalUserId": "user-1"}, object{"ExternalUserId": "user-2"}}}
	}}
}

func batchProbes() []probe {
	const user = "Attendees.ExternalUserId"
	return []probe{
		{name: "AttendeesMissing", change: drop("Attendees"), says: "Attendees is required", words: "attendees"},
		{name: "AttendeesNull", change: set("Attendees", nil), says: "null equals absent", words: "attendees"},
		{name: "AttendeesEmpty", change: set("Attendees", list{}), says: "an empty Attendees list is refused", words: "attendees"},
		{name: "AttendeesNoList", change: set("Attendees", object{"ExternalUserId": "user-1"}), says: "an object where a list is wanted is refused", words: anyWords},
		{name: "ItemNull", change: set("Attendees", list{object{"ExternalUserId": "user-1"}, nil}), says: "a null item is refused", words: anyWords},
		{name: "ItemNoObject", change: set("Attendees", list{"user-1"}), says: "a string where an item is wanted is refused", words: anyWords},
		{name: "ItemWithoutUserId", change: drop(user), says: "each item needs an ExternalUserId", words: "attendees.1.member.externalUserId"},
		{name: "ItemUserIdTooShort", change: set(user, "u"), says: "a user id has at least 2 characters", words: "attendees.1.member.externalUserId"},
		{name: "ItemUserIdTooLong", change: set(user, letters(65)), says: "a user id has at most 64 characters", words: "attendees.1.member.externalUserId"},
		{name: "ItemUserIdOfWrongType", change: set(user, 7), says: "a number where a string is wanted is refused", words: anyWords},
		{name: "ItemCapabilitiesPartial", in: inMeetings(), change: set("Attendees.Capabilities", object{"Audio": "Send"}), says: "capabilities need all three members", words: "attendees.1.member.capabilities"},
		{name: "ItemTagWithoutValue", in: inLegacy(), change: set("Attendees.Tags", list{object{"Key": "k"}}), says: "a tag needs a value", words: "value"},
		{name: "ItemTagsEleven", in: inLegacy(), change: set("Attendees.Tags", times(11, numberedTag)), says: "an attendee has at most 10 tags", words: "tags"},
		{name: "ItemTagsEmpty", in: inLegacy(), change: set("Attendees.Tags", list{}), says: "an empty tag list is refused", words: "tags"},
		{name: "ItemUnknownMembersIgnored", change: set("Attendees.Nickname", "u"), says: "unknown members of an item are ignored (D-02)"},
		{name: "ItemCapabilitiesIgnoredInLegacy", in: inLegacy(), change: set("Attendees.Capabilities", "loud"), says: "the legacy flavour does not know Capabilities (D-02)"},
		{name: "ItemTagsIgnoredInCurrent", in: inMeetings(), change: set("Attendees.Tags", 12), says: "the current flavour does not know attendee tags (D-02)"},
	}
}

// attendeeCount returns how many attendees a meeting has.
func attendeeCount(t *conform.T, meeting string) int {
	n := 0
	for p := (conform.Page{}); ; {
		page := t.API.ListAttendees(meeting, p).OK()
		n += len(page.Attendees)
		if page.Next == "" {
			return n
		}
		p.Next = page.Next
	}
}

func batchHundred(t *conform.T) {
	m, in := t.Meeting(), users(100)
	b := t.API.BatchCreateAttendee(m.ID, in...).OK()
	t.Equal("user ids", userIDs(b.Attendees), wantUserIDs(in))
	t.Equal("errors", len(b.Errors), 0)
	seen := map[string]bool{}
	for _, a := range b.Attendees {
		t.True("a new GUID and a join token of 98 characters", conform.IsGUID(a.ID) && !seen[a.ID] && len(a.JoinToken) == 98)
		seen[a.ID] = true
	}
}

func batchOne(t *conform.T) {
	m := t.Meeting()
	t.Equal("attendees", userIDs(t.API.BatchCreateAttendee(m.ID, users(1)...).OK().Attendees), []string{"user-000"})
}

func batchMembers(t *conform.T) {
	r := t.API.BatchCreateAttendee(t.Meeting().ID, users(2)...)
	r.OK()
	t.Equal("members", r.Keys(), []string{"Attendees", "Errors"})
	t.Equal("Errors", r.Object()["Errors"], list{})
}

func batchReadBack(t *conform.T) {
	m := t.Meeting()
	b := t.API.BatchCreateAttendee(m.ID, users(7)...).OK()
	t.Equal("the list", t.API.ListAttendees(m.ID, conform.Page{}).OK().Attendees, b.Attendees)
	for _, a := range b.Attendees {
		t.Equal("the attendee", t.API.GetAttendee(m.ID, a.ID).OK(), a)
	}
}

func batchDuplicates(t *conform.T) {
	m := t.Meeting()
	in := slices.Concat(users(3), users(2), users(3))
	b := t.API.BatchCreateAttendee(m.ID, in...).OK()
	t.Equal("user ids", userIDs(b.Attendees), wantUserIDs(in))
	first := map[string]conform.Attendee{}
	for _, a := range b.Attendees {
		if known, ok := first[a.ExternalUserID]; ok {
			t.Equal("the repeated element", a, known)
		}
		first[a.ExternalUserID] = a
	}
	t.Equal("errors", len(b.Errors), 0)
	t.Equal("attendees of the meeting", attendeeCount(t, m.ID), 3)
}

func batchFirstDuplicateWins(t *conform.T) {
	m := t.Meeting()
	in := slices.Concat(users(1), users(1))
	in[0].Capabilities, in[1].Capabilities = all("None"), all("SendReceive")
	b := t.API.BatchCreateAttendee(m.ID, in...).OK()
	t.Equal("capabilities", []*conform.Capabilities{b.Attendees[0].Capabilities, b.Attendees[1].Capabilities}, []*conform.Capabilities{all("None"), all("None")})
}

func batchFirstDuplicateTags(t *conform.T) {
	m := t.Meeting()
	in := slices.Concat(users(1), users(1))
	in[0].Tags, in[1].Tags = []conform.Tag{{Key: "a", Value: "1"}}, []conform.Tag{{Key: "b", Value: "2"}}
	b := t.API.BatchCreateAttendee(m.ID, in...).OK()
	t.Equal("tags", t.API.ListAttendeeTags(m.ID, b.Attendees[1].ID).OK(), []conform.Tag{{Key: "a", Value: "1"}})
}

func batchRepeat(t *conform.T) {
	m, in := t.Meeting(), users(30)
	first := t.API.BatchCreateAttendee(m.ID, in...).OK()
	t.Equal("the repeated batch", t.API.BatchCreateAttendee(m.ID, in...).OK(), first)
	t.Equal("attendees of the meeting", attendeeCount(t, m.ID), 30)
}

func batchOverlap(t *conform.T) {
	m := t.Meeting()
	known := t.API.BatchCreateAttendee(m.ID, users(4)...).OK().Attendees
	in := []conform.NewAttendee{{ExternalUserID: "new-1"}, {ExternalUserID: "user-003"}, {ExternalUserID: "new-2"}, {ExternalUserID: "user-000"}}
	b := t.API.BatchCreateAttendee(m.ID, in...).OK()
	t.Equal("user ids", userIDs(b.Attendees), wantUserIDs(in))
	t.Equal("the known ones", []conform.Attendee{b.Attendees[1], b.Attendees[3]}, []conform.Attendee{known[3], known[0]})
	t.Equal("attendees of the meeting", attendeeCount(t, m.ID), 6)
}

func batchCapabilities(t *conform.T) {
	m, in := t.Meeting(), users(3)
	in[0].Capabilities = &conform.Capabilities{Audio: "Receive", Video: "Receive", Content: "Receive"}
	in[2].Capabilities = &conform.Capabilities{Audio: "None", Video: "None", Content: "Send"}
	b := t.API.BatchCreateAttendee(m.ID, in...).OK()
	want := []*conform.Capabilities{in[0].Capabilities, all("SendReceive"), in[2].Capabilities}
	for i, a := range b.Attendees {
		t.Equal("capabilities", a.Capabilities, want[i])
	}
}

func batchHundredCapable(t *conform.T) {
	m, in := t.Meeting(), users(100)
	for i := range in {
		in[i].Capabilities = all([]string{"SendReceive", "Receive", "None"}[i%3])
	}
	for i, a := range t.API.BatchCreateAttendee(m.ID, in...).OK().Attendees {
		t.Equal("capabilities", a.Capabilities, in[i].Capabilities)
	}
}

func batchTags(t *conform.T) {
	m, in := t.Meeting(), users(2)
	in[0].Tags = []conform.Tag{{Key: "seat", Value: "1"}}
	b := t.API.BatchCreateAttendee(m.ID, in...).OK()
	t.Equal("tags of the first", t.API.ListAttendeeTags(m.ID, b.Attendees[0].ID).OK(), in[0].Tags)
	t.Equal("tags of the second", len(t.API.ListAttendeeTags(m.ID, b.Attendees[1].ID).OK()), 0)
}

func batchHundredTagged(t *conform.T) {
	m, in := t.Meeting(), users(100)
	for i := range in {
		for k := range 10 {
			in[i].Tags = append(in[i].Tags, conform.Tag{Key: fmt.Sprintf("key-%d", k), Value: fmt.Sprintf("value-%d-%s", i, letters(200))})
		}
	}
	b := t.API.BatchCreateAttendee(m.ID, in...).OK()
	t.Equal("tags of the last", sorted(t.API.ListAttendeeTags(m.ID, b.Attendees[99].ID).OK()), sorted(in[99].Tags))
}

func batchTooMany(t *conform.T) {
	m := t.Meeting()
	t.API.BatchCreateAttendee(m.ID, users(101)...).Fails(badRequest(), "attendees", "100")
	t.Equal("attendees of the meeting", attendeeCount(t, m.ID), 0)
}

// batchRefused sends batches in which one item, at each of several places, was
// changed, and demands that each is refused as a whole.
func batchRefused(t *conform.T, m conform.Meeting, change func(*conform.NewAttendee), words ...string) {
	for _, place := range []int{0, 1, 50, 99} {
		in := users(100)
		change(&in[place])
		t.API.BatchCreateAttendee(m.ID, in...).Fails(badRequest(), words...)
	}
	t.Equal("attendees of the meeting", attendeeCount(t, m.ID), 0)
}

func batchOneInvalid(t *conform.T) {
	batchRefused(t, t.Meeting(), func(in *conform.NewAttendee) { in.ExternalUserID = "u" }, "externalUserId")
}

func batchOneReserved(t *conform.T) {
	batchRefused(t, t.Meeting(), func(in *conform.NewAttendee) { in.ExternalUserID = "aws:u" })
}

func batchOneBadTag(t *conform.T) {
	batchRefused(t, t.Meeting(), func(in *conform.NewAttendee) { in.Tags = []conform.Tag{{Key: "aws:key", Value: "v"}} })
}

func batchOneBadCapability(t *conform.T) {
	batchRefused(t, t.Meeting(), func(in *conform.NewAttendee) {
		in.Capabilities = &conform.Capabilities{Audio: "Send", Video: "None", Content: "SendReceive"}
	})
}

func batchAllNamed(t *conform.T) {
	in := users(20)
	in[2].ExternalUserID, in[9].ExternalUserID = "u", letters(65)
	t.API.BatchCreateAttendee(t.Meeting().ID, in...).
		Fails(badRequest(), "2 validation errors", "attendees.3.member.externalUserId", "attendees.10.member.externalUserId")
}

func batchMalformed(t *conform.T) {
	refusesBadIDs(t, post, batchPath, object{"Attendees": list{object{"ExternalUserId": "user-1"}}}, "meetingId")
}

func batchLongest(t *conform.T) {
	m := t.Meeting()
	var body strings.Builder
	body.WriteString(`{"Attendees":[`)
	for i := range 100 {
		if i > 0 {
			body.WriteString(",")
		}
		fmt.Fprintf(&body, `{"ExternalUserId":"%03d%s"}`, i, strings.Repeat(`\u00e9`, 61))
	}
	body.WriteString("]}")
	t.API.Raw(post, batchPath(m.ID), body.String()).Creates()
	t.Equal("the last user id", t.API.ListAttendees(m.ID, conform.Page{}).OK().Attendees[98].ExternalUserID, "098"+strings.Repeat("é", 61))
}

func batchTogether(t *conform.T) {
	m := t.Meeting()
	var mu sync.Mutex
	known := map[string]conform.Attendee{}
	t.Together(64, func(client int) {
		in := make([]conform.NewAttendee, 40)
		for i := range in {
			in[i].ExternalUserID = fmt.Sprintf("user-%03d", (client*3+i*(1+client%5))%200)
		}
		b := t.API.BatchCreateAttendee(m.ID, in...).OK()
		t.Equal("user ids", userIDs(b.Attendees), wantUserIDs(in))
		mu.Lock()
		defer mu.Unlock()
		for _, a := range b.Attendees {
			if before, ok := known[a.ExternalUserID]; ok {
				t.Equal("the attendee as another client saw it", a, before)
			}
			known[a.ExternalUserID] = a
		}
	})
	listed := map[string]conform.Attendee{}
	for p := (conform.Page{}); ; {
		page := t.API.ListAttendees(m.ID, p).OK()
		for _, a := range page.Attendees {
			listed[a.ExternalUserID] = a
		}
		if p.Next = page.Next; p.Next == "" {
			break
		}
	}
	t.Equal("attendees of the meeting", attendeeCount(t, m.ID), len(known))
	t.Equal("the union", listed, known)
}
