package meeting_test

import (
	"fmt"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// A meeting is a log: each accepted call decides one record, and the state is
// the fold of the records. Deciding changes nothing; that is what applying is
// for.
func Example() {
	var last byte
	newID := func() meeting.ID { last++; return meeting.ID{15: last} }
	stamp := func() meeting.Stamp { return meeting.Stamp{Command: newID(), Time: time.Unix(1_700_000_000, 0)} }
	limits := meeting.DefaultLimits()

	id := newID()
	created, _, err := meeting.DecideCreate(stamp(), id, meeting.TokenHash{}, meeting.NewMeeting{ExternalMeetingID: "standup"}, limits, newID)
	if err != nil {
		fmt.Println(err)
		return
	}
	var state meeting.State
	fmt.Println("applied:", state.Apply(created))

	ask := []meeting.NewAttendee{{ExternalUserID: "ada"}}
	added, results, err := meeting.DecideAddAttendees(&state, stamp(), ask, limits, newID)
	fmt.Println(added.Body.Kind(), err, "- before it is applied:", state.Len(), "attendees")
	fmt.Println("applied:", state.Apply(added), "-", state.Len(), "attendee")

	again, repeated, _ := meeting.DecideAddAttendees(&state, stamp(), ask, limits, newID)
	fmt.Println("asked again: nothing to write down:", again == nil, "- the same attendee:", repeated[0].Attendee.ID == results[0].Attendee.ID)
	// Output:
	// applied: <nil>
	// attendees added <nil> - before it is applied: 0 attendees
	// applied: <nil> - 1 attendee
	// asked again: nothing to write down: true - the same attendee: true
}
