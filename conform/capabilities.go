package conform

import (
	"fmt"
	"slices"

	"github.com/google/uuid"
)

// capabilityCases are the rules between an attendee's capabilities and the
// meeting's features, for every operation that sets capabilities. They are the
// current flavour's.
func capabilityCases() []Case {
	cases := []Case{
		{Name: "Capabilities_RulesForCreateAttendee", Says: "every combination of Video and Content in every kind of meeting is accepted or refused by the rules", body: rulesOf(byCreateAttendee)},
		{Name: "Capabilities_RulesForBatchCreateAttendee", Says: "the same rules, and one offending item refuses the batch (D-42)", body: rulesOf(byBatch)},
		{Name: "Capabilities_RulesForUpdateAttendeeCapabilities", Says: "the same rules for an update", body: rulesOf(byUpdate)},
		{Name: "Capabilities_RulesForBatchUpdateAttendeeCapabilitiesExcept", Says: "the same rules for an update of all but some", body: rulesOf(byExcept)},
		{Name: "Capabilities_RulesForCreateMeetingWithAttendees", Says: "the same rules for attendees created with their meeting; a refusal creates no meeting", body: rulesWithMeeting},
		{Name: "Capabilities_Defaults", Says: "the defaults follow the meeting's features (D-40)", body: defaultCapabilities},
		{Name: "Capabilities_DefaultCannotBeAskedFor", Says: "in a meeting without video the default Video Receive with Content SendReceive is refused when asked for", body: defaultNotAskedFor},
		{Name: "Capabilities_AudioIsFree", Says: "audio is bound by no rule", body: audioIsFree},
		{Name: "Capabilities_RefusedUpdateChangesNothing", Says: "a refused update leaves the capabilities", body: refusedUpdate},
	}
	for i := range cases {
		cases[i].In = inMeetings()
	}
	return cases
}

// kindsOfMeeting are the combinations of features that matter to the rules.
func kindsOfMeeting() []Features {
	return []Features{
		{}, {VideoResolution: "None"}, {ContentResolution: "None"}, {VideoResolution: "None", ContentResolution: "None"},
		{VideoResolution: "HD", ContentResolution: "FHD"},
	}
}

