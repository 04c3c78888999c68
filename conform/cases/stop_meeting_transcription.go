package cases

import "github.com/carillon-meetings/carillon/conform"

// stopMeetingTranscriptionCases are the behaviours of
// StopMeetingTranscription.
func stopMeetingTranscriptionCases() []conform.Case {
	return []conform.Case{
		{Name: "StopMeetingTranscription_AnswersAnEmptyBody", Says: "200 with an empty body", In: inBoth(), Body: stopsTranscription},
		{Name: "StopMeetingTranscription_NothingRunning", Says: "stopping where nothing runs succeeds (D-25)", In: inBoth(), Body: func(t *conform.T) { t.API.StopMeetingTranscription(t.Meeting().ID).OK() }},
		{Name: "StopMeetingTranscription_Twice", Says: "stopping twice succeeds (D-25)", In: inBoth(), Body: stopsTwice},
		{Name: "StopMeetingTranscription_UnknownMeetingIsNotFound", Says: "an unknown meeting is NotFound", In: inBoth(), Body: func(t *conform.T) { t.API.StopMeetingTranscription(unknownID).Fails(notFound(), unknownID) }},
		{Name: "StopMeetingTranscription_MalformedMeetingIdIsRefused", Says: "a meeting id that is no GUID is BadRequest", In: inBoth(), Body: func(t *conform.T) {
			refusesBadIDs(t, post, func(id string) string { return transcriptionPath(id, "stop") }, nil, "meetingId")
		}},
		{Name: "StopMeetingTranscription_IgnoresABody", Says: "a body where none is expected is ignored", In: inBoth(), Body: func(t *conform.T) {
			t.API.Raw(post, transcriptionPath(t.Meeting().ID, "stop"), "{}").Succeeds(200)
		}},
	}
}

func stopsTranscription(t *conform.T) {
	m := t.Meeting()
	t.API.StartMeetingTranscription(m.ID, english()).OK()
	r := t.API.StopMeetingTranscription(m.ID)
	r.OK()
	t.Equal("bytes of the body", len(r.Body), 0)
}

func stopsTwice(t *conform.T) {
	m := t.Meeting()
	t.API.StartMeetingTranscription(m.ID, english()).OK()
	t.API.StopMeetingTranscription(m.ID).OK()
	t.API.StopMeetingTranscription(m.ID).OK()
	t.API.StartMeetingTranscription(m.ID, english()).OK()
}
