package meeting

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrOrder is wrapped when a record cannot follow the records before it: a
// ledger that does so is damaged.
var ErrOrder = errors.New("record does not fit the ones before it")

// State is one meeting as the fold of its records. The zero State is a meeting
// that does not exist yet. A State is not safe for concurrent use; what its
// methods return stays valid and is not changed by later records.
type State struct {
	profile         *Profile
	tags            []Tag
	transcription   *Transcription // nil for none
	timers          Timers
	ended           *Ended
	members         []member        // in creation order
	recorders       map[ID]ID       // of these, those that stand for a recording, with its pipeline; nil for none
	formerRecorders map[ID]struct{} // those that did and were removed; nil for none
	ordinal         uint32          // attendees created so far
	size            int             // bytes held by members and tags, roughly
}

// member is an attendee as kept in memory: 48 bytes and its external user id.
type member struct {
	id      ID
	user    string
	tags    *[]Tag // nil for none
	ordinal uint32 // counts the meeting's attendees from 1, never reused
	caps    Capabilities
}

func (m *member) attendee() Attendee {
	a := Attendee{ID: m.id, ExternalUserID: m.user, Capabilities: m.caps}
	if m.tags != nil {
		a.Tags = *m.tags
	}
	return a
}

// Exists reports whether the meeting was ever created.
func (s *State) Exists() bool { return s.profile != nil }

// Active reports whether the meeting was created and has not ended.
func (s *State) Active() bool { return s.profile != nil && s.ended == nil }

// Profile returns what is fixed about the meeting; nil if it does not exist.
// The caller must not change it.
func (s *State) Profile() *Profile { return s.profile }

// ShareProfile makes the State hold p, which must equal its own profile, so
// that it need not be in memory twice.
func (s *State) ShareProfile(p *Profile) { s.profile = p }

// Ended returns the meeting's last record, or nil while it is active.
func (s *State) Ended() *Ended { return s.ended }

// Tags returns the meeting's tags in the order they were added.
func (s *State) Tags() []Tag { return s.tags }

// Timers returns the meeting's own timers.
func (s *State) Timers() Timers { return s.timers }

// Len returns the number of attendees.
func (s *State) Len() int { return len(s.members) }

// Recorder returns the pipeline that an attendee stands for; false for people.
func (s *State) Recorder(attendee ID) (pipeline ID, ok bool) {
	pipeline, ok = s.recorders[attendee]
	return pipeline, ok
}

// people is how many attendees count against the meeting's limit.
func (s *State) people() int { return len(s.members) - len(s.recorders) }

// Size returns roughly how many bytes of memory the State holds.
func (s *State) Size() int { return 256 + s.size }

// Attendee returns one attendee.
func (s *State) Attendee(id ID) (Attendee, bool) {
	i := s.find(id)
	if i < 0 {
		return Attendee{}, false
	}
	return s.members[i].attendee(), true
}

// Page returns up to limit attendees in creation order, beginning after the
// cursor of an earlier page; 0 begins at the first. next is the cursor to go
// on from, or 0 when there are no more. Attendees added or deleted between two
// pages make no other attendee appear twice or not at all.
func (s *State) Page(after uint32, limit int) (page []Attendee, next uint32) {
	from, found := slices.BinarySearchFunc(s.members, after, func(m member, after uint32) int {
		return int(int64(m.ordinal) - int64(after))
	})
	if found {
		from++
	}
	to := min(from+limit, len(s.members))
	page = make([]Attendee, 0, max(to-from, 0))
	for i := from; i < to; i++ {
		page = append(page, s.members[i].attendee())
	}
	if to < len(s.members) && to > 0 {
		next = s.members[to-1].ordinal
	}
	return page, next
}

// find returns the position of the attendee, or -1. Meetings are small enough
// for looking at each.
func (s *State) find(id ID) int {
	for i := range s.members {
		if s.members[i].id == id {
			return i
		}
	}
	return -1
}

// findFrom is find for one of many attendees that are mostly asked for in
// their own order: it begins looking at position from.
func (s *State) findFrom(from int, id ID) int {
	for i := range s.members {
		if at := (from + i) % len(s.members); s.members[at].id == id {
			return at
		}
	}
	return -1
}

// Apply changes the State by one record. The record is kept no longer than the
// call; on an error, which wraps ErrOrder, nothing has changed.
func (s *State) Apply(r *Record) error {
	if err := s.accepts(r.Body); err != nil {
		return err
	}
	switch b := r.Body.(type) {
	case *Created:
		s.profile = b.Profile.own()
		s.setTags(b.Tags)
		s.add(b.Attendees)
	case *AttendeesAdded:
		s.add(b.Attendees)
	case *AttendeeDeleted:
		i := s.find(b.Attendee)
		s.size -= s.members[i].size()
		s.members = slices.Delete(s.members, i, i+1)
		if _, recorded := s.recorders[b.Attendee]; recorded {
			delete(s.recorders, b.Attendee)
			if s.formerRecorders == nil {
				s.formerRecorders = make(map[ID]struct{})
			}
			s.formerRecorders[b.Attendee] = struct{}{}
		}
	case *CapabilitiesSet:
		at := 0
		for _, id := range b.Attendees {
			at = s.findFrom(at, id)
			s.members[at].caps = b.Capabilities
		}
	case *TagsSet:
		s.applyTags(b)
	case *TranscriptionStarted, *TranscriptionMoved, *TranscriptionStopped:
		s.transcription = s.transcription.afterRecord(&r.Stamp, b)
	case *TimersSet:
		s.timers = b.Timers
	case *Ended:
		ended := b.own()
		*s = State{profile: &ended.Profile, ended: ended}
	}
	return nil
}

