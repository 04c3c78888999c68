package cases

//lint:file-ignore SA1019 the retired SDK is the legacy flavour's client

import (
	"slices"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go/service/chime"

	"github.com/carillon-meetings/carillon/conform"
)

// pagingCases are about lists that take several requests; they use
// ListAttendees, and list_meetings.go repeats the essentials for ListMeetings.
func pagingCases() []conform.Case {
	cases := []conform.Case{
		{Name: "Paging_WalksEveryAttendeeOnce", Says: "following NextToken visits every attendee once, in order of creation (D-12)", Body: pagesOnce},
		{Name: "Paging_LastPageHasNoToken", Says: "the last page has no NextToken, also when it is exactly full", Body: pagesEnd},
		{Name: "Paging_DefaultIsTheMaximum", Says: "without max-results a page is as long as the maximum, 100 (current) or 99 (legacy) (D-11)", Body: pagesDefault},
		{Name: "Paging_MaxResultsOutOfRange", Says: "max-results beyond 1 to 100 (current) or 99 (legacy), or no number, is refused", Body: pagesOutOfRange},
		{Name: "Paging_TokenIsOpaqueAndSafe", Says: "a NextToken has at most 4096 characters, all of them safe in an address", Body: pagesTokenForm},
		{Name: "Paging_ForeignTokenIsRefused", Says: "a token of another meeting, or an altered one, is refused (D-48)", Body: pagesForeign},
		{Name: "Paging_TokenOfTheOtherFlavour", Profile: conform.OneDoor, Says: "a token of the other flavour is refused (D-48)", Body: pagesOtherFlavour},
		{Name: "Paging_TokenTooLong", Says: "a token of more than 4096 characters is refused", Body: func(t *conform.T) {
			t.API.ListAttendees(t.Meeting().ID, conform.Page{Next: letters(4097)}).Fails(badRequest(), "nextToken")
		}},
		{Name: "Paging_EmptyTokenIsNone", Says: "an empty next-token is treated as absent", Body: pagesEmptyToken},
		{Name: "Paging_StableUnderChanges", Says: "what exists throughout a walk is neither skipped nor repeated, whatever else comes and goes (D-12)", Body: pagesStable},
		{Name: "Paging_TokenSurvivesItsAttendee", Says: "a token still works when the attendees around its place are deleted", Body: pagesDeletedCursor},
		{Name: "Paging_SizeMayChange", Says: "max-results may differ from page to page", Body: pagesSizes},
		{Name: "Paging_TokenMayBeUsedAgain", Says: "the same token gives the same page again", Body: pagesAgain},
		{Name: "Paging_SDKPaginator", Says: "the SDK's own paginator walks the list", Body: pagesSDK},
	}
	for i := range cases {
		cases[i].In = inBoth()
	}
	return cases
}

// walkAttendees follows the pages of ListAttendees and returns the user ids.
func walkAttendees(t *conform.T, meeting string, max int32) []string {
	var ids []string
	for p := (conform.Page{Max: max}); ; {
		page := t.API.ListAttendees(meeting, p).OK()
		if max > 0 && len(page.Attendees) > int(max) {
			t.Errorf("a page of %d, at most %d were wanted", len(page.Attendees), max)
		}
		if page.Next != "" && len(page.Attendees) == 0 {
			t.Fatalf("an empty page with a NextToken")
		}
		ids = append(ids, userIDs(page.Attendees)...)
		if page.Next == "" {
			return ids
		}
		p.Next = page.Next
	}
}

// crowdedMeeting creates a meeting with n attendees.
func crowdedMeeting(t *conform.T, n int) conform.Meeting {
	m := t.Meeting()
	for from := 0; from < n; from += 100 {
		t.API.BatchCreateAttendee(m.ID, crowd(from, min(100, n-from))...).OK()
	}
	return m
}

func pagesOnce(t *conform.T) {
	m := crowdedMeeting(t, 23)
	for _, max := range []int32{1, 2, 7, 22, 23, 24} {
		t.Equal("user ids", walkAttendees(t, m.ID, max), wantUserIDs(crowd(0, 23)))
	}
}

