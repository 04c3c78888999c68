package cases

import (
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/carillon-meetings/carillon/conform"
)

// authCases are who may call, and how the API says no. Whether a signature is
// computed as clients compute it is in signature.go.
func authCases() []conform.Case {
	cases := []conform.Case{
		{Name: "Auth_NoCredentials", Says: "a request without credentials is MissingAuthenticationToken", Body: authNothing},
		{Name: "Auth_HeaderPartsMissing", Says: "an Authorization header that lacks a part is IncompleteSignature and the message names the part", Body: authPartsMissing},
		{Name: "Auth_HeaderUnreadable", Says: "an Authorization header that cannot be read is IncompleteSignature", Body: authUnreadable},
		{Name: "Auth_DateMissing", Says: "a signature without a date is IncompleteSignature", Body: authDateMissing},
		{Name: "Auth_DateUnreadable", Says: "a date that cannot be read is refused", Body: authDateUnreadable},
		{Name: "Auth_UnknownKey", Says: "an unknown access key is UnrecognizedClient", Body: authUnknownKey},
		{Name: "Auth_WrongSecret", Says: "a signature by another secret is InvalidSignature", Body: authWrongSecret},
		{Name: "Auth_SignatureOfWrongLength", Says: "a signature that is cut off or not hexadecimal is refused", Body: authOddSignature},
		{Name: "Auth_TooOld", Says: "a signature older than 15 minutes has expired (D-58)", Body: authTooOld},
		{Name: "Auth_TooNew", Says: "a signature more than 15 minutes ahead is not yet current (D-58)", Body: authTooNew},
		{Name: "Auth_WithinTheWindow", Says: "14 minutes either way are accepted (D-58)", Body: authWithinWindow},
		{Name: "Auth_ScopeOfAnotherDay", Says: "the date of the scope must be that of the request", Body: authScopeDate},
		{Name: "Auth_ScopeOfAnotherService", Says: "the scope must name the service chime", Body: authScopeService},
		{Name: "Auth_ScopeOfAnotherTerminator", Says: "the scope must end in aws4_request", Body: authScopeTerminator},
		{Name: "Auth_ScopeOfAnotherRegion", Profile: conform.OneRegion, Says: "a scope for a Region that is not served is refused", Body: authScopeRegion},
		{Name: "Auth_UnwantedSessionToken", Says: "a session token nobody issued is UnrecognizedClient", Body: authUnwantedToken},
		{Name: "Auth_RefusalChangesNothing", Says: "a refused creation has created nothing", Body: authChangesNothing},
		{Name: "Auth_PresignedIsRefused", Says: "signatures in the query are not accepted unless enabled (D-65)", Body: authPresigned},
		{Name: "Auth_UnsignedPayloadIsRefused", Says: "UNSIGNED-PAYLOAD is not accepted unless enabled (D-65)", Body: authUnsignedPayload},

		{Name: "Auth_SessionToken", Profile: conform.Accounts, Says: "temporary credentials with their session token are accepted", Body: func(t *conform.T) { t.As(conform.Session).CreateMeeting(t.NewMeeting()).OK() }},
		{Name: "Auth_SessionTokenMissing", Profile: conform.Accounts, Says: "temporary credentials without their session token are UnrecognizedClient", Body: authTokenMissing},
		{Name: "Auth_SessionTokenWrong", Profile: conform.Accounts, Says: "temporary credentials with another session token are UnrecognizedClient", Body: authTokenWrong},
		{Name: "Auth_SessionTokenExpired", Profile: conform.Accounts, Says: "an expired session token is ExpiredToken", Body: func(t *conform.T) { t.As(conform.Expired).GetMeeting(unknownID).Fails(expiredToken(), "expired") }},
		{Name: "Auth_SameAccountOtherKey", Profile: conform.Accounts, Says: "all keys of an account see its meetings", Body: func(t *conform.T) { t.As(conform.Session).GetMeeting(t.Meeting().ID).OK() }},
		{Name: "Auth_DisabledAccount", Profile: conform.Accounts, Says: "an account that is disabled is Unauthorized (D-23)", Body: authDisabled},
		{Name: "Auth_DeniedOperation", Profile: conform.Accounts, Says: "an operation the key may not call is Forbidden and does nothing; the others work", Body: authDenied},
		{Name: "Auth_AllowedOperations", Profile: conform.Accounts, Says: "a key that may only read is Forbidden everything else", Body: authReader},

		{Name: "Auth_DevelopmentAcceptsAnyKey", Profile: conform.AnyKey, Says: "in development mode any key, secret and date are accepted", Body: authAnyKey},
		{Name: "Auth_DevelopmentKeepsRegions", Profile: conform.AnyKey, Says: "in development mode the Region still comes from the scope", Body: authAnyKeyRegion},
	}
	for i := range cases {
		cases[i].In = inBoth()
	}
	cases[len(cases)-1].In = inMeetings()
	return cases
}

// probeRequest is a plain request that would be answered NotFound if it got
// past authentication.
func probeRequest() conform.Request {
	return conform.Request{Method: get, Target: meetingPath(unknownID)}
}

