package conform

import (
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
)

// authCases are who may call, and how the API says no. Whether a signature is
// computed as clients compute it is in signature.go.
func authCases() []Case {
	cases := []Case{
		{Name: "Auth_NoCredentials", Says: "a request without credentials is MissingAuthenticationToken", body: authNothing},
		{Name: "Auth_HeaderPartsMissing", Says: "an Authorization header that lacks a part is IncompleteSignature and the message names the part", body: authPartsMissing},
		{Name: "Auth_HeaderUnreadable", Says: "an Authorization header that cannot be read is IncompleteSignature", body: authUnreadable},
		{Name: "Auth_DateMissing", Says: "a signature without a date is IncompleteSignature", body: authDateMissing},
		{Name: "Auth_DateUnreadable", Says: "a date that cannot be read is refused", body: authDateUnreadable},
		{Name: "Auth_UnknownKey", Says: "an unknown access key is UnrecognizedClient", body: authUnknownKey},
		{Name: "Auth_WrongSecret", Says: "a signature by another secret is InvalidSignature", body: authWrongSecret},
		{Name: "Auth_SignatureOfWrongLength", Says: "a signature that is cut off or not hexadecimal is refused", body: authOddSignature},
		{Name: "Auth_TooOld", Says: "a signature older than 15 minutes has expired (D-58)", body: authTooOld},
		{Name: "Auth_TooNew", Says: "a signature more than 15 minutes ahead is not yet current (D-58)", body: authTooNew},
		{Name: "Auth_WithinTheWindow", Says: "14 minutes either way are accepted (D-58)", body: authWithinWindow},
		{Name: "Auth_ScopeOfAnotherDay", Says: "the date of the scope must be that of the request", body: authScopeDate},
		{Name: "Auth_ScopeOfAnotherService", Says: "the scope must name the service chime", body: authScopeService},
		{Name: "Auth_ScopeOfAnotherTerminator", Says: "the scope must end in aws4_request", body: authScopeTerminator},
		{Name: "Auth_ScopeOfAnotherRegion", Profile: OneRegion, Says: "a scope for a Region that is not served is refused", body: authScopeRegion},
		{Name: "Auth_UnwantedSessionToken", Says: "a session token nobody issued is UnrecognizedClient", body: authUnwantedToken},
		{Name: "Auth_RefusalChangesNothing", Says: "a refused creation has created nothing", body: authChangesNothing},
		{Name: "Auth_PresignedIsRefused", Says: "signatures in the query are not accepted unless enabled (D-65)", body: authPresigned},
		{Name: "Auth_UnsignedPayloadIsRefused", Says: "UNSIGNED-PAYLOAD is not accepted unless enabled (D-65)", body: authUnsignedPayload},

		{Name: "Auth_SessionToken", Profile: Accounts, Says: "temporary credentials with their session token are accepted", body: func(t *T) { t.As(Session).CreateMeeting(t.NewMeeting()).OK() }},
		{Name: "Auth_SessionTokenMissing", Profile: Accounts, Says: "temporary credentials without their session token are UnrecognizedClient", body: authTokenMissing},
		{Name: "Auth_SessionTokenWrong", Profile: Accounts, Says: "temporary credentials with another session token are UnrecognizedClient", body: authTokenWrong},
		{Name: "Auth_SessionTokenExpired", Profile: Accounts, Says: "an expired session token is ExpiredToken", body: func(t *T) { t.As(Expired).GetMeeting(unknownID).Fails(expiredToken(), "expired") }},
		{Name: "Auth_SameAccountOtherKey", Profile: Accounts, Says: "all keys of an account see its meetings", body: func(t *T) { t.As(Session).GetMeeting(t.Meeting().ID).OK() }},
		{Name: "Auth_DisabledAccount", Profile: Accounts, Says: "an account that is disabled is Unauthorized (D-23)", body: authDisabled},
		{Name: "Auth_DeniedOperation", Profile: Accounts, Says: "an operation the key may not call is Forbidden and does nothing; the others work", body: authDenied},
		{Name: "Auth_AllowedOperations", Profile: Accounts, Says: "a key that may only read is Forbidden everything else", body: authReader},

		{Name: "Auth_DevelopmentAcceptsAnyKey", Profile: AnyKey, Says: "in development mode any key, secret and date are accepted", body: authAnyKey},
		{Name: "Auth_DevelopmentKeepsRegions", Profile: AnyKey, Says: "in development mode the Region still comes from the scope", body: authAnyKeyRegion},
	}
	for i := range cases {
		cases[i].In = inBoth()
	}
	cases[len(cases)-1].In = inMeetings()
	return cases
}

