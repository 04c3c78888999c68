package cases

import "github.com/carillon-meetings/carillon/conform"

// lifetimeCases are about meetings that end by themselves. They need a server
// whose lifetimes are short, and wait for what is promised, however long the
// server takes.
func lifetimeCases() []conform.Case {
	return []conform.Case{
		{Name: "Lifetime_IdleMeetingEnds", Profile: conform.Idle, Says: "a meeting nobody joins ends and is NotFound", In: inBoth(), Body: idleEnds},
		{Name: "Lifetime_IdleMeetingFreesItsToken", Profile: conform.Idle, Says: "the token of a meeting that ended by itself creates a new one (D-31)", In: inBoth(), Body: idleFreesToken},
		{Name: "Lifetime_ReplicaEndsWithItsIdlePrimary", Profile: conform.Idle, Says: "replicas end with their primary, however it ends", In: inMeetings(), Body: idleTakesReplica},
		{Name: "Lifetime_IdleMeetingLeavesTheList", Profile: conform.Idle, Says: "a meeting that ended by itself is not listed (D-09)", In: inLegacy(), Body: idleLeavesList},
		{Name: "Lifetime_DeletingAnEndedMeeting", Profile: conform.Idle, Says: "DeleteMeeting of a meeting that ended by itself succeeds (D-06)", In: inBoth(), Body: idleThenDelete},
		{Name: "Lifetime_OldMeetingEnds", Profile: conform.Age, Says: "a meeting ends when its greatest age is reached", In: inBoth(), Body: idleEnds},
		{Name: "Lifetime_OldReplicaEnds", Profile: conform.Age, Says: "the greatest age holds for replicas too", In: inMeetings(), Body: idleTakesReplica},
	}
}

// untilEnded waits until a meeting has ended.
func untilEnded(t *conform.T, m conform.Meeting) {
	t.Until("the meeting has ended", func() bool { return t.API.GetMeeting(m.ID).Refused() })
	t.API.GetMeeting(m.ID).Fails(notFound(), m.ID)
}

func idleEnds(t *conform.T) {
	b := t.API.CreateMeetingWithAttendees(populated(t, 1)).OK()
	m, a := b.Meeting, b.Attendees[0]
	untilEnded(t, m)
	t.API.GetAttendee(m.ID, a.ID).Fails(notFound())
	t.API.BatchCreateAttendee(m.ID, users(2)...).Fails(notFound(), m.ID)
}

func idleFreesToken(t *conform.T) {
	in := t.NewMeeting()
	m := t.API.CreateMeeting(in).OK()
	untilEnded(t, m)
	t.True("it is a new meeting", t.API.CreateMeeting(in).OK().ID != m.ID)
}

func idleTakesReplica(t *conform.T) {
	// On a very slow server the primary may end before it gets its replica.
	var primary, replica conform.Meeting
	t.Until("a replica was created", func() bool {
		primary = t.Meeting()
		r := t.API.CreateMeeting(replicaOf(t, primary.ID))
		replica = r.Value()
		return !r.Refused()
	})
	untilEnded(t, primary)
	untilEnded(t, replica)
}

func idleLeavesList(t *conform.T) {
	m := t.Meeting()
	untilEnded(t, m)
	t.Equal("place in the list", position(walkMeetings(t, 0), m.ID), -1)
}

func idleThenDelete(t *conform.T) {
	m := t.Meeting()
	untilEnded(t, m)
	t.API.DeleteMeeting(m.ID).OK()
}
