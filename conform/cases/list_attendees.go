package cases

import "github.com/carillon-meetings/carillon/conform"

// listAttendeesCases are the behaviours of ListAttendees; those of paging are
// in paging.go.
func listAttendeesCases() []conform.Case {
	return []conform.Case{
		{Name: "ListAttendees_EmptyMeeting", Says: "a meeting without attendees answers [] and no NextToken (D-10)", In: inBoth(), Body: listNone},
		{Name: "ListAttendees_HasWholeAttendees", Says: "the items are the attendees as created, join tokens included, in order of creation (D-12)", In: inBoth(), Body: listWhole},
		{Name: "ListAttendees_DeletedIsNotListed", Says: "a deleted attendee is not listed", In: inBoth(), Body: listWithoutDeleted},
		{Name: "ListAttendees_RepeatsAddNothing", Says: "repeated creations of a user id list it once, at its first place", In: inBoth(), Body: listWithRepeats},
		{Name: "ListAttendees_UnknownMeetingIsNotFound", Says: "an unknown meeting is NotFound", In: inBoth(), Body: func(t *conform.T) { t.API.ListAttendees(unknownID, conform.Page{}).Fails(notFound(), unknownID) }},
		{Name: "ListAttendees_MalformedMeetingIdIsRefused", Says: "a meeting id that is no GUID is BadRequest", In: inBoth(), Body: func(t *conform.T) { refusesBadIDs(t, get, attendeesPath, nil, "meetingId") }},
		{Name: "ListAttendees_OtherMeetingsDoNotShow", Says: "a list has the attendees of its meeting only", In: inBoth(), Body: listsOnlyItsOwn},
	}
}

func listNone(t *conform.T) {
	r := t.API.ListAttendees(t.Meeting().ID, conform.Page{})
	r.OK()
	t.Equal("members", r.Keys(), []string{"Attendees"})
	t.Equal("Attendees", r.Object()["Attendees"], list{})
}

func listWhole(t *conform.T) {
	m := t.Meeting()
	created := t.API.BatchCreateAttendee(m.ID, users(3)...).OK().Attendees
	created = append(created, t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: "aaa-last"}).OK())
	r := t.API.ListAttendees(m.ID, conform.Page{})
	t.Equal("the list", r.OK().Attendees, created)
	t.Equal("members", r.Keys(), []string{"Attendees"})
}

func listWithoutDeleted(t *conform.T) {
	m := t.Meeting()
	created := t.API.BatchCreateAttendee(m.ID, users(4)...).OK().Attendees
	t.API.DeleteAttendee(m.ID, created[1].ID).OK()
	t.Equal("user ids", userIDs(t.API.ListAttendees(m.ID, conform.Page{}).OK().Attendees), []string{"user-000", "user-002", "user-003"})
}

func listWithRepeats(t *conform.T) {
	m := t.Meeting()
	for range 3 {
		t.API.BatchCreateAttendee(m.ID, users(3)...).OK()
	}
	t.API.CreateAttendee(m.ID, users(1)[0]).OK()
	t.Equal("user ids", userIDs(t.API.ListAttendees(m.ID, conform.Page{}).OK().Attendees), wantUserIDs(users(3)))
}

func listsOnlyItsOwn(t *conform.T) {
	a, b := t.Meeting(), t.Meeting()
	t.API.BatchCreateAttendee(a.ID, users(2)...).OK()
	t.API.BatchCreateAttendee(b.ID, users(5)...).OK()
	t.Equal("attendees of the first", len(t.API.ListAttendees(a.ID, conform.Page{}).OK().Attendees), 2)
	t.Equal("attendees of the second", len(t.API.ListAttendees(b.ID, conform.Page{}).OK().Attendees), 5)
}
