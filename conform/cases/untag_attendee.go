package cases

import (
	"slices"

	"github.com/carillon-meetings/carillon/conform"
)

// untagAttendeeCases are the behaviours of UntagAttendee, which only the
// legacy flavour has.
func untagAttendeeCases() []conform.Case {
	return slices.Concat([]conform.Case{
		{Name: "UntagAttendee_TakesAwayByKey", Says: "tags are removed by key; keys that are not there do no harm", In: inLegacy(), Body: func(t *conform.T) { takesAway(t, taggedAttendee(t)) }},
		{Name: "UntagAttendee_UnknownAttendeeIsNotFound", Says: "an unknown attendee is NotFound", In: inLegacy(), Body: func(t *conform.T) { t.API.UntagAttendee(t.Meeting().ID, unknownID, "k").Fails(notFound(), unknownID) }},
		{Name: "UntagAttendee_MalformedIdsAreRefused", Says: "ids that are no GUIDs are BadRequest", In: inLegacy(), Body: func(t *conform.T) {
			refusesBadIDs(t, post, func(id string) string { return attendeePath(unknownID, id) + "/tags?operation=delete" }, object{"TagKeys": list{"k"}}, "attendeeId")
		}},
	}, attempt{operation: "UntagAttendee", method: post, status: 204, prepare: func(t *conform.T) (string, object) {
		m, a := t.Attendee()
		return attendeePath(m.ID, a.ID) + "/tags?operation=delete", object{"TagKeys": list{"k"}}
	}}.cases(legacyProbes(untagProbes(10))...))
}
