package meeting

import "time"

// Limits are the quotas and maxima that the rules are held to.
type Limits struct {
	Meetings     int // active meetings of one owner
	Attendees    int // attendees of a meeting
	HDAttendees  int // attendees of a high-definition meeting
	Replicas     int // replicas of one primary
	MeetingTags  int // tags of a meeting
	AttendeeTags int // tags of a legacy attendee
}

// Timers are when a meeting ends by itself. Zero stands for the server's.
type Timers struct {
	Idle   time.Duration // when nobody has been connected for so long
	MaxAge time.Duration // at this age
}

// The shortest that a meeting's own timers may be: short enough for a test of
// the meeting's owner, long enough that whoever is on the way still gets in.
const (
	MinIdle   = 10 * time.Second
	MinMaxAge = time.Minute
)

// check refuses timers that are too short, or longer than most, the age at which
// the server ends every meeting.
func (t Timers) check(most time.Duration) error {
	for _, one := range []struct {
		name  string
		value time.Duration
		least time.Duration
	}{{"idle time", t.Idle, MinIdle}, {"maximum age", t.MaxAge, MinMaxAge}} {
		if one.value != 0 && (one.value < one.least || one.value > most) {
			return Errorf(Invalid, "The %s must be between %s and %s, the server's own maximum age", one.name, one.least, most)
		}
	}
	return nil
}

// DefaultLimits returns the default quotas of the real service.
func DefaultLimits() Limits {
	return Limits{Meetings: 250, Attendees: 250, HDAttendees: 25, Replicas: 4, MeetingTags: 50, AttendeeTags: 10}
}

// OrDefaults returns l with every field that is zero or negative replaced by
// the default.
func (l Limits) OrDefaults() Limits {
	d := DefaultLimits()
	for _, f := range []struct{ field, fallback *int }{
		{&l.Meetings, &d.Meetings}, {&l.Attendees, &d.Attendees}, {&l.HDAttendees, &d.HDAttendees},
		{&l.Replicas, &d.Replicas}, {&l.MeetingTags, &d.MeetingTags}, {&l.AttendeeTags, &d.AttendeeTags},
	} {
		if *f.field <= 0 {
			*f.field = *f.fallback
		}
	}
	return l
}
