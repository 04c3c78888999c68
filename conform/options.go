package conform

import (
	"net/http"
)

// optionalCases are the answers that Carillon gives differently when it is told
// to, all of them switched on at once.
func optionalCases() []Case {
	return under(Optional, []Case{
		{Name: "Optional_DeletingAnUnknownMeeting", Says: "DeleteMeeting of an unknown meeting can be NotFound, as it is modelled (D-06)", In: inBoth(), body: optionalDelete},
		{Name: "Optional_ValidationException", Says: "broken constraints can be named ValidationException, as was observed (D-20)", In: inBoth(), body: optionalValidation},
		{Name: "Optional_ExceptionNameInTheBody", Says: "the body's Code can be the exception's name, for old SDKs; not in legacy, whose codes are a closed list (D-53)", In: inBoth(), body: optionalCode},
		{Name: "Optional_UnsignedPayload", Says: "UNSIGNED-PAYLOAD can be accepted; a wrong hash is still refused (D-65)", In: inBoth(), body: optionalPayload},
		{Name: "Optional_CrossOrigin", Says: "web pages of one's own can be let in: preflights are answered, other origins are not (D-66)", In: inBoth(), body: optionalOrigin},
	})
}

func optionalDelete(t *T) {
	gone := t.API.Raw(remove, meetingPath(unknownID), nil)
	gone.answered()
	t.Equal("status", gone.Status, 404)
	t.Equal("exception", gone.errorType(), "NotFoundException")
	m := t.Meeting()
	t.API.DeleteMeeting(m.ID).OK()
	t.Equal("status of the second deletion", t.API.Raw(remove, meetingPath(m.ID), nil).Status, 404)
}

func optionalValidation(t *T) {
	r := t.API.Raw(post, attendeesPath(t.Meeting().ID), object{"ExternalUserId": "u"})
	r.answered()
	t.Equal("status", r.Status, 400)
	t.Equal("exception", r.errorType(), "ValidationException")
	semantic := t.API.Raw(post, attendeesPath(t.Meeting().ID), "{")
	semantic.answered()
	t.Equal("exception for what is no JSON", semantic.errorType(), "BadRequestException")
}

func optionalCode(t *T) {
	r := t.API.Raw(get, meetingPath(unknownID), nil)
	r.answered()
	t.Equal("exception", r.errorType(), "NotFoundException")
	want := "NotFoundException"
	if t.Flavour == Legacy {
		want = "NotFound"
	}
	t.Equal("Code of the body", r.Object()["Code"], want)
}

func optionalPayload(t *T) {
	send := func(hash string) Reply {
		in := newAttendeeRequest(t)
		in.Header = http.Header{"X-Amz-Content-Sha256": {hash}}
		return t.API.Handwritten(in, handwriting{hash: hash, headers: []string{"host", "x-amz-content-sha256", "x-amz-date"}})
	}
	send("UNSIGNED-PAYLOAD").Creates()
	send(digest([]byte("another body"))).Fails(invalidSignature())
}

func optionalOrigin(t *T) {
	from := func(origin, method string, header http.Header) Reply {
		header.Set("Origin", origin)
		return t.API.Send(Request{Method: method, Target: meetingPath(unknownID), Header: header, Plain: method == http.MethodOptions})
	}
	asks := http.Header{"Access-Control-Request-Method": {"GET"}, "Access-Control-Request-Headers": {"authorization,x-amz-date"}}
	preflight := from("https://app.example", http.MethodOptions, asks.Clone())
	preflight.answered()
	t.Equal("status class of the preflight", preflight.Status/100, 2)
	t.Equal("origin let in", preflight.Header.Get("Access-Control-Allow-Origin"), "https://app.example")
	t.Equal("origin let in by an answer", from("https://app.example", get, http.Header{}).Header.Get("Access-Control-Allow-Origin"), "https://app.example")
	t.Equal("other origin", from("https://evil.example", http.MethodOptions, asks.Clone()).Header.Get("Access-Control-Allow-Origin"), "")
	t.Equal("other origin by an answer", from("https://evil.example", get, http.Header{}).Header.Get("Access-Control-Allow-Origin"), "")
}
