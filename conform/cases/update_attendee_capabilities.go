package cases

import (
	"slices"

	"github.com/carillon-meetings/carillon/conform"
)

// updateAttendeeCapabilitiesCases are the behaviours of
// UpdateAttendeeCapabilities, which only the current flavour has; the rules
// between capabilities are in capabilities.go.
func updateAttendeeCapabilitiesCases() []conform.Case {
	cases := slices.Concat([]conform.Case{
		{Name: "UpdateAttendeeCapabilities_AnswersTheAttendee", Says: "the answer is the whole attendee with the new capabilities", In: inMeetings(), Body: updatesAttendee},
		{Name: "UpdateAttendeeCapabilities_IsReadBack", Says: "the next GetAttendee and ListAttendees show the new capabilities", In: inMeetings(), Body: updateIsReadBack},
		{Name: "UpdateAttendeeCapabilities_OthersKeepTheirs", Says: "other attendees keep their capabilities", In: inMeetings(), Body: updateLeavesOthers},
		{Name: "UpdateAttendeeCapabilities_SameAgain", Says: "an update that changes nothing succeeds", In: inMeetings(), Body: updateSameAgain},
		{Name: "UpdateAttendeeCapabilities_UnknownAttendeeIsNotFound", Says: "an unknown attendee is NotFound", In: inMeetings(), Body: func(t *conform.T) {
			t.API.UpdateAttendeeCapabilities(t.Meeting().ID, unknownID, *all("None")).Fails(notFound(), unknownID)
		}},
		{Name: "UpdateAttendeeCapabilities_UnknownMeetingIsNotFound", Says: "an unknown meeting is NotFound", In: inMeetings(), Body: func(t *conform.T) {
			t.API.UpdateAttendeeCapabilities(unknownID, unknownID, *all("None")).Fails(notFound())
		}},
		{Name: "UpdateAttendeeCapabilities_MalformedIdsAreRefused", Says: "ids that are no GUIDs are BadRequest", In: inMeetings(), Body: updateMalformed},
		{Name: "UpdateAttendeeCapabilities_ConcurrentlyOneOfTheValuesStays", Says: "updates at once are put in some order: the last answered value is one that was asked for", In: inMeetings(), Body: updatesTogether},
	}, anUpdate().cases(
		probe{name: "CapabilitiesMissing", change: drop("Capabilities"), says: "Capabilities is required", words: "capabilities"},
		probe{name: "CapabilitiesNull", change: set("Capabilities", nil), says: "null equals absent", words: "capabilities"},
		probe{name: "AudioMissing", change: drop("Capabilities.Audio"), says: "Audio is required", words: "capabilities.audio"},
		probe{name: "VideoMissing", change: drop("Capabilities.Video"), says: "Video is required", words: "capabilities.video"},
		probe{name: "ContentMissing", change: drop("Capabilities.Content"), says: "Content is required", words: "capabilities.content"},
		probe{name: "UnknownValue", change: set("Capabilities.Video", "Blur"), says: "capabilities are an enum", words: "capabilities.video"},
	))
	return cases
}

// anUpdate is the attempt whose valid body changes the capabilities of an
// attendee.
func anUpdate() attempt {
	return attempt{operation: "UpdateAttendeeCapabilities", method: put, status: 200, in: inMeetings(), prepare: func(t *conform.T) (string, object) {
		m, a := t.Attendee()
		return capabilitiesPath(m.ID, a.ID), object{"Capabilities": object{"Audio": "Send", "Video": "Send", "Content": "Send"}}
	}}
}

func updatesAttendee(t *conform.T) {
	m, a := t.Attendee()
	want := conform.Capabilities{Audio: "Receive", Video: "SendReceive", Content: "None"}
	r := t.API.UpdateAttendeeCapabilities(m.ID, a.ID, want)
	updated := r.OK()
	a.Capabilities = &want
	t.Equal("the attendee", updated, a)
	t.Equal("members", r.Keys(), []string{"Attendee"})
}

func updateIsReadBack(t *conform.T) {
	m, a := t.Attendee()
	for _, access := range []string{"None", "Send", "Receive", "SendReceive"} {
		t.API.UpdateAttendeeCapabilities(m.ID, a.ID, *all(access)).OK()
		t.Equal("capabilities when read", t.API.GetAttendee(m.ID, a.ID).OK().Capabilities, all(access))
		t.Equal("capabilities when listed", t.API.ListAttendees(m.ID, conform.Page{}).OK().Attendees[0].Capabilities, all(access))
	}
}

func updateLeavesOthers(t *conform.T) {
	m := t.Meeting()
	created := t.API.BatchCreateAttendee(m.ID, users(3)...).OK().Attendees
	t.API.UpdateAttendeeCapabilities(m.ID, created[1].ID, *all("None")).OK()
	created[1].Capabilities = all("None")
	t.Equal("the list", t.API.ListAttendees(m.ID, conform.Page{}).OK().Attendees, created)
}

func updateSameAgain(t *conform.T) {
	m, a := t.Attendee()
	for range 3 {
		t.Equal("capabilities", t.API.UpdateAttendeeCapabilities(m.ID, a.ID, *all("Receive")).OK().Capabilities, all("Receive"))
	}
}

func updateMalformed(t *conform.T) {
	body := object{"Capabilities": object{"Audio": "Send", "Video": "Send", "Content": "Send"}}
	m := t.Meeting()
	refusesBadIDs(t, put, func(id string) string { return capabilitiesPath(id, unknownID) }, body, "meetingId")
	refusesBadIDs(t, put, func(id string) string { return capabilitiesPath(m.ID, id) }, body, "attendeeId")
}

func updatesTogether(t *conform.T) {
	m, a := t.Attendee()
	accesses := []string{"None", "Send", "Receive"}
	t.Together(12, func(i int) {
		want := all(accesses[i%3])
		t.Equal("capabilities answered", t.API.UpdateAttendeeCapabilities(m.ID, a.ID, *want).OK().Capabilities, want)
	})
	got := t.API.GetAttendee(m.ID, a.ID).OK().Capabilities
	t.True("one of the values stayed", got.Audio == got.Video && got.Video == got.Content && slices.Contains(accesses, got.Audio))
}
