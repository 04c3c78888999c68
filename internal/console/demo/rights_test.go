package demo

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// askRights asks as the page does and returns status and body.
func askRights(b *Backend, code, who, m, attendee string) (int, string) {
	w := httptest.NewRecorder()
	body := fmt.Sprintf(`{"who":%q,"meeting":%q,"attendee":%q}`, who, m, attendee)
	b.ServeHTTP(w, httptest.NewRequest("POST", "/demo/meetings/"+code+"/rights", strings.NewReader(body)))
	return w.Code, w.Body.String()
}

func TestRightsFollowTheOperator(t *testing.T) {
	url, c := realAPI(t, meeting.Limits{})
	b := backend(t, url)
	code := post(t, b, "/demo/meetings", `{}`).Code
	ada := b.testJoin(t, code, who, "Ada")
	m, attendee := ada.Meeting.ID, ada.Attendee.ID
	if status, body := askRights(b, code, who, m, attendee); status != 200 || body != `{"Audio":"SendReceive","Content":"SendReceive","Video":"SendReceive"}` {
		t.Errorf("at first %d %s", status, body)
	}
	id, _ := meeting.ParseID(m)
	person, _ := meeting.ParseID(attendee)
	muted := meeting.Capabilities{Audio: meeting.Receive, Video: meeting.SendReceive, Content: meeting.None}
	if err := c.SetCapabilities(context.Background(), id, person, muted); err != nil {
		t.Fatal(err)
	}
	if status, body := askRights(b, code, who, m, attendee); status != 200 || body != `{"Audio":"Receive","Content":"None","Video":"SendReceive"}` {
		t.Errorf("after muting %d %s", status, body)
	}
	if err := c.RemoveAttendee(context.Background(), id, person); err != nil {
		t.Fatal(err)
	}
	if status, body := askRights(b, code, who, m, attendee); status != 404 || !strings.Contains(body, "not any more") {
		t.Errorf("after the removal %d %s", status, body)
	}
}

// Whoever is in the meeting knows the ids of the others, and no more than that.
func TestRightsAreTheOwnersAlone(t *testing.T) {
	url, _ := realAPI(t, meeting.Limits{})
	b := backend(t, url)
	code := post(t, b, "/demo/meetings", `{}`).Code
	ada := b.testJoin(t, code, who, "Ada")
	grace := b.testJoin(t, code, who+"2", "Grace")
	m := ada.Meeting.ID
	for name, c := range map[string]struct {
		code, who, meeting, attendee string
		status                       int
	}{
		"somebody else":     {code, who, m, grace.Attendee.ID, 404},
		"nobody":            {code, "", m, ada.Attendee.ID, 404},
		"another meeting":   {b.codes.fresh(), who, m, ada.Attendee.ID, 404},
		"no such code":      {"abc-defg-hij", who, m, ada.Attendee.ID, 404},
		"no attendee":       {code, who, m, "", 400},
		"no meeting":        {code, who, "", ada.Attendee.ID, 400},
		"ids that are none": {code, who, "x", "y", 400},
	} {
		if status, body := askRights(b, c.code, c.who, c.meeting, c.attendee); status != c.status || !strings.Contains(body, `"error"`) {
			t.Errorf("%s: %d %s, want %d with a sentence", name, status, body, c.status)
		}
	}
}
