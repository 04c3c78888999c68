package cases

import (
	"fmt"
	"sync/atomic"

	"github.com/carillon-meetings/carillon/conform"
)

// limitCases are about how much there may be of what.
func limitCases() []conform.Case {
	return []conform.Case{
		{Name: "Limit_AttendeesOfAMeeting", Says: "the meeting's maximum holds for CreateAttendee, and the message names the meeting", In: inMeetings(), Body: limitSingle},
		{Name: "Limit_FullMeetingStillKnowsItsUsers", Says: "known user ids succeed in a full meeting (D-35)", In: inMeetings(), Body: limitKnownUsers},
		{Name: "Limit_DeletionFreesAPlace", Says: "DeleteAttendee frees a place", In: inMeetings(), Body: limitFreed},
		{Name: "Limit_BatchOverflowGoesToErrors", Says: "items are taken in request order and the overflow goes to Errors with ResourceLimitExceeded (D-44, D-45)", In: inMeetings(), Body: limitOverflow},
		{Name: "Limit_BatchThatFitsNowhereIsRefused", Says: "a batch of which nothing fits is refused as a whole (D-44)", In: inMeetings(), Body: limitNothingFits},
		{Name: "Limit_BatchWithKnownUsersIsNotRefused", Says: "a batch with a known user id into a full meeting succeeds, the rest goes to Errors (D-44)", In: inMeetings(), Body: limitKnownInBatch},
		{Name: "Limit_DuplicatesTakeOnePlace", Says: "a user id twice in a batch takes one place, and none when it does not fit (D-39)", In: inMeetings(), Body: limitDuplicates},
		{Name: "Limit_MeetingWithAttendeesOverflows", Says: "CreateMeetingWithAttendees creates the meeting and puts the overflow into Errors", In: inMeetings(), Body: limitWithAttendees},
		{Name: "Limit_TwoHundredFiftyByDefault", Says: "a meeting takes 250 attendees unless it says otherwise", In: inBoth(), Body: limitDefault},
		{Name: "Limit_ConcurrentlyNeverExceeded", Says: "clients that race for the last places never exceed the maximum", In: inMeetings(), Body: limitTogether},
		{Name: "Limit_ActiveMeetings", Profile: conform.Quota, Alone: true, Says: "no more meetings are active than the quota allows; a deletion frees a place; each flavour counts apart", In: inBoth(), Body: limitMeetings},
	}
}

// smallMeeting creates a meeting for a few attendees.
func smallMeeting(t *conform.T, most int32) conform.Meeting {
	return t.MeetingWith(func(in *conform.NewMeeting) { in.Features = &conform.Features{MaxAttendees: most} })
}

func limitSingle(t *conform.T) {
	m := smallMeeting(t, 2)
	for i := range 2 {
		t.API.CreateAttendee(m.ID, users(2)[i]).OK()
	}
	t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: "one-more"}).Fails(limitExceeded(), m.ID)
	t.Equal("attendees", attendeeCount(t, m.ID), 2)
}

func limitKnownUsers(t *conform.T) {
	m := smallMeeting(t, 2)
	known := t.API.BatchCreateAttendee(m.ID, users(2)...).OK().Attendees
	t.Equal("the attendee", t.API.CreateAttendee(m.ID, users(2)[1]).OK(), known[1])
	t.Equal("the attendees by a batch", t.API.BatchCreateAttendee(m.ID, users(2)...).OK().Attendees, known)
}

func limitFreed(t *conform.T) {
	m := smallMeeting(t, 1)
	a := t.API.CreateAttendee(m.ID, users(1)[0]).OK()
	t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: "next"}).Fails(limitExceeded())
	t.API.DeleteAttendee(m.ID, a.ID).OK()
	t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: "next"}).OK()
	t.API.CreateAttendee(m.ID, users(1)[0]).Fails(limitExceeded())
}

// errorIDs returns the user ids of item errors, after checking the rest.
func errorIDs(t *conform.T, errs []conform.ItemError) []string {
	ids := make([]string, len(errs))
	for i, e := range errs {
		ids[i] = e.ExternalUserID
		t.Equal("ErrorCode", e.Code, "ResourceLimitExceeded")
		t.True("there is an ErrorMessage", e.Message != "")
	}
	return ids
}

func limitOverflow(t *conform.T) {
	m := smallMeeting(t, 3)
	r := t.API.BatchCreateAttendee(m.ID, users(5)...)
	b := r.OK()
	t.Equal("placed", userIDs(b.Attendees), wantUserIDs(users(3)))
	t.Equal("overflow", errorIDs(t, b.Errors), wantUserIDs(users(5)[3:]))
	first, _ := r.Object()["Errors"].(list)[0].(object)
	t.Equal("members of an error", len(first), 3)
	t.Equal("attendees", attendeeCount(t, m.ID), 3)
}

