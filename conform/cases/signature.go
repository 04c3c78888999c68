package cases

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/conform"
)

// signatureCases check that the server computes signatures as the many client
// stacks do, and notices every change of what was signed.
func signatureCases() []conform.Case {
	cases := []conform.Case{
		{Name: "Signature_ByHand", Says: "a signature computed apart from any SDK is accepted", Body: func(t *conform.T) { t.API.Handwritten(probeRequest(), conform.Handwriting{}).Fails(notFound()) }},
		{Name: "Signature_DateHeaderInsteadOfXAmzDate", Says: "the Date header may stand for X-Amz-Date", Body: signedByDate},
		{Name: "Signature_NoSpacesInTheHeader", Says: "the parts of the Authorization header may be joined by commas alone", Body: func(t *conform.T) {
			t.API.Handwritten(probeRequest(), conform.Handwriting{Separator: ","}).Fails(notFound())
		}},
		{Name: "Signature_ContentTypeUnsigned", Says: "the content type need not be signed, as JS v2 does", Body: signedWithout},
		{Name: "Signature_ContentLengthSigned", Says: "content-length may be signed, as Go v1 and JS v3 do", Body: signedLength},
		{Name: "Signature_ContentHashHeader", Says: "x-amz-content-sha256 is accepted when it is the body's", Body: signedHash},
		{Name: "Signature_ContentHashOfAnotherBody", Says: "x-amz-content-sha256 of another body is InvalidSignature", Body: signedOtherHash},
		{Name: "Signature_HeaderValuesAreTrimmed", Says: "white space around header values and runs of spaces in them do not count", Body: signedSpaces},
		{Name: "Signature_HeaderTwice", Says: "a signed header that comes twice counts with both values", Body: signedTwice},
		{Name: "Signature_PathEncodedTwice", Says: "the canonical path is the escaped path escaped once more", Body: signedOddPath},
		{Name: "Signature_QuerySorted", Says: "the order of query parameters does not count", Body: signedQuery},
		{Name: "Signature_PlusInTheQuery", Says: "a plus sign in the query is a plus sign", Body: signedPlus},
		{Name: "Signature_ManyHeaders", Says: "retry headers may be signed, as JS v3 and Go v2 do", Body: signedRetryHeaders},
		{Name: "Signature_PortBelongsToTheHost", Says: "the host is signed with its port", Body: signedOtherPort},
		{Name: "Signature_BodyChanged", Says: "a body changed after signing is InvalidSignature", Body: tamperedBody},
		{Name: "Signature_PathChanged", Says: "a path changed after signing is InvalidSignature", Body: tampered(func(r *http.Request) {
			r.URL.Path = strings.Replace(r.URL.Path, unknownID, "10000000-0000-4000-8000-00000000dead", 1)
		})},
		{Name: "Signature_QueryChanged", Says: "a query changed after signing is InvalidSignature", Body: tampered(func(r *http.Request) { r.URL.RawQuery = "max-results=5" })},
		{Name: "Signature_MethodChanged", Says: "a method changed after signing is InvalidSignature", Body: tampered(func(r *http.Request) { r.Method = http.MethodDelete })},
		{Name: "Signature_DateChanged", Says: "a date changed after signing is InvalidSignature", Body: tampered(func(r *http.Request) {
			r.Header.Set("X-Amz-Date", time.Now().UTC().Add(-time.Minute).Format("20060102T150405Z"))
		})},
		{Name: "Signature_HostChanged", Says: "a host changed after signing is InvalidSignature", Body: tampered(func(r *http.Request) { r.Host = "elsewhere.localhost" })},
		{Name: "Signature_RegionChanged", Says: "a scope changed after signing is InvalidSignature", Body: tampered(func(r *http.Request) {
			parts := strings.SplitN(r.Header.Get("Authorization"), "/", 4)
			parts[2] = "eu-south-2"
			r.Header.Set("Authorization", strings.Join(parts, "/"))
		})},
		{Name: "Signature_HostUnsigned", Says: "a signature that does not cover the host is refused", Body: func(t *conform.T) {
			r := t.API.Handwritten(probeRequest(), conform.Handwriting{Headers: []string{"x-amz-date"}})
			r.Answered()
			t.Equal("status without a signed host", r.Status, 403)
		}},
		{Name: "Signature_UnsignedHeadersAreFree", Says: "headers that were not signed may change", Body: signedFreeHeaders},
		{Name: "Signature_ListedHeaderMissing", Says: "a header that was signed and then lost is InvalidSignature", Body: signedLost},
	}
	for i := range cases {
		cases[i].In = inBoth()
	}
	return cases
}

// tampered returns a case body that changes the signed probe.
func tampered(change func(*http.Request)) func(*conform.T) {
	return func(t *conform.T) {
		in := probeRequest()
		in.Tamper = change
		r := t.API.Send(in)
		r.Answered()
		t.Equal("status", r.Status, 403)
		if r.Status == 403 && r.ErrorType() != "IncompleteSignatureException" {
			r.Fails(invalidSignature())
		}
	}
}

// newAttendeeRequest is a request with a body, for a meeting of its own.
func newAttendeeRequest(t *conform.T) conform.Request {
	return conform.Request{Method: post, Target: attendeesPath(t.Meeting().ID), Body: []byte(`{"ExternalUserId":"user-1"}`)}
}

