package cases

import (
	"net/http"

	"github.com/carillon-meetings/carillon/conform"
)

// optionalCases are the answers that Carillon gives differently when it is told
// to, all of them switched on at once.
func optionalCases() []conform.Case {
	return under(conform.Optional, []conform.Case{
		{Name: "Optional_DeletingAnUnknownMeeting", Says: "DeleteMeeting of an unknown meeting can be NotFound, as it is modelled (D-06)", In: inBoth(), Body: optionalDelete},
		{Name: "Optional_ValidationException", Says: "broken constraints can be named ValidationException, as was observed (D-20)", In: inBoth(), Body: optionalValidation},
		{Name: "Optional_ExceptionNameInTheBody", Says: "the body's Code can be the exception's name, for old SDKs; not in legacy, whose codes are a closed list (D-53)", In: inBoth(), Body: optionalCode},
		{Name: "Optional_UnsignedPayload", Says: "UNSIGNED-PAYLOAD can be accepted; a wrong hash is still refused (D-65)", In: inBoth(), Body: optionalPayload},
		{Name: "Optional_CrossOrigin", Says: "web pages of one's own can be let in: preflights are answered, other origins are not (D-66)", In: inBoth(), Body: optionalOrigin},
	})
}

func optionalDelete(t *conform.T) {
	gone := t.API.Raw(remove, meetingPath(unknownID), nil)
	gone.Answered()
	t.Equal("status", gone.Status, 404)
	t.Equal("exception", gone.ErrorType(), "NotFoundException")
	m := t.Meeting()
	t.API.DeleteMeeting(m.ID).OK()
	t.Equal("status of the second deletion", t.API.Raw(remove, meetingPath(m.ID), nil).Status, 404)
}

func optionalValidation(t *conform.T) {
	r := t.API.Raw(post, attendeesPath(t.Meeting().ID), object{"ExternalUserId": "u"})
	r.Answered()
	t.Equal("status", r.Status, 400)
	t.Equal("exception", r.ErrorType(), "ValidationException")
	semantic := t.API.Raw(post, attendeesPath(t.Meeting().ID), "{")
	semantic.Answered()
	t.Equal("exception for what is no JSON", semantic.ErrorType(), "BadRequestException")
}

func optionalCode(t *conform.T) {
	r := t.API.Raw(get, meetingPath(unknownID), nil)
	r.Answered()
	t.Equal("exception", r.ErrorType(), "NotFoundException")
	want := "NotFoundException"
	if t.Flavour == conform.Legacy {
		want = "NotFound"
	}
	t.Equal("Code of the body", r.Object()["Code"], want)
}

func optionalPayload(t *conform.T) {
	send := func(hash string) conform.Reply {
		in := newAttendeeRequest(t)
		in.Header = http.Header{"X-Amz-Content-Sha256": {hash}}
		return t.API.Handwritten(in, conform.Handwriting{Hash: hash, Headers: []string{"host", "x-amz-content-sha256", "x-amz-date"}})
	}
	send("UNSIGNED-PAYLOAD").Creates()
	send(conform.Digest([]byte("another body"))).Fails(invalidSignature())
}

func optionalOrigin(t *conform.T) {
	from := func(origin, method string, header http.Header) conform.Reply {
		header.Set("Origin", origin)
		return t.API.Send(conform.Request{Method: method, Target: meetingPath(unknownID), Header: header, Plain: method == http.MethodOptions})
	}
	asks := http.Header{"Access-Control-Request-Method": {"GET"}, "Access-Control-Request-Headers": {"authorization,x-amz-date"}}
	preflight := from("https://app.example", http.MethodOptions, asks.Clone())
	preflight.Answered()
	t.Equal("status class of the preflight", preflight.Status/100, 2)
	t.Equal("origin let in", preflight.Header.Get("Access-Control-Allow-Origin"), "https://app.example")
	t.Equal("origin let in by an answer", from("https://app.example", get, http.Header{}).Header.Get("Access-Control-Allow-Origin"), "https://app.example")
	t.Equal("other origin", from("https://evil.example", http.MethodOptions, asks.Clone()).Header.Get("Access-Control-Allow-Origin"), "")
	t.Equal("other origin by an answer", from("https://evil.example", get, http.Header{}).Header.Get("Access-Control-Allow-Origin"), "")
}
