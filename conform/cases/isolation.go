package cases

import (
	"strings"

	"github.com/carillon-meetings/carillon/conform"
)

// isolationCases check that nobody sees the meetings of another account or
// control Region.
func isolationCases() []conform.Case {
	return []conform.Case{
		{Name: "Isolation_OtherAccountSeesNothing", Profile: conform.Accounts, Says: "for another account a meeting does not exist, for any operation", In: inBoth(), Body: otherAccountSeesNothing},
		{Name: "Isolation_OtherAccountChangesNothing", Profile: conform.Accounts, Says: "what another account tries leaves the meeting as it was", In: inBoth(), Body: otherAccountChangesNothing},
		{Name: "Isolation_TokensBelongToAnAccount", Profile: conform.Accounts, Says: "two accounts may use one ClientRequestToken for two meetings", In: inBoth(), Body: tokensOfAccounts},
		{Name: "Isolation_ListsBelongToAnAccount", Profile: conform.Accounts, Says: "a list has the meetings of its account only", In: inLegacy(), Body: listsOfAccounts},
		{Name: "Isolation_ArnNamesItsOwnAccount", Profile: conform.Accounts, Says: "the MeetingArn has the account of the key that created the meeting", In: inMeetings(), Body: arnsOfAccounts},
		{Name: "Isolation_RegionsAreApart", Says: "a meeting exists in its control Region only (D-64)", In: inMeetings(), Body: regionsApart},
		{Name: "Isolation_TokensBelongToARegion", Says: "two Regions may use one ClientRequestToken for two meetings (D-64)", In: inMeetings(), Body: tokensOfRegions},
		{Name: "Isolation_PartitionOfTheRegion", Profile: conform.OneDoor, Says: "a GovCloud control Region has GovCloud media Regions only, and its partition in ARNs", In: inMeetings(), Body: govCloud},
		{Name: "Isolation_PagesBelongToAnAccount", Profile: conform.Accounts, Says: "a next-token is of no use to another account (D-48)", In: inLegacy(), Body: pagesOfAccounts},
	}
}

func otherAccountSeesNothing(t *conform.T) {
	m, a := t.Attendee()
	other := t.As(conform.Other)
	other.GetMeeting(m.ID).Fails(notFound(), m.ID)
	other.CreateAttendee(m.ID, users(1)[0]).Fails(notFound(), m.ID)
	other.BatchCreateAttendee(m.ID, users(2)...).Fails(notFound(), m.ID)
	other.GetAttendee(m.ID, a.ID).Fails(notFound())
	other.ListAttendees(m.ID, conform.Page{}).Fails(notFound())
	other.DeleteAttendee(m.ID, a.ID).Fails(notFound())
	other.StartMeetingTranscription(m.ID, english()).Fails(notFound())
	other.StopMeetingTranscription(m.ID).Fails(notFound())
	other.TagResource(arnOf(t, m), conform.Tag{Key: "a", Value: "b"}).Fails(resourceNotFound())
	other.UntagResource(arnOf(t, m), "a").Fails(resourceNotFound())
	other.ListTagsForResource(arnOf(t, m)).Fails(resourceNotFound())
	if t.Flavour == conform.Meetings {
		other.UpdateAttendeeCapabilities(m.ID, a.ID, *all("None")).Fails(notFound())
		other.BatchUpdateAttendeeCapabilitiesExcept(m.ID, *all("None"), unknownID).Fails(notFound())
		in := t.NewMeeting()
		in.PrimaryID = m.ID
		other.CreateMeeting(in).Fails(badRequest())
		return
	}
	other.TagMeeting(m.ID, conform.Tag{Key: "a", Value: "b"}).Fails(notFound())
	other.ListMeetingTags(m.ID).Fails(notFound())
	other.TagAttendee(m.ID, a.ID, conform.Tag{Key: "a", Value: "b"}).Fails(notFound())
	other.ListAttendeeTags(m.ID, a.ID).Fails(notFound())
}

func otherAccountChangesNothing(t *conform.T) {
	m, a := t.Attendee()
	other := t.As(conform.Other)
	other.DeleteMeeting(m.ID).OK()
	other.DeleteAttendee(m.ID, a.ID).Fails(notFound())
	t.Equal("the meeting", t.API.GetMeeting(m.ID).OK(), m)
	t.Equal("the attendees", t.API.ListAttendees(m.ID, conform.Page{}).OK().Attendees, []conform.Attendee{a})
}

func tokensOfAccounts(t *conform.T) {
	in := t.NewMeeting()
	t.True("they are two meetings", t.API.CreateMeeting(in).OK().ID != t.As(conform.Other).CreateMeeting(in).OK().ID)
}

func listsOfAccounts(t *conform.T) {
	m := t.Meeting()
	t.Equal("place in the other account's list", position(t.As(conform.Other).ListMeetings(conform.Page{}).OK().Meetings, m.ID), -1)
}

func arnsOfAccounts(t *conform.T) {
	mine := strings.Split(t.Meeting().ARN, ":")[4]
	others := strings.Split(t.As(conform.Other).CreateMeeting(t.NewMeeting()).OK().ARN, ":")[4]
	t.True("the accounts differ", mine != others)
}

func regionsApart(t *conform.T) {
	m, a := t.Attendee()
	elsewhere := t.InRegion("eu-central-1")
	elsewhere.GetMeeting(m.ID).Fails(notFound(), m.ID)
	elsewhere.BatchCreateAttendee(m.ID, users(2)...).Fails(notFound())
	elsewhere.DeleteAttendee(m.ID, a.ID).Fails(notFound())
	elsewhere.DeleteMeeting(m.ID).OK()
	t.API.GetAttendee(m.ID, a.ID).OK()
	there := elsewhere.CreateMeeting(t.NewMeeting()).OK()
	t.True("the ARN names the Region", strings.HasPrefix(there.ARN, "arn:aws:chime:eu-central-1:"))
	t.API.GetMeeting(there.ID).Fails(notFound())
	elsewhere.GetMeeting(there.ID).OK()
}

func tokensOfRegions(t *conform.T) {
	in := t.NewMeeting()
	t.True("they are two meetings", t.API.CreateMeeting(in).OK().ID != t.InRegion("eu-central-1").CreateMeeting(in).OK().ID)
}

func govCloud(t *conform.T) {
	gov := t.InRegion("us-gov-west-1")
	in := t.NewMeeting()
	gov.CreateMeeting(in).Fails(badRequest())
	in.MediaRegion = "us-gov-east-1"
	m := gov.CreateMeeting(in).OK()
	t.True("the ARN names partition and Region", strings.HasPrefix(m.ARN, "arn:aws-us-gov:chime:us-gov-west-1:"))
	gov.TagResource(m.ARN, conform.Tag{Key: "a", Value: "b"}).OK()
	t.Equal("tags", gov.ListTagsForResource(m.ARN).OK(), []conform.Tag{{Key: "a", Value: "b"}})
}

func pagesOfAccounts(t *conform.T) {
	t.Meeting()
	t.Meeting()
	next := t.API.ListMeetings(conform.Page{Max: 1}).OK().Next
	t.As(conform.Other).ListMeetings(conform.Page{Max: 1, Next: next}).Fails(badRequest())
}
