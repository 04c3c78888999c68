package cases

import (
	"strings"
	"sync"

	"github.com/google/uuid"

	"github.com/carillon-meetings/carillon/conform"
)

// idempotencyCases are about repeating: meetings by ClientRequestToken,
// attendees by ExternalUserId.
func idempotencyCases() []conform.Case {
	cases := []conform.Case{
		{Name: "Idempotency_TokenReturnsTheMeeting", Says: "the same token returns the existing meeting with the status of a creation", Body: tokenRepeats},
		{Name: "Idempotency_TokenIgnoresOtherParameters", Says: "the same token with other parameters still returns the existing meeting, unchanged", Body: tokenIgnoresParameters},
		{Name: "Idempotency_TokenIsSharedByBothCreations", Says: "CreateMeeting and CreateMeetingWithAttendees share their tokens", Body: tokenShared},
		{Name: "Idempotency_TokenIsCaseSensitive", Says: "tokens that differ in letter case are two", Body: tokenCaseSensitive},
		{Name: "Idempotency_TokenIsFreeAfterTheEnd", Says: "after the meeting ended its token creates a new one (D-31)", Body: tokenFreed},
		{Name: "Idempotency_TokenDoesNotExcuseInvalidInput", Says: "an invalid repeat is refused (D-32)", Body: tokenStillValidated},
		{Name: "Idempotency_TokenConcurrently", Says: "any mix of creations at once with one token yields one meeting", Body: tokenTogether},
		{Name: "Idempotency_TokenTagsOfARepeatAreIgnored", Says: "the tags of a repeated CreateMeeting are ignored", Body: tokenTags},
		{Name: "Idempotency_TokenMadeByTheSDK", Says: "without a token of the caller's the SDK makes one, so two calls are two meetings", Body: tokenFromSDK},

		{Name: "Idempotency_UserReturnsTheAttendee", Says: "the same user id returns the same attendee and join token, with the status of a creation (D-34)", Body: userRepeats},
		{Name: "Idempotency_UserKeepsCapabilities", Says: "a repeat with other capabilities returns the stored attendee unchanged (D-34)", Body: userKeepsCapabilities},
		{Name: "Idempotency_UserKeepsChangedCapabilities", Says: "a repeat returns capabilities as they were updated meanwhile (D-34)", Body: userKeepsUpdates},
		{Name: "Idempotency_UserKeepsTags", Says: "a repeat with other tags leaves the stored ones (D-34)", Body: userKeepsTags},
		{Name: "Idempotency_UserIsNewAfterDeletion", Says: "after DeleteAttendee the user id makes a new attendee with a new join token (D-37)", Body: userAfterDeletion},
		{Name: "Idempotency_UserPerMeeting", Says: "one user id in two meetings is two attendees", Body: userPerMeeting},
		{Name: "Idempotency_UserConcurrently", Says: "any mix of creations at once with one user id yields one attendee", Body: userTogether},
		{Name: "Idempotency_UserOfDeletedMeeting", Says: "a meeting created anew by its token knows none of its attendees (D-31)", Body: userOfDeletedMeeting},
	}
	for i := range cases {
		cases[i].In = inBoth()
		switch {
		case strings.HasSuffix(cases[i].Name, "Capabilities"):
			cases[i].In = inMeetings()
		case cases[i].Name == "Idempotency_UserKeepsTags":
			cases[i].In = inLegacy()
		}
	}
	return cases
}

func tokenRepeats(t *conform.T) {
	in := t.NewMeeting()
	first := t.API.CreateMeeting(in).OK()
	for range 3 {
		t.Equal("the meeting", t.API.CreateMeeting(in).OK(), first)
	}
}

func tokenIgnoresParameters(t *conform.T) {
	in := t.NewMeeting()
	first := t.API.CreateMeeting(in).OK()
	in.ExternalMeetingID, in.MediaRegion, in.HostID = "another-name", "eu-west-1", "a-host"
	if t.Flavour == conform.Meetings {
		in.PrimaryID, in.TenantIDs = first.ID, []string{"t1"}
		in.Features = &conform.Features{ContentResolution: "None"}
	}
	t.Equal("the meeting", t.API.CreateMeeting(in).OK(), first)
	t.Equal("the meeting when read", t.API.GetMeeting(first.ID).OK(), first)
}

func tokenShared(t *conform.T) {
	in := populated(t, 2)
	m := t.API.CreateMeeting(in).OK()
	b := t.API.CreateMeetingWithAttendees(in).OK()
	t.Equal("the meeting", b.Meeting, m)
	t.Equal("attendees", len(b.Attendees), 2)
	t.Equal("the meeting once more", t.API.CreateMeeting(in).OK(), m)
}

func tokenCaseSensitive(t *conform.T) {
	a, b := t.NewMeeting(), t.NewMeeting()
	a.Token = "abcdef-" + a.Token
	b.Token = strings.ToUpper(a.Token)
	t.True("they are two meetings", t.API.CreateMeeting(a).OK().ID != t.API.CreateMeeting(b).OK().ID)
}

func tokenFreed(t *conform.T) {
	in := t.NewMeeting()
	first := t.API.CreateMeeting(in).OK()
	t.API.DeleteMeeting(first.ID).OK()
	second := t.API.CreateMeeting(in).OK()
	t.True("it is a new meeting", second.ID != first.ID)
	t.API.GetMeeting(first.ID).Fails(notFound())
	t.Equal("the repeat", t.API.CreateMeeting(in).OK(), second)
}

