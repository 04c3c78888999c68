package conform

// listMeetingTagsCases are the behaviours of ListMeetingTags, which only the
// legacy flavour has.
func listMeetingTagsCases() []Case {
	return []Case{
		{Name: "ListMeetingTags_NoTags", Says: "a meeting without tags answers [] (D-10)", In: inLegacy(), body: func(t *T) { listsNothing(t, t.byID(t.Meeting())) }},
		{Name: "ListMeetingTags_TagsOfCreation", Says: "tags given at creation are listed", In: inLegacy(), body: func(t *T) {
			tags := numberedTags(3)
			m := t.MeetingWith(func(in *NewMeeting) { in.Tags = tags })
			t.Equal("tags", sorted(t.API.ListMeetingTags(m.ID).OK()), tags)
		}},
		{Name: "ListMeetingTags_UnknownMeetingIsNotFound", Says: "an unknown meeting is NotFound", In: inLegacy(), body: func(t *T) { t.API.ListMeetingTags(unknownID).Fails(notFound(), unknownID) }},
		{Name: "ListMeetingTags_MalformedMeetingIdIsRefused", Says: "a meeting id that is no GUID is BadRequest", In: inLegacy(), body: func(t *T) {
			refusesBadIDs(t, get, func(id string) string { return meetingPath(id) + "/tags" }, nil, "meetingId")
		}},
	}
}