// probeRequest is a plain request that would be answered NotFound if it got
// past authentication.
func probeRequest() Request { return Request{Method: get, Target: meetingPath(unknownID)} }

func authNothing(t *T) {
	in := probeRequest()
	in.Plain = true
	t.API.Send(in).Fails(missingToken(), "missing")
	t.API.Send(Request{Method: post, Target: "/meetings", Plain: true, Body: []byte("{}")}).Fails(missingToken())
}

// withHeader sends the probe with another Authorization header.
func withHeader(t *T, change func(header string) string) Reply {
	in := probeRequest()
	in.Tamper = func(req *http.Request) {
		req.Header.Set("Authorization", change(req.Header.Get("Authorization")))
	}
	return t.API.Send(in)
}

func authPartsMissing(t *T) {
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

func authUnreadable(t *T) {
	for _, header := range []string{
		"AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 ", "Basic dXNlcjpwYXNz", "Bearer token", "AWS4-HMAC-SHA256 Credential",
		"AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=y", "AWS4-HMAC-SHA512 Credential=a/b/c/d/e, SignedHeaders=host, Signature=f",
	} {
		withHeader(t, func(string) string { return header }).Fails(incomplete())
	}
}

func authDateMissing(t *T) {
	in := probeRequest()
	in.Tamper = func(req *http.Request) { req.Header.Del("X-Amz-Date") }
	t.API.Send(in).Fails(incomplete(), "date")
}

func authDateUnreadable(t *T) {
	for _, date := range []string{"yesterday", "20250101", "2025-01-01T00:00:00Z", "20251301T000000Z"} {
		reply := t.API.Handwritten(probeRequest(), handwriting{date: date})
		reply.answered()
		t.Equal("status for an unreadable date", reply.Status, 403)
	}
}

func authUnknownKey(t *T) {
	in := probeRequest()
	in.Keys = Credentials{AccessKey: "AKIDUNKNOWNUNKNOWN00", SecretKey: "secret"}
	t.API.Send(in).Fails(unrecognized(), "token")
	t.client(t.Flavour, t.opts().Region, in.Keys).GetMeeting(unknownID).Fails(unrecognized())
}

func authWrongSecret(t *T) {
	keys := t.opts().Credentials
	keys.SecretKey += "x"
	t.client(t.Flavour, t.opts().Region, keys).GetMeeting(unknownID).Fails(invalidSignature(), "signature")
}

func authOddSignature(t *T) {
	for _, signature := range []string{"", "0", strings.Repeat("0", 63), strings.Repeat("0", 64), strings.Repeat("0", 65), strings.Repeat("z", 64)} {
		reply := withHeader(t, func(header string) string {
			before, _, _ := strings.Cut(header, "Signature=")
			return before + "Signature=" + signature
		})
		reply.answered()
		t.Equal("status for an odd signature", reply.Status, 403)
	}
}

func authTooOld(t *T) {
	in := probeRequest()
	in.Time = time.Now().Add(-16 * time.Minute)
	t.API.Send(in).Fails(invalidSignature(), "expired", "15 min")
}

func authTooNew(t *T) {
	in := probeRequest()
	in.Time = time.Now().Add(16 * time.Minute)
	t.API.Send(in).Fails(invalidSignature(), "not yet current", "15 min")
}

func authWithinWindow(t *T) {
	for _, off := range []time.Duration{-14 * time.Minute, 14 * time.Minute} {
		in := probeRequest()
		in.Time = time.Now().Add(off)
		t.API.Send(in).Fails(notFound())
	}
}

func authScopeDate(t *T) {
	t.API.Handwritten(probeRequest(), handwriting{scopeDate: "20200101"}).Fails(invalidSignature(), "credential scope", "date")
}

func authScopeService(t *T) {
	in := probeRequest()
	in.Scope = "s3"
	t.API.Send(in).Fails(invalidSignature(), "service", "chime")
}

func authScopeTerminator(t *T) {
	t.API.Handwritten(probeRequest(), handwriting{terminator: "aws5_request"}).Fails(invalidSignature(), "terminator", "aws4_request")
}

func authScopeRegion(t *T) {
	t.API.GetMeeting(unknownID).Fails(notFound())
	t.InRegion("ap-south-1").GetMeeting(unknownID).Fails(invalidSignature(), "valid region", "ap-south-1")
}

func authUnwantedToken(t *T) {
	keys := t.opts().Credentials
	keys.SessionToken = "never-issued"
	t.client(t.Flavour, t.opts().Region, keys).GetMeeting(unknownID).Fails(unrecognized())
}

func authChangesNothing(t *T) {
	m := t.Meeting()
	keys := t.opts().Credentials
	keys.SecretKey += "x"
	stranger := t.client(t.Flavour, t.opts().Region, keys)
	stranger.BatchCreateAttendee(m.ID, users(3)...).Fails(invalidSignature())
	stranger.DeleteMeeting(m.ID).Fails(invalidSignature())
	t.Equal("attendees", t.count(m.ID), 0)
}

func authPresigned(t *T) {
	at := time.Now().UTC().Format("20060102T150405Z")
	query := "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + t.opts().Credentials.AccessKey + "%2F" + at[:8] +
		"%2Fus-east-1%2Fchime%2Faws4_request&X-Amz-Date=" + at + "&X-Amz-SignedHeaders=host&X-Amz-Signature=" + strings.Repeat("0", 64)
	reply := t.API.Send(Request{Method: get, Target: meetingPath(unknownID) + query, Plain: true})
	reply.answered()
	t.Equal("status for a presigned address", reply.Status, 403)
}

func authUnsignedPayload(t *T) {
	reply := t.API.Handwritten(Request{
		Method: post, Target: attendeesPath(t.Meeting().ID), Body: []byte(`{"ExternalUserId":"user-1"}`),
		Header: http.Header{"X-Amz-Content-Sha256": {"UNSIGNED-PAYLOAD"}},
	}, handwriting{hash: "UNSIGNED-PAYLOAD", headers: []string{"host", "x-amz-content-sha256", "x-amz-date"}})
	reply.Fails(invalidSignature())
}

func authTokenMissing(t *T) {
	keys := t.opts().Keys[Session]
	keys.SessionToken = ""
	t.client(t.Flavour, t.opts().Region, keys).GetMeeting(unknownID).Fails(unrecognized())
}

func authTokenWrong(t *T) {
	keys := t.opts().Keys[Session]
	keys.SessionToken += "x"
	t.client(t.Flavour, t.opts().Region, keys).GetMeeting(unknownID).Fails(unrecognized())
}

func authDisabled(t *T) {
	c := t.As(Disabled)
	c.GetMeeting(unknownID).Fails(unauthorized())
	c.CreateMeeting(t.NewMeeting()).Fails(unauthorized())
	c.BatchCreateAttendee(unknownID, users(2)...).Fails(unauthorized())
}

func authDenied(t *T) {
	m := t.Meeting()
	denied := t.As(Denied)
	denied.BatchCreateAttendee(m.ID, users(2)...).Fails(forbidden(), "authorization")
	denied.BatchCreateAttendee(unknownID, users(2)...).Fails(forbidden())
	denied.CreateAttendee(m.ID, users(1)[0]).OK()
	denied.GetMeeting(m.ID).OK()
	t.Equal("attendees", t.count(m.ID), 1)
}

func authReader(t *T) {
	m, a := t.Attendee()
	reader := t.As(Reader)
	reader.GetMeeting(m.ID).OK()
	reader.GetAttendee(m.ID, a.ID).OK()
	reader.ListAttendees(m.ID, Page{}).OK()
	reader.CreateMeeting(t.NewMeeting()).Fails(forbidden())
	reader.CreateMeetingWithAttendees(t.populated(1)).Fails(forbidden())
	reader.CreateAttendee(m.ID, users(1)[0]).Fails(forbidden())
	reader.DeleteAttendee(m.ID, a.ID).Fails(forbidden())
	reader.DeleteMeeting(m.ID).Fails(forbidden())
	reader.TagResource(t.arn(m), Tag{"k", "v"}).Fails(forbidden())
	reader.StopMeetingTranscription(m.ID).Fails(forbidden())
	t.API.GetAttendee(m.ID, a.ID).OK()
}

func authAnyKey(t *T) {
	stranger := t.client(t.Flavour, t.opts().Region, Credentials{AccessKey: "AKIDANY" + uuid.NewString()[:8], SecretKey: "any"})
	m := stranger.CreateMeeting(t.NewMeeting()).OK()
	stranger.GetMeeting(m.ID).OK()
	stranger.Send(Request{Method: get, Target: meetingPath(m.ID), Time: time.Now().Add(-48 * time.Hour)}).Succeeds(200)
}

func authAnyKeyRegion(t *T) {
	m := t.InRegion("eu-central-1").CreateMeeting(t.NewMeeting()).OK()
	t.True("the ARN names the Region", strings.HasPrefix(m.ARN, "arn:aws:chime:eu-central-1:"))
	t.API.GetMeeting(m.ID).Fails(notFound())
}