func pagesEnd(t *conform.T) {
	m := crowdedMeeting(t, 6)
	p := conform.Page{Max: 3}
	first := t.API.ListAttendees(m.ID, p).OK()
	p.Next = first.Next
	second := t.API.ListAttendees(m.ID, p)
	t.Equal("user ids of the second page", userIDs(second.OK().Attendees), wantUserIDs(crowd(3, 3)))
	t.Equal("members of the second page", second.Keys(), []string{"Attendees"})
}

// longestWalk returns the greatest page of the flavour.
func longestWalk(t *conform.T) int {
	if t.Flavour == conform.Legacy {
		return 99
	}
	return 100
}

func pagesDefault(t *conform.T) {
	m := crowdedMeeting(t, 120)
	t.Equal("length of the first page", len(t.API.ListAttendees(m.ID, conform.Page{}).OK().Attendees), longestWalk(t))
	t.Equal("attendees on all pages", len(walkAttendees(t, m.ID, 0)), 120)
	t.Equal("attendees on pages of the maximum", len(walkAttendees(t, m.ID, int32(longestWalk(t)))), 120)
}

func pagesOutOfRange(t *conform.T) {
	m := t.Meeting()
	values := []string{"0", "-1", "101", "4294967297", "ten", "1.0", "1e1", "0x5", "%201", "5%20", "+5"}
	if t.Flavour == conform.Legacy {
		values = append(values, "100")
	}
	for _, n := range values {
		t.API.Raw(get, attendeesPath(m.ID)+"?max-results="+n, nil).Fails(badRequest(), "maxResults")
	}
}

func pagesTokenForm(t *conform.T) {
	m := crowdedMeeting(t, 5)
	token := t.API.ListAttendees(m.ID, conform.Page{Max: 2}).OK().Next
	const safe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~="
	t.True("the token is safe in an address", token != "" && len(token) <= 4096 && strings.Trim(token, safe) == "")
	t.True("the token tells no user id", !strings.Contains(token, "crowd"))
}

func pagesForeign(t *conform.T) {
	m, other := crowdedMeeting(t, 5), crowdedMeeting(t, 5)
	token := t.API.ListAttendees(m.ID, conform.Page{Max: 2}).OK().Next
	t.API.ListAttendees(other.ID, conform.Page{Max: 2, Next: token}).Fails(badRequest())
	for _, altered := range []string{token + "x", token[1:], token[:len(token)-1], "x" + token, "garbage", flipped(token)} {
		t.API.ListAttendees(m.ID, conform.Page{Max: 2, Next: altered}).Fails(badRequest())
	}
}

// flipped returns a token with one character in its middle replaced.
func flipped(token string) string {
	b := []byte(token)
	i := len(b) / 2
	if b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	return string(b)
}

func pagesOtherFlavour(t *conform.T) {
	other := conform.Legacy
	if t.Flavour == conform.Legacy {
		other = conform.Meetings
	}
	foreign := t.Through(other).CreateMeeting(t.NewMeeting()).OK()
	t.Through(other).BatchCreateAttendee(foreign.ID, users(3)...).OK()
	token := t.Through(other).ListAttendees(foreign.ID, conform.Page{Max: 1}).OK().Next
	t.API.ListAttendees(crowdedMeeting(t, 3).ID, conform.Page{Max: 1, Next: token}).Fails(badRequest())
}

func pagesEmptyToken(t *conform.T) {
	m := crowdedMeeting(t, 3)
	r := t.API.Raw(get, attendeesPath(m.ID)+"?next-token=", nil).Succeeds(200)
	t.Equal("attendees", len(r.Object()["Attendees"].(list)), 3)
}

