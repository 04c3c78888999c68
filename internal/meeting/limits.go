package meeting

// Limits are the quotas and maxima that the rules are held to.
type Limits struct {
	Meetings     int // active meetings of one owner
	Attendees    int // attendees of a meeting
	HDAttendees  int // attendees of a high-definition meeting
	Replicas     int // replicas of one primary
	MeetingTags  int // tags of a meeting
	AttendeeTags int // tags of a legacy attendee
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
