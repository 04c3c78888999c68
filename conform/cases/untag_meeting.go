package cases

import (
	"slices"

	"github.com/carillon-meetings/carillon/conform"
)

// untagMeetingCases are the behaviours of UntagMeeting, which only the legacy
// flavour has.
func untagMeetingCases() []conform.Case {
	return slices.Concat([]conform.Case{
		{Name: "UntagMeeting_TakesAwayByKey", Says: "tags are removed by key; keys that are not there do no harm", In: inLegacy(), Body: func(t *conform.T) { takesAway(t, taggedByID(t, t.Meeting())) }},
		{Name: "UntagMeeting_UnknownMeetingIsNotFound", Says: "an unknown meeting is NotFound", In: inLegacy(), Body: func(t *conform.T) { t.API.UntagMeeting(unknownID, "k").Fails(notFound(), unknownID) }},
		{Name: "UntagMeeting_MalformedMeetingIdIsRefused", Says: "a meeting id that is no GUID is BadRequest", In: inLegacy(), Body: func(t *conform.T) {
			refusesBadIDs(t, post, func(id string) string { return meetingPath(id) + "/tags?operation=delete" }, object{"TagKeys": list{"k"}}, "meetingId")
		}},
	}, attempt{operation: "UntagMeeting", method: post, status: 204, prepare: func(t *conform.T) (string, object) {
		return meetingPath(t.Meeting().ID) + "/tags?operation=delete", object{"TagKeys": list{"k"}}
	}}.cases(legacyProbes(untagProbes(50))...))
}
