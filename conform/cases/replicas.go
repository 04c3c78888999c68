package cases

import (
	"strings"
	"sync/atomic"

	"github.com/carillon-meetings/carillon/conform"
)

// replicaCases are about replica meetings, which only the current flavour has.
func replicaCases() []conform.Case {
	cases := []conform.Case{
		{Name: "Replica_NamesItsPrimary", Says: "a replica answers its PrimaryMeetingId and may have another media Region", Body: replicaNamesPrimary},
		{Name: "Replica_PrimaryInCapitals", Says: "the primary's id is compared in any letter case (D-21)", Body: replicaPrimaryInCapitals},
		{Name: "Replica_FourAndNoMore", Says: "a primary has at most four replicas", Body: replicaFour},
		{Name: "Replica_FourConcurrently", Says: "replicas created at once never exceed four", Body: replicaTogether},
		{Name: "Replica_OfAReplicaIsRefused", Says: "a replica cannot be a primary (D-16)", Body: replicaOfReplica},
		{Name: "Replica_OfNothingIsRefused", Says: "an unknown, ended or malformed primary is refused (D-16)", Body: replicaOfNothing},
		{Name: "Replica_OfAnotherFlavourIsRefused", Profile: conform.OneDoor, Says: "a legacy meeting cannot be a primary (D-16)", Body: replicaOfLegacy},
		{Name: "Replica_EndsWithItsPrimary", Says: "deleting the primary ends its replicas", Body: replicaEnds},
		{Name: "Replica_EndsAlone", Says: "deleting a replica leaves primary and siblings, and frees a place", Body: replicaEndsAlone},
		{Name: "Replica_HasItsOwnAttendees", Says: "one user id is another attendee in each session", Body: replicaAttendees},
		{Name: "Replica_TokenOfThePrimary", Says: "re-using the primary's ClientRequestToken returns the primary", Body: replicaToken},
		{Name: "Replica_WithAttendees", Says: "CreateMeetingWithAttendees makes replicas too", Body: replicaWithAttendees},
	}
	for i := range cases {
		cases[i].In = inMeetings()
	}
	return cases
}

// replicaOf returns the input of a replica.
func replicaOf(t *conform.T, primary string) conform.NewMeeting {
	in := t.NewMeeting()
	in.PrimaryID = primary
	return in
}

func replicaNamesPrimary(t *conform.T) {
	primary := t.Meeting()
	t.Equal("PrimaryMeetingId of a primary", primary.PrimaryID, "")
	in := replicaOf(t, primary.ID)
	in.MediaRegion = "ap-south-1"
	replica := t.API.CreateMeeting(in).OK()
	t.Equal("PrimaryMeetingId", replica.PrimaryID, primary.ID)
	t.Equal("the replica when read", t.API.GetMeeting(replica.ID).OK(), replica)
}

func replicaPrimaryInCapitals(t *conform.T) {
	primary := t.Meeting()
	t.Equal("PrimaryMeetingId", t.API.CreateMeeting(replicaOf(t, strings.ToUpper(primary.ID))).OK().PrimaryID, primary.ID)
}

func replicaFour(t *conform.T) {
	primary := t.Meeting()
	for range 4 {
		t.API.CreateMeeting(replicaOf(t, primary.ID)).OK()
	}
	t.API.CreateMeeting(replicaOf(t, primary.ID)).Fails(limitExceeded())
}

func replicaTogether(t *conform.T) {
	primary := t.Meeting()
	var made atomic.Int64
	t.Together(12, func(int) {
		r := t.API.CreateMeeting(replicaOf(t, primary.ID))
		if r.Refused() {
			r.Fails(limitExceeded())
			return
		}
		made.Add(1)
	})
	t.Equal("replicas", made.Load(), int64(4))
}

func replicaOfReplica(t *conform.T) {
	replica := t.API.CreateMeeting(replicaOf(t, t.Meeting().ID)).OK()
	t.API.CreateMeeting(replicaOf(t, replica.ID)).Fails(badRequest())
}

func replicaOfNothing(t *conform.T) {
	ended := t.Meeting()
	t.API.DeleteMeeting(ended.ID).OK()
	for _, id := range []string{unknownID, ended.ID, "not-a-guid", "x", letters(65)} {
		in := replicaOf(t, id)
		t.API.CreateMeeting(in).Fails(badRequest())
		in.PrimaryID = ""
		t.Equal("PrimaryMeetingId under the same token", t.API.CreateMeeting(in).OK().PrimaryID, "")
	}
}

func replicaOfLegacy(t *conform.T) {
	legacy := t.Through(conform.Legacy).CreateMeeting(t.NewMeeting()).OK()
	t.API.CreateMeeting(replicaOf(t, legacy.ID)).Fails(badRequest())
}

func replicaEnds(t *conform.T) {
	primary := t.Meeting()
	replica := t.API.CreateMeeting(replicaOf(t, primary.ID)).OK()
	a := t.API.CreateAttendee(replica.ID, users(1)[0]).OK()
	t.API.DeleteMeeting(primary.ID).OK()
	t.Until("the replica has ended", func() bool { return t.API.GetMeeting(replica.ID).Refused() })
	t.API.GetMeeting(replica.ID).Fails(notFound(), replica.ID)
	t.API.GetAttendee(replica.ID, a.ID).Fails(notFound())
}

func replicaEndsAlone(t *conform.T) {
	primary := t.Meeting()
	var replicas []conform.Meeting
	for range 4 {
		replicas = append(replicas, t.API.CreateMeeting(replicaOf(t, primary.ID)).OK())
	}
	t.API.DeleteMeeting(replicas[0].ID).OK()
	t.API.GetMeeting(replicas[0].ID).Fails(notFound())
	t.API.GetMeeting(replicas[1].ID).OK()
	t.API.GetMeeting(primary.ID).OK()
	t.API.CreateMeeting(replicaOf(t, primary.ID)).OK()
}

func replicaAttendees(t *conform.T) {
	primary := t.Meeting()
	replica := t.API.CreateMeeting(replicaOf(t, primary.ID)).OK()
	a := t.API.CreateAttendee(primary.ID, users(1)[0]).OK()
	b := t.API.CreateAttendee(replica.ID, users(1)[0]).OK()
	t.True("they are two attendees", a.ID != b.ID && a.JoinToken != b.JoinToken)
	t.API.GetAttendee(replica.ID, a.ID).Fails(notFound())
	t.Equal("attendees of the replica", attendeeCount(t, replica.ID), 1)
}

func replicaToken(t *conform.T) {
	in := t.NewMeeting()
	primary := t.API.CreateMeeting(in).OK()
	in.PrimaryID, in.ExternalMeetingID = primary.ID, "a-replica"
	t.Equal("the meeting", t.API.CreateMeeting(in).OK(), primary)
}

func replicaWithAttendees(t *conform.T) {
	primary := t.Meeting()
	in := populated(t, 2)
	in.PrimaryID = primary.ID
	b := t.API.CreateMeetingWithAttendees(in).OK()
	t.Equal("PrimaryMeetingId", b.Meeting.PrimaryID, primary.ID)
	t.Equal("attendees", len(b.Attendees), 2)
}
