package cases

import (
	"net/http"
	"strings"

	"github.com/carillon-meetings/carillon/conform"
)

// routeCases check the routing table: what is there, and that nothing else is.
func routeCases() []conform.Case {
	return []conform.Case{
		{Name: "Route_UnknownPathsAreUnknownOperations", Says: "a path of no operation is UnknownOperation (D-18)", In: inBoth(), Body: unknownPaths},
		{Name: "Route_UnknownOperationValues", Says: "an unknown operation in the query is UnknownOperation (D-18)", In: inBoth(), Body: unknownOperations},
		{Name: "Route_WrongMethods", Says: "a known path with another method is UnknownOperation (D-18, D-66)", In: inBoth(), Body: wrongMethods},
		{Name: "Route_OtherFlavourOnly", Says: "operations of the other flavour are UnknownOperation (D-18)", In: inBoth(), Body: otherFlavourOnly},
		{Name: "Route_DialOutIsUnknown", Says: "CreateMeetingDialOut is UnknownOperation (D-41)", In: inBoth(), Body: func(t *conform.T) {
			t.API.Raw(post, meetingPath(t.Meeting().ID)+"/dial-outs", object{}).Fails(unknownOperation())
		}},
		{Name: "Route_CapabilitiesIsNoAttendee", Says: "…/attendees/capabilities is matched before …/attendees/{AttendeeId}", In: inMeetings(), Body: capabilitiesSegment},
		{Name: "Route_LabelsAreDecodedOnce", Says: "path labels are percent-decoded exactly once", In: inBoth(), Body: labelsDecodedOnce},
		{Name: "Route_OrderOfQueryParameters", Says: "operation is found wherever it stands in the query", In: inBoth(), Body: operationAnywhere},
		{Name: "Route_SlashesBeforeTheOperation", Says: "empty segments before an operation's path are skipped, signed or not, as when an endpoint ends in a slash", In: inBoth(), Body: slashesBefore},
		{Name: "Route_EmptyIds", Says: "empty segments elsewhere are empty ids, and refused", In: inBoth(), Body: emptyIDs},
		{Name: "Route_NoDotsNoRedirects", Says: "paths are taken as they are: no cleaning, no redirects", In: inBoth(), Body: pathsAsTheyAre},
	}
}

func unknownPaths(t *conform.T) {
	for _, path := range []string{
		"/nowhere", "/meeting", "/Meetings", "/meetings/" + unknownID + "/rooms", "/meetings/" + unknownID + "/attendees/" + unknownID + "/rooms",
		"/meetings/" + unknownID + "/attendees/" + unknownID + "/capabilities/more", "/accounts", "/tags/more", "/meetings/" + unknownID + "/transcription/more",
	} {
		t.API.Raw(get, path, nil).Fails(unknownOperation())
		t.API.Raw(post, path, object{}).Fails(unknownOperation())
	}
}

func unknownOperations(t *conform.T) {
	for _, target := range []string{
		"/meetings?operation=destroy", "/meetings?operation=create-attendee", "/meetings?operation=CREATE-ATTENDEES",
		attendeesPath(unknownID) + "?operation=batch-delete", attendeesPath(unknownID) + "?operation=batch-create2",
		transcriptionPath(unknownID, "pause"), meetingPath(unknownID) + "/transcription", "/tags?operation=retag", "/tags",
	} {
		t.API.Raw(post, target, object{}).Fails(unknownOperation())
	}
}

func wrongMethods(t *conform.T) {
	for target, methods := range map[string]string{
		"/meetings":                     "PUT PATCH DELETE HEAD OPTIONS",
		meetingPath(unknownID):          "POST PUT PATCH OPTIONS HEAD",
		attendeesPath(unknownID):        "PUT PATCH DELETE OPTIONS HEAD",
		attendeePath(unknownID, "x"):    "POST PUT PATCH OPTIONS HEAD",
		"/tags?operation=tag-resource":  "PUT PATCH DELETE OPTIONS HEAD",
		transcriptionPath("m", "start"): "GET PUT PATCH DELETE OPTIONS HEAD",
	} {
		for method := range strings.FieldsSeq(methods) {
			r := t.API.Raw(method, target, nil)
			if method == http.MethodHead {
				r.Answered()
				t.Equal(r.What()+": status", r.Status, 404)
				continue
			}
			r.Fails(unknownOperation())
		}
	}
}

