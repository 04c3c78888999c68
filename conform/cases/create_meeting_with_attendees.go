package cases

import (
	"slices"

	"github.com/google/uuid"

	"github.com/carillon-meetings/carillon/conform"
)

// createMeetingWithAttendeesCases are the behaviours of
// CreateMeetingWithAttendees; those of its meeting part that it shares with
// CreateMeeting are only sampled.
func createMeetingWithAttendeesCases() []conform.Case {
	a := withAttendees()
	return slices.Concat([]conform.Case{
		{Name: "CreateMeetingWithAttendees_AnswersMeetingAndAttendees", Says: "the answer has the meeting, its attendees in request order, and no errors (D-12)", In: inBoth(), Body: meetingWithAttendees},
		{Name: "CreateMeetingWithAttendees_AnswersExactlyThreeMembers", Says: "Meeting, Attendees and Errors are always present, Errors as [] (D-10)", In: inBoth(), Body: withAttendeesMembers},
		{Name: "CreateMeetingWithAttendees_AttendeesExistAfterwards", Says: "the attendees are read back as they were answered", In: inBoth(), Body: withAttendeesReadBack},
		{Name: "CreateMeetingWithAttendees_MostAttendees", Says: "20 attendees (current) or 10 (legacy) are accepted", In: inBoth(), Body: mostAttendees},
		{Name: "CreateMeetingWithAttendees_TooManyAttendees", Says: "one attendee more than the most is refused as a whole and creates nothing", In: inBoth(), Body: tooManyAttendees},
		{Name: "CreateMeetingWithAttendees_ReplayReturnsTheSame", Says: "the same call again returns the same meeting, attendees and join tokens (D-08)", In: inBoth(), Body: withAttendeesReplay},
		{Name: "CreateMeetingWithAttendees_ReplayAddsUnknownUsers", Says: "a replay creates the user ids the meeting does not know yet (D-08)", In: inBoth(), Body: withAttendeesReplayAdds},
		{Name: "CreateMeetingWithAttendees_DuplicatesResolveToOneAttendee", Says: "a user id twice in the list is one attendee at both places (D-39)", In: inBoth(), Body: withAttendeesDuplicates},
		{Name: "CreateMeetingWithAttendees_CapabilitiesAreKept", Says: "capabilities given for an attendee are answered", In: inMeetings(), Body: withAttendeesCapabilities},
		{Name: "CreateMeetingWithAttendees_AttendeeTagsAreKept", Says: "tags given for an attendee are listed afterwards", In: inLegacy(), Body: withAttendeesTags},
		{Name: "CreateMeetingWithAttendees_AttendeesAreOptionalInLegacy", Says: "the legacy flavour accepts no Attendees and answers []", In: inLegacy(), Body: withoutAttendees},
	}, a.cases(
		probe{name: "AttendeesMissing", in: inMeetings(), change: drop("Attendees"), says: "Attendees is required", words: "attendees"},
		probe{name: "AttendeesEmpty", change: set("Attendees", list{}), says: "an empty Attendees list is refused", words: "attendees"},
		probe{name: "AttendeeWithoutUserId", change: drop("Attendees.ExternalUserId"), says: "each attendee needs an ExternalUserId", words: "attendees.1 externalUserId"},
		probe{name: "AttendeeUserIdReserved", in: inMeetings(), change: set("Attendees.ExternalUserId", "aws:x"), says: "one reserved user id refuses the whole request (D-42)", words: anyWords},
		probe{name: "AttendeeCapabilitiesPartial", in: inMeetings(), change: set("Attendees.Capabilities", object{"Audio": "Send"}), says: "capabilities need all three members", words: "capabilities"},
		probe{name: "AttendeeTagsTooMany", in: inLegacy(), change: set("Attendees.Tags", times(11, numberedTag)), says: "an attendee has at most 10 tags", words: "tags"},
		probe{name: "TokenMissing", change: drop("ClientRequestToken"), says: "ClientRequestToken is required", words: "clientRequestToken"},
		probe{name: "MediaRegionMissing", in: inMeetings(), change: drop("MediaRegion"), says: "MediaRegion is required", words: "mediaRegion"},
		probe{name: "ExternalMeetingIdMissing", in: inMeetings(), change: drop("ExternalMeetingId"), says: "ExternalMeetingId is required", words: "externalMeetingId"},
		probe{name: "MediaRegionUnknown", change: set("MediaRegion", "moon-base-1"), says: "an unknown media Region is refused", words: "mediaRegion"},
		probe{name: "FeaturesOddlySpelt", in: inMeetings(), change: set("MeetingFeatures", object{"Video": object{"MaxResolution": "4K"}}), says: "features are checked as for CreateMeeting", words: "maxResolution"},
	))
}

// withAttendees is the attempt whose valid body creates a meeting with one
// attendee.
func withAttendees() attempt {
	return attempt{operation: "CreateMeetingWithAttendees", method: post, prepare: func(*conform.T) (string, object) {
		return "/meetings?operation=create-attendees", object{
			"ClientRequestToken": uuid.NewString(), "MediaRegion": "us-east-1", "ExternalMeetingId": "conform-with",
			"Attendees": list{object{"ExternalUserId": "user-1"}},
		}
	}}
}

// numberedTag returns a tag whose key tells its place.
func numberedTag(i int) any { return object{"Key": "key-" + letters(i+1), "Value": "v"} }

// populated returns the input of a meeting with n attendees.
func populated(t *conform.T, n int) conform.NewMeeting {
	in := t.NewMeeting()
	in.Attendees = users(n)
	return in
}

