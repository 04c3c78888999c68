package cases

import "github.com/carillon-meetings/carillon/conform"

// deleteAttendeeCases are the behaviours of DeleteAttendee.
func deleteAttendeeCases() []conform.Case {
	return []conform.Case{
		{Name: "DeleteAttendee_AnswersNothing", Says: "204 without body or content type, and the attendee is gone", In: inBoth(), Body: deletesAttendee},
		{Name: "DeleteAttendee_AgainIsNotFound", Says: "deleting an attendee twice is NotFound the second time (D-13)", In: inBoth(), Body: deletesAttendeeTwice},
		{Name: "DeleteAttendee_UnknownIsNotFound", Says: "an unknown attendee is NotFound, and the message names it", In: inBoth(), Body: func(t *conform.T) { t.API.DeleteAttendee(t.Meeting().ID, unknownID).Fails(notFound(), unknownID) }},
		{Name: "DeleteAttendee_UnknownMeetingIsNotFound", Says: "an unknown meeting is NotFound", In: inBoth(), Body: func(t *conform.T) { t.API.DeleteAttendee(unknownID, unknownID).Fails(notFound()) }},
		{Name: "DeleteAttendee_OfAnotherMeetingIsNotFound", Says: "an attendee can be deleted through its own meeting only", In: inBoth(), Body: deletesNoForeigner},
		{Name: "DeleteAttendee_MalformedIdsAreRefused", Says: "ids that are no GUIDs are BadRequest", In: inBoth(), Body: deletesNothingMalformed},
		{Name: "DeleteAttendee_OthersStay", Says: "the other attendees keep their ids and join tokens", In: inBoth(), Body: deletesOnlyOne},
		{Name: "DeleteAttendee_OnceAmongMany", Says: "of many deletions at once exactly one succeeds, the others are NotFound (D-13)", In: inBoth(), Body: deletesOnceTogether},
		{Name: "DeleteAttendee_NamedCapabilities", Says: "the segment capabilities is no attendee id", In: inBoth(), Body: func(t *conform.T) {
			t.API.Raw(remove, attendeePath(t.Meeting().ID, "capabilities"), nil).Fails(badRequest(), "attendeeId")
		}},
	}
}

func deletesAttendee(t *conform.T) {
	m, a := t.Attendee()
	t.API.DeleteAttendee(m.ID, a.ID).OK()
	t.API.GetAttendee(m.ID, a.ID).Fails(notFound(), a.ID)
}

func deletesAttendeeTwice(t *conform.T) {
	m, a := t.Attendee()
	t.API.DeleteAttendee(m.ID, a.ID).OK()
	t.API.DeleteAttendee(m.ID, a.ID).Fails(notFound(), a.ID)
}

func deletesNoForeigner(t *conform.T) {
	m, a := t.Attendee()
	t.API.DeleteAttendee(t.Meeting().ID, a.ID).Fails(notFound(), a.ID)
	t.API.GetAttendee(m.ID, a.ID).OK()
}

func deletesNothingMalformed(t *conform.T) {
	m := t.Meeting()
	refusesBadIDs(t, remove, func(id string) string { return attendeePath(id, unknownID) }, nil, "meetingId")
	refusesBadIDs(t, remove, func(id string) string { return attendeePath(m.ID, id) }, nil, "attendeeId")
}

func deletesOnlyOne(t *conform.T) {
	m := t.Meeting()
	created := t.API.BatchCreateAttendee(m.ID, users(3)...).OK().Attendees
	t.API.DeleteAttendee(m.ID, created[0].ID).OK()
	t.Equal("the others", t.API.ListAttendees(m.ID, conform.Page{}).OK().Attendees, created[1:])
}

func deletesOnceTogether(t *conform.T) {
	m, a := t.Attendee()
	done := make(chan bool, 16)
	t.Together(16, func(int) {
		r := t.API.DeleteAttendee(m.ID, a.ID)
		if r.Refused() {
			r.Fails(notFound())
		}
		done <- !r.Refused()
	})
	close(done)
	succeeded := 0
	for ok := range done {
		if ok {
			succeeded++
		}
	}
	t.Equal("deletions that succeeded", succeeded, 1)
}
