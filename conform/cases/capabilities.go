package cases

import (
	"slices"

	"github.com/google/uuid"

	"github.com/carillon-meetings/carillon/conform"
)

// capabilityCases are the rules between an attendee's capabilities and the
// meeting's features, for every operation that sets capabilities. They are the
// current flavour's.
func capabilityCases() []conform.Case {
	cases := []conform.Case{
		{Name: "Capabilities_RulesForCreateAttendee", Says: "every combination of Video and Content in every kind of meeting is accepted or refused by the rules", Body: rulesOf(byCreateAttendee)},
		{Name: "Capabilities_RulesForBatchCreateAttendee", Says: "the same rules, and one offending item refuses the batch (D-42)", Body: rulesOf(byBatch)},
		{Name: "Capabilities_RulesForUpdateAttendeeCapabilities", Says: "the same rules for an update", Body: rulesOf(byUpdate)},
		{Name: "Capabilities_RulesForBatchUpdateAttendeeCapabilitiesExcept", Says: "the same rules for an update of all but some", Body: rulesOf(byExcept)},
		{Name: "Capabilities_RulesForCreateMeetingWithAttendees", Says: "the same rules for attendees created with their meeting; a refusal creates no meeting", Body: rulesWithMeeting},
		{Name: "Capabilities_Defaults", Says: "the defaults follow the meeting's features (D-40)", Body: defaultCapabilities},
		{Name: "Capabilities_DefaultCannotBeAskedFor", Says: "in a meeting without video the default Video Receive with Content SendReceive is refused when asked for", Body: defaultNotAskedFor},
		{Name: "Capabilities_AudioIsFree", Says: "audio is bound by no rule", Body: audioIsFree},
		{Name: "Capabilities_RefusedUpdateChangesNothing", Says: "a refused update leaves the capabilities", Body: refusedUpdate},
	}
	for i := range cases {
		cases[i].In = inMeetings()
	}
	return cases
}

// kindsOfMeeting are the combinations of features that matter to the rules.
func kindsOfMeeting() []conform.Features {
	return []conform.Features{
		{}, {VideoResolution: "None"}, {ContentResolution: "None"}, {VideoResolution: "None", ContentResolution: "None"},
		{VideoResolution: "HD", ContentResolution: "FHD"},
	}
}

// allowed tells by the documented rules whether capabilities may be asked for.
func allowed(f conform.Features, c conform.Capabilities) bool {
	sees := []string{"SendReceive", "Receive"}
	switch {
	case f.VideoResolution == "None" && c.Video != "None":
		return false
	case f.ContentResolution == "None" && c.Content != "None":
		return false
	case slices.Contains(sees, c.Content) && !slices.Contains(sees, c.Video):
		return false
	}
	return true
}

// combinations are all values of Video and Content, with some Audio.
func combinations() []conform.Capabilities {
	values := []string{"SendReceive", "Send", "Receive", "None"}
	var list []conform.Capabilities
	for i, video := range values {
		for k, content := range values {
			list = append(list, conform.Capabilities{Audio: values[(i+k)%4], Video: video, Content: content})
		}
	}
	return list
}

// rulesOf returns a case body that tries every combination in every kind of
// meeting by one operation.
func rulesOf(try func(t *conform.T, m conform.Meeting, a conform.Attendee, n int, c conform.Capabilities) conform.Reply) func(*conform.T) {
	return func(t *conform.T) {
		for _, f := range kindsOfMeeting() {
			m := t.MeetingWith(func(in *conform.NewMeeting) { in.Features = &f })
			a := t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: "user-0"}).OK()
			for n, c := range combinations() {
				r := try(t, m, a, n, c)
				r = r.Noted(" of %s in a meeting with %s", conform.Show(c), conform.Show(f))
				if allowed(f, c) {
					r.Succeeds(200)
				} else {
					r.Fails(badRequest())
				}
			}
		}
	}
}

func byCreateAttendee(t *conform.T, m conform.Meeting, _ conform.Attendee, n int, c conform.Capabilities) conform.Reply {
	r := t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: crowd(n, 1)[0].ExternalUserID, Capabilities: &c})
	if !r.Refused() {
		t.Equal("capabilities", r.Value().Capabilities, &c)
	}
	return r.Reply
}

func byBatch(t *conform.T, m conform.Meeting, _ conform.Attendee, n int, c conform.Capabilities) conform.Reply {
	in := crowd(3*n, 3)
	in[1].Capabilities = &c
	before := attendeeCount(t, m.ID)
	r := t.API.BatchCreateAttendee(m.ID, in...)
	if r.Refused() {
		t.Equal("attendees after a refusal", attendeeCount(t, m.ID), before)
	} else {
		t.Equal("capabilities", r.Value().Attendees[1].Capabilities, &c)
	}
	return r.Reply
}

