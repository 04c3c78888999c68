package timeline

import (
	"fmt"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// ofMedia is the actor of what the media side saw.
const ofMedia = "media"

// Line returns an entry of a meeting's log as it is shown. The roster must have
// learnt the entry's record.
func Line(e meeting.LogEntry, people *Roster) observe.Record {
	line := observe.Record{ID: fmt.Sprintf("%020d", e.Revision), At: observe.At(e.Time), Kind: "unreadable"}
	if e.Record == nil {
		return line
	}
	line.Kind, line.Actor = e.Record.Body.Kind(), e.Record.Actor
	line.Detail, line.Attendee = describe(e.Record.Body)
	if !line.Attendee.IsZero() {
		line.External = people.person(line.Attendee).External
	}
	return line
}

// Fact returns what the media side saw as it is shown, under an id that tells
// it from others of the meeting.
func Fact(id string, f meeting.Fact) observe.Record {
	return observe.Record{
		ID: id, At: observe.At(f.Time), Kind: f.Kind.String(), Actor: ofMedia, Attendee: f.Attendee, External: f.ExternalUserID,
	}
}

// Departures tells who was still there when the meeting ended: that is not
// among the media side's reports. Of any other entry there are none.
func Departures(e meeting.LogEntry) []observe.Record {
	if e.Record == nil {
		return nil
	}
	end, ok := e.Record.Body.(*meeting.Ended)
	if !ok {
		return nil
	}
	lines := make([]observe.Record, len(end.Departures))
	for i, f := range end.Departures {
		f.Time = e.Time
		lines[i] = Fact(fmt.Sprintf("media-end-%08d", i), f)
	}
	return lines
}

// Facts returns what the media side reported, oldest first, as lines: the last
// most of them.
func Facts(facts []meeting.Fact, most int) []observe.Record {
	from := max(0, len(facts)-most)
	lines := make([]observe.Record, 0, len(facts)-from)
	for i, f := range facts[from:] {
		lines = append(lines, Fact(fmt.Sprintf("media-%d-%08d", f.Time.UnixMilli(), from+i), f))
	}
	return lines
}

// describe says in a few words what a record did, without secrets, and to
// which attendee if it is one.
func describe(body meeting.Body) (detail string, attendee meeting.ID) {
	one := func(list []meeting.Attendee) meeting.ID {
		if len(list) == 1 {
			return list[0].ID
		}
		return meeting.ID{}
	}
	switch b := body.(type) {
	case *meeting.Created:
		return count(len(b.Attendees), "attendee"), one(b.Attendees)
	case *meeting.AttendeesAdded:
		return count(len(b.Attendees), "attendee"), one(b.Attendees)
	case *meeting.AttendeeDeleted:
		return "", b.Attendee
	case *meeting.CapabilitiesSet:
		c := b.Capabilities
		detail = fmt.Sprintf("%s: audio %s, video %s, content %s", count(len(b.Attendees), "attendee"), c.Audio, c.Video, c.Content)
		if len(b.Attendees) == 1 {
			attendee = b.Attendees[0]
		}
		return detail, attendee
	case *meeting.TagsSet:
		return count(len(b.Tags), "tag"), b.Attendee
	case *meeting.TimersSet:
		return fmt.Sprintf("idle %s, maximum age %s", timer(b.Timers.Idle), timer(b.Timers.MaxAge)), meeting.ID{}
	case *meeting.TranscriptionStarted:
		return b.Failure, meeting.ID{}
	case *meeting.TranscriptionMoved:
		return strings.TrimSuffix(b.Phase.String()+": "+b.Message, ": "), meeting.ID{}
	case *meeting.Ended:
		return strings.Join([]string{b.Reason.String(), count(b.Attendees, "attendee"), count(len(b.Departures), "open session")}, ", "), meeting.ID{}
	}
	return "", meeting.ID{}
}

// timer puts a timer into words.
func timer(d time.Duration) string {
	if d == 0 {
		return "as the server's"
	}
	return d.String()
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