func tokenStillValidated(t *conform.T) {
	in := t.NewMeeting()
	t.API.CreateMeeting(in).OK()
	in.MediaRegion = "moon-base-1"
	t.API.CreateMeeting(in).Fails(badRequest(), "mediaRegion")
}

func tokenTogether(t *conform.T) {
	for range 4 {
		in := populated(t, 3)
		var mu sync.Mutex
		meetings, attendees := map[string]bool{}, map[string]bool{}
		t.Together(16, func(i int) {
			var b conform.Batch
			if i%2 == 0 {
				b.Meeting = t.API.CreateMeeting(in).OK()
			} else {
				b = t.API.CreateMeetingWithAttendees(in).OK()
			}
			mu.Lock()
			defer mu.Unlock()
			meetings[b.Meeting.ID] = true
			for _, a := range b.Attendees {
				attendees[a.ID] = true
			}
		})
		t.Equal("meetings", len(meetings), 1)
		t.Equal("attendees", len(attendees), 3)
	}
}

func tokenTags(t *conform.T) {
	in := t.NewMeeting()
	in.Tags = []conform.Tag{{Key: "a", Value: "1"}}
	m := t.API.CreateMeeting(in).OK()
	in.Tags = []conform.Tag{{Key: "a", Value: "2"}, {Key: "b", Value: "3"}}
	t.API.CreateMeeting(in).OK()
	t.Equal("tags", t.API.ListTagsForResource(arnOf(t, m)).OK(), []conform.Tag{{Key: "a", Value: "1"}})
}

func tokenFromSDK(t *conform.T) {
	in := t.NewMeeting()
	in.Token = ""
	first, second := t.API.CreateMeeting(in).OK(), t.API.CreateMeeting(in).OK()
	t.True("they are two meetings", first.ID != second.ID)
}

func userRepeats(t *conform.T) {
	m, a := t.Attendee()
	for range 3 {
		t.Equal("the attendee", t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: "user-1"}).OK(), a)
	}
	b := t.API.BatchCreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: "user-1"}).OK()
	t.Equal("the attendee by a batch", b.Attendees, []conform.Attendee{a})
	t.Equal("errors", len(b.Errors), 0)
	t.Equal("attendees", attendeeCount(t, m.ID), 1)
}

func userKeepsCapabilities(t *conform.T) {
	m := t.Meeting()
	a := t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: "user-1", Capabilities: all("None")}).OK()
	for _, caps := range []*conform.Capabilities{all("SendReceive"), nil} {
		t.Equal("the attendee", t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: "user-1", Capabilities: caps}).OK(), a)
		t.Equal("the attendee by a batch", t.API.BatchCreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: "user-1", Capabilities: caps}).OK().Attendees[0], a)
	}
}

func userKeepsUpdates(t *conform.T) {
	m, a := t.Attendee()
	a = t.API.UpdateAttendeeCapabilities(m.ID, a.ID, *all("Receive")).OK()
	t.Equal("the attendee", t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: "user-1", Capabilities: all("Send")}).OK(), a)
}

func userKeepsTags(t *conform.T) {
	m := t.Meeting()
	a := t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: "user-1", Tags: []conform.Tag{{Key: "a", Value: "1"}}}).OK()
	t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: "user-1", Tags: []conform.Tag{{Key: "b", Value: "2"}}}).OK()
	t.Equal("tags", t.API.ListAttendeeTags(m.ID, a.ID).OK(), []conform.Tag{{Key: "a", Value: "1"}})
}

func userAfterDeletion(t *conform.T) {
	m, a := t.Attendee()
	t.API.DeleteAttendee(m.ID, a.ID).OK()
	again := t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: "user-1"}).OK()
	t.True("id and join token are new", again.ID != a.ID && again.JoinToken != a.JoinToken)
	t.API.GetAttendee(m.ID, a.ID).Fails(notFound(), a.ID)
	t.Equal("the list", t.API.ListAttendees(m.ID, conform.Page{}).OK().Attendees, []conform.Attendee{again})
}

func userPerMeeting(t *conform.T) {
	_, a := t.Attendee()
	_, b := t.Attendee()
	t.True("they are two attendees", a.ID != b.ID && a.JoinToken != b.JoinToken)
}

func userTogether(t *conform.T) {
	m := t.Meeting()
	var mu sync.Mutex
	seen := map[conform.Attendee]bool{}
	t.Together(32, func(i int) {
		var a conform.Attendee
		if i%2 == 0 {
			a = t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: "user-1"}).OK()
		} else {
			a = t.API.BatchCreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: "user-1"}, conform.NewAttendee{ExternalUserID: "user-2"}).OK().Attendees[0]
		}
		mu.Lock()
		defer mu.Unlock()
		a.Capabilities = nil
		seen[a] = true
	})
	t.Equal("different answers", len(seen), 1)
	t.Equal("attendees", attendeeCount(t, m.ID), 2)
}

func userOfDeletedMeeting(t *conform.T) {
	in := t.NewMeeting()
	in.Token = uuid.NewString()
	first := t.API.CreateMeeting(in).OK()
	a := t.API.CreateAttendee(first.ID, conform.NewAttendee{ExternalUserID: "user-1"}).OK()
	t.API.DeleteMeeting(first.ID).OK()
	second := t.API.CreateMeeting(in).OK()
	t.Equal("attendees", attendeeCount(t, second.ID), 0)
	t.True("the attendee is new", t.API.CreateAttendee(second.ID, conform.NewAttendee{ExternalUserID: "user-1"}).OK().ID != a.ID)
}
