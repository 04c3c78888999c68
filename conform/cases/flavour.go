package cases

//lint:file-ignore SA1019 the retired SDK is the legacy flavour's client

import (
	"net/http"

	"github.com/google/uuid"

	"github.com/carillon-meetings/carillon/conform"
)

// flavourCases check how a server that offers both flavours behind one address
// tells them apart (API decision D-01).
func flavourCases() []conform.Case {
	cases := []conform.Case{
		{Name: "Flavour_BasePaths", Says: "/legacy and /console mean legacy, /meetings-api means current, whatever else the request says (D-01)", Body: flavourByPath},
		{Name: "Flavour_HostNames", Says: "the first label of a Chime host name tells the flavour, before the User-Agent (D-01)", Body: flavourByHost},
		{Name: "Flavour_UserAgents", Says: "the service token of a User-Agent tells the flavour in every spelling (D-01)", Body: flavourByUserAgent},
		{Name: "Flavour_UserAgentsThatSayNothing", Says: "a User-Agent without a service token leaves the default, current (D-01)", Body: flavourUntold},
		{Name: "Flavour_RoutesOfOneFlavour", Says: "a route only one flavour has belongs to it (D-01)", Body: flavourByRoute},
		{Name: "Flavour_HomeOfTheMeeting", Says: "a request that names no flavour gets that of its meeting, for every operation (D-01)", Body: flavourByHome},
		{Name: "Flavour_HomeOfTheArn", Says: "a tag request that names no flavour gets that of the meeting in its ARN (D-01)", Body: flavourByARN},
		{Name: "Flavour_BodyMembers", Says: "members only one flavour has tell it when a meeting is created (D-01)", Body: flavourByBody},
		{Name: "Flavour_MissingMembers", Says: "a body the current flavour could only refuse for a missing member is legacy, as the PHP SDK sends it, unless something names the current flavour (D-01)", Body: flavourByMissing},
		{Name: "Flavour_DefaultIsCurrent", Says: "nothing said means current: its required members are asked for (D-01)", Body: flavourDefault},
		{Name: "Flavour_ExplicitMismatchIsNotFound", Says: "a meeting does not exist for the flavour that did not create it", Body: flavourMismatch},
		{Name: "Flavour_SameClientBytesBothWays", Says: "the very same BatchCreateAttendee is answered 200 or 201 by the meeting it names (D-01)", Body: flavourSameBytes},
	}
	for i := range cases {
		cases[i].In = inMeetings()
	}
	return under(conform.OneDoor, cases)
}

// inclinedCases check the later rules of D-01, which only show where requests
// that tell nothing are legacy ones.
func inclinedCases() []conform.Case {
	return under(conform.Inclined, []conform.Case{
		{Name: "Inclined_NothingSaidIsLegacy", Says: "the flavour of requests that tell nothing can be set (D-01)", In: inMeetings(), Body: func(t *conform.T) {
			tellsFlavour(t, "nothing said", silent(t, newMeetingRequest("")), conform.Legacy)
		}},
		{Name: "Inclined_OtherRegionIsCurrent", Says: "a signing Region other than us-east-1 means current (D-01)", In: inMeetings(), Body: inclinedRegion},
		{Name: "Inclined_BodyMembersAreCurrent", Says: "each member only the current flavour has means current when a meeting is created (D-01)", In: inMeetings(), Body: flavourByBody},
		{Name: "Inclined_HomeOfTheMeeting", Says: "a request on a current meeting is current (D-01)", In: inMeetings(), Body: inclinedHome},
		{Name: "Inclined_ExplicitIsExplicit", Says: "path, host and User-Agent tell the flavour as ever (D-01)", In: inMeetings(), Body: func(t *conform.T) { flavourByPath(t); flavourByHost(t); flavourByUserAgent(t) }},
	})
}

func inclinedRegion(t *conform.T) {
	in := newMeetingRequest("")
	in.Region = "eu-central-1"
	r := silent(t, in)
	id := tellsFlavour(t, "another Region", r, conform.Meetings)
	t.InRegion("eu-central-1").DeleteMeeting(id).OK()
}

func inclinedHome(t *conform.T) {
	m := t.Meeting()
	silent(t, conform.Request{Method: get, Target: meetingPath(m.ID)}).Succeeds(200)
	silent(t, conform.Request{Method: post, Target: batchPath(m.ID), Body: []byte(`{"Attendees":[{"ExternalUserId":"user-1"}]}`)}).Succeeds(200)
	silent(t, conform.Request{Method: get, Target: "/tags?arn=" + m.ARN}).Succeeds(200)
	silent(t, conform.Request{Method: get, Target: meetingPath(unknownID)}).Fails(notFound())
}

