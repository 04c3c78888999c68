package cases

import (
	"slices"

	"github.com/carillon-meetings/carillon/conform"
)

// tagAttendeeCases are the behaviours of TagAttendee, which only the legacy
// flavour has.
func tagAttendeeCases() []conform.Case {
	return slices.Concat([]conform.Case{
		{Name: "TagAttendee_AddsAndReplaces", Says: "tags are added; an existing key gets the new value", In: inLegacy(), Body: func(t *conform.T) { addsAndReplaces(t, taggedAttendee(t)) }},
		{Name: "TagAttendee_TenTagsAndNoMore", Says: "an attendee has at most 10 tags; a call that would exceed them changes nothing", In: inLegacy(), Body: func(t *conform.T) { keepsToTheMost(t, taggedAttendee(t)) }},
		{Name: "TagAttendee_TagsOfCreationCount", Says: "tags given at creation share the limit", In: inLegacy(), Body: attendeeTagsOfCreation},
		{Name: "TagAttendee_TagsBelongToOneAttendee", Says: "neither another attendee nor the meeting sees them", In: inLegacy(), Body: attendeeTagsApart},
		{Name: "TagAttendee_TagsGoWithTheAttendee", Says: "a user id created anew has no tags of before (D-37)", In: inLegacy(), Body: attendeeTagsGo},
		{Name: "TagAttendee_UnknownAttendeeIsNotFound", Says: "an unknown attendee is NotFound", In: inLegacy(), Body: func(t *conform.T) {
			t.API.TagAttendee(t.Meeting().ID, unknownID, conform.Tag{Key: "k", Value: "v"}).Fails(notFound(), unknownID)
		}},
		{Name: "TagAttendee_UnknownMeetingIsNotFound", Says: "an unknown meeting is NotFound", In: inLegacy(), Body: func(t *conform.T) {
			t.API.TagAttendee(unknownID, unknownID, conform.Tag{Key: "k", Value: "v"}).Fails(notFound())
		}},
		{Name: "TagAttendee_MalformedIdsAreRefused", Says: "ids that are no GUIDs are BadRequest", In: inLegacy(), Body: func(t *conform.T) {
			refusesBadIDs(t, post, func(id string) string { return attendeePath(unknownID, id) + "/tags?operation=add" }, object{"Tags": list{numberedTag(0)}}, "attendeeId")
		}},
	}, anAttendeeTagging().cases(legacyProbes(tagProbes("Tags"))...), anAttendeeTagging().cases(
		probe{name: "TagsMissing", change: drop("Tags"), says: "Tags is required", words: "tags"},
		probe{name: "TagsEmptyList", change: set("Tags", list{}), says: "at least one tag is wanted", words: "tags"},
		probe{name: "TagsEleven", change: set("Tags", times(11, numberedTag)), says: "one request has at most 10 tags", words: "tags"},
		probe{name: "TagsDuplicateKeys", change: set("Tags", list{numberedTag(0), numberedTag(0)}), says: "a key twice in one request is refused (D-17)", words: anyWords},
	))
}

// anAttendeeTagging is the attempt whose valid body tags a legacy attendee.
func anAttendeeTagging() attempt {
	return attempt{operation: "TagAttendee", method: post, status: 204, in: inLegacy(), prepare: func(t *conform.T) (string, object) {
		m, a := t.Attendee()
		return attendeePath(m.ID, a.ID) + "/tags?operation=add", object{"Tags": list{object{"Key": "k", "Value": "v"}}}
	}}
}

func attendeeTagsOfCreation(t *conform.T) {
	m, tags := t.Meeting(), numberedTags(10)
	a := t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: "user-1", Tags: tags[:9]}).OK()
	r := taggedByIDs(t, m, a)
	r.tag(tags[9]).OK()
	r.tag(conform.Tag{Key: "one-more", Value: "x"}).Fails(r.over)
	t.Equal("tags", sorted(r.listed().OK()), tags)
}

func attendeeTagsApart(t *conform.T) {
	m, a := t.Attendee()
	b := t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: "user-2"}).OK()
	t.API.TagAttendee(m.ID, a.ID, conform.Tag{Key: "k", Value: "v"}).OK()
	t.Equal("tags of the other", len(t.API.ListAttendeeTags(m.ID, b.ID).OK()), 0)
	t.Equal("tags of the meeting", len(t.API.ListMeetingTags(m.ID).OK()), 0)
}

func attendeeTagsGo(t *conform.T) {
	m, a := t.Attendee()
	t.API.TagAttendee(m.ID, a.ID, conform.Tag{Key: "k", Value: "v"}).OK()
	t.API.DeleteAttendee(m.ID, a.ID).OK()
	t.API.ListAttendeeTags(m.ID, a.ID).Fails(notFound(), a.ID)
	again := t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: "user-1"}).OK()
	t.Equal("tags of the new attendee", len(t.API.ListAttendeeTags(m.ID, again.ID).OK()), 0)
}
