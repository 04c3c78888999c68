package testmode

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carillon-meetings/carillon/internal/api"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

func add(t *testing.T, f *Faults, fault Fault) Fault {
	t.Helper()
	added, err := f.Add(fault)
	if err != nil {
		t.Fatal(err)
	}
	return added
}

// hit returns the name of the error that a call gets.
func hit(f *Faults, operation string, flavour meeting.Flavour) string {
	err := f.Intercept(context.Background(), operation, by(flavour))
	var injected *api.Injected
	if errors.As(err, &injected) {
		return injected.Name
	}
	return ""
}

// by returns whose calls of a flavour are made.
func by(flavour meeting.Flavour) meeting.Owner {
	return meeting.Owner{Account: "210987654321", Region: "us-east-1", Flavour: flavour}
}

func TestTheOldestFaultThatFitsHappensAsOftenAsAsked(t *testing.T) {
	var f Faults
	add(t, &f, Fault{Operation: "CreateMeeting", Error: "ConflictException", Calls: 2})
	add(t, &f, Fault{Operation: "CreateMeeting", Flavour: "legacy", Error: "ForbiddenException"})
	any := add(t, &f, Fault{Error: "NotFoundException", Calls: 1})
	for i, c := range []struct {
		operation string
		flavour   meeting.Flavour
		want      string
	}{
		{"CreateMeeting", meeting.Meetings, "ConflictException"},
		{"GetMeeting", meeting.Meetings, "NotFoundException"},
		{"GetMeeting", meeting.Meetings, ""},
		{"CreateMeeting", meeting.Legacy, "ConflictException"},
		{"CreateMeeting", meeting.Legacy, "ForbiddenException"},
		{"CreateMeeting", meeting.Legacy, "ForbiddenException"},
		{"CreateMeeting", meeting.Meetings, ""},
	} {
		if got := hit(&f, c.operation, c.flavour); got != c.want {
			t.Errorf("call %d: %q, want %q", i, got, c.want)
		}
	}
	left := f.List()
	if len(left) != 1 || left[0].Hits != 2 || left[0].Flavour != "legacy" || f.Clear(any.ID) || !f.Clear(left[0].ID) || len(f.List()) != 0 {
		t.Errorf("left %+v", left)
	}
}

func TestADelayIsNoErrorByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f Faults
		add(t, &f, Fault{Delay: Duration(3 * time.Second)})
		began := time.Now()
		if err := f.Intercept(t.Context(), "GetMeeting", by(meeting.Meetings)); err != nil || time.Since(began) != 3*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began = time.Now()
		if err := f.Intercept(ctx, "GetMeeting", by(meeting.Meetings)); err != nil || time.Since(began) != time.Second {
			t.Errorf("a caller who has gone: after %v: %v", time.Since(began), err)
		}
	})
}

func TestWhatCannotHappenIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		fault Fault
		want  string
	}{
		"nothing":                       {Fault{}, "neither an error"},
		"unknown operation":             {Fault{Operation: "Fly", Status: 500}, "CreateMeeting, "},
		"unknown flavour":               {Fault{Flavour: "sweet", Status: 500}, "sweet"},
		"unknown error without status":  {Fault{Error: "TeapotException"}, "give its status"},
		"status without an error":       {Fault{Status: 418}, "give its name"},
		"status of success":             {Fault{Error: "ConflictException", Status: 200}, "400 to 599"},
		"error that breaks headers":     {Fault{Error: "A\r\nB: c", Status: 400}, "not the name"},
		"negative delay":                {Fault{Delay: -1}, "delay"},
		"endless delay":                 {Fault{Delay: Duration(time.Hour)}, "delay"},
		"negative calls":                {Fault{Status: 500, Calls: -1}, "calls"},
		"operation of another flavour":  {Fault{Operation: "ListMeetings", Flavour: "meetings", Status: 500}, "UpdateAttendeeCapabilities"},
		"operation without its capital": {Fault{Operation: "createMeeting", Status: 500}, "CreateMeeting, "},
		"account that is a name":        {Fault{Account: "test", Status: 500}, "twelve digits"},
		"message without an error":      {Fault{Delay: 1, Message: "x"}, "message"},
		"hint without an error":         {Fault{Delay: 1, RetryAfter: 1}, "retryAfter"},
		"negative hint":                 {Fault{Status: 503, RetryAfter: -1}, "retryAfter"},
		"endless hint":                  {Fault{Status: 503, RetryAfter: Duration(2 * time.Hour)}, "retryAfter"},
		"endless message":               {Fault{Status: 500, Message: strings.Repeat("x", maxMessage+1)}, "message"},
	} {
		var f Faults
		if _, err := f.Add(c.fault); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if len(f.List()) != 0 {
			t.Errorf("%s: kept", name)
		}
	}
}

// Tests that share a server keep apart by their accounts.
func TestAFaultOfAnAccountHappensToNobodyElse(t *testing.T) {
	var f Faults
	add(t, &f, Fault{Account: "111122223333", Error: "ConflictException"})
	mine := add(t, &f, Fault{Account: "210987654321", Flavour: "pipelines", Error: "ForbiddenException", RetryAfter: Duration(time.Second)})
	if got := hit(&f, "GetMeeting", meeting.Meetings); got != "" {
		t.Errorf("another account: %s", got)
	}
	err := f.Intercept(t.Context(), "ListMediaPipelines", by(meeting.Pipelines))
	var injected *api.Injected
	if !errors.As(err, &injected) || injected.Name != mine.Error || injected.RetryAfter != time.Second {
		t.Errorf("got %v", err)
	}
}

// Of many calls at a time no more fail than were to.
func TestCallsAtATimeShareAFault(t *testing.T) {
	var f Faults
	add(t, &f, Fault{Error: "ConflictException", Calls: 50})
	var (
		calls  sync.WaitGroup
		failed atomic.Int64
	)
	for range 200 {
		calls.Go(func() {
			if hit(&f, "GetMeeting", meeting.Meetings) != "" {
				failed.Add(1)
			}
		})
	}
	calls.Wait()
	if failed.Load() != 50 || len(f.List()) != 0 {
		t.Errorf("%d failed, left %+v", failed.Load(), f.List())
	}
}

func TestFaultsAreBounded(t *testing.T) {
	var f Faults
	for range maxFaults {
		add(t, &f, Fault{Status: 500})
	}
	if _, err := f.Add(Fault{Status: 500}); err == nil {
		t.Error("one too many is taken")
	}
	f.ClearAll()
	add(t, &f, Fault{Status: 500})
}
