package conform

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// A Kind is one way the API refuses a call.
type Kind struct {
	Status       int    // HTTP status
	Shape        string // exception name, as in x-amzn-ErrorType
	LegacyShape  string // the same in the legacy flavour; empty means Shape
	Code         string // short code in the body; empty for errors of the framework
	LegacyCode   string // the same in the legacy flavour; empty means Code
	ResourceName bool   // the body names the resource (current flavour)
}

// shape returns the exception name in a flavour.
func (k Kind) shape(f Flavour) string {
	if f == Legacy && k.LegacyShape != "" {
		return k.LegacyShape
	}
	return k.Shape
}

// code returns the short code in a flavour.
func (k Kind) code(f Flavour) string {
	if f == Legacy && k.LegacyCode != "" {
		return k.LegacyCode
	}
	return k.Code
}

// Wire is an answer as it came over the wire.
type Wire struct {
	Status int
	Header http.Header
	Length int64 // Content-Length, -1 if there was none
	Body   []byte
}

// Reply is a raw answer with the case that asked for it.
type Reply struct {
	Wire
	t       *T
	flavour Flavour
	what    string // method and target, for findings
	err     error  // the transport's, when there was no answer
}

// Result is the answer to a call made through an SDK.
type Result[V any] struct {
	Reply
	success int // documented status
	value   V
	sdkErr  error
	sdkCode string // the code the SDK read from the error
}

// OK returns the value of a call that must succeed with its documented status
// and headers.
func (r Result[V]) OK() V {
	if r.sdkErr != nil {
		r.t.Fatalf("%s: refused: %s", r.what, r.Brief())
	}
	r.Reply.Succeeds(r.success)
	if !whole(r.value) {
		r.t.Fatalf("%s: the answer lacks the id of what it tells of", r.what)
	}
	return r.value
}

// whole reports whether a value has the ids it must have.
func whole(v any) bool {
	switch v := v.(type) {
	case Meeting:
		return IsGUID(v.ID)
	case Attendee:
		return IsGUID(v.ID) && v.ExternalUserID != "" && v.JoinToken != ""
	case Batch:
		return !slices.ContainsFunc(v.Attendees, func(a Attendee) bool { return !whole(a) })
	case AttendeePage:
		return !slices.ContainsFunc(v.Attendees, func(a Attendee) bool { return !whole(a) })
	case MeetingPage:
		return !slices.ContainsFunc(v.Meetings, func(m Meeting) bool { return !whole(m) })
	}
	return true
}

// Fails demands that the call was refused in one way: status, headers, body
// and the typed error the SDK makes of them. Each word must appear in the
// message, in any letter case.
func (r Result[V]) Fails(k Kind, words ...string) Reply {
	if r.sdkErr == nil {
		r.t.Fatalf("%s: succeeded, want %s", r.what, k.shape(r.flavour))
	}
	r.Reply.Fails(k, words...)
	if r.sdkCode != k.shape(r.flavour) {
		r.t.Errorf("%s: the SDK saw the error code %q, want %q", r.what, r.sdkCode, k.shape(r.flavour))
	}
	return r.Reply
}

// Refused reports whether the call did not succeed.
func (r Result[V]) Refused() bool { return r.sdkErr != nil }

// Value returns what the SDK made of the answer, whatever it was.
func (r Result[V]) Value() V { return r.value }

// Succeeds demands the status and the headers of a success.
func (r Reply) Succeeds(status int) Reply {
	r.Answered()
	if r.Status != status {
		r.t.Fatalf("%s: got %s, want status %d", r.what, r.Brief(), status)
	}
	r.checkEnvelope()
	return r
}

// Creates demands the success of a creation: its status, and the id of what was
// created.
func (r Reply) Creates() Reply {
	status := http.StatusOK
	if r.flavour == Legacy {
		status = http.StatusCreated
	}
	r.Succeeds(status)
	type attendee struct {
		ID string `json:"AttendeeId"`
	}
	var body struct {
		Meeting struct {
			ID string `json:"MeetingId"`
		}
		Attendee  attendee
		Attendees []attendee
	}
	if err := json.Unmarshal(r.Body, &body); err != nil {
		r.t.Fatalf("%s: the answer cannot be read: %v", r.what, err)
	}
	ids := []string{body.Meeting.ID, body.Attendee.ID}
	for _, a := range body.Attendees {
		ids = append(ids, a.ID)
	}
	if !slices.ContainsFunc(ids, IsGUID) {
		r.t.Fatalf("%s: the answer names nothing that was created", r.what)
	}
	return r
}

// Fails demands one kind of refusal with everything a client can see of it.
func (r Reply) Fails(k Kind, words ...string) Reply {
	r.Answered()
	if r.Status != k.Status || r.ErrorType() != k.shape(r.flavour) {
		r.t.Fatalf("%s: got %s, want %d %s", r.what, r.Brief(), k.Status, k.shape(r.flavour))
	}
	r.checkEnvelope()
	var body map[string]any
	if err := json.Unmarshal(r.Body, &body); err != nil {
		r.t.Fatalf("%s: the error's body is not a JSON object: %.100q", r.what, r.Body)
	}
	r.checkErrorBody(k, body)
	message := essence(r.message(body))
	for _, w := range words {
		if !strings.Contains(message, essence(w)) {
			r.t.Errorf("%s: the message %q does not mention %q", r.what, r.message(body), w)
		}
	}
	return r
}

