package conform_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/carillon-meetings/carillon/conform"
)

// behaviours are three cases for tests of the framework itself.
func behaviours() []conform.Case {
	both := conform.Flavours{conform.Meetings, conform.Legacy}
	holds := func(t *conform.T) { t.True("one is one", true) }
	unknown := func(t *conform.T) { t.API.GetMeeting("x").OK() }
	return []conform.Case{
		{Name: "Sum_IsRight", Says: "one is one", In: both, Body: holds},
		{Name: "GetMeeting_Unknown", Says: "it is there all the same (D-01)", In: both, Body: unknown},
		{Name: "Accounts_Only", Says: "needs several accounts", In: both, Profile: conform.Accounts, Body: holds},
	}
}

// TestRunReportsAndSelects checks the report a program gets.
func TestRunReportsAndSelects(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	opts := conform.Options{
		Endpoint: server.URL, Credentials: conform.Credentials{AccessKey: "a", SecretKey: "b"}, Run: `^(GetMeeting_Unknown/legacy|Accounts_.*)$`,
	}
	told := 0
	opts.Progress = func(conform.Outcome) { told++ }
	report, err := conform.Run(t.Context(), behaviours(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Outcomes) != 1 || report.Failed != 1 || report.Held != 0 || told != 1 {
		t.Fatalf("got %+v, told of %d; want the one case in the one flavour, failed", report, told)
	}
	if report.NotSelected[conform.Accounts] != 2 {
		t.Errorf("not selected: %v, want the case of the profile accounts in both flavours", report.NotSelected)
	}
	o := report.Outcomes[0]
	if len(o.Why) == 0 || o.Case != "GetMeeting_Unknown" || o.Flavour != conform.Legacy || len(o.Decisions) != 1 {
		t.Errorf("the failed case is reported as %+v", o)
	}
}

// TestACaseThatPanicsFailsAlone checks that the run goes on.
func TestACaseThatPanicsFailsAlone(t *testing.T) {
	list := append(behaviours()[:1], conform.Case{
		Name: "Panic_InABody", Says: "never", In: conform.Flavours{conform.Meetings}, Body: func(*conform.T) { panic("broken case") },
	})
	report, err := conform.Run(t.Context(), list, conform.Options{
		Endpoint: "http://127.0.0.1:1", Credentials: conform.Credentials{AccessKey: "a", SecretKey: "b"},
	})
	if err != nil || report.Held != 2 || report.Failed != 1 {
		t.Errorf("got %+v, %v; want the other case held in both flavours", report, err)
	}
}

// TestUnusableOptionsAreRefused checks what Run does not even try.
func TestUnusableOptionsAreRefused(t *testing.T) {
	good := conform.Options{Endpoint: "http://127.0.0.1:1", Credentials: conform.Credentials{AccessKey: "a", SecretKey: "b"}}
	for name, change := range map[string]func(*conform.Options){
		"no endpoint":    func(o *conform.Options) { o.Endpoint = "" },
		"no scheme":      func(o *conform.Options) { o.Endpoint = "127.0.0.1:1" },
		"other scheme":   func(o *conform.Options) { o.Endpoint = "ftp://127.0.0.1" },
		"no credentials": func(o *conform.Options) { o.Credentials = conform.Credentials{} },
		"bad pattern":    func(o *conform.Options) { o.Run = "(" },
	} {
		o := good
		change(&o)
		if _, err := conform.Run(context.Background(), behaviours(), o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
