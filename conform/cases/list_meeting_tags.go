package cases

import "github.com/carillon-meetings/carillon/conform"

// listMeetingTagsCases are the behaviours of ListMeetingTags, which only the
// legacy flavour has.
func listMeetingTagsCases() []conform.Case {
	return []conform.Case{
		{Name: "ListMeetingTags_NoTags", Says: "a meeting without tags answers [] (D-10)", In: inLegacy(), Body: func(t *conform.T) { listsNothing(t, taggedByID(t, t.Meeting())) }},
		{Name: "ListMeetingTags_TagsOfCreation", Says: "tags given at creation are listed", In: inLegacy(), Body: func(t *conform.T) {
			tags := numberedTags(3)
			m := t.MeetingWith(func(in *conform.NewMeeting) { in.Tags = tags })
			t.Equal("tags", sorted(t.API.ListMeetingTags(m.ID).OK()), tags)
		}},
		{Name: "ListMeetingTags_UnknownMeetingIsNotFound", Says: "an unknown meeting is NotFound", In: inLegacy(), Body: func(t *conform.T) { t.API.ListMeetingTags(unknownID).Fails(notFound(), unknownID) }},
		{Name: "ListMeetingTags_MalformedMeetingIdIsRefused", Says: "a meeting id that is no GUID is BadRequest", In: inLegacy(), Body: func(t *conform.T) {
			refusesBadIDs(t, get, func(id string) string { return meetingPath(id) + "/tags" }, nil, "meetingId")
		}},
	}
}