func authNothing(t *conform.T) {
	in := probeRequest()
	in.Plain = true
	t.API.Send(in).Fails(missingToken(), "missing")
	t.API.Send(conform.Request{Method: post, Target: "/meetings", Plain: true, Body: []byte("{}")}).Fails(missingToken())
}

// withHeader sends the probe with another Authorization header.
func withHeader(t *conform.T, change func(header string) string) conform.Reply {
	in := probeRequest()
	in.Tamper = func(req *http.Request) {
		req.Header.Set("Authorization", change(req.Header.Get("Authorization")))
	}
	return t.API.Send(in)
}

func authPartsMissing(t *conform.T) {
	for _, part := range []string{"Credential", "SignedHeaders", "Signature"} {
		reply := withHeader(t, func(header string) string {
			scheme, rest, _ := strings.Cut(header, " ")
			var kept []string
			for piece := range strings.SplitSeq(rest, ",") {
				if !strings.HasPrefix(strings.TrimSpace(piece), part+"=") {
					kept = append(kept, strings.TrimSpace(piece))
				}
			}
			return scheme + " " + strings.Join(kept, ", ")
		})
		reply.Fails(incomplete(), part)
	}
}

func authUnreadable(t *conform.T) {
	for _, header := range []string{
		"AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 ", "Basic dXNlcjpwYXNz", "Bearer token", "AWS4-HMAC-SHA256 Credential",
		"AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=y", "AWS4-HMAC-SHA512 Credential=a/b/c/d/e, SignedHeaders=host, Signature=f",
	} {
		withHeader(t, func(string) string { return header }).Fails(incomplete())
	}
}

func authDateMissing(t *conform.T) {
	in := probeRequest()
	in.Tamper = func(req *http.Request) { req.Header.Del("X-Amz-Date") }
	t.API.Send(in).Fails(incomplete(), "date")
}

func authDateUnreadable(t *conform.T) {
	for _, date := range []string{"yesterday", "20250101", "2025-01-01T00:00:00Z", "20251301T000000Z"} {
		reply := t.API.Handwritten(probeRequest(), conform.Handwriting{Date: date})
		reply.Answered()
		t.Equal("status for an unreadable date", reply.Status, 403)
	}
}

func authUnknownKey(t *conform.T) {
	in := probeRequest()
	in.Keys = conform.Credentials{AccessKey: "AKIDUNKNOWNUNKNOWN00", SecretKey: "secret"}
	t.API.Send(in).Fails(unrecognized(), "token")
	t.Client(t.Flavour, t.Options().Region, in.Keys).GetMeeting(unknownID).Fails(unrecognized())
}

func authWrongSecret(t *conform.T) {
	keys := t.Options().Credentials
	keys.SecretKey += "x"
	t.Client(t.Flavour, t.Options().Region, keys).GetMeeting(unknownID).Fails(invalidSignature(), "signature")
}

func authOddSignature(t *conform.T) {
	for _, signature := range []string{"", "0", strings.Repeat("0", 63), strings.Repeat("0", 64), strings.Repeat("0", 65), strings.Repeat("z", 64)} {
		reply := withHeader(t, func(header string) string {
			before, _, _ := strings.Cut(header, "Signature=")
			return before + "Signature=" + signature
		})
		reply.Answered()
		t.Equal("status for an odd signature", reply.Status, 403)
	}
}

func authTooOld(t *conform.T) {
	in := probeRequest()
	in.Time = time.Now().Add(-16 * time.Minute)
	t.API.Send(in).Fails(invalidSignature(), "expired", "15 min")
}

func authTooNew(t *conform.T) {
	in := probeRequest()
	in.Time = time.Now().Add(16 * time.Minute)
	t.API.Send(in).Fails(invalidSignature(), "not yet current", "15 min")
}

func authWithinWindow(t *conform.T) {
	for _, off := range []time.Duration{-14 * time.Minute, 14 * time.Minute} {
		in := probeRequest()
		in.Time = time.Now().Add(off)
		t.API.Send(in).Fails(notFound())
	}
}

func authScopeDate(t *conform.T) {
	t.API.Handwritten(probeRequest(), conform.Handwriting{ScopeDate: "20200101"}).Fails(invalidSignature(), "credential scope", "date")
}

func authScopeService(t *conform.T) {
	in := probeRequest()
	in.Scope = "s3"
	t.API.Send(in).Fails(invalidSignature(), "service", "chime")
}

func authScopeTerminator(t *conform.T) {
	t.API.Handwritten(probeRequest(), conform.Handwriting{Terminator: "aws5_request"}).Fails(invalidSignature(), "terminator", "aws4_request")
}

func authScopeRegion(t *conform.T) {
	t.API.GetMeeting(unknownID).Fails(notFound())
	t.InRegion("ap-south-1").GetMeeting(unknownID).Fails(invalidSignature(), "valid region", "ap-south-1")
}

