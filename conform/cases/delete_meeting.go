package cases

import "github.com/carillon-meetings/carillon/conform"

// deleteMeetingCases are the behaviours of DeleteMeeting.
func deleteMeetingCases() []conform.Case {
	return []conform.Case{
		{Name: "DeleteMeeting_AnswersNothing", Says: "204 without body or content type", In: inBoth(), Body: deleteAnswersNothing},
		{Name: "DeleteMeeting_EndsEverythingInTheMeeting", Says: "every operation on an ended meeting is NotFound", In: inBoth(), Body: deleteEndsEverything},
		{Name: "DeleteMeeting_AgainSucceeds", Says: "deleting an ended meeting succeeds (D-06)", In: inBoth(), Body: deleteAgain},
		{Name: "DeleteMeeting_UnknownSucceeds", Says: "deleting a well-formed unknown id succeeds (D-06)", In: inBoth(), Body: func(t *conform.T) { t.API.DeleteMeeting(unknownID).OK(); t.API.GetMeeting(unknownID).Fails(notFound()) }},
		{Name: "DeleteMeeting_MalformedIdIsRefused", Says: "an id that is no GUID is BadRequest", In: inBoth(), Body: func(t *conform.T) { refusesBadIDs(t, remove, meetingPath, nil, "meetingId") }},
		{Name: "DeleteMeeting_TagsVanish", Says: "the tags vanish with the meeting", In: inBoth(), Body: deleteTakesTags},
		{Name: "DeleteMeeting_ConcurrentlyIsHarmless", Says: "many deletions at once all succeed", In: inBoth(), Body: deleteTogether},
	}
}

func deleteAnswersNothing(t *conform.T) { t.API.DeleteMeeting(t.Meeting().ID).OK() }

func deleteEndsEverything(t *conform.T) {
	m, a := t.Attendee()
	t.API.DeleteMeeting(m.ID).OK()
	t.API.GetMeeting(m.ID).Fails(notFound(), m.ID)
	t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: "late"}).Fails(notFound(), m.ID)
	t.API.BatchCreateAttendee(m.ID, users(2)...).Fails(notFound(), m.ID)
	t.API.GetAttendee(m.ID, a.ID).Fails(notFound())
	t.API.ListAttendees(m.ID, conform.Page{}).Fails(notFound(), m.ID)
	t.API.DeleteAttendee(m.ID, a.ID).Fails(notFound())
	t.API.StartMeetingTranscription(m.ID, english()).Fails(notFound(), m.ID)
	t.API.StopMeetingTranscription(m.ID).Fails(notFound(), m.ID)
	if t.Flavour == conform.Meetings {
		t.API.UpdateAttendeeCapabilities(m.ID, a.ID, *all("None")).Fails(notFound())
		t.API.BatchUpdateAttendeeCapabilitiesExcept(m.ID, *all("None"), unknownID).Fails(notFound())
		return
	}
	t.API.TagMeeting(m.ID, conform.Tag{Key: "k", Value: "v"}).Fails(notFound())
	t.API.UntagMeeting(m.ID, "k").Fails(notFound())
	t.API.ListMeetingTags(m.ID).Fails(notFound())
	t.API.TagAttendee(m.ID, a.ID, conform.Tag{Key: "k", Value: "v"}).Fails(notFound())
	t.API.UntagAttendee(m.ID, a.ID, "k").Fails(notFound())
	t.API.ListAttendeeTags(m.ID, a.ID).Fails(notFound())
}

func deleteAgain(t *conform.T) {
	m := t.Meeting()
	for range 3 {
		t.API.DeleteMeeting(m.ID).OK()
	}
}

func deleteTakesTags(t *conform.T) {
	m := t.MeetingWith(func(in *conform.NewMeeting) { in.Tags = []conform.Tag{{Key: "team", Value: "red"}} })
	arn := arnOf(t, m)
	t.API.DeleteMeeting(m.ID).OK()
	t.API.ListTagsForResource(arn).Fails(resourceNotFound())
	t.API.TagResource(arn, conform.Tag{Key: "a", Value: "b"}).Fails(resourceNotFound())
	t.API.UntagResource(arn, "team").Fails(resourceNotFound())
}

func deleteTogether(t *conform.T) {
	m, _ := t.Attendee()
	t.Together(16, func(int) { t.API.DeleteMeeting(m.ID).OK() })
	t.API.GetMeeting(m.ID).Fails(notFound(), m.ID)
}