// allowed tells by the documented rules whether capabilities may be asked for.
func allowed(f Features, c Capabilities) bool {
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
func combinations() []Capabilities {
	values := []string{"SendReceive", "Send", "Receive", "None"}
	var list []Capabilities
	for i, video := range values {
		for k, content := range values {
			list = append(list, Capabilities{Audio: values[(i+k)%4], Video: video, Content: content})
		}
	}
	return list
}

// rulesOf returns a case body that tries every combination in every kind of
// meeting by one operation.
func rulesOf(try func(t *T, m Meeting, a Attendee, n int, c Capabilities) Reply) func(*T) {
	return func(t *T) {
		for _, f := range kindsOfMeeting() {
			m := t.MeetingWith(func(in *NewMeeting) { in.Features = &f })
			a := t.API.CreateAttendee(m.ID, NewAttendee{ExternalUserID: "user-0"}).OK()
			for n, c := range combinations() {
				r := try(t, m, a, n, c)
				r.what = fmt.Sprintf("%s of %s in a meeting with %s", r.what, show(c), show(f))
				if allowed(f, c) {
					r.Succeeds(200)
				} else {
					r.Fails(badRequest())
				}
			}
		}
	}
}

func byCreateAttendee(t *T, m Meeting, _ Attendee, n int, c Capabilities) Reply {
	r := t.API.CreateAttendee(m.ID, NewAttendee{ExternalUserID: crowd(n, 1)[0].ExternalUserID, Capabilities: &c})
	if !r.Refused() {
		t.Equal("capabilities", r.Value().Capabilities, &c)
	}
	return r.Reply
}

func byBatch(t *T, m Meeting, _ Attendee, n int, c Capabilities) Reply {
	in := crowd(3*n, 3)
	in[1].Capabilities = &c
	before := t.count(m.ID)
	r := t.API.BatchCreateAttendee(m.ID, in...)
	if r.Refused() {
		t.Equal("attendees after a refusal", t.count(m.ID), before)
	} else {
		t.Equal("capabilities", r.Value().Attendees[1].Capabilities, &c)
	}
	return r.Reply
}

func byUpdate(t *T, m Meeting, a Attendee, _ int, c Capabilities) Reply {
	r := t.API.UpdateAttendeeCapabilities(m.ID, a.ID, c)
	if !r.Refused() {
		t.Equal("capabilities", r.Value().Capabilities, &c)
	}
	return r.Reply
}

func byExcept(t *T, m Meeting, a Attendee, _ int, c Capabilities) Reply {
	r := t.API.BatchUpdateAttendeeCapabilitiesExcept(m.ID, c, unknownID)
	if !r.Refused() {
		t.Equal("capabilities", t.API.GetAttendee(m.ID, a.ID).OK().Capabilities, &c)
	}
	return r.Reply
}

func rulesWithMeeting(t *T) {
	for _, f := range kindsOfMeeting() {
		for _, c := range combinations() {
			in := t.populated(2)
			in.Features = &f
			in.Attendees[1].Capabilities = &c
			r := t.API.CreateMeetingWithAttendees(in)
			r.what = fmt.Sprintf("%s of %s in a meeting with %s", r.what, show(c), show(f))
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

func defaultCapabilities(t *T) {
	for _, want := range []struct {
		features Features
		caps     Capabilities
	}{
		{Features{}, *all("SendReceive")},
		{Features{VideoResolution: "HD"}, *all("SendReceive")},
		{Features{VideoResolution: "None"}, Capabilities{Audio: "SendReceive", Video: "Receive", Content: "SendReceive"}},
		{Features{VideoResolution: "None", ContentResolution: "FHD"}, Capabilities{Audio: "SendReceive", Video: "Receive", Content: "SendReceive"}},
		{Features{VideoResolution: "None", ContentResolution: "None"}, Capabilities{Audio: "SendReceive", Video: "None", Content: "None"}},
		{Features{ContentResolution: "None"}, Capabilities{Audio: "SendReceive", Video: "SendReceive", Content: "None"}},
	} {
		in := t.populated(1)
		in.Features = &want.features
		b := t.API.CreateMeetingWithAttendees(in).OK()
		single := t.API.CreateAttendee(b.Meeting.ID, NewAttendee{ExternalUserID: "single"}).OK()
		batch := t.API.BatchCreateAttendee(b.Meeting.ID, NewAttendee{ExternalUserID: "batch"}).OK().Attendees[0]
		for _, a := range []Attendee{b.Attendees[0], single, batch, t.API.GetAttendee(b.Meeting.ID, single.ID).OK()} {
			t.Equal("capabilities in a meeting with "+show(want.features), *a.Capabilities, want.caps)
		}
	}
}

func defaultNotAskedFor(t *T) {
	m := t.MeetingWith(func(in *NewMeeting) { in.Features = &Features{VideoResolution: "None"} })
	a := t.API.CreateAttendee(m.ID, NewAttendee{ExternalUserID: "user-1"}).OK()
	t.API.CreateAttendee(m.ID, NewAttendee{ExternalUserID: "user-2", Capabilities: a.Capabilities}).Fails(badRequest())
	t.API.UpdateAttendeeCapabilities(m.ID, a.ID, *a.Capabilities).Fails(badRequest())
	t.API.UpdateAttendeeCapabilities(m.ID, a.ID, Capabilities{Audio: "SendReceive", Video: "None", Content: "SendReceive"}).Fails(badRequest())
	t.API.UpdateAttendeeCapabilities(m.ID, a.ID, Capabilities{Audio: "SendReceive", Video: "None", Content: "Send"}).OK()
}

func audioIsFree(t *T) {
	m := t.MeetingWith(func(in *NewMeeting) { in.Features = &Features{VideoResolution: "None", ContentResolution: "None"} })
	for i, audio := range []string{"SendReceive", "Send", "Receive", "None"} {
		caps := &Capabilities{Audio: audio, Video: "None", Content: "None"}
		t.Equal("capabilities", t.API.CreateAttendee(m.ID, NewAttendee{ExternalUserID: crowd(i, 1)[0].ExternalUserID, Capabilities: caps}).OK().Capabilities, caps)
	}
}

func refusedUpdate(t *T) {
	m, a := t.Attendee()
	broken := Capabilities{Audio: "None", Video: "Send", Content: "Receive"}
	t.API.UpdateAttendeeCapabilities(m.ID, a.ID, broken).Fails(badRequest())
	t.API.BatchUpdateAttendeeCapabilitiesExcept(m.ID, broken, uuid.NewString()).Fails(badRequest())
	t.Equal("the attendee", t.API.GetAttendee(m.ID, a.ID).OK(), a)
}
