package cases

import (
	"slices"
	"strings"

	"github.com/carillon-meetings/carillon/conform"
)

// batchUpdateAttendeeCapabilitiesExceptCases are the behaviours of
// BatchUpdateAttendeeCapabilitiesExcept, which only the current flavour has.
func batchUpdateAttendeeCapabilitiesExceptCases() []conform.Case {
	return slices.Concat([]conform.Case{
		{Name: "BatchUpdateAttendeeCapabilitiesExcept_ChangesAllButTheExcepted", Says: "every attendee but the excluded ones gets the capabilities", In: inMeetings(), Body: exceptChanges},
		{Name: "BatchUpdateAttendeeCapabilitiesExcept_AnswersAnEmptyBody", Says: "200 with an empty body", In: inMeetings(), Body: exceptAnswersNothing},
		{Name: "BatchUpdateAttendeeCapabilitiesExcept_UnknownIdsAreIgnored", Says: "ids that are no attendees are ignored (D-14)", In: inMeetings(), Body: exceptUnknown},
		{Name: "BatchUpdateAttendeeCapabilitiesExcept_DuplicatesAreAllowed", Says: "an id may be excluded twice (D-14)", In: inMeetings(), Body: exceptTwice},
		{Name: "BatchUpdateAttendeeCapabilitiesExcept_IdsInCapitals", Says: "excluded ids are compared in any letter case (D-21)", In: inMeetings(), Body: exceptInCapitals},
		{Name: "BatchUpdateAttendeeCapabilitiesExcept_TwoHundredFiftyIds", Says: "250 excluded ids are accepted, 251 refused", In: inMeetings(), Body: exceptMost},
		{Name: "BatchUpdateAttendeeCapabilitiesExcept_LaterAttendeesAreUntouched", Says: "attendees created afterwards get the defaults", In: inMeetings(), Body: exceptLater},
		{Name: "BatchUpdateAttendeeCapabilitiesExcept_UnknownMeetingIsNotFound", Says: "an unknown meeting is NotFound", In: inMeetings(), Body: func(t *conform.T) {
			t.API.BatchUpdateAttendeeCapabilitiesExcept(unknownID, *all("None"), unknownID).Fails(notFound(), unknownID)
		}},
		{Name: "BatchUpdateAttendeeCapabilitiesExcept_MalformedMeetingIdIsRefused", Says: "a meeting id that is no GUID is BadRequest", In: inMeetings(), Body: exceptMalformed},
	}, anException().cases(
		probe{name: "ExcludedMissing", change: drop("ExcludedAttendeeIds"), says: "ExcludedAttendeeIds is required", words: "excludedAttendeeIds"},
		probe{name: "ExcludedEmpty", change: set("ExcludedAttendeeIds", list{}), says: "an empty list of excluded ids is refused", words: "excludedAttendeeIds"},
		probe{name: "ExcludedIdMissing", change: drop("ExcludedAttendeeIds.AttendeeId"), says: "each excluded item needs an AttendeeId", words: "excludedAttendeeIds.1 attendeeId"},
		probe{name: "ExcludedIdMalformed", change: set("ExcludedAttendeeIds.AttendeeId", "x"), says: "an excluded id must be a GUID", words: "excludedAttendeeIds.1 attendeeId"},
		probe{name: "ExcludedStrings", change: set("ExcludedAttendeeIds", list{unknownID}), says: "a string where an item is wanted is refused", words: anyWords},
		probe{name: "CapabilitiesMissing", change: drop("Capabilities"), says: "Capabilities is required", words: "capabilities"},
		probe{name: "CapabilitiesPartial", change: drop("Capabilities.Video"), says: "all three capabilities are required", words: "capabilities.video"},
		probe{name: "CapabilitiesUnknownValue", change: set("Capabilities.Audio", "Shout"), says: "capabilities are an enum", words: "capabilities.audio"},
	))
}

// anException is the attempt whose valid body changes the capabilities of all
// attendees but one that is unknown.
func anException() attempt {
	return attempt{operation: "BatchUpdateAttendeeCapabilitiesExcept", method: put, status: 200, in: inMeetings(), prepare: func(t *conform.T) (string, object) {
		return exceptPath(t.Meeting().ID), object{
			"ExcludedAttendeeIds": list{object{"AttendeeId": unknownID}},
			"Capabilities":        object{"Audio": "Send", "Video": "Send", "Content": "Send"},
		}
	}}
}

// accessesOf returns the audio access of each attendee of a meeting in order.
func accessesOf(t *conform.T, meeting string) []string {
	var list []string
	for _, a := range t.API.ListAttendees(meeting, conform.Page{}).OK().Attendees {
		list = append(list, a.Capabilities.Audio)
	}
	return list
}

func exceptChanges(t *conform.T) {
	m := t.Meeting()
	created := t.API.BatchCreateAttendee(m.ID, users(5)...).OK().Attendees
	t.API.BatchUpdateAttendeeCapabilitiesExcept(m.ID, *all("Receive"), created[1].ID, created[4].ID).OK()
	t.Equal("audio", accessesOf(t, m.ID), []string{"Receive", "SendReceive", "Receive", "Receive", "SendReceive"})
	t.Equal("identity of a changed one", t.API.GetAttendee(m.ID, created[0].ID).OK().JoinToken, created[0].JoinToken)
}

func exceptAnswersNothing(t *conform.T) {
	m, a := t.Attendee()
	r := t.API.BatchUpdateAttendeeCapabilitiesExcept(m.ID, *all("None"), a.ID)
	r.OK()
	t.Equal("bytes of the body", len(r.Body), 0)
}

func exceptUnknown(t *conform.T) {
	m, _ := t.Attendee()
	t.API.BatchUpdateAttendeeCapabilitiesExcept(m.ID, *all("None"), unknownID).OK()
	t.Equal("audio", accessesOf(t, m.ID), []string{"None"})
}

func exceptTwice(t *conform.T) {
	m, a := t.Attendee()
	t.API.BatchUpdateAttendeeCapabilitiesExcept(m.ID, *all("None"), a.ID, a.ID, unknownID).OK()
	t.Equal("audio", accessesOf(t, m.ID), []string{"SendReceive"})
}

func exceptInCapitals(t *conform.T) {
	m, a := t.Attendee()
	t.API.BatchUpdateAttendeeCapabilitiesExcept(m.ID, *all("None"), strings.ToUpper(a.ID)).OK()
	t.Equal("audio", accessesOf(t, m.ID), []string{"SendReceive"})
}

func exceptMost(t *conform.T) {
	m, _ := t.Attendee()
	ids := slices.Repeat([]string{unknownID}, 250)
	t.API.BatchUpdateAttendeeCapabilitiesExcept(m.ID, *all("None"), ids...).OK()
	t.API.BatchUpdateAttendeeCapabilitiesExcept(m.ID, *all("Send"), append(ids, unknownID)...).Fails(badRequest(), "excludedAttendeeIds")
	t.Equal("audio", accessesOf(t, m.ID), []string{"None"})
}

func exceptLater(t *conform.T) {
	m, _ := t.Attendee()
	t.API.BatchUpdateAttendeeCapabilitiesExcept(m.ID, *all("None"), unknownID).OK()
	t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: "later"}).OK()
	t.Equal("audio", accessesOf(t, m.ID), []string{"None", "SendReceive"})
}

func exceptMalformed(t *conform.T) {
	refusesBadIDs(t, put, exceptPath, object{
		"ExcludedAttendeeIds": list{object{"AttendeeId": unknownID}},
		"Capabilities":        object{"Audio": "Send", "Video": "Send", "Content": "Send"},
	}, "meetingId")
}
