package meeting

// TakesAway reports whether the record, which is about to be applied to s,
// takes something from somebody: the way into the meeting, or what one may
// send or receive. Such a change is wanted most when the server is in trouble,
// so it must not wait for room on the disk.
func (s *State) TakesAway(rec *Record) bool {
	switch b := rec.Body.(type) {
	case *Ended, *AttendeeDeleted, *TranscriptionStopped:
		return true
	case *CapabilitiesSet:
		for _, id := range b.Attendees {
			a, found := s.Attendee(id)
			if found && b.Capabilities.lessThan(a.Capabilities) {
				return true
			}
		}
	}
	return false
}

// lessThan reports whether c lacks anything that other has.
func (c Capabilities) lessThan(other Capabilities) bool {
	less := func(a, b Access) bool {
		return b.MaySend() && !a.MaySend() || b.MayReceive() && !a.MayReceive()
	}
	return less(c.Audio, other.Audio) || less(c.Video, other.Video) || less(c.Content, other.Content)
}