// silent sends a request through the bare endpoint with nothing that tells the
// flavour unless the request itself does.
func silent(t *conform.T, in conform.Request) conform.Reply {
	if in.Header == nil {
		in.Header = http.Header{}
	}
	if in.Header["User-Agent"] == nil {
		in.Header["User-Agent"] = []string{"aws-sdk-go/1.55.8 (go1.26; linux; amd64)"}
	}
	return t.Through(conform.Meetings).Send(in)
}

// newMeetingRequest creates a meeting both flavours accept.
func newMeetingRequest(prefix string) conform.Request {
	body := `{"ClientRequestToken":"` + uuid.NewString() + `","MediaRegion":"us-east-1","ExternalMeetingId":"conform-flavour"}`
	return conform.Request{Method: post, Target: prefix + "/meetings", Body: []byte(body)}
}

// tellsFlavour demands that a creation was answered in a flavour.
func tellsFlavour(t *conform.T, what string, r conform.Reply, f conform.Flavour) string {
	r.Answered()
	status := http.StatusOK
	if f == conform.Legacy {
		status = http.StatusCreated
	}
	if r.Status != status {
		t.Fatalf("%s: got %s, want the %s status %d", what, r.Brief(), f, status)
	}
	meeting, _ := r.Object()["Meeting"].(object)
	_, hasARN := meeting["MeetingArn"]
	t.Equal(what+": has a MeetingArn", hasARN, f == conform.Meetings)
	id, _ := meeting["MeetingId"].(string)
	return id
}

func flavourByPath(t *conform.T) {
	for prefix, f := range map[string]conform.Flavour{"/legacy": conform.Legacy, "/console": conform.Legacy, "/meetings-api": conform.Meetings} {
		for _, agent := range []string{"x", "app api/chime#1.0", "app api/chime-sdk-meetings#3.1"} {
			in := newMeetingRequest(prefix)
			in.Header = http.Header{"User-Agent": {agent}}
			tellsFlavour(t, prefix, silent(t, in), f)
		}
	}
	silent(t, conform.Request{Method: get, Target: "/legacyx/meetings"}).Fails(unknownOperation())
}

func flavourByHost(t *conform.T) {
	for host, f := range map[string]conform.Flavour{
		"meetings-chime.us-east-1.amazonaws.com": conform.Meetings, "meetings-chime-fips.us-east-1.amazonaws.com": conform.Meetings,
		"meetings-chime.us-east-1.api.aws": conform.Meetings, "chime.us-east-1.amazonaws.com": conform.Legacy,
		"service.chime.aws.amazon.com": conform.Legacy, "service-fips.chime.amazonaws.com": conform.Legacy,
	} {
		in := newMeetingRequest("")
		in.Host = host
		in.Header = http.Header{"User-Agent": {"app api/chime#1.0"}}
		if f == conform.Legacy {
			in.Header = http.Header{"User-Agent": {"app api/chime-sdk-meetings#1.0"}}
		}
		tellsFlavour(t, host, silent(t, in), f)
	}
}

func flavourByUserAgent(t *conform.T) {
	for agent, f := range map[string]conform.Flavour{
		"aws-sdk-js/3.1142.0 ua/2.1 os/linux lang/js md/nodejs#20 api/chime-sdk-meetings#3.1142.0": conform.Meetings,
		"aws-sdk-go-v2/1.48.0 ua/2.1 api/chimesdkmeetings#1.25.0":                                  conform.Meetings,
		"aws-sdk-java/2.20 api/Chime_SDK_Meetings#2.20":                                            conform.Meetings,
		"sdk/1 api/chime_sdk_meetings/1.0":                                                         conform.Meetings,
		"aws-cli/2.15 md/command#chime-sdk-meetings.create-meeting":                                conform.Meetings,
		"aws-sdk-js/3.357.0 os/linux api/chime#3.357.0 m/E":                                        conform.Legacy,
		"aws-sdk-go-v2/1.20 api/chime#1.42.0":                                                      conform.Legacy,
		"sdk/1 api/Chime/1.0":                                                                      conform.Legacy,
		"aws-cli/2.15 md/command#chime.create-meeting":                                             conform.Legacy,
	} {
		in := newMeetingRequest("")
		in.Header = http.Header{"User-Agent": {agent}}
		tellsFlavour(t, agent, silent(t, in), f)
	}
}

