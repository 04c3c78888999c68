package cases

import (
	"slices"
	"strconv"

	"github.com/carillon-meetings/carillon/conform"
)

// listMeetingsCases are the behaviours of ListMeetings, which only the legacy
// flavour has. Meetings of other cases come and go meanwhile.
func listMeetingsCases() []conform.Case {
	cases := []conform.Case{
		{Name: "ListMeetings_ListsActiveMeetings", Says: "the list holds the active meetings in order of creation, with the members of GetMeeting", Body: listsActive},
		{Name: "ListMeetings_WalksAllPages", Says: "following NextToken visits every meeting exactly once", Body: walksMeetings},
		{Name: "ListMeetings_DefaultIsTheMaximum", Alone: true, Says: "without max-results a page has 99 meetings (D-11)", Body: meetingsDefaultPage},
		{Name: "ListMeetings_StableUnderChanges", Says: "what exists throughout a walk is neither skipped nor repeated, whatever else comes and goes (D-12)", Body: meetingsStable},
		{Name: "ListMeetings_DeletedIsGoneAtOnce", Says: "a deleted meeting is not listed any more (D-09)", Body: listsNoDeleted},
		{Name: "ListMeetings_MaxResultsOutOfRange", Says: "max-results outside 1 to 99 is refused", Body: meetingsMaxResults},
		{Name: "ListMeetings_ForeignTokenIsRefused", Says: "a next-token of another list or an altered one is refused (D-48)", Body: meetingsBadToken},
		{Name: "ListMeetings_EmptyTokenIsNone", Says: "an empty next-token is treated as absent", Body: meetingsEmptyToken},
		{Name: "ListMeetings_SlashAtTheEnd", Says: "GET /meetings/ is GetMeeting with an empty id, not this list", Body: func(t *conform.T) { t.API.Raw(get, "/meetings/", nil).Fails(badRequest()) }},
	}
	for i := range cases {
		cases[i].In = inLegacy()
	}
	return cases
}

// walkMeetings follows the pages of ListMeetings from the start.
func walkMeetings(t *conform.T, max int32) []conform.Meeting {
	var list []conform.Meeting
	for p := (conform.Page{Max: max}); ; {
		page := t.API.ListMeetings(p).OK()
		if max > 0 && len(page.Meetings) > int(max) {
			t.Errorf("a page of %d meetings, at most %d were wanted", len(page.Meetings), max)
		}
		list = append(list, page.Meetings...)
		if page.Next == "" {
			return list
		}
		p.Next = page.Next
	}
}

// position returns where a meeting is in a list, -1 if it is not there.
func position(meetings []conform.Meeting, id string) int {
	return slices.IndexFunc(meetings, func(m conform.Meeting) bool { return m.ID == id })
}

func listsActive(t *conform.T) {
	a, b := t.Meeting(), t.Meeting()
	listed := walkMeetings(t, 0)
	i, j := position(listed, a.ID), position(listed, b.ID)
	if i < 0 || j < 0 {
		t.Fatalf("a created meeting is not listed")
	}
	t.True("the order is that of creation (D-12)", i < j)
	t.Equal("the listed meeting", listed[i], a)
}

func walksMeetings(t *conform.T) {
	var mine []string
	for range 7 {
		mine = append(mine, t.Meeting().ID)
	}
	var seen []string
	for _, m := range walkMeetings(t, 2) {
		if slices.Contains(mine, m.ID) {
			seen = append(seen, m.ID)
		}
	}
	t.Equal("the meetings of this case", seen, mine)
}

func meetingsDefaultPage(t *conform.T) {
	t.Together(8, func(int) {
		for range 13 {
			t.Meeting()
		}
	})
	page := t.API.ListMeetings(conform.Page{}).OK()
	t.Equal("length of the first page", len(page.Meetings), 99)
	t.True("there is a NextToken", page.Next != "")
}

func meetingsStable(t *conform.T) {
	var mine []string
	for range 12 {
		mine = append(mine, t.Meeting().ID)
	}
	deleted := map[string]bool{}
	visits := map[string]int{}
	for p := (conform.Page{Max: 3}); ; {
		page := t.API.ListMeetings(p).OK()
		for _, m := range page.Meetings {
			visits[m.ID]++
		}
		if next := len(deleted) * 2; next < len(mine) {
			t.API.DeleteMeeting(mine[next]).OK()
			deleted[mine[next]] = true
		}
		t.Meeting()
		if p.Next = page.Next; p.Next == "" || len(visits) > 2000 {
			break
		}
	}
	for i, id := range mine {
		if !deleted[id] {
			t.Equal("visits of meeting "+strconv.Itoa(i), visits[id], 1)
		}
	}
}

func listsNoDeleted(t *conform.T) {
	a, b := t.Meeting(), t.Meeting()
	t.API.DeleteMeeting(a.ID).OK()
	listed := walkMeetings(t, 0)
	t.Equal("place of the deleted meeting", position(listed, a.ID), -1)
	t.True("the other is listed", position(listed, b.ID) >= 0)
}

func meetingsMaxResults(t *conform.T) {
	for _, n := range []string{"0", "-1", "100", "9999999999999999999", "ten", "1.5", "+1", "%201"} {
		t.API.Raw(get, "/meetings?max-results="+n, nil).Fails(badRequest(), "maxResults")
	}
	for _, n := range []int{1, 99} {
		t.API.Raw(get, "/meetings?max-results="+strconv.Itoa(n), nil).Succeeds(200)
	}
}

func meetingsEmptyToken(t *conform.T) {
	t.Meeting()
	r := t.API.Raw(get, "/meetings?next-token=&max-results=1", nil).Succeeds(200)
	meetings, _ := r.Object()["Meetings"].(list)
	t.Equal("meetings", len(meetings), 1)
}

func meetingsBadToken(t *conform.T) {
	m := t.Meeting()
	t.API.BatchCreateAttendee(m.ID, users(3)...).OK()
	foreign := t.API.ListAttendees(m.ID, conform.Page{Max: 1}).OK().Next
	for _, token := range []string{"garbage", foreign, foreign + "x", letters(4097)} {
		t.API.ListMeetings(conform.Page{Next: token}).Fails(badRequest())
	}
}
