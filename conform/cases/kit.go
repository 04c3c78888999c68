package cases

import (
	"fmt"

	"github.com/carillon-meetings/carillon/conform"
)

// What the tables of cases and the bodies share.

// inBoth, inMeetings and inLegacy return the flavours a promise is made in.
func inBoth() conform.Flavours     { return conform.Flavours{conform.Meetings, conform.Legacy} }
func inMeetings() conform.Flavours { return conform.Flavours{conform.Meetings} }
func inLegacy() conform.Flavours   { return conform.Flavours{conform.Legacy} }

// under gives every case of the list the profile, unless it has one.
func under(p conform.Profile, cases []conform.Case) []conform.Case {
	for i := range cases {
		if cases[i].Profile == "" {
			cases[i].Profile = p
		}
	}
	return cases
}

// users returns n attendees to create, with user ids that tell their place.
func users(n int) []conform.NewAttendee {
	list := make([]conform.NewAttendee, n)
	for i := range list {
		list[i].ExternalUserID = fmt.Sprintf("user-%03d", i)
	}
	return list
}

// all returns capabilities with the same access for all three media.
func all(access string) *conform.Capabilities {
	return &conform.Capabilities{Audio: access, Video: access, Content: access}
}
