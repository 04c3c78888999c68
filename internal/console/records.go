package console

import (
	"fmt"
	"strings"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// ofMedia is the actor of what the media side saw.
const ofMedia = "media"

// lineOf returns an entry of a meeting's log as it is shown.
func lineOf(e meeting.LogEntry, people *roster) observe.Record {
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

// factLine returns what the media side saw as it is shown.
func factLine(id string, f meeting.Fact) observe.Record {
	return observe.Record{
		ID: id, At: observe.At(f.Time), Kind: f.Kind.String(), Actor: ofMedia, Attendee: f.Attendee, External: f.ExternalUserID,
	}
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
	case *meeting.TranscriptionStarted:
		return b.Failure, meeting.ID{}
	case *meeting.Ended:
		return strings.Join([]string{b.Reason.String(), count(b.Attendees, "attendee"), count(len(b.Departures), "open session")}, ", "), meeting.ID{}
	}
	return "", meeting.ID{}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
