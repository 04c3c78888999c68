package timeline

import (
	"fmt"
	"testing"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// tableOf returns a roster's rows by name.
func tableOf(t *testing.T, r *Roster, present []meeting.Attendee, sessions []observe.Session, active bool) map[string]observe.Attendee {
	t.Helper()
	rows := map[string]observe.Attendee{}
	for _, row := range r.Everybody(present, sessions, active) {
		rows[row.External] = row
	}
	return rows
}

func guest(n int) meeting.Attendee {
	return meeting.Attendee{ID: meeting.ID{7, byte(n), byte(n >> 8)}, ExternalUserID: fmt.Sprint("guest-", n)}
}

func learn(r *Roster, actor string, body meeting.Body) {
	r.Learn(&meeting.Record{Stamp: meeting.Stamp{Actor: actor}, Body: body})
}

func TestNamesOutliveRemovals(t *testing.T) {
	r := NewRoster()
	learn(&r, "key:A", &meeting.Created{Attendees: []meeting.Attendee{guest(1)}})
	learn(&r, "key:A", &meeting.AttendeesAdded{Attendees: []meeting.Attendee{guest(2), guest(3)}})
	rows := tableOf(t, &r, []meeting.Attendee{guest(1), guest(3)}, nil, true)
	if !rows["guest-2"].Deleted || rows["guest-1"].Deleted || rows["guest-3"].Deleted {
		t.Errorf("while its removal is not read yet: %+v", rows)
	}
	learn(&r, "operator:192.0.2.1", &meeting.AttendeeDeleted{Attendee: guest(2).ID})
	rows = tableOf(t, &r, nil, nil, false)
	if len(rows) != 3 || !rows["guest-2"].Deleted || rows["guest-3"].Deleted || rows["guest-1"].Order != 1 || rows["guest-3"].Order != 3 {
		t.Errorf("after the end: %+v", rows)
	}
}

func TestWhoChangedCapabilitiesIsTold(t *testing.T) {
	r := NewRoster()
	learn(&r, "key:A", &meeting.Created{Attendees: []meeting.Attendee{guest(1), guest(2)}})
	mute := meeting.Capabilities{Audio: meeting.Receive, Video: meeting.SendReceive, Content: meeting.SendReceive}
	learn(&r, "operator:192.0.2.1", &meeting.CapabilitiesSet{Attendees: []meeting.ID{guest(1).ID}, Capabilities: mute})
	one := guest(1)
	one.Capabilities = mute
	rows := tableOf(t, &r, []meeting.Attendee{one, guest(2)}, nil, true)
	if got := rows["guest-1"]; got.CapabilitiesBy != "operator:192.0.2.1" || got.Capabilities.Audio != "Receive" {
		t.Errorf("%+v", got)
	}
	if got := rows["guest-2"]; got.CapabilitiesBy != "" {
		t.Errorf("%+v", got)
	}
}

// Of an ended meeting's log only the last record is left. Names then come from
// it and from the connections that are remembered.
func TestAnEndedMeetingTellsWhoWasThere(t *testing.T) {
	r := NewRoster()
	learn(&r, "", &meeting.Ended{Departures: []meeting.Fact{{Kind: meeting.Left, Attendee: guest(1).ID, ExternalUserID: "guest-1"}}})
	rows := tableOf(t, &r, nil, []observe.Session{
		{Attendee: guest(2).ID, External: "guest-2", State: observe.Removed},
		{Attendee: guest(2).ID, External: "guest-2", State: observe.Failed, Content: true},
	}, false)
	if two := rows["guest-2"]; len(rows) != 2 || two.State != observe.Removed || len(two.Sessions) != 2 || rows["guest-1"].Deleted {
		t.Errorf("%+v", rows)
	}
}

func TestOnlyTheLatestRemovedAreShown(t *testing.T) {
	r := NewRoster()
	for n := range maxRemoved + 10 {
		g := guest(n)
		learn(&r, "", &meeting.AttendeesAdded{Attendees: []meeting.Attendee{g}})
		learn(&r, "", &meeting.AttendeeDeleted{Attendee: g.ID})
		learn(&r, "", &meeting.AttendeeDeleted{Attendee: g.ID})
	}
	rows := tableOf(t, &r, nil, nil, true)
	_, first := rows["guest-9"]
	_, last := rows[fmt.Sprint("guest-", maxRemoved+9)]
	if len(rows) != maxRemoved || first || !last {
		t.Errorf("%d are shown, the first %v, the last %v", len(rows), first, last)
	}
}