func limitNothingFits(t *conform.T) {
	m := smallMeeting(t, 1)
	t.API.BatchCreateAttendee(m.ID, users(1)...).OK()
	t.API.BatchCreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: "next-1"}, conform.NewAttendee{ExternalUserID: "next-2"}).Fails(limitExceeded(), m.ID)
	t.Equal("attendees", attendeeCount(t, m.ID), 1)
}

func limitKnownInBatch(t *conform.T) {
	m := smallMeeting(t, 2)
	known := t.API.BatchCreateAttendee(m.ID, users(2)...).OK().Attendees
	b := t.API.BatchCreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: "next-1"}, users(2)[1], conform.NewAttendee{ExternalUserID: "next-2"}).OK()
	t.Equal("placed", b.Attendees, known[1:])
	t.Equal("overflow", errorIDs(t, b.Errors), []string{"next-1", "next-2"})
}

func limitDuplicates(t *conform.T) {
	m := smallMeeting(t, 2)
	a, b, c := conform.NewAttendee{ExternalUserID: "user-a"}, conform.NewAttendee{ExternalUserID: "user-b"}, conform.NewAttendee{ExternalUserID: "user-c"}
	out := t.API.BatchCreateAttendee(m.ID, a, a, b, c, a, c).OK()
	t.Equal("placed", userIDs(out.Attendees), []string{"user-a", "user-a", "user-b", "user-a"})
	t.Equal("overflow", errorIDs(t, out.Errors), []string{"user-c", "user-c"})
}

func limitWithAttendees(t *conform.T) {
	in := populated(t, 4)
	in.Features = &conform.Features{MaxAttendees: 3}
	b := t.API.CreateMeetingWithAttendees(in).OK()
	t.Equal("placed", userIDs(b.Attendees), wantUserIDs(users(3)))
	t.Equal("overflow", errorIDs(t, b.Errors), []string{"user-003"})
	t.Equal("attendees", attendeeCount(t, b.Meeting.ID), 3)
}

// crowd returns n attendees to create, from a place on.
func crowd(from, n int) []conform.NewAttendee {
	list := make([]conform.NewAttendee, n)
	for i := range list {
		list[i].ExternalUserID = fmt.Sprintf("crowd-%03d", from+i)
	}
	return list
}

func limitDefault(t *conform.T) {
	m := t.Meeting()
	t.API.BatchCreateAttendee(m.ID, crowd(0, 100)...).OK()
	t.API.BatchCreateAttendee(m.ID, crowd(100, 100)...).OK()
	b := t.API.BatchCreateAttendee(m.ID, crowd(200, 60)...).OK()
	t.Equal("placed", len(b.Attendees), 50)
	t.Equal("overflow", errorIDs(t, b.Errors), wantUserIDs(crowd(250, 10)))
	t.API.CreateAttendee(m.ID, crowd(250, 1)[0]).Fails(limitExceeded(), m.ID)
	t.API.CreateAttendee(m.ID, crowd(17, 1)[0]).OK()
	t.Equal("attendees", attendeeCount(t, m.ID), 250)
}

func limitTogether(t *conform.T) {
	m := smallMeeting(t, 10)
	var placed atomic.Int64
	t.Together(32, func(i int) {
		if i%4 != 0 {
			r := t.API.CreateAttendee(m.ID, crowd(i, 1)[0])
			if r.Refused() {
				r.Fails(limitExceeded())
				return
			}
			placed.Add(1)
			return
		}
		r := t.API.BatchCreateAttendee(m.ID, crowd(100+10*i, 3)...)
		if r.Refused() {
			r.Fails(limitExceeded())
			return
		}
		placed.Add(int64(len(r.OK().Attendees)))
	})
	t.Equal("placed", placed.Load(), int64(10))
	t.Equal("attendees", attendeeCount(t, m.ID), 10)
}

func limitMeetings(t *conform.T) {
	quota := t.Options().ActiveMeetings
	if quota <= 0 {
		t.Fatalf("the quota of the target was not told")
	}
	var made []conform.Meeting
	first := t.NewMeeting()
	made = append(made, t.API.CreateMeeting(first).OK())
	for len(made) < quota {
		made = append(made, t.Meeting())
	}
	t.API.CreateMeeting(t.NewMeeting()).Fails(limitExceeded())
	t.API.CreateMeetingWithAttendees(populated(t, 1)).Fails(limitExceeded())
	t.Equal("a repeat when the quota is used up", t.API.CreateMeeting(first).OK(), made[0])
	other := conform.Meetings
	if t.Flavour == conform.Meetings {
		other = conform.Legacy
	}
	t.Through(other).CreateMeeting(t.NewMeeting()).OK()
	t.API.DeleteMeeting(made[1].ID).OK()
	t.API.CreateMeetingWithAttendees(populated(t, 1)).OK()
	t.API.CreateMeeting(t.NewMeeting()).Fails(limitExceeded())
}