// accepts tells whether the body can follow what was applied so far.
func (s *State) accepts(body Body) error {
	refuse := func(why string) error { return fmt.Errorf("%w: %s: %s", ErrOrder, body.Kind(), why) }
	switch b := body.(type) {
	case *PipelineCreated, *PipelineMoved, *PipelineTroubled, *PipelineEnded:
		return refuse("it is a pipeline's")
	case *Created:
		if s.Exists() {
			return refuse("the meeting exists already")
		}
		return nil
	case *Ended:
		if s.ended != nil {
			return refuse("the meeting has ended already")
		}
		return nil // also as the only record left of a meeting
	case *AttendeeDeleted:
		if s.find(b.Attendee) < 0 {
			return refuse("no such attendee")
		}
	case *CapabilitiesSet:
		at := 0
		for _, id := range b.Attendees {
			if at = s.findFrom(at, id); at < 0 {
				return refuse("no such attendee")
			}
		}
	case *TagsSet:
		if !b.Attendee.IsZero() && s.find(b.Attendee) < 0 {
			return refuse("no such attendee")
		}
	case *TranscriptionMoved:
		if !s.transcription.phase().leadsTo(b.Phase) {
			return refuse("no transcription that could come to that")
		}
	}
	if !s.Active() {
		return refuse("the meeting is not active")
	}
	return nil
}

// add appends attendees. All their external user ids are copied into one
// string, which costs one allocation for a batch and lets the request go.
func (s *State) add(list []Attendee) {
	if len(list) == 0 {
		return
	}
	n := 0
	for i := range list {
		n += len(list[i].ExternalUserID)
	}
	var users strings.Builder
	users.Grow(n)
	for i := range list {
		users.WriteString(list[i].ExternalUserID)
	}
	rest := users.String()
	if need := len(s.members) + len(list); need > cap(s.members) && len(list) > 1 {
		s.members = slices.Grow(s.members, len(list))[:len(s.members):need]
	}
	for i := range list {
		a := &list[i]
		s.ordinal++
		m := member{id: a.ID, user: rest[:len(a.ExternalUserID)], ordinal: s.ordinal, caps: a.Capabilities}
		rest = rest[len(a.ExternalUserID):]
		if len(a.Tags) > 0 {
			tags := ownTags(a.Tags)
			m.tags = &tags
		}
		s.size += m.size()
		s.members = append(s.members, m)
		if !a.Pipeline.IsZero() {
			if s.recorders == nil {
				s.recorders = make(map[ID]ID)
			}
			s.recorders[a.ID] = a.Pipeline
		}
	}
}

func (m *member) size() int {
	n := 56 + len(m.user)
	if m.tags != nil {
		n += 24 + tagsSize(*m.tags)
	}
	return n
}

func (s *State) setTags(tags []Tag) {
	s.size -= tagsSize(s.tags)
	s.tags = ownTags(tags)
	s.size += tagsSize(s.tags)
}

func (s *State) applyTags(b *TagsSet) {
	if b.Attendee.IsZero() {
		s.setTags(b.Tags)
		return
	}
	m := &s.members[s.find(b.Attendee)]
	s.size -= m.size()
	m.tags = nil
	if len(b.Tags) > 0 {
		tags := ownTags(b.Tags)
		m.tags = &tags
	}
	s.size += m.size()
}

func tagsSize(tags []Tag) int {
	n := 0
	for _, t := range tags {
		n += 32 + len(t.Key) + len(t.Value)
	}
	return n
}

// ownTags copies tags so that they share no memory with a request or record.
func ownTags(tags []Tag) []Tag {
	if len(tags) == 0 {
		return nil
	}
	own := make([]Tag, len(tags))
	for i, t := range tags {
		own[i] = Tag{Key: strings.Clone(t.Key), Value: strings.Clone(t.Value)}
	}
	return own
}

// own copies the record so that it shares no memory with its input.
func (b *Ended) own() *Ended {
	c := *b
	c.Profile = *b.Profile.own()
	c.Departures = slices.Clone(b.Departures)
	for i := range c.Departures {
		c.Departures[i].ExternalUserID = strings.Clone(c.Departures[i].ExternalUserID)
	}
	if b.Transcription != nil {
		own := b.Transcription.own()
		c.Transcription = &own
	}
	return &c
}
