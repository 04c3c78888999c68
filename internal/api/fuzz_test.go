package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/carillon-meetings/carillon/internal/api"
	"github.com/carillon-meetings/carillon/internal/api/sigv4"
)

// inputs are the operations that read a body, each with a legal one.
var inputs = []struct{ method, path, body string }{
	{"POST", "/meetings", `{"ClientRequestToken":"ab","MediaRegion":"eu-west-3","ExternalMeetingId":"ab","Tags":[{"Key":"k","Value":"v"}],"MeetingFeatures":{"Attendee":{"MaxCount":2}},"TenantIds":["ab"],"NotificationsConfiguration":{"SqsQueueArn":"arn:x"}}`},
	{"POST", "/meetings?operation=create-attendees", `{"ClientRequestToken":"ab","MediaRegion":"eu-west-3","ExternalMeetingId":"ab","Attendees":[{"ExternalUserId":"ab"}]}`},
	{"POST", "/meetings/" + unknownID + "/attendees", `{"ExternalUserId":"ab","Capabilities":{"Audio":"Send","Video":"None","Content":"None"},"Tags":[{"Key":"k","Value":"v"}]}`},
	{"POST", "/meetings/" + unknownID + "/attendees?operation=batch-create", `{"Attendees":[{"ExternalUserId":"a\u00e9"},{"ExternalUserId":"ab"}]}`},
	{"PUT", "/meetings/" + unknownID + "/attendees/" + unknownID + "/capabilities", `{"Capabilities":{"Audio":"Send","Video":"None","Content":"None"}}`},
	{"PUT", "/meetings/" + unknownID + "/attendees/capabilities?operation=batch-update-except", `{"ExcludedAttendeeIds":[{"AttendeeId":"` + unknownID + `"}],"Capabilities":{"Audio":"Send","Video":"None","Content":"None"}}`},
	{"POST", "/meetings/" + unknownID + "/transcription?operation=start", `{"TranscriptionConfiguration":{"EngineTranscribeSettings":{"LanguageCode":"en-US","IdentifyLanguage":true}}}`},
	{"POST", "/tags?operation=tag-resource", `{"ResourceARN":"arn:aws:chime::000000000000:meeting/` + unknownID + `","Tags":[{"Key":"k","Value":"v"}]}`},
	{"POST", "/tags?operation=untag-resource", `{"ResourceARN":"arn:aws:chime::000000000000:meeting/` + unknownID + `","TagKeys":["k"]}`},
	{"POST", "/meetings/" + unknownID + "/tags?operation=add", `{"Tags":[{"Key":"k","Value":"v"}]}`},
	{"POST", "/meetings/" + unknownID + "/tags?operation=delete", `{"TagKeys":["k"]}`},
	{"POST", "/meetings/" + unknownID + "/attendees/" + unknownID + "/tags?operation=add", `{"Tags":[{"Key":"k","Value":"v"}]}`},
	{"POST", "/meetings/" + unknownID + "/attendees/" + unknownID + "/tags?operation=delete", `{"TagKeys":["k"]}`},
}

func lax() *api.Server {
	return api.New(api.Config{Control: newCanned(), Verifier: sigv4.New(sigv4.Config{AcceptAny: true})})
}

// checkAnswer holds an answer to what must be true whatever was asked.
func checkAnswer(t *testing.T, w *httptest.ResponseRecorder, asked string) {
	t.Helper()
	switch w.Code {
	case 200, 201, 204, 400, 404:
	default:
		t.Fatalf("%s: status %d %s", asked, w.Code, w.Body)
	}
	if (w.Code >= 400) != (w.Header().Get("x-amzn-ErrorType") != "") {
		t.Fatalf("%s: %d %v", asked, w.Code, w.Header())
	}
	if w.Body.Len() > 0 && (!json.Valid(w.Body.Bytes()) || !utf8.Valid(w.Body.Bytes())) {
		t.Fatalf("%s: answer is no JSON: %q", asked, w.Body)
	}
}

// FuzzBodies throws anything at the decoder and the validation of each
// operation, in both flavours.
func FuzzBodies(f *testing.F) {
	for i, in := range inputs {
		f.Add(byte(i), []byte(in.body))
	}
	f.Add(byte(0), []byte(`{"ClientRequestToken":{"a":[1,{}]},"Tags":[null,{"Key":null}],"MeetingFeatures":{"Video":[]}}`))
	server := lax()
	f.Fuzz(func(t *testing.T, which byte, body []byte) {
		in := inputs[int(which)%len(inputs)]
		for _, base := range []string{"", "/legacy", "/meetings-api"} {
			r := httptest.NewRequest(in.method, base+in.path, strings.NewReader(string(body)))
			w := httptest.NewRecorder()
			server.ServeHTTP(w, r)
			checkAnswer(t, w, in.method+" "+base+in.path)
			if w.Code < 300 && !json.Valid(body) && len(body) > 0 {
				t.Fatalf("%s%s accepted what is no JSON: %q", base, in.path, body)
			}
		}
	})
}

// FuzzTargets throws anything at routing, labels and queries.
func FuzzTargets(f *testing.F) {
	f.Add("GET", "/meetings/"+unknownID+"/attendees?max-results=5&next-token=x", "aws-cli/2 md/command#chime.x", "chime.us-east-1.amazonaws.com")
	f.Add("GET", "/tags?arn=arn%3Aaws%3Achime%3A%3A000000000000%3Ameeting%3A"+unknownID, "api/chime#", "meetings-chime")
	f.Add("DELETE", "/legacy//meetings/%2e%2e/%25?&=&operation=", "", "")
	f.Add("PUT", "/console/meetings/a/attendees/capabilities?operation=batch-update-except", "api/", ":")
	server := lax()
	f.Fuzz(func(t *testing.T, method, target, agent, host string) {
		r, err := http.NewRequest(method, "http://x/", nil)
		if err != nil {
			return
		}
		r.RequestURI, r.Host = target, host
		r.Header.Set("User-Agent", agent)
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		checkAnswer(t, w, method+" "+target)
	})
}
