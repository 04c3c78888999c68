package cases

import "github.com/carillon-meetings/carillon/conform"

// listAttendeeTagsCases are the behaviours of ListAttendeeTags, which only the
// legacy flavour has.
func listAttendeeTagsCases() []conform.Case {
	return []conform.Case{
		{Name: "ListAttendeeTags_NoTags", Says: "an attendee without tags answers [] (D-10)", In: inLegacy(), Body: func(t *conform.T) { listsNothing(t, taggedAttendee(t)) }},
		{Name: "ListAttendeeTags_UnknownAttendeeIsNotFound", Says: "an unknown attendee is NotFound", In: inLegacy(), Body: func(t *conform.T) { t.API.ListAttendeeTags(t.Meeting().ID, unknownID).Fails(notFound(), unknownID) }},
		{Name: "ListAttendeeTags_UnknownMeetingIsNotFound", Says: "an unknown meeting is NotFound", In: inLegacy(), Body: func(t *conform.T) { t.API.ListAttendeeTags(unknownID, unknownID).Fails(notFound()) }},
		{Name: "ListAttendeeTags_MalformedIdsAreRefused", Says: "ids that are no GUIDs are BadRequest", In: inLegacy(), Body: func(t *conform.T) {
			refusesBadIDs(t, get, func(id string) string { return attendeePath(unknownID, id) + "/tags" }, nil, "attendeeId")
		}},
	}
}
