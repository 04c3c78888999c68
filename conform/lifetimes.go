package conform

// lifetimeCases are about meetings that end by themselves. They need a server
// whose lifetimes are short, and wait for what is promised, however long the
// server takes.
func lifetimeCases() []Case {
	return []Case{
		{Name: "Lifetime_IdleMeetingEnds", Profile: Idle, Says: "a meeting nobody joins ends and is NotFound", In: inBoth(), body: idleEnds},
		{Name: "Lifetime_IdleMeetingFreesItsToken", Profile: Idle, Says: "the token of a meeting that ended by itself creates a new one (D-31)", In: inBoth(), body: idleFreesToken},
		{Name: "Lifetime_ReplicaEndsWithItsIdlePrimary", Profile: Idle, Says: "replicas end with their primary, however it ends", In: inMeetings(), body: idleTakesReplica},
		{Name: "Lifetime_IdleMeetingLeavesTheList", Profile: Idle, Says: "a meeting that ended by itself is not listed (D-09)", In: inLegacy(), body: idleLeavesList},
		{Name: "Lifetime_DeletingAnEndedMeeting", Profile: Idle, Says: "DeleteMeeting of a meeting that ended by itself succeeds (D-06)", In: inBoth(), body: idleThenDelete},
		{Name: "Lifetime_OldMeetingEnds", Profile: Age, Says: "a meeting ends when its greatest age is reached", In: inBoth(), body: idleEnds},
		{Name: "Lifetime_OldReplicaEnds", Profile: Age, Says: "the greatest age holds for replicas too", In: inMeetings(), body: idleTakesReplica},
	}
}

// untilEnded waits until a meeting has ended.
func (t *T) untilEnded(m Meeting) {
	t.Until("the meeting has ended", func() bool { return t.API.GetMeeting(m.ID).Refused() })
	t.API.GetMeeting(m.ID).Fails(notFound(), m.ID)
}

func idleEnds(t *T) {
	b := t.API.CreateMeetingWithAttendees(t.populated(1)).OK()
	m, a := b.Meeting, b.Attendees[0]
	t.untilEnded(m)
	t.API.GetAttendee(m.ID, a.ID).Fails(notFound())
	t.API.BatchCreateAttendee(m.ID, users(2)...).Fails(notFound(), m.ID)
}

func idleFreesToken(t *T) {
	in := t.NewMeeting()
	m := t.API.CreateMeeting(in).OK()
	t.untilEnded(m)
	t.True("it is a new meeting", t.API.CreateMeeting(in).OK().ID != m.ID)
}

func idleTakesReplica(t *T) {
	// On a very slow server the primary may end before it gets its replica.
	var primary, replica Meeting
	t.Until("a replica was created", func() bool {
		primary = t.Meeting()
		r := t.API.CreateMeeting(t.replicaOf(primary.ID))
		replica = r.Value()
		return !r.Refused()
	})
	t.untilEnded(primary)
	t.untilEnded(replica)
}

func idleLeavesList(t *T) {
	m := t.Meeting()
	t.untilEnded(m)
	t.Equal("place in the list", position(t.walk(0), m.ID), -1)
}

func idleThenDelete(t *T) {
	m := t.Meeting()
	t.untilEnded(m)
	t.API.DeleteMeeting(m.ID).OK()
}
