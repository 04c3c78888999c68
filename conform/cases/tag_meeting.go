package cases

import (
	"slices"

	"github.com/carillon-meetings/carillon/conform"
)

// tagMeetingCases are the behaviours of TagMeeting, which only the legacy
// flavour has.
func tagMeetingCases() []conform.Case {
	return slices.Concat([]conform.Case{
		{Name: "TagMeeting_AddsAndReplaces", Says: "tags are added; an existing key gets the new value", In: inLegacy(), Body: func(t *conform.T) { addsAndReplaces(t, taggedByID(t, t.Meeting())) }},
		{Name: "TagMeeting_FiftyTagsAndNoMore", Says: "a meeting has at most 50 tags; a call that would exceed them changes nothing", In: inLegacy(), Body: func(t *conform.T) { keepsToTheMost(t, taggedByID(t, t.Meeting())) }},
		{Name: "TagMeeting_SharesTheSetOfTheArn", Says: "the operations by id and by ARN see one set of tags", In: inLegacy(), Body: sharesTagsWithARN},
		{Name: "TagMeeting_UnknownMeetingIsNotFound", Says: "an unknown meeting is NotFound", In: inLegacy(), Body: func(t *conform.T) {
			t.API.TagMeeting(unknownID, conform.Tag{Key: "k", Value: "v"}).Fails(notFound(), unknownID)
		}},
		{Name: "TagMeeting_MalformedMeetingIdIsRefused", Says: "a meeting id that is no GUID is BadRequest", In: inLegacy(), Body: func(t *conform.T) {
			refusesBadIDs(t, post, func(id string) string { return meetingPath(id) + "/tags?operation=add" }, object{"Tags": list{numberedTag(0)}}, "meetingId")
		}},
	}, aMeetingTagging().cases(legacyProbes(tagProbes("Tags"))...), aMeetingTagging().cases(
		probe{name: "TagsMissing", change: drop("Tags"), says: "Tags is required", words: "tags"},
		probe{name: "TagsEmptyList", change: set("Tags", list{}), says: "at least one tag is wanted", words: "tags"},
		probe{name: "TagsFiftyOne", change: set("Tags", times(51, numberedTag)), says: "one request has at most 50 tags", words: "tags"},
		probe{name: "TagsDuplicateKeys", change: set("Tags", list{numberedTag(0), numberedTag(0)}), says: "a key twice in one request is refused (D-17)", words: anyWords},
	))
}

// aMeetingTagging is the attempt whose valid body tags a legacy meeting.
func aMeetingTagging() attempt {
	return attempt{operation: "TagMeeting", method: post, status: 204, in: inLegacy(), prepare: func(t *conform.T) (string, object) {
		return meetingPath(t.Meeting().ID) + "/tags?operation=add", object{"Tags": list{object{"Key": "k", "Value": "v"}}}
	}}
}

// legacyProbes returns the probes that concern the legacy flavour, for an
// operation only it has.
func legacyProbes(probes []probe) []probe {
	var kept []probe
	for _, p := range probes {
		if p.in == nil || slices.Contains(p.in, conform.Legacy) {
			p.in = inLegacy()
			kept = append(kept, p)
		}
	}
	return kept
}

func sharesTagsWithARN(t *conform.T) {
	m := t.MeetingWith(func(in *conform.NewMeeting) { in.Tags = []conform.Tag{{Key: "a", Value: "1"}} })
	t.API.TagMeeting(m.ID, conform.Tag{Key: "b", Value: "2"}).OK()
	arn := arnOf(t, m)
	t.API.TagResource(arn, conform.Tag{Key: "c", Value: "3"}).OK()
	want := []conform.Tag{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}, {Key: "c", Value: "3"}}
	t.Equal("tags by id", sorted(t.API.ListMeetingTags(m.ID).OK()), want)
	t.Equal("tags by ARN", sorted(t.API.ListTagsForResource(arn).OK()), want)
	t.API.UntagMeeting(m.ID, "c").OK()
	t.API.UntagResource(arn, "b").OK()
	t.Equal("tags left", t.API.ListMeetingTags(m.ID).OK(), want[:1])
}
