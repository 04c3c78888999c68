package meeting

// Rules that need no State. The API door runs them while it validates a
// request; the Decide functions run them again, so that no door can forget.

// Check refuses capabilities that break a rule whatever the meeting is: all
// three members must be given, and receiving content needs receiving video.
func (c Capabilities) Check() error {
	if c.Audio == AccessUnset || c.Video == AccessUnset || c.Content == AccessUnset {
		return Errorf(Invalid, "Capabilities must name Audio, Video and Content")
	}
	if c.Content.MayReceive() && !c.Video.MayReceive() {
		return Errorf(Invalid, "Content capability SendReceive or Receive requires Video capability SendReceive or Receive")
	}
	return nil
}

// CheckCapabilities refuses capabilities that break a rule of Check or ask for
// media that the meeting's features switch off.
func (f Features) CheckCapabilities(c Capabilities) error {
	if err := c.Check(); err != nil {
		return err
	}
	if f.VideoOff() && c.Video != None {
		return Errorf(Invalid, "Video capability must be None in a meeting whose Video MaxResolution is None")
	}
	if f.ContentOff() && c.Content != None {
		return Errorf(Invalid, "Content capability must be None in a meeting whose Content MaxResolution is None")
	}
	return nil
}

// DefaultCapabilities are those of an attendee created without any. With
// cameras off but content on, video is Receive: content cannot be received
// otherwise (API decision D-40 for the remaining cases).
func (f Features) DefaultCapabilities() Capabilities {
	c := Capabilities{Audio: SendReceive, Video: SendReceive, Content: SendReceive}
	switch {
	case f.VideoOff() && f.ContentOff():
		c.Video, c.Content = None, None
	case f.VideoOff():
		c.Video = Receive
	case f.ContentOff():
		c.Content = None
	}
	return c
}

// Check refuses combinations of features: a high-definition session needs a
// MaxCount of at most limits.HDAttendees (API decision D-46), any other may
// have up to limits.Attendees.
func (f Features) Check(limits Limits) error {
	most := limits.Attendees
	if f.HighDefinition() {
		if f.MaxCount == 0 {
			return Errorf(Invalid, "Attendee MaxCount is required when Video MaxResolution is FHD or Content MaxResolution is UHD")
		}
		most = limits.HDAttendees
	}
	if f.MaxCount < 0 || f.MaxCount > most {
		return Errorf(Invalid, "Attendee MaxCount must be at most %d for these features", most)
	}
	return nil
}

// capacity returns the most attendees a meeting with these features may have.
func (f Features) capacity(limits Limits) int {
	if f.MaxCount > 0 {
		return f.MaxCount
	}
	return limits.Attendees
}

// CheckNew refuses a meeting that breaks a rule whatever else exists: the rules
// of its features, of its number of tags, and of the attendees to be made with
// it.
func CheckNew(n *NewMeeting, limits Limits) error {
	var f Features
	if n.Features != nil {
		f = *n.Features
	}
	if err := f.Check(limits); err != nil {
		return err
	}
	if len(n.Tags) > limits.MeetingTags {
		return Errorf(LimitExceeded, "Too many tags: at most %d per meeting", limits.MeetingTags)
	}
	return f.checkItems(n.Attendees, limits)
}

// checkItems refuses a batch for a rule that any of its items breaks (API
// decision D-42).
func (f Features) checkItems(items []NewAttendee, limits Limits) error {
	for i := range items {
		if len(items[i].Tags) > limits.AttendeeTags {
			return Errorf(LimitExceeded, "Too many tags: at most %d per attendee", limits.AttendeeTags)
		}
		if items[i].Capabilities.IsZero() {
			continue
		}
		if err := f.CheckCapabilities(items[i].Capabilities); err != nil {
			return err
		}
	}
	return nil
}

// CheckPrimary refuses a replica of a meeting that is itself a replica. The
// caller has found out that primary is an active meeting of the same owner.
func CheckPrimary(primary *Profile) error {
	if primary.Replica() {
		return Errorf(Invalid, "Meeting <%s> is a replica and cannot be the primary of another meeting", primary.ID)
	}
	return nil
}

// The answers that several rules and control share.

// MissingMeeting is the refusal of a call on a meeting that is not active.
func MissingMeeting(id ID) *Error { return Errorf(NotFound, "Meeting <%s> not found", id) }

// MissingAttendee is the refusal of a call on an attendee that is not there.
func MissingAttendee(id ID) *Error { return Errorf(NotFound, "Attendee <%s> not found", id) }

// InvalidPrimary is the refusal of a PrimaryMeetingId that names no active
// meeting of the caller (API decision D-16).
func InvalidPrimary() *Error {
	return Errorf(Invalid, "PrimaryMeetingId does not name an active meeting")
}