func pagesStable(t *conform.T) {
	m := crowdedMeeting(t, 40)
	attendees := t.API.ListAttendees(m.ID, conform.Page{}).OK().Attendees
	var seen []string
	deleted := map[string]bool{}
	for p := (conform.Page{Max: 4}); ; {
		page := t.API.ListAttendees(m.ID, p).OK()
		seen = append(seen, userIDs(page.Attendees)...)
		// Behind and ahead of the walk somebody goes, and somebody comes.
		for _, at := range []int{len(seen) - 2, len(seen) + 2} {
			if at < len(attendees) && !deleted[attendees[at].ID] {
				t.API.DeleteAttendee(m.ID, attendees[at].ID).OK()
				deleted[attendees[at].ID] = true
			}
		}
		if len(seen) < 40 {
			t.API.CreateAttendee(m.ID, crowd(100+len(seen), 1)[0]).OK()
		}
		if p.Next = page.Next; p.Next == "" {
			break
		}
	}
	for i, a := range attendees {
		if n := occurrences(seen, a.ExternalUserID); !deleted[a.ID] && n != 1 {
			t.Errorf("the attendee at place %d existed throughout and was visited %d times", i, n)
		}
	}
}

// occurrences counts a value in a list.
func occurrences(values []string, value string) int {
	n := 0
	for _, v := range values {
		if v == value {
			n++
		}
	}
	return n
}

func pagesDeletedCursor(t *conform.T) {
	m := crowdedMeeting(t, 10)
	attendees := t.API.ListAttendees(m.ID, conform.Page{}).OK().Attendees
	token := t.API.ListAttendees(m.ID, conform.Page{Max: 5}).OK().Next
	for _, at := range []int{3, 4, 5, 6} {
		t.API.DeleteAttendee(m.ID, attendees[at].ID).OK()
	}
	t.Equal("the rest", userIDs(t.API.ListAttendees(m.ID, conform.Page{Next: token}).OK().Attendees), wantUserIDs(crowd(7, 3)))
	for _, at := range []int{7, 8, 9} {
		t.API.DeleteAttendee(m.ID, attendees[at].ID).OK()
	}
	last := t.API.ListAttendees(m.ID, conform.Page{Next: token}).OK()
	t.Equal("attendees when the rest is gone", len(last.Attendees), 0)
	t.Equal("NextToken when the rest is gone", last.Next, "")
}

func pagesSizes(t *conform.T) {
	m := crowdedMeeting(t, 12)
	var ids []string
	p := conform.Page{}
	for _, size := range []int32{1, 5, 2, 4} {
		p.Max = size
		page := t.API.ListAttendees(m.ID, p).OK()
		ids = append(ids, userIDs(page.Attendees)...)
		p.Next = page.Next
	}
	t.Equal("user ids", ids, wantUserIDs(crowd(0, 12)))
	t.Equal("token after the last", p.Next, "")
}

func pagesAgain(t *conform.T) {
	m := crowdedMeeting(t, 9)
	p := conform.Page{Max: 3, Next: t.API.ListAttendees(m.ID, conform.Page{Max: 3}).OK().Next}
	first := t.API.ListAttendees(m.ID, p).OK()
	t.Equal("the page again", t.API.ListAttendees(m.ID, p).OK().Attendees, first.Attendees)
}

func pagesSDK(t *conform.T) {
	m := crowdedMeeting(t, 11)
	var ids []string
	if t.Flavour == conform.Legacy {
		size := int64(4)
		err := t.API.LegacySDK().ListAttendeesPagesWithContext(t.Context(), &chime.ListAttendeesInput{MeetingId: &m.ID, MaxResults: &size},
			func(page *chime.ListAttendeesOutput, _ bool) bool {
				for _, a := range page.Attendees {
					ids = append(ids, *a.ExternalUserId)
				}
				return true
			})
		t.True("the paginator came to the end", err == nil)
	} else {
		size := int32(4)
		pages := sdk.NewListAttendeesPaginator(t.API.CurrentSDK(), &sdk.ListAttendeesInput{MeetingId: &m.ID, MaxResults: &size})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatalf("the paginator failed: %v", err)
			}
			for _, a := range page.Attendees {
				ids = append(ids, *a.ExternalUserId)
			}
		}
	}
	t.True("every attendee once", slices.Equal(ids, wantUserIDs(crowd(0, 11))))
}