func otherFlavourOnly(t *conform.T) {
	m, a := t.Attendee()
	if t.Flavour == conform.Legacy {
		t.API.Raw(put, capabilitiesPath(m.ID, a.ID), object{}).Fails(unknownOperation())
		t.API.Raw(put, exceptPath(m.ID), object{}).Fails(unknownOperation())
		return
	}
	t.API.Raw(get, "/meetings", nil).Fails(unknownOperation())
	for _, path := range []string{meetingPath(m.ID), attendeePath(m.ID, a.ID)} {
		t.API.Raw(get, path+"/tags", nil).Fails(unknownOperation())
		t.API.Raw(post, path+"/tags?operation=add", object{}).Fails(unknownOperation())
		t.API.Raw(post, path+"/tags?operation=delete", object{}).Fails(unknownOperation())
	}
}

func capabilitiesSegment(t *conform.T) {
	m, _ := t.Attendee()
	t.API.Raw(put, exceptPath(m.ID), object{}).Fails(badRequest(), "excludedAttendeeIds", "capabilities")
	t.API.Raw(get, attendeePath(m.ID, "capabilities"), nil).Fails(badRequest(), "attendeeId")
	t.API.Raw(put, attendeePath(m.ID, "capabilities"), object{}).Fails(unknownOperation())
}

func labelsDecodedOnce(t *conform.T) {
	m := t.Meeting()
	escaped := "%" + strings.ToUpper(hexOf(m.ID[0])) + m.ID[1:]
	t.API.Raw(get, meetingPath(escaped), nil).Succeeds(200)
	t.API.Raw(get, meetingPath("%25"+escaped[1:]), nil).Fails(badRequest(), "meetingId")
	t.API.Raw(get, meetingPath(m.ID+"%2Fattendees"), nil).Fails(badRequest(), "meetingId")
	t.API.Raw(get, meetingPath("..%2F"+m.ID), nil).Fails(badRequest(), "meetingId")
}

// hexOf returns a byte as two hexadecimal digits.
func hexOf(b byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[b>>4], digits[b&15]})
}

func operationAnywhere(t *conform.T) {
	m := t.Meeting()
	body := object{"Attendees": list{object{"ExternalUserId": "user-1"}}}
	for _, query := range []string{"?a=b&operation=batch-create", "?operation=batch-create&z", "?operation=batch%2Dcreate"} {
		t.API.Raw(post, attendeesPath(m.ID)+query, body).Creates()
	}
}

func slashesBefore(t *conform.T) {
	m := t.Meeting()
	for _, slashes := range []string{"/", "//", "////"} {
		t.API.Raw(get, slashes+meetingPath(m.ID), nil).Succeeds(200)
		t.API.Raw(post, slashes+attendeesPath(m.ID), object{"ExternalUserId": "user-1"}).Creates()
		tidied := conform.Request{Method: get, Target: meetingPath(m.ID)} // signed without them
		tidied.Tamper = func(r *http.Request) {
			r.URL.Path = strings.TrimSuffix(r.URL.Path, meetingPath(m.ID)) + slashes + meetingPath(m.ID)
		}
		t.API.Send(tidied).Succeeds(200)
	}
}

func emptyIDs(t *conform.T) {
	m := t.Meeting()
	t.API.Raw(get, "/meetings//attendees", nil).Fails(badRequest(), "meetingId")
	t.API.Raw(post, "/meetings//attendees", object{"ExternalUserId": "user-1"}).Fails(badRequest(), "meetingId")
	t.API.Raw(get, "//meetings//attendees", nil).Fails(badRequest(), "meetingId")
	t.API.Raw(get, "/meetings/", nil).Fails(badRequest(), "meetingId")
	t.API.Raw(get, meetingPath(m.ID)+"/attendees/", nil).Fails(badRequest(), "attendeeId")
	t.API.Raw(get, "/meetings//"+m.ID, nil).Fails(unknownOperation())
}

func pathsAsTheyAre(t *conform.T) {
	m := t.Meeting()
	for _, path := range []string{"/meetings/./" + m.ID, "/meetings/../meetings/" + m.ID, "/meetings/" + m.ID + "/", "/meetings/" + m.ID + "//attendees"} {
		r := t.API.Raw(get, path, nil)
		r.Answered()
		t.True(path+" is refused as unknown or as an empty or odd label", r.Status == 404 || r.Status == 400)
	}
}
