package conform_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/carillon-meetings/carillon/conform"
)

// A case is a name, a sentence and a body. Here one is tried against a server
// that refuses everything; package cases has the behaviours of the real API.
func ExampleRun() {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()

	mine := conform.Case{
		Name: "CreateAttendee_RepeatReturnsTheSame",
		Says: "the same user id returns the same attendee",
		In:   conform.Flavours{conform.Meetings},
		Body: func(t *conform.T) {
			m, a := t.Attendee()
			again := t.API.CreateAttendee(m.ID, conform.NewAttendee{ExternalUserID: a.ExternalUserID}).OK()
			t.Equal("the attendee", again, a)
		},
	}
	report, err := conform.Run(context.Background(), []conform.Case{mine}, conform.Options{
		Endpoint:    server.URL,
		Credentials: conform.Credentials{AccessKey: "AKIDEXAMPLE", SecretKey: "secret"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, o := range report.Outcomes {
		fmt.Printf("%s/%s held: %t\n", o.Case, o.Flavour, o.Held)
	}
	// Output:
	// CreateAttendee_RepeatReturnsTheSame/meetings held: false
}
