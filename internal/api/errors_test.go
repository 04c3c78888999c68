package api_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/api"
	"github.com/carillon-meetings/carillon/internal/api/sigv4"
	"github.com/carillon-meetings/carillon/internal/api/throttle"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// failing is a control plane whose GetMeeting and CreateAttendees end as told.
type failing struct {
	api.Control
	err   error
	panic string
}

func (f *failing) GetMeeting(context.Context, meeting.Owner, meeting.ID) (meeting.Summary, error) {
	if f.panic != "" {
		panic(f.panic)
	}
	return meeting.Summary{}, f.err
}

func (f *failing) CreateAttendees(_ context.Context, _ meeting.Owner, _ meeting.ID, items []meeting.NewAttendee) ([]meeting.AttendeeResult, error) {
	results := make([]meeting.AttendeeResult, len(items))
	for i := range results {
		results[i].Err = f.err.(*meeting.Error)
	}
	return results, nil
}

// Every kind of error, in the words of either flavour.
func TestErrorTable(t *testing.T) {
	for _, c := range []struct {
		err                      error
		status                   int
		current, legacy          string
		code, legacyCode, answer string
	}{
		{meeting.Errorf(meeting.Invalid, "say"), 400, "BadRequestException", "", "BadRequest", "", "say"},
		{meeting.Errorf(meeting.NotFound, "say"), 404, "NotFoundException", "", "NotFound", "", "say"},
		{&meeting.Error{Kind: meeting.ResourceMissing, Message: "say", Resource: "arn:x"}, 404, "ResourceNotFoundException", "NotFoundException", "NotFound", "", "say"},
		{meeting.Errorf(meeting.LimitExceeded, "say"), 400, "LimitExceededException", "ResourceLimitExceededException", "ResourceLimitExceeded", "", "say"},
		{&meeting.Error{Kind: meeting.TooManyTags, Message: "say", Resource: "arn:x"}, 400, "TooManyTagsException", "ResourceLimitExceededException", "ResourceLimitExceeded", "", "say"},
		{meeting.Errorf(meeting.Conflict, "say"), 409, "ConflictException", "", "Conflict", "", "say"},
		{meeting.Errorf(meeting.Forbidden, ""), 403, "ForbiddenException", "", "Forbidden", "", "AWS authorization failed"},
		{meeting.Errorf(meeting.Unauthorized, "say"), 401, "UnauthorizedException", "UnauthorizedClientException", "Unauthorized", "", "say"},
		{meeting.Errorf(meeting.Throttled, ""), 429, "ThrottlingException", "ThrottledClientException", "Throttling", "Throttled", "Rate exceeded"},
		{meeting.Errorf(meeting.Unavailable, "say"), 503, "ServiceUnavailableException", "", "ServiceUnavailable", "", "say"},
		{&meeting.Error{Kind: meeting.Failure, Message: "a secret path", Err: errors.New("disk")}, 500, "ServiceFailureException", "", "ServiceFailure", "", "The service encountered an internal failure."},
		{errors.New("a secret path"), 500, "ServiceFailureException", "", "ServiceFailure", "", "The service encountered an internal failure."},
	} {
		both(t, func(cfg *api.Config) { cfg.Control = &failing{Control: newCanned(), err: c.err} }, func(t *testing.T, d *door) {
			a := d.do("GET", "/meetings/"+unknownID, "")
			name, code := c.current, c.code
			if d.legacy && c.legacy != "" {
				name = c.legacy
			}
			if d.legacy && c.legacyCode != "" {
				code = c.legacyCode
			}
			d.want(a, c.status, name, c.answer)
			if a.text("Code") != code || a.text("RequestId") != a.header.Get("x-amzn-RequestId") {
				t.Errorf("%s", a.body)
			}
			if strings.Contains(a.body, "secret") || strings.Contains(a.body, "disk") {
				t.Errorf("the answer says too much: %s", a.body)
			}
			if got := a.text("ResourceName"); got != pick(d, pickIf(strings.Contains(c.current, "Tags") || strings.Contains(c.current, "Resource"), "arn:x", ""), "") {
				t.Errorf("ResourceName %q", got)
			}
			if retry := a.header.Get("Retry-After") + a.header.Get("x-amz-retry-after"); retry != pickIf(c.status == 503, "11000", "") {
				t.Errorf("retry headers %q", retry)
			}
		})
	}
}