func flavourUntold(t *conform.T) {
	for _, agent := range []string{
		"Boto3/1.26.27 Python/3.11.2 Linux/6.1 Botocore/1.29.27", "aws-sdk-go/1.55.8 (go1.26; linux; amd64)", "aws-sdk-nodejs/2.1693.0 linux/v20 promise",
		"aws-cli/1.45", "curl/8.5.0", "", "api/", "app api/chime-sdk-identity#1.0", "apichime#1",
	} {
		in := newMeetingRequest("")
		in.Header = http.Header{"User-Agent": {agent}}
		tellsFlavour(t, agent, silent(t, in), conform.Meetings)
	}
}

func flavourByRoute(t *conform.T) {
	legacy := t.Through(conform.Legacy).CreateMeeting(t.NewMeeting()).OK()
	silent(t, conform.Request{Method: get, Target: "/meetings"}).Succeeds(200)
	silent(t, conform.Request{Method: get, Target: meetingPath(legacy.ID) + "/tags"}).Succeeds(200)
	m, a := t.Attendee()
	body := []byte(`{"Capabilities":{"Audio":"None","Video":"None","Content":"None"}}`)
	silent(t, conform.Request{Method: put, Target: capabilitiesPath(m.ID, a.ID), Body: body}).Succeeds(200)
	r := silent(t, conform.Request{Method: get, Target: meetingPath(m.ID) + "/tags"})
	r.Answered()
	t.Equal("status of legacy tags of a current meeting", r.Status, 404)
}

func flavourByHome(t *conform.T) {
	legacy := t.Through(conform.Legacy)
	m := legacy.CreateMeeting(t.NewMeeting()).OK()
	t.Equal("members of the Meeting", silent(t, conform.Request{Method: get, Target: meetingPath(m.ID)}).Succeeds(200).Keys("Meeting"),
		[]string{"ExternalMeetingId", "MediaPlacement", "MediaRegion", "MeetingId"})
	item := []byte(`{"ExternalUserId":"50% of legacy","Tags":[{"Key":"a","Value":"b"}]}`)
	r := silent(t, conform.Request{Method: post, Target: attendeesPath(m.ID), Body: item}).Succeeds(201)
	t.Equal("members of the Attendee", r.Keys("Attendee"), []string{"AttendeeId", "ExternalUserId", "JoinToken"})
	id, _ := r.Object()["Attendee"].(object)["AttendeeId"].(string)
	silent(t, conform.Request{Method: post, Target: batchPath(m.ID), Body: []byte(`{"Attendees":[{"ExternalUserId":"user-2"}]}`)}).Succeeds(201)
	silent(t, conform.Request{Method: get, Target: attendeePath(m.ID, id)}).Succeeds(200)
	silent(t, conform.Request{Method: get, Target: attendeesPath(m.ID)}).Succeeds(200)
	silent(t, conform.Request{Method: post, Target: transcriptionPath(m.ID, "stop")}).Succeeds(200)
	silent(t, conform.Request{Method: remove, Target: attendeePath(m.ID, id)}).Succeeds(204)
	silent(t, conform.Request{Method: remove, Target: meetingPath(m.ID)}).Succeeds(204)
	legacy.GetMeeting(m.ID).Fails(notFound())
}

func flavourByARN(t *conform.T) {
	m := t.Through(conform.Legacy).CreateMeeting(t.NewMeeting()).OK()
	arn := arnOf(t, m)
	tag := []byte(`{"ResourceARN":"` + arn + `","Tags":[{"Key":"with space","Value":"50%"}]}`)
	silent(t, conform.Request{Method: post, Target: "/tags?operation=tag-resource", Body: tag}).Succeeds(204)
	silent(t, conform.Request{Method: get, Target: "/tags?arn=" + arn}).Succeeds(200)
	t.Equal("tags", t.Through(conform.Legacy).ListMeetingTags(m.ID).OK(), []conform.Tag{{Key: "with space", Value: "50%"}})
	silent(t, conform.Request{Method: post, Target: "/tags?operation=untag-resource", Body: []byte(`{"ResourceARN":"` + arn + `","TagKeys":["with space"]}`)}).Succeeds(204)
}