func authUnwantedToken(t *conform.T) {
	keys := t.Options().Credentials
	keys.SessionToken = "never-issued"
	t.Client(t.Flavour, t.Options().Region, keys).GetMeeting(unknownID).Fails(unrecognized())
}

func authChangesNothing(t *conform.T) {
	m := t.Meeting()
	keys := t.Options().Credentials
	keys.SecretKey += "x"
	stranger := t.Client(t.Flavour, t.Options().Region, keys)
	stranger.BatchCreateAttendee(m.ID, users(3)...).Fails(invalidSignature())
	stranger.DeleteMeeting(m.ID).Fails(invalidSignature())
	t.Equal("attendees", attendeeCount(t, m.ID), 0)
}

func authPresigned(t *conform.T) {
	at := time.Now().UTC().Format("20060102T150405Z")
	query := "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + t.Options().Credentials.AccessKey + "%2F" + at[:8] +
		"%2Fus-east-1%2Fchime%2Faws4_request&X-Amz-Date=" + at + "&X-Amz-SignedHeaders=host&X-Amz-Signature=" + strings.Repeat("0", 64)
	reply := t.API.Send(conform.Request{Method: get, Target: meetingPath(unknownID) + query, Plain: true})
	reply.Answered()
	t.Equal("status for a presigned address", reply.Status, 403)
}

func authUnsignedPayload(t *conform.T) {
	reply := t.API.Handwritten(conform.Request{
		Method: post, Target: attendeesPath(t.Meeting().ID), Body: []byte(`{"ExternalUserId":"user-1"}`),
		Header: http.Header{"X-Amz-Content-Sha256": {"UNSIGNED-PAYLOAD"}},
	}, conform.Handwriting{Hash: "UNSIGNED-PAYLOAD", Headers: []string{"host", "x-amz-content-sha256", "x-amz-date"}})
	reply.Fails(invalidSignature())
}

func authTokenMissing(t *conform.T) {
	keys := t.Options().Keys[conform.Session]
	keys.SessionToken = ""
	t.Client(t.Flavour, t.Options().Region, keys).GetMeeting(unknownID).Fails(unrecognized())
}

func authTokenWrong(t *conform.T) {
	keys := t.Options().Keys[conform.Session]
	keys.SessionToken += "x"
	t.Client(t.Flavour, t.Options().Region, keys).GetMeeting(unknownID).Fails(unrecognized())
}

func authDisabled(t *conform.T) {
	c := t.As(conform.Disabled)
	c.GetMeeting(unknownID).Fails(unauthorized())
	c.CreateMeeting(t.NewMeeting()).Fails(unauthorized())
	c.BatchCreateAttendee(unknownID, users(2)...).Fails(unauthorized())
}

func authDenied(t *conform.T) {
	m := t.Meeting()
	denied := t.As(conform.Denied)
	denied.BatchCreateAttendee(m.ID, users(2)...).Fails(forbidden(), "authorization")
	denied.BatchCreateAttendee(unknownID, users(2)...).Fails(forbidden())
	denied.CreateAttendee(m.ID, users(1)[0]).OK()
	denied.GetMeeting(m.ID).OK()
	t.Equal("attendees", attendeeCount(t, m.ID), 1)
}

func authReader(t *conform.T) {
	m, a := t.Attendee()
	reader := t.As(conform.Reader)
	reader.GetMeeting(m.ID).OK()
	reader.GetAttendee(m.ID, a.ID).OK()
	reader.ListAttendees(m.ID, conform.Page{}).OK()
	reader.CreateMeeting(t.NewMeeting()).Fails(forbidden())
	reader.CreateMeetingWithAttendees(populated(t, 1)).Fails(forbidden())
	reader.CreateAttendee(m.ID, users(1)[0]).Fails(forbidden())
	reader.DeleteAttendee(m.ID, a.ID).Fails(forbidden())
	reader.DeleteMeeting(m.ID).Fails(forbidden())
	reader.TagResource(arnOf(t, m), conform.Tag{Key: "k", Value: "v"}).Fails(forbidden())
	reader.StopMeetingTranscription(m.ID).Fails(forbidden())
	t.API.GetAttendee(m.ID, a.ID).OK()
}

func authAnyKey(t *conform.T) {
	stranger := t.Client(t.Flavour, t.Options().Region, conform.Credentials{AccessKey: "AKIDANY" + uuid.NewString()[:8], SecretKey: "any"})
	m := stranger.CreateMeeting(t.NewMeeting()).OK()
	stranger.GetMeeting(m.ID).OK()
	stranger.Send(conform.Request{Method: get, Target: meetingPath(m.ID), Time: time.Now().Add(-48 * time.Hour)}).Succeeds(200)
}

func authAnyKeyRegion(t *conform.T) {
	m := t.InRegion("eu-central-1").CreateMeeting(t.NewMeeting()).OK()
	t.True("the ARN names the Region", strings.HasPrefix(m.ARN, "arn:aws:chime:eu-central-1:"))
	t.API.GetMeeting(m.ID).Fails(notFound())
}
