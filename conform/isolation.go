package conform

import "strings"

// isolationCases check that nobody sees the meetings of another account or
// control Region.
func isolationCases() []Case {
	return []Case{
		{Name: "Isolation_OtherAccountSeesNothing", Profile: Accounts, Says: "for another account a meeting does not exist, for any operation", In: inBoth(), body: otherAccountSeesNothing},
		{Name: "Isolation_OtherAccountChangesNothing", Profile: Accounts, Says: "what another account tries leaves the meeting as it was", In: inBoth(), body: otherAccountChangesNothing},
		{Name: "Isolation_TokensBelongToAnAccount", Profile: Accounts, Says: "two accounts may use one ClientRequestToken for two meetings", In: inBoth(), body: tokensOfAccounts},
		{Name: "Isolation_ListsBelongToAnAccount", Profile: Accounts, Says: "a list has the meetings of its account only", In: inLegacy(), body: listsOfAccounts},
		{Name: "Isolation_ArnNamesItsOwnAccount", Profile: Accounts, Says: "the MeetingArn has the account of the key that created the meeting", In: inMeetings(), body: arnsOfAccounts},
		{Name: "Isolation_RegionsAreApart", Says: "a meeting exists in its control Region only (D-64)", In: inMeetings(), body: regionsApart},
		{Name: "Isolation_TokensBelongToARegion", Says: "two Regions may use one ClientRequestToken for two meetings (D-64)", In: inMeetings(), body: tokensOfRegions},
		{Name: "Isolation_PartitionOfTheRegion", Profile: OneDoor, Says: "a GovCloud control Region has GovCloud media Regions only, and its partition in ARNs", In: inMeetings(), body: govCloud},
		{Name: "Isolation_PagesBelongToAnAccount", Profile: Accounts, Says: "a next-token is of no use to another account (D-48)", In: inLegacy(), body: pagesOfAccounts},
	}
}

func otherAccountSeesNothing(t *T) {
	m, a := t.Attendee()
	other := t.As(Other)
	other.GetMeeting(m.ID).Fails(notFound(), m.ID)
	other.CreateAttendee(m.ID, users(1)[0]).Fails(notFound(), m.ID)
	other.BatchCreateAttendee(m.ID, users(2)...).Fails(notFound(), m.ID)
	other.GetAttendee(m.ID, a.ID).Fails(notFound())
	other.ListAttendees(m.ID, Page{}).Fails(notFound())
	other.DeleteAttendee(m.ID, a.ID).Fails(notFound())
	other.StartMeetingTranscription(m.ID, english()).Fails(notFound())
	other.StopMeetingTranscription(m.ID).Fails(notFound())
	other.TagResource(t.arn(m), Tag{"a", "b"}).Fails(resourceNotFound())
	other.UntagResource(t.arn(m), "a").Fails(resourceNotFound())
	other.ListTagsForResource(t.arn(m)).Fails(resourceNotFound())
	if t.Flavour == Meetings {
		other.UpdateAttendeeCapabilities(m.ID, a.ID, *all("None")).Fails(notFound())
		other.BatchUpdateAttendeeCapabilitiesExcept(m.ID, *all("None"), unknownID).Fails(notFound())
		in := t.NewMeeting()
		in.PrimaryID = m.ID
		other.CreateMeeting(in).Fails(badRequest())
		return
	}
	other.TagMeeting(m.ID, Tag{"a", "b"}).Fails(notFound())
	other.ListMeetingTags(m.ID).Fails(notFound())
	other.TagAttendee(m.ID, a.ID, Tag{"a", "b"}).Fails(notFound())
	other.ListAttendeeTags(m.ID, a.ID).Fails(notFound())
}

func otherAccountChangesNothing(t *T) {
	m, a := t.Attendee()
	other := t.As(Other)
	other.DeleteMeeting(m.ID).OK()
	other.DeleteAttendee(m.ID, a.ID).Fails(notFound())
	t.Equal("the meeting", t.API.GetMeeting(m.ID).OK(), m)
	t.Equal("the attendees", t.API.ListAttendees(m.ID, Page{}).OK().Attendees, []Attendee{a})
}

func tokensOfAccounts(t *T) {
	in := t.NewMeeting()
	t.True("they are two meetings", t.API.CreateMeeting(in).OK().ID != t.As(Other).CreateMeeting(in).OK().ID)
}

func listsOfAccounts(t *T) {
	m := t.Meeting()
	t.Equal("place in the other account's list", position(t.As(Other).ListMeetings(Page{}).OK().Meetings, m.ID), -1)
}

func arnsOfAccounts(t *T) {
	mine := strings.Split(t.Meeting().ARN, ":")[4]
	others := strings.Split(t.As(Other).CreateMeeting(t.NewMeeting()).OK().ARN, ":")[4]
	t.True("the accounts differ", mine != others)
}

func regionsApart(t *T) {
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

func tokensOfRegions(t *T) {
	in := t.NewMeeting()
	t.True("they are two meetings", t.API.CreateMeeting(in).OK().ID != t.InRegion("eu-central-1").CreateMeeting(in).OK().ID)
}

func govCloud(t *T) {
	gov := t.InRegion("us-gov-west-1")
	in := t.NewMeeting()
	gov.CreateMeeting(in).Fails(badRequest())
	in.MediaRegion = "us-gov-east-1"
	m := gov.CreateMeeting(in).OK()
	t.True("the ARN names partition and Region", strings.HasPrefix(m.ARN, "arn:aws-us-gov:chime:us-gov-west-1:"))
	gov.TagResource(m.ARN, Tag{"a", "b"}).OK()
	t.Equal("tags", gov.ListTagsForResource(m.ARN).OK(), []Tag{{"a", "b"}})
}

func pagesOfAccounts(t *T) {
	t.Meeting()
	t.Meeting()
	next := t.API.ListMeetings(Page{Max: 1}).OK().Next
	t.As(Other).ListMeetings(Page{Max: 1, Next: next}).Fails(badRequest())
}