func flavourByBody(t *conform.T) {
	create := func(target, more string) conform.Reply {
		body := `{"ClientRequestToken":"` + uuid.NewString() + `","MediaRegion":"us-east-1","ExternalMeetingId":"conform-flavour",` + more + `}`
		return silent(t, conform.Request{Method: post, Target: target, Body: []byte(body)})
	}
	const plain, with = "/meetings", "/meetings?operation=create-attendees"
	tellsFlavour(t, "attendee tags", create(with, `"Attendees":[{"ExternalUserId":"user-1"},{"ExternalUserId":"user-2","Tags":[{"Key":"a","Value":"b"}]}]`), conform.Legacy)
	caps := `"Capabilities":{"Audio":"Send","Video":"Send","Content":"Send"}`
	primary := t.Meeting()
	for _, more := range []string{`"MeetingFeatures":{"Audio":{"EchoReduction":"AVAILABLE"}}`, `"PrimaryMeetingId":"` + primary.ID + `"`, `"TenantIds":["t1"]`, `"MediaPlacementNetworkType":"DualStack"`,
		`"NotificationsConfiguration":{"LambdaFunctionArn":"arn:aws:lambda:us-east-1:000000000000:function:f"}`} {
		tellsFlavour(t, more, create(plain, more), conform.Meetings)
	}
	tellsFlavour(t, "capabilities", create(with, `"Attendees":[{"ExternalUserId":"user-1",`+caps+`}]`), conform.Meetings)
}

func flavourByMissing(t *conform.T) {
	const plain, with = "/meetings", "/meetings?operation=create-attendees"
	request := func(target, more string) conform.Request {
		return conform.Request{Method: post, Target: target, Body: []byte(`{"ClientRequestToken":"` + uuid.NewString() + `"` + more + `}`),
			Header: http.Header{"User-Agent": {"aws-sdk-php/3.281.4 ua/2.0 OS/Linux#6.1 lang/php#8.2.10 GuzzleHttp/7"}}}
	}
	const region, external, attendees = `,"MediaRegion":"us-east-1"`, `,"ExternalMeetingId":"conform-flavour"`, `,"Attendees":[{"ExternalUserId":"user-1"}]`
	for target, bodies := range map[string][]string{plain: {"", region, external}, with: {"", region + external, region + attendees, attendees}} {
		for _, more := range bodies {
			tellsFlavour(t, target+" "+more, silent(t, request(target, more)), conform.Legacy)
			silent(t, request("/meetings-api"+target, more)).Fails(badRequest(), "must not be null")
			named := request(target, more)
			named.Header = http.Header{"User-Agent": {"app api/chime-sdk-meetings#1.0"}}
			silent(t, named).Fails(badRequest(), "must not be null")
			named = request(target, more)
			named.Host = "meetings-chime.us-east-1.amazonaws.com"
			silent(t, named).Fails(badRequest(), "must not be null")
		}
	}
	tellsFlavour(t, "all there", silent(t, request(with, region+external+attendees)), conform.Meetings)
	silent(t, request(plain, region+`,"TenantIds":["t1"]`)).Fails(badRequest(), "externalMeetingId")
}

func flavourDefault(t *conform.T) {
	tellsFlavour(t, "nothing said", silent(t, newMeetingRequest("")), conform.Meetings)
	silent(t, conform.Request{Method: post, Target: "/meetings", Body: []byte("{}")}).
		Fails(badRequest(), "clientRequestToken", "mediaRegion", "externalMeetingId")
	silent(t, conform.Request{Method: get, Target: meetingPath(unknownID)}).Fails(notFound())
}

func flavourMismatch(t *conform.T) {
	current, legacy := t.Through(conform.Meetings), t.Through(conform.Legacy)
	m, l := current.CreateMeeting(t.NewMeeting()).OK(), legacy.CreateMeeting(t.NewMeeting()).OK()
	current.GetMeeting(l.ID).Fails(notFound(), l.ID)
	legacy.GetMeeting(m.ID).Fails(notFound(), m.ID)
	current.BatchCreateAttendee(l.ID, users(2)...).Fails(notFound())
	legacy.BatchCreateAttendee(m.ID, users(2)...).Fails(notFound())
	current.ListTagsForResource(arnOf(t, l)).Fails(resourceNotFound())
	legacy.ListTagsForResource(m.ARN).Fails(resourceNotFound())
	current.DeleteMeeting(l.ID).OK()
	legacy.DeleteMeeting(m.ID).OK()
	current.GetMeeting(m.ID).OK()
	legacy.GetMeeting(l.ID).OK()
	t.Equal("place in the legacy list", position(legacy.ListMeetings(conform.Page{}).OK().Meetings, m.ID), -1)
}

func flavourSameBytes(t *conform.T) {
	m := t.Through(conform.Meetings).CreateMeeting(t.NewMeeting()).OK()
	l := t.Through(conform.Legacy).CreateMeeting(t.NewMeeting()).OK()
	body := []byte(`{"Attendees":[{"ExternalUserId":"user-1"},{"ExternalUserId":"user-2"}]}`)
	silent(t, conform.Request{Method: post, Target: batchPath(m.ID), Body: body}).Succeeds(200)
	silent(t, conform.Request{Method: post, Target: batchPath(l.ID), Body: body}).Succeeds(201)
}
