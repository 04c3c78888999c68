package meeting

import (
	"testing"
	"time"
)

func TestWhatTakesSomethingAway(t *testing.T) {
	all := Capabilities{SendReceive, SendReceive, SendReceive}
	muted := Capabilities{Receive, SendReceive, SendReceive}
	s := new(State)
	ann, bob := ID{1}, ID{2}
	created := &Record{Stamp: Stamp{Time: time.Unix(1, 0)}, Body: &Created{
		Profile: Profile{ID: ID{9}, Capacity: 10, CreatedAt: time.Unix(1, 0)},
		Attendees: []Attendee{
			{ID: ann, ExternalUserID: "ann", Capabilities: all}, {ID: bob, ExternalUserID: "bob", Capabilities: muted},
		},
	}}
	if s.TakesAway(created) {
		t.Error("a creation takes something away")
	}
	if err := s.Apply(created); err != nil {
		t.Fatal(err)
	}
	set := func(c Capabilities, who ...ID) Body { return &CapabilitiesSet{Attendees: who, Capabilities: c} }
	for name, c := range map[string]struct {
		body Body
		want bool
	}{
		"the end":                         {&Ended{}, true},
		"a deletion":                      {&AttendeeDeleted{Attendee: ann}, true},
		"the end of a transcription":      {&TranscriptionStopped{}, true},
		"a new attendee":                  {&AttendeesAdded{}, false},
		"tags":                            {&TagsSet{Attendee: ann}, false},
		"muting one":                      {set(muted, ann), true},
		"unmuting one":                    {set(all, bob), false},
		"the same again":                  {set(muted, bob), false},
		"muting one, the other was muted": {set(muted, bob, ann), true},
		"listening only":                  {set(Capabilities{Receive, Receive, Receive}, bob), true},
		"deafening":                       {set(Capabilities{Send, SendReceive, SendReceive}, ann), true},
		"giving sound and taking content": {set(Capabilities{SendReceive, SendReceive, None}, bob), true},
		"somebody who is not there":       {set(Capabilities{None, None, None}, ID{7}), false},
	} {
		if got := s.TakesAway(&Record{Body: c.body}); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
