package conform

import "slices"

// untagAttendeeCases are the behaviours of UntagAttendee, which only the
// legacy flavour has.
func untagAttendeeCases() []Case {
	return slices.Concat([]Case{
		{Name: "UntagAttendee_TakesAwayByKey", Says: "tags are removed by key; keys that are not there do no harm", In: inLegacy(), body: func(t *T) { takesAway(t, t.attendeeByID(t.Attendee())) }},
		{Name: "UntagAttendee_UnknownAttendeeIsNotFound", Says: "an unknown attendee is NotFound", In: inLegacy(), body: func(t *T) { t.API.UntagAttendee(t.Meeting().ID, unknownID, "k").Fails(notFound(), unknownID) }},
		{Name: "UntagAttendee_MalformedIdsAreRefused", Says: "ids that are no GUIDs are BadRequest", In: inLegacy(), body: func(t *T) {
			refusesBadIDs(t, post, func(id string) string { return attendeePath(unknownID, id) + "/tags?operation=delete" }, object{"TagKeys": list{"k"}}, "attendeeId")
		}},
	}, attempt{operation: "UntagAttendee", method: post, status: 204, prepare: func(t *T) (string, object) {
		m, a := t.Attendee()
		return attendeePath(m.ID, a.ID) + "/tags?operation=delete", object{"TagKeys": list{"k"}}
	}}.cases(legacyProbes(untagProbes(10))...))
}
