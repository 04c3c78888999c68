package meeting

import "time"

// The rules. Every function here takes a State and what the caller wants, and
// gives the Record to append, or nil when nothing has to change. None changes
// the State: the Record has to be in the ledger first. Errors are *Error.

// DecideCreate makes a meeting, with the attendees of n if there are any. The
// caller has settled that the id is free, that the token names no active
// meeting, that the primary is right and that the owner may have one more.
// newID gives fresh attendee ids. Attendees beyond the capacity get a refusal
// in their result; the meeting is created all the same.
func DecideCreate(by Stamp, id ID, token TokenHash, n NewMeeting, limits Limits, newID func() ID) (*Record, []AttendeeResult, error) {
	if err := CheckNew(&n, limits); err != nil {
		return nil, nil, err
	}
	profile, err := newProfile(by, id, token, &n, limits)
	if err != nil {
		return nil, nil, err
	}
	created := &Created{Profile: *profile, Tags: n.Tags}
	if len(n.Attendees) == 0 {
		return &Record{Stamp: by, Body: created}, nil, nil
	}
	b := batch{profile: profile, items: n.Attendees, newID: newID}
	b.place(nil, 0)
	created.Attendees = b.added
	return &Record{Stamp: by, Body: created}, b.results, nil
}

func newProfile(by Stamp, id ID, token TokenHash, n *NewMeeting, limits Limits) (*Profile, error) {
	p := &Profile{
		ID: id, Owner: n.Owner, Token: token, ExternalMeetingID: n.ExternalMeetingID, HostID: n.HostID,
		MediaRegion: n.MediaRegion, Notifications: n.Notifications, Features: n.Features,
		TenantIDs: n.TenantIDs, DualStack: n.DualStack, CreatedAt: by.Time,
	}
	p.Capacity = p.features().capacity(limits)
	if n.PrimaryID != "" {
		primary, ok := ParseID(n.PrimaryID)
		if !ok {
			return nil, InvalidPrimary()
		}
		p.PrimaryID = primary
	}
	return p, nil
}

// DecideAddAttendees creates the attendees that are not there yet. An item
// whose external user id is known, from before or from earlier in the batch,
// gets the attendee that has it, unchanged, and needs no place. Results are in
// the order of the items. When the meeting is full, items beyond get a refusal
// in their result; if that would be all the call achieves, the call is refused
// (API decision D-44).
func DecideAddAttendees(s *State, by Stamp, items []NewAttendee, limits Limits, newID func() ID) (*Record, []AttendeeResult, error) {
	rec, results, err := DecideReplayAttendees(s, by, items, limits, newID)
	if err != nil {
		return nil, nil, err
	}
	for i := range results {
		if results[i].Err == nil {
			return rec, results, nil
		}
	}
	if len(results) > 0 {
		return nil, nil, results[0].Err
	}
	return nil, nil, nil
}

// DecideReplayAttendees is DecideAddAttendees for the attendees of a repeated
// CreateMeetingWithAttendees: a full meeting gives refusals in the results and
// never refuses the call, for the meeting itself was found.
func DecideReplayAttendees(s *State, by Stamp, items []NewAttendee, limits Limits, newID func() ID) (*Record, []AttendeeResult, error) {
	if err := s.mustBeActive(); err != nil {
		return nil, nil, err
	}
	if err := s.profile.features().checkItems(items, limits); err != nil {
		return nil, nil, err
	}
	b := batch{profile: s.profile, items: items, newID: newID}
	b.place(s.members, s.people())
	if len(b.added) == 0 {
		return nil, b.results, nil
	}
	return &Record{Stamp: by, Body: &AttendeesAdded{Attendees: b.added}}, b.results, nil
}

// DecideDeleteAttendee removes an attendee.
func DecideDeleteAttendee(s *State, by Stamp, attendee ID) (*Record, error) {
	if _, err := s.mustHave(attendee); err != nil {
		return nil, err
	}
	return &Record{Stamp: by, Body: &AttendeeDeleted{Attendee: attendee}}, nil
}