func TestItemErrors(t *testing.T) {
	for kind, code := range map[meeting.Kind]string{
		meeting.LimitExceeded: "ResourceLimitExceeded", meeting.NotFound: "NotFound", meeting.Conflict: "Conflict",
		meeting.Failure: "ServiceFailure", meeting.Unavailable: "ServiceUnavailable", meeting.Throttled: "Throttled",
	} {
		both(t, func(cfg *api.Config) { cfg.Control = &failing{Control: newCanned(), err: meeting.Errorf(kind, "say")} }, func(t *testing.T, d *door) {
			a := d.do("POST", "/meetings/"+unknownID+"/attendees?operation=batch-create", "{"+users(1, 2)+"}")
			if a.status != d.created() || a.len("Attendees") != 0 || a.len("Errors") != 2 || a.text("Errors", 1, "ErrorCode") != code || a.text("Errors", 1, "ErrorMessage") != "say" {
				t.Errorf("%d %s", a.status, a.body)
			}
			if a := d.do("POST", "/meetings/"+unknownID+"/attendees", `{"ExternalUserId":"one"}`); a.text("Code") == "" {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
}

func TestOptionsForErrorNames(t *testing.T) {
	d := open(t, func(c *api.Config) { c.ValidationException, c.ShapeNameInCode = true, true })
	a := d.do("POST", "/meetings", "{}")
	d.want(a, 400, "ValidationException", "3 validation errors detected")
	d.want(d.do("POST", "/meetings", "{"), 400, "BadRequestException")
	if a := d.do("GET", "/meetings/"+unknownID, ""); a.text("Code") != "NotFoundException" {
		t.Errorf("%s", a.body)
	}
	legacy := d.flavoured("/legacy") // whose Code is a closed list
	if a := legacy.do("GET", "/meetings/"+unknownID, ""); a.text("Code") != "NotFound" {
		t.Errorf("%s", a.body)
	}
}

func TestPanicIsAFailureAndTheConnectionLives(t *testing.T) {
	d := open(t, func(c *api.Config) { c.Control = &failing{Control: newCanned(), panic: "a secret"} })
	var connections atomic.Int32
	count := &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) {
		if !c.Reused {
			connections.Add(1)
		}
	}}
	for range 3 {
		r := d.request("GET", "/meetings/"+unknownID, "")
		a := d.send(r.WithContext(httptrace.WithClientTrace(r.Context(), count)))
		d.want(a, 500, "ServiceFailureException")
		if strings.Contains(a.body, "secret") {
			t.Errorf("%s", a.body)
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections for three requests", n)
	}
}

func TestPanicWhileTheAnswerIsWritten(t *testing.T) {
	d := open(t, func(c *api.Config) { c.Placement = func(meeting.Summary) api.MediaPlacement { panic("no address") } })
	d.want(d.do("POST", "/meetings", d.newMeeting("")), 500, "ServiceFailureException")
}

func TestThrottling(t *testing.T) {
	var passed atomic.Int64 // on the clock
	start := time.Now()
	both(t, func(c *api.Config) {
		c.Throttle = throttle.Config{Rate: 10, Burst: 20}
		c.Now = func() time.Time { return start.Add(time.Duration(passed.Load())) }
	}, func(t *testing.T, d *door) {
		get := func() answer { return d.do("GET", "/meetings/"+unknownID, "") }
		for range 20 {
			d.want(get(), 404, "NotFoundException")
		}
		a := get()
		d.want(a, 429, pick(d, "ThrottlingException", "ThrottledClientException"), "Rate exceeded")
		if a.header.Get("Retry-After") != "1" || a.header.Get("x-amz-retry-after") != "100" {
			t.Errorf("headers %v", a.header)
		}
		// Another operation, Region or one without quota is not concerned.
		d.want(d.do("GET", "/meetings/"+unknownID+"/attendees", ""), 404, "NotFoundException")
		for range 30 {
			d.want(d.do("GET", "/meetings/"+unknownID+"/attendees/"+unknownID, ""), 404, "NotFoundException")
		}
		elsewhere := *d
		elsewhere.region = "eu-west-1"
		d.want(elsewhere.do("GET", "/meetings/"+unknownID, ""), 404, "NotFoundException")
		// Throttling comes before parsing and validation.
		d.want(d.do("GET", "/meetings/x", ""), 429, a.name())
		passed.Add(int64(100 * time.Millisecond))
		d.want(get(), 404, "NotFoundException")
		d.want(get(), 429, a.name())
	})
}

func TestPoliciesAndDisabledAccounts(t *testing.T) {
	keys, err := sigv4.ParseKeys("keys", []byte(`
keys:
  - {access-key-id: `+accessKey+`, secret-access-key: `+secret+`, account: "777777777777", deny: ["chime:DeleteMeeting", "chime:Batch*"]}
`), api.Actions())
	if err != nil {
		t.Fatal(err)
	}
	d := openWithKeys(t, keys, "777777777777", nil)
	id := d.meeting("")
	d.want(d.do("DELETE", "/meetings/"+id, ""), 403, "ForbiddenException", "AWS authorization failed")
	// Policy comes after the route and before validation.
	d.want(d.do("POST", "/meetings/x/attendees?operation=batch-create", "{"), 403, "ForbiddenException")
	d.want(d.do("POST", "/meetings/x/attendees?operation=x", ""), 404, "UnknownOperationException")
	if a := d.do("GET", "/meetings/"+id, ""); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	keys, err = sigv4.ParseKeys("keys", []byte(`
keys:
  - {access-key-id: `+accessKey+`, secret-access-key: `+secret+`, account: "888888888888"}
disabled-accounts: ["888888888888"]
`), api.Actions())
	if err != nil {
		t.Fatal(err)
	}
	d = openWithKeys(t, keys, "888888888888", nil)
	d.want(d.do("GET", "/meetings/"+unknownID, ""), 401, "UnauthorizedException")
	legacy := d.flavoured("/legacy")
	legacy.want(legacy.do("GET", "/meetings/"+unknownID, ""), 401, "UnauthorizedClientException")
}

func TestAuthenticationComesFirst(t *testing.T) {
	d := open(t, nil)
	for _, path := range []string{"/meetings", "/nothing", "/meetings?operation=nothing"} {
		r, err := http.NewRequest("POST", d.server.URL+path, strings.NewReader("{"))
		if err != nil {
			t.Fatal(err)
		}
		a := d.send(r)
		d.want(a, 403, "MissingAuthenticationTokenException", "Missing Authentication Token")
		if a.at("Code") != nil || a.text("message") == "" {
			t.Errorf("%s", a.body)
		}
	}
	r := d.request("POST", "/meetings", d.newMeeting(""))
	r.Body = http.NoBody
	r.ContentLength = 0
	d.want(d.send(r), 403, "InvalidSignatureException")
	r = d.request("GET", "/meetings/"+unknownID, "")
	r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), accessKey, "AKIDOTHER", 1))
	d.want(d.send(r), 403, "UnrecognizedClientException")
}

func TestDevelopmentModeNeedsNoCredentials(t *testing.T) {
	d := open(t, func(c *api.Config) { c.Verifier = sigv4.New(sigv4.Config{AcceptAny: true}) })
	r, err := http.NewRequest("POST", d.server.URL+"/meetings", strings.NewReader(d.newMeeting("")))
	if err != nil {
		t.Fatal(err)
	}
	a := d.send(r)
	if !strings.HasPrefix(a.text("Meeting", "MeetingArn"), "arn:aws:chime:us-east-1:000000000000:meeting/") {
		t.Errorf("%d %s", a.status, a.body)
	}
}
