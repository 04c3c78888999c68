package conform

import (
	"slices"

	"github.com/google/uuid"
)

// createMeetingWithAttendeesCases are the behaviours of
// CreateMeetingWithAttendees; those of its meeting part that it shares with
// CreateMeeting are only sampled.
func createMeetingWithAttendeesCases() []Case {
	a := withAttendees()
	return slices.Concat([]Case{
		{Name: "CreateMeetingWithAttendees_AnswersMeetingAndAttendees", Says: "the answer has the meeting, its attendees in request order, and no errors (D-12)", In: inBoth(), body: meetingWithAttendees},
		{Name: "CreateMeetingWithAttendees_AnswersExactlyThreeMembers", Says: "Meeting, Attendees and Errors are always present, Errors as [] (D-10)", In: inBoth(), body: withAttendeesMembers},
		{Name: "CreateMeetingWithAttendees_AttendeesExistAfterwards", Says: "the attendees are read back as they were answered", In: inBoth(), body: withAttendeesReadBack},
		{Name: "CreateMeetingWithAttendees_MostAttendees", Says: "20 attendees (current) or 10 (legacy) are accepted", In: inBoth(), body: mostAttendees},
		{Name: "CreateMeetingWithAttendees_TooManyAttendees", Says: "one attendee more than the most is refused as a whole and creates nothing", In: inBoth(), body: tooManyAttendees},
		{Name: "CreateMeetingWithAttendees_ReplayReturnsTheSame", Says: "the same call again returns the same meeting, attendees and join tokens (D-08)", In: inBoth(), body: withAttendeesReplay},
		{Name: "CreateMeetingWithAttendees_ReplayAddsUnknownUsers", Says: "a replay creates the user ids the meeting does not know yet (D-08)", In: inBoth(), body: withAttendeesReplayAdds},
		{Name: "CreateMeetingWithAttendees_DuplicatesResolveToOneAttendee", Says: "a user id twice in the list is one attendee at both places (D-39)", In: inBoth(), body: withAttendeesDuplicates},
		{Name: "CreateMeetingWithAttendees_CapabilitiesAreKept", Says: "capabilities given for an attendee are answered", In: inMeetings(), body: withAttendeesCapabilities},
		{Name: "CreateMeetingWithAttendees_AttendeeTagsAreKept", Says: "tags given for an attendee are listed afterwards", In: inLegacy(), body: withAttendeesTags},
		{Name: "CreateMeetingWithAttendees_AttendeesAreOptionalInLegacy", Says: "the legacy flavour accepts no Attendees and answers []", In: inLegacy(), body: withoutAttendees},
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
	return attempt{operation: "CreateMeetingWithAttendees", method: post, prepare: func(*T) (string, object) {
		return "/meetings?operation=create-attendees", object{
			"ClientRequestToken": uuid.NewString(), "MediaRegion": "us-east-1", "ExternalMeetingId": "conform-with",
			"Attendees": list{object{"ExternalUserId": "user-1"}},
		}
	}}
}

// numberedTag returns a tag whose key tells its place.
func numberedTag(i int) any { return object{"Key": "key-" + letters(i+1), "Value": "v"} }

// populated returns the input of a meeting with n attendees.
func (t *T) populated(n int) NewMeeting {
	in := t.NewMeeting()
	in.Attendees = users(n)
	return in
}

// userIDs returns the user ids of attendees in order.
func userIDs(attendees []Attendee) []string {
	ids := make([]string, len(attendees))
	for i, a := range attendees {
		ids[i] = a.ExternalUserID
	}
	return ids
}

// wantUserIDs returns the user ids of attendees to create in order.
func wantUserIDs(in []NewAttendee) []string {
	ids := make([]string, len(in))
	for i, a := range in {
		ids[i] = a.ExternalUserID
	}
	return ids
}

func meetingWithAttendees(t *T) {
	in := t.populated(3)
	b := t.API.CreateMeetingWithAttendees(in).OK()
	t.True("MeetingId is a GUID", isGUID(b.Meeting.ID))
	t.Equal("ExternalMeetingId", b.Meeting.ExternalMeetingID, in.ExternalMeetingID)
	t.Equal("user ids", userIDs(b.Attendees), wantUserIDs(in.Attendees))
	t.Equal("errors", len(b.Errors), 0)
}

func withAttendeesMembers(t *T) {
	r := t.API.CreateMeetingWithAttendees(t.populated(1))
	r.OK()
	t.Equal("members", r.Keys(), []string{"Attendees", "Errors", "Meeting"})
	t.Equal("Errors", r.Object()["Errors"], list{})
}

func withAttendeesReadBack(t *T) {
	b := t.API.CreateMeetingWithAttendees(t.populated(4)).OK()
	t.Equal("the meeting", t.API.GetMeeting(b.Meeting.ID).OK(), b.Meeting)
	t.Equal("the attendees", t.API.ListAttendees(b.Meeting.ID, Page{}).OK().Attendees, b.Attendees)
}

// most returns how many attendees CreateMeetingWithAttendees takes.
func (t *T) most() int {
	if t.Flavour == Legacy {
		return 10
	}
	return 20
}

func mostAttendees(t *T) {
	b := t.API.CreateMeetingWithAttendees(t.populated(t.most())).OK()
	t.Equal("attendees", len(b.Attendees), t.most())
}

func tooManyAttendees(t *T) {
	in := t.populated(t.most() + 1)
	t.API.CreateMeetingWithAttendees(in).Fails(badRequest(), "attendees")
	m := t.API.CreateMeeting(NewMeeting{Token: in.Token, MediaRegion: in.MediaRegion, ExternalMeetingID: "another-id"}).OK()
	t.Equal("the token was still free, so the external id", m.ExternalMeetingID, "another-id")
}

func withAttendeesReplay(t *T) {
	in := t.populated(3)
	first := t.API.CreateMeetingWithAttendees(in).OK()
	t.Equal("attendees", len(first.Attendees), 3)
	t.Equal("the replay", t.API.CreateMeetingWithAttendees(in).OK(), first)
}

func withAttendeesReplayAdds(t *T) {
	in := t.populated(2)
	first := t.API.CreateMeetingWithAttendees(in).OK()
	in.Attendees = append(users(2)[1:], NewAttendee{ExternalUserID: "newcomer"})
	again := t.API.CreateMeetingWithAttendees(in).OK()
	t.Equal("the meeting", again.Meeting.ID, first.Meeting.ID)
	t.Equal("user ids", userIDs(again.Attendees), []string{"user-001", "newcomer"})
	t.Equal("the known attendee", again.Attendees[0], first.Attendees[1])
	t.Equal("attendees of the meeting", len(t.API.ListAttendees(first.Meeting.ID, Page{}).OK().Attendees), 3)
}

func withAttendeesDuplicates(t *T) {
	in := t.populated(2)
	in.Attendees = append(in.Attendees, in.Attendees[0])
	b := t.API.CreateMeetingWithAttendees(in).OK()
	if len(b.Attendees) != 3 {
		t.Fatalf("got %d attendees, want one element per item", len(b.Attendees))
	}
	t.Equal("the third element", b.Attendees[2], b.Attendees[0])
	t.Equal("attendees of the meeting", len(t.API.ListAttendees(b.Meeting.ID, Page{}).OK().Attendees), 2)
}

func withAttendeesCapabilities(t *T) {
	in := t.populated(2)
	in.Attendees[0].Capabilities = &Capabilities{Audio: "Receive", Video: "None", Content: "Send"}
	b := t.API.CreateMeetingWithAttendees(in).OK()
	t.Equal("given capabilities", b.Attendees[0].Capabilities, in.Attendees[0].Capabilities)
	t.Equal("default capabilities", b.Attendees[1].Capabilities, all("SendReceive"))
}

func withAttendeesTags(t *T) {
	in := t.populated(1)
	in.Attendees[0].Tags = []Tag{{"seat", "4b"}}
	b := t.API.CreateMeetingWithAttendees(in).OK()
	t.Equal("tags", t.API.ListAttendeeTags(b.Meeting.ID, b.Attendees[0].ID).OK(), in.Attendees[0].Tags)
}

func withoutAttendees(t *T) {
	r := t.API.Raw(post, "/meetings?operation=create-attendees", object{"ClientRequestToken": uuid.NewString()}).Succeeds(201)
	t.Equal("Attendees", r.Object()["Attendees"], list{})
	t.Equal("Errors", r.Object()["Errors"], list{})
}
