package timeline

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

var noon = time.UnixMilli(1_772_000_000_000)

// minute is that many minutes after noon.
func minute(n int) time.Time { return noon.Add(time.Duration(n) * time.Minute) }

// saw is a fact of a guest at a minute.
func saw(kind meeting.FactKind, who, at int) meeting.Fact {
	g := guest(who)
	return meeting.Fact{Kind: kind, Attendee: g.ID, ExternalUserID: g.ExternalUserID, Time: minute(at)}
}

// line is a connection of a guest that the signaling side knows; to 0 is one that
// lasts.
func line(who, from, to int) observe.Session {
	g := guest(who)
	s := observe.Session{
		Key: observe.SessionKey(g.ID, false), Attendee: g.ID, External: g.ExternalUserID, State: observe.Connected,
		Opened: observe.At(minute(from).Add(-time.Second)), Client: "chrome",
	}
	if to > 0 {
		s.Ended, s.State = observe.At(minute(to)), observe.Left
	}
	return s
}

// told puts connections into words: who, from which minute to which, how it
// stands, and by what client.
func told(sessions []observe.Session) string {
	var words []string
	for _, s := range sessions {
		end := ""
		if !s.Ended.IsZero() {
			end = fmt.Sprint(int(s.Ended.Sub(noon).Minutes()))
		}
		words = append(words, strings.TrimSpace(fmt.Sprintf("%s %.0f-%s %s %t %s", s.External, s.Opened.Sub(noon).Minutes(), end, s.State, s.Content, s.Client)))
	}
	return strings.Join(words, "; ")
}

func TestConnectionsOfBeforeATakeoverAreTold(t *testing.T) {
	const j, l, d = meeting.Joined, meeting.Left, meeting.Dropped
	for name, c := range map[string]struct {
		facts []meeting.Fact
		known []observe.Session
		want  string
	}{
		"nobody was there": {nil, nil, ""},
		"all is known":     {[]meeting.Fact{saw(j, 1, 1), saw(l, 1, 5)}, []observe.Session{line(1, 1, 5)}, "guest-1 1-5 left false chrome"},
		"two who have gone": {
			[]meeting.Fact{saw(meeting.Authorized, 1, 1), saw(j, 1, 1), saw(meeting.VideoStarted, 1, 2), saw(j, 2, 2), saw(l, 2, 3), saw(d, 1, 4)}, nil,
			"guest-1 1-4 dropped false; guest-2 2-3 left false",
		},
		"one who came back": {[]meeting.Fact{saw(j, 1, 1), saw(d, 1, 4), saw(j, 1, 4)}, []observe.Session{line(1, 4, 0)},
			"guest-1 1-4 dropped false; guest-1 4- connected false chrome"},
		"one who came back and left": {[]meeting.Fact{saw(j, 1, 1), saw(d, 1, 4), saw(j, 1, 4), saw(l, 1, 9)}, []observe.Session{line(1, 4, 9)},
			"guest-1 1-4 dropped false; guest-1 4-9 left false chrome"},
		"a content share": {[]meeting.Fact{saw(j, 1, 1), saw(meeting.ContentJoined, 1, 2), saw(meeting.ContentVideoStarted, 1, 2), saw(meeting.ContentDropped, 1, 3), saw(l, 1, 5)}, nil,
			"guest-1 1-5 left false; guest-1 2-3 dropped true"},
		"one who is awaited":       {[]meeting.Fact{saw(j, 1, 1)}, nil, ""},
		"an end without beginning": {[]meeting.Fact{saw(l, 1, 1)}, nil, ""},
		"several connections of one presence": {[]meeting.Fact{saw(j, 1, 1), saw(l, 1, 9)}, []observe.Session{line(1, 1, 4), line(1, 3, 9)},
			"guest-1 1-4 left false chrome; guest-1 3-9 left false chrome"},
		"only the last of many": {[]meeting.Fact{saw(j, 1, 1), saw(l, 1, 2), saw(j, 1, 3), saw(l, 1, 4), saw(j, 1, 5), saw(l, 1, 6), saw(j, 1, 7), saw(l, 1, 8)}, []observe.Session{line(1, 7, 8)},
			"guest-1 3-4 left false; guest-1 5-6 left false; guest-1 7-8 left false chrome"},
	} {
		known := append([]observe.Session{}, c.known...)
		if got := told(Connections(c.facts, c.known)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if len(c.known) > 0 && !reflect.DeepEqual(known, c.known) {
			t.Errorf("%s: what was given has changed", name)
		}
	}
	var many []meeting.Fact
	for n := range observe.MostEnded + 50 {
		many = append(many, saw(j, n, n), saw(l, n, n+1))
	}
	if got := Connections(many, nil); len(got) != observe.MostEnded || got[0].External != "guest-50" || got[0].Steps == nil {
		t.Errorf("of many, %d from %+v", len(got), got[0])
	}
}

func TestWhoWasThereAtTheEndLeftThen(t *testing.T) {
	entries := []meeting.LogEntry{
		{Revision: 1, Time: minute(0)},
		{Revision: 2, Time: minute(0), Record: &meeting.Record{Body: &meeting.Created{}}},
		{Revision: 3, Time: minute(7), Record: &meeting.Record{Body: &meeting.Ended{Departures: []meeting.Fact{saw(meeting.Left, 1, 0), saw(meeting.Dropped, 2, 0)}}}},
	}
	facts := []meeting.Fact{saw(meeting.Joined, 1, 1), saw(meeting.Joined, 2, 2)}
	var d observe.Detail
	fill(&d, nobody{}, entries, facts, nil)
	var all []observe.Session
	for _, a := range d.Attendees {
		all = append(all, a.Sessions...)
	}
	if got, want := told(all), "guest-1 1-7 left false; guest-2 2-7 dropped false"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// nobody is a signaling side that knows nothing.
type nobody struct{}

func (nobody) Load(meeting.ID) (l observe.Load)          { return l }
func (nobody) Sessions(meeting.ID) []observe.Session     { return nil }
func (nobody) Refusals(meeting.ID) (r []observe.Refusal) { return r }
