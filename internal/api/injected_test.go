package api_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/api"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// What a test asks for has the form of the flavour that is called, whichever
// flavour's name it was asked for by.
func TestInjectedErrorsHaveTheFormOfTheFlavour(t *testing.T) {
	for _, c := range []struct {
		asked           api.Injected
		status          int
		current, legacy string
		code, old       string // short codes
		message         string
	}{
		{api.Injected{Name: "ThrottledClientException"}, 429, "ThrottlingException", "ThrottledClientException", "Throttling", "Throttled", "Rate exceeded"},
		{api.Injected{Name: "ThrottlingException"}, 429, "ThrottlingException", "ThrottledClientException", "Throttling", "Throttled", "Rate exceeded"},
		{api.Injected{Status: 429}, 429, "ThrottlingException", "ThrottledClientException", "Throttling", "Throttled", "Rate exceeded"},
		{api.Injected{Name: "ConflictException", Message: "so"}, 409, "ConflictException", "ConflictException", "Conflict", "Conflict", "so"},
		{api.Injected{Name: "ServiceFailureException", Message: "so"}, 500, "ServiceFailureException", "ServiceFailureException", "ServiceFailure", "ServiceFailure", "so"},
		{api.Injected{Name: "UnprocessableEntityException"}, 422, "UnprocessableEntityException", "UnprocessableEntityException", "Unprocessable", "Unprocessable", ""},
		{api.Injected{Status: 422, Message: "so"}, 422, "UnprocessableEntityException", "UnprocessableEntityException", "Unprocessable", "Unprocessable", "so"},
		{api.Injected{Name: "ForbiddenException", Status: 418}, 418, "ForbiddenException", "ForbiddenException", "Forbidden", "Forbidden", "AWS authorization failed"},
		{api.Injected{Name: "TeapotException", Status: 418, Message: "so"}, 418, "TeapotException", "TeapotException", "Teapot", "Teapot", "so"},
	} {
		both(t, func(cfg *api.Config) {
			cfg.Control = newCanned()
			cfg.Intercept = func(_ context.Context, operation string, by meeting.Owner) error {
				if by.Account == "" || by.Region == "" || by.Flavour == 0 {
					t.Errorf("asked about the calls of %+v", by)
				}
				if operation == "GetMeeting" {
					return &c.asked
				}
				return nil
			}
		}, func(t *testing.T, d *door) {
			a := d.do("GET", "/meetings/"+unknownID, "")
			d.want(a, c.status, pick(d, c.current, c.legacy), c.message)
			if want := pick(d, c.code, c.old); a.text("Code") != want {
				t.Errorf("code %s, want %s", a.body, want)
			}
			if ok := d.do("DELETE", "/meetings/"+unknownID, ""); ok.status != 204 {
				t.Errorf("another operation: %d", ok.status)
			}
		})
	}
	for asked, want := range map[api.Injected]bool{
		{Name: "LimitExceededException"}: true, {Name: "ResourceLimitExceededException"}: true, {Status: 503}: true, {Name: "UnprocessableEntityException"}: true, {Status: 422}: true,
		{Name: "TeapotException"}: false, {Status: 418}: false, {Name: "TeapotException", Status: 503}: false,
	} {
		if asked.Known() != want {
			t.Errorf("%+v: known is %t", asked, !want)
		}
	}
}

// Callers are told when to come again as they are by the API itself, or as the
// test says.
func TestInjectedErrorsTellWhenToComeAgain(t *testing.T) {
	for _, c := range []struct {
		asked           api.Injected
		seconds, millis string
	}{
		{api.Injected{Status: 503}, "1", "1000"},
		{api.Injected{Status: 503, RetryAfter: 20 * time.Second}, "20", "20000"},
		{api.Injected{Name: "ThrottlingException", RetryAfter: 1500 * time.Millisecond}, "2", "1500"},
		{api.Injected{Name: "ThrottlingException"}, "", ""},
	} {
		both(t, func(cfg *api.Config) {
			cfg.Intercept = func(context.Context, string, meeting.Owner) error { return &c.asked }
		}, func(t *testing.T, d *door) {
			a := d.do("GET", "/meetings/"+unknownID, "")
			if a.header.Get("Retry-After") != c.seconds || a.header.Get("x-amz-retry-after") != c.millis {
				t.Errorf("%+v: %v", c.asked, a.header)
			}
		})
	}
}

func TestOperationsByFlavour(t *testing.T) {
	for name, flavours := range map[string][]meeting.Flavour{
		"CreateMeeting":               {meeting.Meetings, meeting.Legacy},
		"UpdateAttendeeCapabilities":  {meeting.Meetings},
		"ListMeetings":                {meeting.Legacy},
		"CreateMediaCapturePipeline":  {meeting.Legacy, meeting.Pipelines},
		"ListMediaPipelines":          {meeting.Pipelines},
		"CreateMediaInsightsPipeline": nil,
	} {
		for _, f := range []meeting.Flavour{meeting.Meetings, meeting.Legacy, meeting.Pipelines} {
			if got := slices.Contains(api.Operations(f), name); got != slices.Contains(flavours, f) {
				t.Errorf("%s in %v: %t", name, f, got)
			}
		}
		if got := slices.Contains(api.Operations(), name); got != (flavours != nil) {
			t.Errorf("%s in any: %t", name, got)
		}
	}
}

// A fault that is asked for does not let anybody in.
func TestNothingIsInjectedBeforeTheCallerIsKnown(t *testing.T) {
	d := open(t, func(cfg *api.Config) {
		cfg.Intercept = func(context.Context, string, meeting.Owner) error { return &api.Injected{Status: 503} }
	})
	r := d.request("GET", "/meetings/"+unknownID, "")
	r.Header.Del("Authorization")
	if a := d.send(r); a.status != 403 {
		t.Errorf("a stranger gets %d", a.status)
	}
}
