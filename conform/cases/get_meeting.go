package cases

import (
	"strings"

	"github.com/carillon-meetings/carillon/conform"
)

// getMeetingCases are the behaviours of GetMeeting.
func getMeetingCases() []conform.Case {
	return []conform.Case{
		{Name: "GetMeeting_ReturnsWhatCreationAnswered", Says: "the Meeting is member for member the one answered at creation", In: inBoth(), Body: getReturnsCreation},
		{Name: "GetMeeting_BodyIsIdenticalEachTime", Says: "placement and all other members are stable for the life of the meeting", In: inBoth(), Body: getIsStable},
		{Name: "GetMeeting_IdInCapitals", Says: "ids are compared in any letter case and answered in lower case (D-21)", In: inBoth(), Body: getInCapitals},
		{Name: "GetMeeting_UnknownIsNotFound", Says: "an id that names no meeting is NotFound, and the message names it", In: inBoth(), Body: getUnknown},
		{Name: "GetMeeting_EndedIsNotFound", Says: "a deleted meeting does not exist", In: inBoth(), Body: getEnded},
		{Name: "GetMeeting_MalformedIdIsRefused", Says: "an id that is no GUID is BadRequest", In: inBoth(), Body: func(t *conform.T) { refusesBadIDs(t, get, meetingPath, nil, "meetingId") }},
		{Name: "GetMeeting_EmptyIdIsRefused", Says: "the empty label of GET /meetings/ is BadRequest", In: inBoth(), Body: func(t *conform.T) { t.API.Raw(get, "/meetings/", nil).Fails(badRequest()) }},
		{Name: "GetMeeting_IgnoresABody", Says: "a body where none is expected is ignored", In: inBoth(), Body: getWithBody},
		{Name: "GetMeeting_IgnoresUnknownQueryParameters", Says: "unknown query parameters are ignored (D-02)", In: inBoth(), Body: getWithQuery},
		{Name: "GetMeeting_SeenByTheNextRequest", Says: "a created meeting is visible to the next request of any connection", In: inBoth(), Body: getReadsOwnWrites},
	}
}

func getReturnsCreation(t *conform.T) {
	in := t.NewMeeting()
	in.HostID = "host"
	created := t.API.CreateMeeting(in)
	created.OK()
	got := t.API.GetMeeting(created.Value().ID)
	got.OK()
	t.Equal("the body", got.Object(), created.Object())
}

func getIsStable(t *conform.T) {
	m := t.Meeting()
	first := t.API.GetMeeting(m.ID).Object()
	for range 5 {
		t.Equal("the body", t.API.GetMeeting(m.ID).Object(), first)
	}
}

func getInCapitals(t *conform.T) {
	m := t.Meeting()
	t.Equal("MeetingId", t.API.GetMeeting(strings.ToUpper(m.ID)).OK().ID, m.ID)
}

func getUnknown(t *conform.T) { t.API.GetMeeting(unknownID).Fails(notFound(), unknownID) }

func getEnded(t *conform.T) {
	m := t.Meeting()
	t.API.DeleteMeeting(m.ID).OK()
	t.API.GetMeeting(m.ID).Fails(notFound(), m.ID)
}

func getWithBody(t *conform.T) {
	m := t.Meeting()
	t.API.Raw(get, meetingPath(m.ID), "{}").Succeeds(200)
	t.API.Raw(get, meetingPath(m.ID), "{not json").Succeeds(200)
}

func getWithQuery(t *conform.T) {
	m := t.Meeting()
	t.API.Raw(get, meetingPath(m.ID)+"?future=1&future=2&empty", nil).Succeeds(200)
}

func getReadsOwnWrites(t *conform.T) {
	t.Together(8, func(int) {
		for range 5 {
			m := t.Meeting()
			t.Equal("the meeting", t.API.GetMeeting(m.ID).OK(), m)
		}
	})
}