// Silent demands that an answer repeats none of the secrets in any form.
func (r Reply) Silent(secrets ...string) Reply {
	for _, s := range secrets {
		if strings.Contains(string(r.Body), s) {
			r.t.Errorf("%s: the answer repeats a sensitive value", r.what)
		}
	}
	return r
}

// Object returns the body as a JSON object.
func (r Reply) Object() map[string]any {
	var body map[string]any
	if err := json.Unmarshal(r.Body, &body); err != nil {
		r.t.Fatalf("%s: the body is not a JSON object: %.100q", r.what, r.Body)
	}
	return body
}

// Keys returns the member names of the object at a path of the body, sorted.
func (r Reply) Keys(path ...string) []string {
	object := r.Object()
	for _, name := range path {
		inner, ok := object[name].(map[string]any)
		if !ok {
			r.t.Fatalf("%s: the body has no object at %v", r.what, path)
		}
		object = inner
	}
	keys := make([]string, 0, len(object))
	for k := range object {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// What names the call in findings: its operation, or method and target.
func (r Reply) What() string { return r.what }

// Noted returns the same answer with more said about the call in findings.
func (r Reply) Noted(format string, args ...any) Reply {
	r.what += fmt.Sprintf(format, args...)
	return r
}

// Err returns why there was no answer; nil when there was one.
func (r Reply) Err() error { return r.err }

// Answered ends the case when there was no answer.
func (r Reply) Answered() {
	if r.err != nil {
		r.t.Fatalf("%s: no answer: %v", r.what, r.err)
	}
}

// ErrorType returns the exception name of the header, without a suffix some
// front ends add.
func (r Reply) ErrorType() string {
	name, _, _ := strings.Cut(r.Header.Get("X-Amzn-Errortype"), ":")
	return name
}

// message returns the message of an error's body in either spelling.
func (r Reply) message(body map[string]any) string {
	for _, name := range []string{"Message", "message"} {
		if s, ok := body[name].(string); ok {
			return s
		}
	}
	return ""
}

// Brief tells an answer in a line.
func (r Reply) Brief() string {
	if r.err != nil {
		return r.err.Error()
	}
	if r.Status == 0 {
		return "no answer"
	}
	s := strconv.Itoa(r.Status) + " " + r.Header.Get("X-Amzn-Errortype")
	if r.Status >= 300 {
		s += " " + string(r.Body[:min(len(r.Body), 300)])
	}
	return strings.TrimSpace(s)
}

// checkEnvelope checks the headers every answer carries.
func (r Reply) checkEnvelope() {
	if id := r.Header.Get("X-Amzn-Requestid"); !IsGUID(id) {
		r.t.Errorf("%s: x-amzn-RequestId is %q, not a UUID", r.what, id)
	}
	if _, err := http.ParseTime(r.Header.Get("Date")); err != nil {
		r.t.Errorf("%s: the Date header cannot be read: %v", r.what, err)
	}
	kind := r.Header.Get("Content-Type")
	if len(r.Body) > 0 && kind != "application/json" {
		r.t.Errorf("%s: Content-Type is %q with a body", r.what, kind)
	}
	if len(r.Body) > 0 && r.Header.Get("Content-Encoding") == "" && r.Length >= 0 && r.Length != int64(len(r.Body)) {
		r.t.Errorf("%s: Content-Length %d with %d bytes", r.what, r.Length, len(r.Body))
	}
	if r.Status == http.StatusNoContent && (len(r.Body) > 0 || kind != "") {
		r.t.Errorf("%s: a 204 with Content-Type %q and %d bytes", r.what, kind, len(r.Body))
	}
}

// checkErrorBody checks the members of an error's body.
func (r Reply) checkErrorBody(k Kind, body map[string]any) {
	if k.Code == "" {
		if _, ok := body["message"].(string); !ok {
			r.t.Errorf("%s: an error of the framework has no message: %.200q", r.what, r.Body)
		}
		return
	}
	if got := body["Code"]; got != k.code(r.flavour) {
		r.t.Errorf("%s: the body's Code is %v, want %s (D-53)", r.what, got, k.code(r.flavour))
	}
	if s, ok := body["Message"].(string); !ok || s == "" || len(s) > 4096 {
		r.t.Errorf("%s: the body's Message is %v", r.what, body["Message"])
	}
	if got, want := body["RequestId"], r.Header.Get("X-Amzn-Requestid"); got != want {
		r.t.Errorf("%s: the body's RequestId is %v, the header's %s", r.what, got, want)
	}
	if k.ResourceName && r.flavour == Meetings && body["ResourceName"] == nil {
		r.t.Errorf("%s: the body has no ResourceName", r.what)
	}
}

// essence reduces a text to its letters and digits in lower case, so that
// maxResults, max-results and "max results" are one key word.
func essence(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// IsGUID reports whether s is a GUID in lower case.
func IsGUID(s string) bool {
	return regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(s)
}