// userIDs returns the user ids of attendees in order.
func userIDs(attendees []conform.Attendee) []string {
	ids := make([]string, len(attendees))
	for i, a := range attendees {
		ids[i] = a.ExternalUserID
	}
	return ids
}

// wantUserIDs returns the user ids of attendees to create in order.
func wantUserIDs(in []conform.NewAttendee) []string {
	ids := make([]string, len(in))
	for i, a := range in {
		ids[i] = a.ExternalUserID
	}
	return ids
}

func meetingWithAttendees(t *conform.T) {
	in := populated(t, 3)
	b := t.API.CreateMeetingWithAttendees(in).OK()
	t.True("MeetingId is a GUID", conform.IsGUID(b.Meeting.ID))
	t.Equal("ExternalMeetingId", b.Meeting.ExternalMeetingID, in.ExternalMeetingID)
	t.Equal("user ids", userIDs(b.Attendees), wantUserIDs(in.Attendees))
	t.Equal("errors", len(b.Errors), 0)
}

func withAttendeesMembers(t *conform.T) {
	r := t.API.CreateMeetingWithAttendees(populated(t, 1))
	r.OK()
	t.Equal("members", r.Keys(), []string{"Attendees", "Errors", "Meeting"})
	t.Equal("Errors", r.Object()["Errors"], list{})
}

func withAttendeesReadBack(t *conform.T) {
	b := t.API.CreateMeetingWithAttendees(populated(t, 4)).OK()
	t.Equal("the meeting", t.API.GetMeeting(b.Meeting.ID).OK(), b.Meeting)
	t.Equal("the attendees", t.API.ListAttendees(b.Meeting.ID, conform.Page{}).OK().Attendees, b.Attendees)
}

// mostItems returns how many attendees CreateMeetingWithAttendees takes.
func mostItems(t *conform.T) int {
	if t.Flavour == conform.Legacy {
		return 10
	}
	return 20
}

func mostAttendees(t *conform.T) {
	b := t.API.CreateMeetingWithAttendees(populated(t, mostItems(t))).OK()
	t.Equal("attendees", len(b.Attendees), mostItems(t))
}

func tooManyAttendees(t *conform.T) {
	in := populated(t, mostItems(t)+1)
	t.API.CreateMeetingWithAttendees(in).Fails(badRequest(), "attendees")
	m := t.API.CreateMeeting(conform.NewMeeting{Token: in.Token, MediaRegion: in.MediaRegion, ExternalMeetingID: "another-id"}).OK()
	t.Equal("the token was still free, so the external id", m.ExternalMeetingID, "another-id")
}

func withAttendeesReplay(t *conform.T) {
	in := populated(t, 3)
	first := t.API.CreateMeetingWithAttendees(in).OK()
	t.Equal("attendees", len(first.Attendees), 3)
	t.Equal("the replay", t.API.CreateMeetingWithAttendees(in).OK(), first)
}

func withAttendeesReplayAdds(t *conform.T) {
	in := populated(t, 2)
	first := t.API.CreateMeetingWithAttendees(in).OK()
	in.Attendees = append(users(2)[1:], conform.NewAttendee{ExternalUserID: "newcomer"})
	again := t.API.CreateMeetingWithAttendees(in).OK()
	t.Equal("the meeting", again.Meeting.ID, first.Meeting.ID)
	t.Equal("user ids", userIDs(again.Attendees), []string{"user-001", "newcomer"})
	t.Equal("the known attendee", again.Attendees[0], first.Attendees[1])
	t.Equal("attendees of the meeting", len(t.API.ListAttendees(first.Meeting.ID, conform.Page{}).OK().Attendees), 3)
}

func withAttendeesDuplicates(t *conform.T) {
	in := populated(t, 2)
	in.Attendees = append(in.Attendees, in.Attendees[0])
	b := t.API.CreateMeetingWithAttendees(in).OK()
	if len(b.Attendees) != 3 {
		t.Fatalf("got %d attendees, want one element per item", len(b.Attendees))
	}
	t.Equal("the third element", b.Attendees[2], b.Attendees[0])
	t.Equal("attendees of the meeting", len(t.API.ListAttendees(b.Meeting.ID, conform.Page{}).OK().Attendees), 2)
}

func withAttendeesCapabilities(t *conform.T) {
	in := populated(t, 2)
	in.Attendees[0].Capabilities = &conform.Capabilities{Audio: "Receive", Video: "None", Content: "Send"}
	b := t.API.CreateMeetingWithAttendees(in).OK()
	t.Equal("given capabilities", b.Attendees[0].Capabilities, in.Attendees[0].Capabilities)
	t.Equal("default capabilities", b.Attendees[1].Capabilities, all("SendReceive"))
}

func withAttendeesTags(t *conform.T) {
	in := populated(t, 1)
	in.Attendees[0].Tags = []conform.Tag{{Key: "seat", Value: "4b"}}
	b := t.API.CreateMeetingWithAttendees(in).OK()
	t.Equal("tags", t.API.ListAttendeeTags(b.Meeting.ID, b.Attendees[0].ID).OK(), in.Attendees[0].Tags)
}

func withoutAttendees(t *conform.T) {
	r := t.API.Raw(post, "/meetings?operation=create-attendees", object{"ClientRequestToken": uuid.NewString()}).Succeeds(201)
	t.Equal("Attendees", r.Object()["Attendees"], list{})
	t.Equal("Errors", r.Object()["Errors"], list{})
}
