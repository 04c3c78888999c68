package cases

import (
	"net/http"

	"github.com/carillon-meetings/carillon/conform"
)

// precedenceCases check which problem is told when a request has several
// (API decision D-55).
func precedenceCases() []conform.Case {
	cases := []conform.Case{
		{Name: "Precedence_SizeBeforeCredentials", Says: "a body too large is refused before credentials are looked at (D-55)", Body: sizeFirst},
		{Name: "Precedence_CredentialsBeforeRoute", Says: "an unknown route without credentials is MissingAuthenticationToken (D-55)", Body: credentialsFirst},
		{Name: "Precedence_CredentialsBeforeBody", Says: "a broken body with a wrong signature is InvalidSignature (D-55)", Body: signatureFirst},
		{Name: "Precedence_RouteBeforeBody", Says: "an unknown route with a broken body is UnknownOperation (D-55)", Body: routeFirst},
		{Name: "Precedence_PermissionBeforeBody", Profile: conform.Accounts, Says: "a denied operation with a broken body on an unknown meeting is Forbidden (D-55)", Body: permissionFirst},
		{Name: "Precedence_RouteBeforePermission", Profile: conform.Accounts, Says: "an unknown route is UnknownOperation whoever calls (D-55)", Body: routeBeforePermission},
		{Name: "Precedence_BodyBeforeExistence", Says: "a broken or invalid body on an unknown meeting is BadRequest, a valid one NotFound (D-55)", Body: bodyFirst},
		{Name: "Precedence_LabelsAndBodyTogether", Says: "violations of path and body are listed together (D-55)", Body: labelsAndBody},
		{Name: "Precedence_StatelessRulesBeforeExistence", Says: "the rule between content and video is checked before the meeting is looked for (D-55)", Body: ruleThreeFirst},
		{Name: "Precedence_ExistenceBeforeMeetingRules", Says: "rules that depend on the meeting come after the attendee was looked for (D-55)", Body: existenceBeforeRules},
		{Name: "Precedence_MeetingRulesBeforeRepetition", Says: "a capability the meeting does not allow refuses even a known user id (D-55)", Body: rulesBeforeRepetition},
		{Name: "Precedence_MeetingBeforeAttendee", Says: "an unknown meeting is told before an unknown attendee (D-55)", Body: meetingBeforeAttendee},
		{Name: "Precedence_PageBeforeExistence", Says: "a bad max-results on an unknown meeting is BadRequest (D-55)", Body: func(t *conform.T) { t.API.Raw(get, attendeesPath(unknownID)+"?max-results=0", nil).Fails(badRequest()) }},
	}
	for i := range cases {
		cases[i].In = inBoth()
		switch cases[i].Name {
		case "Precedence_StatelessRulesBeforeExistence", "Precedence_ExistenceBeforeMeetingRules", "Precedence_MeetingRulesBeforeRepetition":
			cases[i].In = inMeetings()
		}
	}
	return cases
}

func sizeFirst(t *conform.T) {
	t.API.Send(conform.Request{Method: post, Target: "/meetings", Plain: true, Body: padded(bodyCap + 1)}).Fails(tooLarge())
}

func credentialsFirst(t *conform.T) {
	t.API.Send(conform.Request{Method: get, Target: "/nowhere", Plain: true}).Fails(missingToken())
	t.API.Send(conform.Request{Method: http.MethodPatch, Target: "/meetings", Plain: true}).Fails(missingToken())
}

func signatureFirst(t *conform.T) {
	keys := t.Options().Credentials
	keys.SecretKey += "x"
	t.API.Send(conform.Request{Method: post, Target: attendeesPath(unknownID), Keys: keys, Body: []byte("{")}).Fails(invalidSignature())
}

func routeFirst(t *conform.T) {
	t.API.Raw(post, attendeesPath("malformed")+"?operation=batch-destroy", "{").Fails(unknownOperation())
	t.API.Raw(http.MethodPatch, meetingPath(unknownID), "{").Fails(unknownOperation())
}

func permissionFirst(t *conform.T) {
	t.As(conform.Denied).Raw(post, batchPath(unknownID), "{").Fails(forbidden())
	t.As(conform.Denied).Raw(post, batchPath("malformed"), object{}).Fails(forbidden())
	t.As(conform.Reader).Raw(post, "/meetings", "{").Fails(forbidden())
	t.As(conform.Denied).Send(conform.Request{
		Method: post, Target: batchPath(unknownID), Body: []byte("no gzip"), Header: http.Header{"Content-Encoding": {"gzip"}},
	}).Fails(forbidden())
}

func routeBeforePermission(t *conform.T) {
	t.As(conform.Reader).Raw(post, "/nowhere", "{").Fails(unknownOperation())
}

func bodyFirst(t *conform.T) {
	t.API.Raw(post, attendeesPath(unknownID), "{").Fails(badRequest())
	t.API.Raw(post, attendeesPath(unknownID), object{}).Fails(badRequest(), "externalUserId")
	t.API.Raw(post, batchPath(unknownID), object{"Attendees": list{}}).Fails(badRequest(), "attendees")
	t.API.Raw(post, attendeesPath(unknownID), object{"ExternalUserId": "user-1"}).Fails(notFound(), unknownID)
}

func labelsAndBody(t *conform.T) {
	t.API.Raw(post, attendeesPath("malformed"), object{"ExternalUserId": "u"}).Fails(badRequest(), "2 validation errors", "meetingId", "externalUserId")
}

func ruleThreeFirst(t *conform.T) {
	broken := object{"Audio": "Send", "Video": "None", "Content": "SendReceive"}
	t.API.Raw(post, attendeesPath(unknownID), object{"ExternalUserId": "user-1", "Capabilities": broken}).Fails(badRequest())
	t.API.Raw(put, capabilitiesPath(unknownID, unknownID), object{"Capabilities": broken}).Fails(badRequest())
}

func existenceBeforeRules(t *conform.T) {
	m := t.MeetingWith(func(in *conform.NewMeeting) { in.Features = &conform.Features{VideoResolution: "None"} })
	t.API.UpdateAttendeeCapabilities(m.ID, unknownID, *all("SendReceive")).Fails(notFound(), unknownID)
}

func rulesBeforeRepetition(t *conform.T) {
	m := t.MeetingWith(func(in *conform.NewMeeting) { in.Features = &conform.Features{VideoResolution: "None"} })
	t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: "user-1"}).OK()
	t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: "user-1", Capabilities: all("SendReceive")}).Fails(badRequest())
}

func meetingBeforeAttendee(t *conform.T) {
	other := "10000000-0000-4000-8000-00000000dead"
	t.API.GetAttendee(unknownID, other).Fails(notFound(), unknownID)
	t.API.DeleteAttendee(unknownID, other).Fails(notFound(), unknownID)
}