func signedByDate(t *conform.T) {
	now := time.Now()
	t.API.Handwritten(probeRequest(), conform.Handwriting{At: now, Date: now.UTC().Format(http.TimeFormat), DateHeader: "Date"}).Fails(notFound())
}

func signedWithout(t *conform.T) {
	t.API.Handwritten(newAttendeeRequest(t), conform.Handwriting{}).Creates()
}

func signedLength(t *conform.T) {
	t.API.Handwritten(newAttendeeRequest(t), conform.Handwriting{Headers: []string{"host", "x-amz-date", "content-length", "content-type"}}).Creates()
}

func signedHash(t *conform.T) {
	in := newAttendeeRequest(t)
	in.Header = http.Header{"X-Amz-Content-Sha256": {conform.Digest(in.Body)}}
	t.API.Handwritten(in, conform.Handwriting{Headers: []string{"host", "x-amz-date", "x-amz-content-sha256"}}).Creates()
}

func signedOtherHash(t *conform.T) {
	for _, hash := range []string{"", conform.Digest([]byte("another body"))} {
		in := newAttendeeRequest(t)
		in.Header = http.Header{"X-Amz-Content-Sha256": {conform.Digest([]byte("another body"))}}
		t.API.Handwritten(in, conform.Handwriting{Hash: hash, Headers: []string{"host", "x-amz-date", "x-amz-content-sha256"}}).Fails(invalidSignature())
	}
}

func signedSpaces(t *conform.T) {
	in := probeRequest()
	in.Header = http.Header{"X-Amz-Meta": {"  a   b  c "}}
	t.API.Handwritten(in, conform.Handwriting{Headers: []string{"host", "x-amz-date", "x-amz-meta"}}).Fails(notFound())
}

func signedTwice(t *conform.T) {
	in := probeRequest()
	in.Header = http.Header{"X-Amz-Meta": {"b", "a"}}
	t.API.Handwritten(in, conform.Handwriting{Headers: []string{"host", "x-amz-date", "x-amz-meta"}}).Fails(notFound())
}

func signedOddPath(t *conform.T) {
	for _, id := range []string{"a%20b", "%C3%A9", "a%2Fb", "a+b", "%7Ba%7D", "a%25b", "~a", "a:b@c", "a%2520b"} {
		t.API.Raw(get, meetingPath(id), nil).Fails(badRequest(), "meetingId")
		t.API.Handwritten(conform.Request{Method: get, Target: meetingPath(id)}, conform.Handwriting{}).Fails(badRequest(), "meetingId")
	}
}

func signedQuery(t *conform.T) {
	m := t.Meeting()
	for _, query := range []string{"?max-results=5&a=b", "?a=b&max-results=5", "?b=2&b=1&a=&c&max-results=5", "?A=1&a=2&max-results=5", "?x=%C3%A9%20y&max-results=5"} {
		t.API.Handwritten(conform.Request{Method: get, Target: attendeesPath(m.ID) + query}, conform.Handwriting{}).Succeeds(200)
	}
}

func signedPlus(t *conform.T) {
	m := t.Meeting()
	t.API.Handwritten(conform.Request{Method: get, Target: attendeesPath(m.ID) + "?x=a+b&y=a%2Bb&z=a%20b"}, conform.Handwriting{}).Succeeds(200)
}

func signedRetryHeaders(t *conform.T) {
	in := probeRequest()
	in.Header = http.Header{"Amz-Sdk-Invocation-Id": {unknownID}, "Amz-Sdk-Request": {"attempt=2; max=3"}}
	t.API.Handwritten(in, conform.Handwriting{Headers: []string{"host", "x-amz-date", "amz-sdk-invocation-id", "amz-sdk-request"}}).Fails(notFound())
}

func signedOtherPort(t *conform.T) {
	in := probeRequest()
	in.Tamper = func(r *http.Request) { r.Host = r.URL.Hostname() + ":1" }
	t.API.Send(in).Fails(invalidSignature())
}

func tamperedBody(t *conform.T) {
	in := newAttendeeRequest(t)
	in.Tamper = func(r *http.Request) {
		changed := strings.NewReader(`{"ExternalUserId":"user-2"}`)
		r.Body, r.GetBody = io.NopCloser(changed), nil
	}
	t.API.Send(in).Fails(invalidSignature())
}

func signedFreeHeaders(t *conform.T) {
	in := probeRequest()
	in.Tamper = func(r *http.Request) { r.Header.Set("X-Forwarded-For", "192.0.2.1"); r.Header.Set("Accept", "*/*") }
	t.API.Send(in).Fails(notFound())
}

func signedLost(t *conform.T) {
	in := probeRequest()
	in.Header = http.Header{"X-Amz-Meta": {"a"}}
	in.Tamper = func(r *http.Request) { r.Header.Del("X-Amz-Meta") }
	r := t.API.Handwritten(in, conform.Handwriting{Headers: []string{"host", "x-amz-date", "x-amz-meta"}})
	r.Answered()
	t.Equal(fmt.Sprintf("status (%s)", r.ErrorType()), r.Status, 403)
}
