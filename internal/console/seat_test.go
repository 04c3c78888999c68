package console

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// TestASeatIsGivenToOperatorsOnly and logged, without its token.
func TestASeatIsGivenToOperatorsOnly(t *testing.T) {
	var log bytes.Buffer
	s := open(t, func(c *Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		c.Seat = func(_ context.Context, id, attendee meeting.ID) (Seat, error) {
			if id != weekly || attendee != ada {
				return Seat{}, meeting.Errorf(meeting.NotFound, "The meeting has no such attendee.")
			}
			return Seat{Meeting: map[string]any{"MeetingId": id.String()}, Attendee: map[string]any{"JoinToken": "the-token"}}, nil
		}
	})
	seat := "/operator/api/meetings/" + weekly.String() + "/attendees/" + ada.String() + "/seat"
	s.want(s.send("POST", seat, ""), http.StatusUnauthorized, "Sign in")
	s.signIn()
	s.want(s.send("POST", seat, "", csrfHeader, ""), http.StatusForbidden, "token of your session")
	s.want(s.send("POST", seat, "", "Sec-Fetch-Site", "cross-site"), http.StatusForbidden, "another web site")
	s.want(s.send("GET", seat, ""), http.StatusNotFound, "nothing at this address")
	a := s.send("POST", seat, "")
	s.want(a, http.StatusOK, `{"Meeting":{"MeetingId":"`+weekly.String()+`"},"Attendee":{"JoinToken":"the-token"}}`)
	if a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the token may be kept: %v", a.Header)
	}
	s.want(s.send("POST", strings.Replace(seat, ada.String(), weekly.String(), 1), ""), http.StatusNotFound, "no such attendee")
	if text := log.String(); strings.Contains(text, "the-token") || strings.Count(text, "join as attendee") != 2 {
		t.Errorf("logged:\n%s", text)
	}
	without := open(t)
	without.signIn()
	without.want(without.send("POST", seat, ""), http.StatusNotFound, "nothing at this address")
}
