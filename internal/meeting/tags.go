package meeting

import "slices"

// DecideTagMeeting adds tags to the meeting, replacing the value of keys that
// are there.
func DecideTagMeeting(s *State, by Stamp, tags []Tag, limits Limits) (*Record, error) {
	if err := s.mustBeActive(); err != nil {
		return nil, err
	}
	merged := mergeTags(s.tags, tags)
	if len(merged) > limits.MeetingTags {
		return nil, Errorf(TooManyTags, "Too many tags: at most %d per meeting", limits.MeetingTags)
	}
	return tagRecord(by, ID{}, s.tags, merged), nil
}

// DecideUntagMeeting removes tags from the meeting; keys that are not there do
// no harm.
func DecideUntagMeeting(s *State, by Stamp, keys []string) (*Record, error) {
	if err := s.mustBeActive(); err != nil {
		return nil, err
	}
	return tagRecord(by, ID{}, s.tags, withoutTags(s.tags, keys)), nil
}

// DecideTagAttendee adds tags to an attendee, replacing the value of keys that
// are there.
func DecideTagAttendee(s *State, by Stamp, attendee ID, tags []Tag, limits Limits) (*Record, error) {
	m, err := s.mustHave(attendee)
	if err != nil {
		return nil, err
	}
	before := m.attendee().Tags
	merged := mergeTags(before, tags)
	if len(merged) > limits.AttendeeTags {
		return nil, Errorf(LimitExceeded, "Too many tags: at most %d per attendee", limits.AttendeeTags)
	}
	return tagRecord(by, attendee, before, merged), nil
}

// DecideUntagAttendee removes tags from an attendee; keys that are not there
// do no harm.
func DecideUntagAttendee(s *State, by Stamp, attendee ID, keys []string) (*Record, error) {
	m, err := s.mustHave(attendee)
	if err != nil {
		return nil, err
	}
	before := m.attendee().Tags
	return tagRecord(by, attendee, before, withoutTags(before, keys)), nil
}

// tagRecord returns nil when nothing changes.
func tagRecord(by Stamp, attendee ID, before, after []Tag) *Record {
	if slices.Equal(before, after) {
		return nil
	}
	if len(after) == 0 {
		after = nil // as it is read back
	}
	return &Record{Stamp: by, Body: &TagsSet{Attendee: attendee, Tags: after}}
}

func mergeTags(before, more []Tag) []Tag {
	merged := slices.Clone(before)
	for _, t := range more {
		if i := slices.IndexFunc(merged, func(m Tag) bool { return m.Key == t.Key }); i >= 0 {
			merged[i].Value = t.Value
		} else {
			merged = append(merged, t)
		}
	}
	return merged
}

func withoutTags(before []Tag, keys []string) []Tag {
	return slices.DeleteFunc(slices.Clone(before), func(t Tag) bool { return slices.Contains(keys, t.Key) })
}