// DecideCapabilities gives one attendee new capabilities and returns it as it
// is then.
func DecideCapabilities(s *State, by Stamp, attendee ID, caps Capabilities) (*Record, Attendee, error) {
	m, err := s.mustHave(attendee)
	if err != nil {
		return nil, Attendee{}, err
	}
	if err := s.profile.features().CheckCapabilities(caps); err != nil {
		return nil, Attendee{}, err
	}
	after := m.attendee()
	if after.Capabilities == caps {
		return nil, after, nil
	}
	after.Capabilities = caps
	return &Record{Stamp: by, Body: &CapabilitiesSet{Attendees: []ID{attendee}, Capabilities: caps}}, after, nil
}

// DecideCapabilitiesExcept gives new capabilities to every attendee not named
// in except. Names of nobody are ignored (API decision D-14).
func DecideCapabilitiesExcept(s *State, by Stamp, except []ID, caps Capabilities) (*Record, error) {
	if err := s.mustBeActive(); err != nil {
		return nil, err
	}
	if err := s.profile.features().CheckCapabilities(caps); err != nil {
		return nil, err
	}
	spared := make(map[ID]bool, len(except))
	for _, id := range except {
		spared[id] = true
	}
	var changed []ID
	for i := range s.members {
		if m := &s.members[i]; !spared[m.id] && m.caps != caps {
			changed = append(changed, m.id)
		}
	}
	if len(changed) == 0 {
		return nil, nil
	}
	return &Record{Stamp: by, Body: &CapabilitiesSet{Attendees: changed, Capabilities: caps}}, nil
}

// DecideTimers gives the meeting timers of its own, each zero or at most most.
func DecideTimers(s *State, by Stamp, t Timers, most time.Duration) (*Record, error) {
	if err := s.mustBeActive(); err != nil {
		return nil, err
	}
	if err := t.check(most); err != nil || s.timers == t {
		return nil, err
	}
	return &Record{Stamp: by, Body: &TimersSet{Timers: t}}, nil
}

// DecideMute takes from an attendee the right to send audio, or gives it back,
// and leaves all other capabilities as they are. It returns the attendee as it
// is then.
func DecideMute(s *State, by Stamp, attendee ID, muted bool) (*Record, Attendee, error) {
	m, err := s.mustHave(attendee)
	if err != nil {
		return nil, Attendee{}, err
	}
	caps := m.caps
	switch {
	case muted && caps.Audio == SendReceive:
		caps.Audio = Receive
	case muted && caps.Audio == Send:
		caps.Audio = None
	case !muted && caps.Audio == Receive:
		caps.Audio = SendReceive
	case !muted && caps.Audio == None:
		caps.Audio = Send
	}
	return DecideCapabilities(s, by, attendee, caps)
}

// DecideEnd ends the meeting. present are the facts of departure, one for each
// session that is open now.
func DecideEnd(s *State, by Stamp, reason EndReason, present []Fact) (*Record, error) {
	if err := s.mustBeActive(); err != nil {
		return nil, err
	}
	return &Record{Stamp: by, Body: &Ended{
		Profile: *s.profile, Reason: reason, Attendees: len(s.members),
		Departures: present, Transcription: s.transcription.config(),
	}}, nil
}

func (s *State) mustBeActive() error {
	switch {
	case s.Active():
		return nil
	case s.Exists():
		return MissingMeeting(s.profile.ID)
	}
	return Errorf(NotFound, "Meeting not found")
}

func (s *State) mustHave(attendee ID) (*member, error) {
	if err := s.mustBeActive(); err != nil {
		return nil, err
	}
	i := s.find(attendee)
	if i < 0 {
		return nil, MissingAttendee(attendee)
	}
	return &s.members[i], nil
}
