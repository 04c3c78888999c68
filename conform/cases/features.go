package cases

import (
	"slices"

	"github.com/carillon-meetings/carillon/conform"
)

// featureCases are about MeetingFeatures, which only the current flavour has.
func featureCases() []conform.Case {
	const f = "MeetingFeatures"
	res := func(v any) object { return object{"MaxResolution": v} }
	return slices.Concat([]conform.Case{
		{Name: "Features_EchoedExactly", Says: "the answer has exactly the levels that were given (D-47)", In: inMeetings(), Body: featuresEchoed},
		{Name: "Features_NoneGivenNoneAnswered", Says: "without features the answer has no MeetingFeatures (D-47)", In: inMeetings(), Body: func(t *conform.T) {
			r := t.API.CreateMeeting(t.NewMeeting())
			r.OK()
			t.True("there is no MeetingFeatures", !slices.Contains(r.Keys("Meeting"), "MeetingFeatures"))
		}},
		{Name: "Features_EmptyLevelsAreNotAnswered", Says: "a Video or Content without MaxResolution is never answered: clients choke on it", In: inMeetings(), Body: emptyLevels},
		{Name: "Features_StandardSessions", Says: "up to HD video and FHD content a meeting takes 1 to 250 attendees", In: inMeetings(), Body: standardSessions},
		{Name: "Features_HighDefinitionNeedsAMaximum", Says: "FHD video or UHD content needs an explicit MaxCount", In: inMeetings(), Body: highDefinitionNeedsMaximum},
		{Name: "Features_HighDefinitionTakesTwentyFive", Says: "FHD video or UHD content takes at most 25 attendees (D-46)", In: inMeetings(), Body: highDefinitionMaximum},
	}, aMeeting().cases(
		probe{name: "FeaturesEmpty", in: inMeetings(), change: set(f, object{}), says: "an empty MeetingFeatures is accepted"},
		probe{name: "FeaturesOfWrongType", in: inMeetings(), change: set(f, "HD"), says: "a string where an object is wanted is refused", words: anyWords},
		probe{name: "VideoResolutionUnknown", in: inMeetings(), change: set(f, object{"Video": res("UHD")}), says: "video goes up to FHD", words: "video.maxResolution"},
		probe{name: "VideoResolutionInSmallLetters", in: inMeetings(), change: set(f, object{"Video": res("hd")}), says: "enum values are case-sensitive", words: "video.maxResolution"},
		probe{name: "ContentResolutionUnknown", in: inMeetings(), change: set(f, object{"Content": res("HD")}), says: "content is None, FHD or UHD", words: "content.maxResolution"},
		probe{name: "EchoReductionUnknown", in: inMeetings(), change: set(f, object{"Audio": object{"EchoReduction": "ON"}}), says: "echo reduction is AVAILABLE or UNAVAILABLE", words: "audio.echoReduction"},
		probe{name: "MaxCountZero", in: inMeetings(), change: set(f, object{"Attendee": object{"MaxCount": 0}}), says: "MaxCount is at least 1", words: "attendee.maxCount"},
		probe{name: "MaxCountNegative", in: inMeetings(), change: set(f, object{"Attendee": object{"MaxCount": -5}}), says: "MaxCount is at least 1", words: "attendee.maxCount"},
		probe{name: "MaxCountTooMany", in: inMeetings(), change: set(f, object{"Attendee": object{"MaxCount": 251}}), says: "MaxCount is at most 250", words: "attendee.maxCount"},
		probe{name: "MaxCountBeyondIntegers", in: inMeetings(), change: set(f, object{"Attendee": object{"MaxCount": 1e30}}), says: "a number that is no integer of 32 bits is refused", words: anyWords},
		probe{name: "MaxCountFraction", in: inMeetings(), change: set(f, object{"Attendee": object{"MaxCount": 2.5}}), says: "a fraction is refused", words: anyWords},
		probe{name: "MaxCountText", in: inMeetings(), change: set(f, object{"Attendee": object{"MaxCount": "10"}}), says: "a string where a number is wanted is refused", words: anyWords},
		probe{name: "MaxCountNull", in: inMeetings(), change: set(f, object{"Attendee": object{"MaxCount": nil}}), says: "null equals absent"},
		probe{name: "FeaturesUnknownMember", in: inMeetings(), change: set(f, object{"Smell": object{"MaxStrength": 3}}), says: "unknown features are ignored (D-02)"},
	))
}

func featuresEchoed(t *conform.T) {
	for _, f := range []conform.Features{
		{EchoReduction: "AVAILABLE"}, {EchoReduction: "UNAVAILABLE"}, {VideoResolution: "None"}, {ContentResolution: "FHD"}, {MaxAttendees: 10},
		{VideoResolution: "HD", MaxAttendees: 250}, {EchoReduction: "AVAILABLE", VideoResolution: "FHD", ContentResolution: "UHD", MaxAttendees: 25},
	} {
		m := t.MeetingWith(func(in *conform.NewMeeting) { in.Features = &f })
		t.Equal("features", m.Features, &f)
		t.Equal("features when read", t.API.GetMeeting(m.ID).OK().Features, &f)
	}
	r := t.API.CreateMeeting(withFeatures(t, conform.Features{VideoResolution: "HD"}))
	r.OK()
	t.Equal("members of MeetingFeatures", r.Keys("Meeting", "MeetingFeatures"), []string{"Video"})
}

// withFeatures returns the input of a meeting with features.
func withFeatures(t *conform.T, f conform.Features) conform.NewMeeting {
	in := t.NewMeeting()
	in.Features = &f
	return in
}

func emptyLevels(t *conform.T) {
	_, body := aMeeting().prepare(t)
	body["MeetingFeatures"] = object{"Video": object{}, "Content": object{}, "Audio": object{"EchoReduction": "AVAILABLE"}}
	r := t.API.Raw(post, "/meetings", body).Succeeds(200)
	t.Equal("members of MeetingFeatures", r.Keys("Meeting", "MeetingFeatures"), []string{"Audio"})
}

func standardSessions(t *conform.T) {
	for _, f := range []conform.Features{
		{MaxAttendees: 1}, {MaxAttendees: 250}, {VideoResolution: "HD", ContentResolution: "FHD"}, {VideoResolution: "None", MaxAttendees: 200},
		{VideoResolution: "HD", ContentResolution: "None", MaxAttendees: 26},
	} {
		t.API.CreateMeeting(withFeatures(t, f)).OK()
	}
}

func highDefinitionNeedsMaximum(t *conform.T) {
	for _, f := range []conform.Features{{VideoResolution: "FHD"}, {ContentResolution: "UHD"}, {VideoResolution: "FHD", ContentResolution: "UHD"}, {VideoResolution: "None", ContentResolution: "UHD"}} {
		t.API.CreateMeeting(withFeatures(t, f)).Fails(badRequest())
	}
}

func highDefinitionMaximum(t *conform.T) {
	for _, f := range []conform.Features{{VideoResolution: "FHD"}, {ContentResolution: "UHD"}, {VideoResolution: "FHD", ContentResolution: "UHD"}} {
		f.MaxAttendees = 25
		m := t.API.CreateMeeting(withFeatures(t, f)).OK()
		b := t.API.BatchCreateAttendee(m.ID, users(30)...).OK()
		t.Equal("placed", len(b.Attendees), 25)
		f.MaxAttendees = 26
		t.API.CreateMeeting(withFeatures(t, f)).Fails(badRequest())
	}
}