func byUpdate(t *conform.T, m conform.Meeting, a conform.Attendee, _ int, c conform.Capabilities) conform.Reply {
	r := t.API.UpdateAttendeeCapabilities(m.ID, a.ID, c)
	if !r.Refused() {
		t.Equal("capabilities", r.Value().Capabilities, &c)
	}
	return r.Reply
}

func byExcept(t *conform.T, m conform.Meeting, a conform.Attendee, _ int, c conform.Capabilities) conform.Reply {
	r := t.API.BatchUpdateAttendeeCapabilitiesExcept(m.ID, c, unknownID)
	if !r.Refused() {
		t.Equal("capabilities", t.API.GetAttendee(m.ID, a.ID).OK().Capabilities, &c)
	}
	return r.Reply
}

func rulesWithMeeting(t *conform.T) {
	for _, f := range kindsOfMeeting() {
		for _, c := range combinations() {
			in := populated(t, 2)
			in.Features = &f
			in.Attendees[1].Capabilities = &c
			r := t.API.CreateMeetingWithAttendees(in)
			r.Reply = r.Noted(" of %s in a meeting with %s", conform.Show(c), conform.Show(f))
			if allowed(f, c) {
				t.Equal("capabilities", r.OK().Attendees[1].Capabilities, &c)
				continue
			}
			r.Fails(badRequest())
			in.ExternalMeetingID, in.Features = "token-was-free", nil
			t.Equal("external id under the same token", t.API.CreateMeeting(in).OK().ExternalMeetingID, "token-was-free")
		}
	}
}

func defaultCapabilities(t *conform.T) {
	for _, want := range []struct {
		features conform.Features
		caps     conform.Capabilities
	}{
		{conform.Features{}, *all("SendReceive")},
		{conform.Features{VideoResolution: "HD"}, *all("SendReceive")},
		{conform.Features{VideoResolution: "None"}, conform.Capabilities{Audio: "SendReceive", Video: "Receive", Content: "SendReceive"}},
		{conform.Features{VideoResolution: "None", ContentResolution: "FHD"}, conform.Capabilities{Audio: "SendReceive", Video: "Receive", Content: "SendReceive"}},
		{conform.Features{VideoResolution: "None", ContentResolution: "None"}, conform.Capabilities{Audio: "SendReceive", Video: "None", Content: "None"}},
		{conform.Features{ContentResolution: "None"}, conform.Capabilities{Audio: "SendReceive", Video: "SendReceive", Content: "None"}},
	} {
		in := populated(t, 1)
		in.Features = &want.features
		b := t.API.CreateMeetingWithAttendees(in).OK()
		single := t.API.CreateAttendee(b.Meeting.ID, conform.NewAttendee{ExternalUserID: "single"}).OK()
		batch := t.API.BatchCreateAttendee(b.Meeting.ID, conform.NewAttendee{ExternalUserID: "batch"}).OK().Attendees[0]
		for _, a := range []conform.Attendee{b.Attendees[0], single, batch, t.API.GetAttendee(b.Meeting.ID, single.ID).OK()} {
			t.Equal("capabilities in a meeting with "+conform.Show(want.features), *a.Capabilities, want.caps)
		}
	}
}

func defaultNotAskedFor(t *conform.T) {
	m := t.MeetingWith(func(in *conform.NewMeeting) { in.Features = &conform.Features{VideoResolution: "None"} })
	a := t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: "user-1"}).OK()
	t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: "user-2", Capabilities: a.Capabilities}).Fails(badRequest())
	t.API.UpdateAttendeeCapabilities(m.ID, a.ID, *a.Capabilities).Fails(badRequest())
	t.API.UpdateAttendeeCapabilities(m.ID, a.ID, conform.Capabilities{Audio: "SendReceive", Video: "None", Content: "SendReceive"}).Fails(badRequest())
	t.API.UpdateAttendeeCapabilities(m.ID, a.ID, conform.Capabilities{Audio: "SendReceive", Video: "None", Content: "Send"}).OK()
}

func audioIsFree(t *conform.T) {
	m := t.MeetingWith(func(in *conform.NewMeeting) {
		in.Features = &conform.Features{VideoResolution: "None", ContentResolution: "None"}
	})
	for i, audio := range []string{"SendReceive", "Send", "Receive", "None"} {
		caps := &conform.Capabilities{Audio: audio, Video: "None", Content: "None"}
		t.Equal("capabilities", t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: crowd(i, 1)[0].ExternalUserID, Capabilities: caps}).OK().Capabilities, caps)
	}
}

func refusedUpdate(t *conform.T) {
	m, a := t.Attendee()
	broken := conform.Capabilities{Audio: "None", Video: "Send", Content: "Receive"}
	t.API.UpdateAttendeeCapabilities(m.ID, a.ID, broken).Fails(badRequest())
	t.API.BatchUpdateAttendeeCapabilitiesExcept(m.ID, broken, uuid.NewString()).Fails(badRequest())
	t.Equal("the attendee", t.API.GetAttendee(m.ID, a.ID).OK(), a)
}
