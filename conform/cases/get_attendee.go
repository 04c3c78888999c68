package cases

import (
	"strings"

	"github.com/carillon-meetings/carillon/conform"
)

// getAttendeeCases are the behaviours of GetAttendee.
func getAttendeeCases() []conform.Case {
	return []conform.Case{
		{Name: "GetAttendee_ReturnsWhatCreationAnswered", Says: "the attendee is the one answered at creation, join token included", In: inBoth(), Body: getAttendeeAsCreated},
		{Name: "GetAttendee_IdsInCapitals", Says: "ids are compared in any letter case (D-21)", In: inBoth(), Body: getAttendeeInCapitals},
		{Name: "GetAttendee_UnknownAttendeeIsNotFound", Says: "an unknown attendee is NotFound, and the message names it", In: inBoth(), Body: func(t *conform.T) { t.API.GetAttendee(t.Meeting().ID, unknownID).Fails(notFound(), unknownID) }},
		{Name: "GetAttendee_UnknownMeetingIsNotFound", Says: "an unknown meeting is NotFound", In: inBoth(), Body: getAttendeeOfUnknown},
		{Name: "GetAttendee_OfAnotherMeetingIsNotFound", Says: "an attendee is found in its own meeting only", In: inBoth(), Body: getAttendeeElsewhere},
		{Name: "GetAttendee_DeletedIsNotFound", Says: "a deleted attendee does not exist", In: inBoth(), Body: getDeletedAttendee},
		{Name: "GetAttendee_MalformedIdsAreRefused", Says: "ids that are no GUIDs are BadRequest", In: inBoth(), Body: getAttendeeMalformed},
		{Name: "GetAttendee_EmptyIdIsRefused", Says: "an empty label is BadRequest", In: inBoth(), Body: func(t *conform.T) { t.API.Raw(get, attendeePath(t.Meeting().ID, ""), nil).Fails(badRequest()) }},
		{Name: "GetAttendee_BothIdsMalformedAreNamed", Says: "both malformed labels are listed", In: inBoth(), Body: func(t *conform.T) {
			t.API.Raw(get, attendeePath("m", "a"), nil).Fails(badRequest(), "meetingId", "attendeeId")
		}},
	}
}

func getAttendeeAsCreated(t *conform.T) {
	m := t.Meeting()
	created := t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: "user-1"})
	created.OK()
	got := t.API.GetAttendee(m.ID, created.Value().ID)
	got.OK()
	t.Equal("the body", got.Object(), created.Object())
}

func getAttendeeInCapitals(t *conform.T) {
	m, a := t.Attendee()
	t.Equal("the attendee", t.API.GetAttendee(strings.ToUpper(m.ID), strings.ToUpper(a.ID)).OK(), a)
}

func getAttendeeOfUnknown(t *conform.T) {
	_, a := t.Attendee()
	t.API.GetAttendee(unknownID, a.ID).Fails(notFound(), unknownID)
}

func getAttendeeElsewhere(t *conform.T) {
	_, a := t.Attendee()
	t.API.GetAttendee(t.Meeting().ID, a.ID).Fails(notFound(), a.ID)
}

func getDeletedAttendee(t *conform.T) {
	m, a := t.Attendee()
	t.API.DeleteAttendee(m.ID, a.ID).OK()
	t.API.GetAttendee(m.ID, a.ID).Fails(notFound(), a.ID)
}

func getAttendeeMalformed(t *conform.T) {
	m := t.Meeting()
	refusesBadIDs(t, get, func(id string) string { return attendeePath(id, unknownID) }, nil, "meetingId")
	refusesBadIDs(t, get, func(id string) string { return attendeePath(m.ID, id) }, nil, "attendeeId")
}
