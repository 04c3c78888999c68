package meeting

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// world drives one meeting with random commands and keeps a naive model of
// what must be true beside it.
type world struct {
	t       *testing.T
	rnd     *rand.Rand
	state   State
	records []*Record
	limits  Limits
	ids     uint64
	gone    map[ID]bool // attendees that were deleted
}

func newWorld(t *testing.T, seed uint64) *world {
	limits := DefaultLimits()
	limits.Attendees, limits.HDAttendees, limits.MeetingTags, limits.AttendeeTags = 12, 5, 6, 3
	return &world{t: t, rnd: rand.New(rand.NewPCG(seed, 1)), limits: limits, gone: map[ID]bool{}}
}

func (w *world) newID() (id ID) {
	w.ids++
	for i := range 8 {
		id[i], id[15-i] = byte(w.ids>>(8*i)), byte(w.rnd.Uint32())
	}
	return id
}

func (w *world) stamp() Stamp {
	return Stamp{Command: w.newID(), Time: time.UnixMilli(int64(1e12 + w.ids)).UTC(), Actor: "key:TEST"}
}

func (w *world) user() string { return fmt.Sprintf("user-%d", w.rnd.IntN(25)) }

func (w *world) someTags(most int) (tags []Tag) {
	for n := w.rnd.IntN(most + 1); n > 0; n-- {
		tags = append(tags, Tag{Key: fmt.Sprintf("k%d", w.rnd.IntN(9)), Value: fmt.Sprintf("v%d", w.rnd.IntN(3))})
	}
	return mergeTags(nil, tags)
}

func (w *world) someCapabilities() Capabilities {
	pick := func() Access { return SendReceive + Access(w.rnd.IntN(4)) }
	return Capabilities{Audio: pick(), Video: pick(), Content: pick()}
}

func (w *world) someAttendee() ID {
	if w.state.Len() == 0 || w.rnd.IntN(8) == 0 {
		return w.newID()
	}
	return w.state.members[w.rnd.IntN(w.state.Len())].id
}

func (w *world) items(most int) []NewAttendee {
	items := make([]NewAttendee, 1+w.rnd.IntN(most))
	for i := range items {
		items[i] = NewAttendee{ExternalUserID: w.user(), Tags: w.someTags(3)}
		if w.rnd.IntN(3) == 0 {
			items[i].Capabilities = w.someCapabilities()
		}
	}
	return items
}

func (w *world) create() {
	n := NewMeeting{
		Owner:       Owner{Account: "123456789012", Region: "eu-central-1", Flavour: Meetings},
		MediaRegion: "eu-west-3", ExternalMeetingID: "weekly", HostID: "host",
		Tags: w.someTags(6), TenantIDs: []string{"a", "b"},
		Notifications: Notifications{SqsQueueArn: "arn:aws:sqs:eu-central-1:123456789012:q"},
	}
	n.Features = []*Features{nil, {}, {MaxCount: 7}, {VideoMax: "None"}, {ContentMax: "None", EchoReduction: "AVAILABLE"},
		{VideoMax: "FHD", MaxCount: 5}, {VideoMax: "None", ContentMax: "None"}}[w.rnd.IntN(7)]
	rec, _, err := DecideCreate(w.stamp(), w.newID(), TokenHash(w.newID()), n, w.limits, w.newID)
	if err != nil {
		w.t.Fatal(err)
	}
	w.commit(rec)
}

// commit writes a record down and applies what was written, as a ledger would
// give it back.
func (w *world) commit(rec *Record) {
	w.t.Helper()
	if rec == nil {
		return
	}
	read, err := DecodeRecord(rec.Encode())
	if err != nil {
		w.t.Fatal(err)
	}
	if !reflect.DeepEqual(read, rec) {
		w.t.Fatalf("wrote %+v, read %+v", rec.Body, read.Body)
	}
	w.records = append(w.records, read)
	if err := w.state.Apply(rec); err != nil {
		w.t.Fatal(err)
	}
}

// step runs one random command and returns its refusal.
func (w *world) step() error {
	var rec *Record
	var err error
	s := &w.state
	switch w.rnd.IntN(16) {
	case 0, 1, 2, 3:
		return w.addAttendees()
	case 4, 5:
		id := w.someAttendee()
		if rec, err = DecideDeleteAttendee(s, w.stamp(), id); err == nil {
			w.gone[id] = true
		}
	case 6:
		rec, _, err = DecideCapabilities(s, w.stamp(), w.someAttendee(), w.someCapabilities())
	case 7:
		rec, err = DecideCapabilitiesExcept(s, w.stamp(), []ID{w.someAttendee(), w.someAttendee()}, w.someCapabilities())
	case 8:
		rec, err = DecideTagMeeting(s, w.stamp(), w.someTags(6), w.limits)
	case 9:
		rec, err = DecideUntagMeeting(s, w.stamp(), []string{"k1", "k2", "k3"})
	case 10:
		rec, err = DecideTagAttendee(s, w.stamp(), w.someAttendee(), w.someTags(3), w.limits)
	case 11:
		rec, err = DecideUntagAttendee(s, w.stamp(), w.someAttendee(), []string{"k1", "k2"})
	case 12:
		rec, err = DecideStartTranscription(s, w.stamp(), TranscriptionConfig{JSON: "{}", Region: "auto"}, "", true)
	case 13:
		rec, err = DecideStopTranscription(s, w.stamp())
	default:
		attached := s.transcription
		if attached == nil {
			attached = new(Transcription)
		}
		rec, err = DecideTranscription(s, w.stamp(), attached.Command, TranscriptionPhase(1+w.rnd.IntN(4)), "why")
	}
	w.commit(rec)
	return err
}

// addAttendees creates some and checks the results against what was there.
func (w *world) addAttendees() error {
	before := map[string]ID{}
	for _, m := range w.state.members {
		before[m.user] = m.id
	}
	items := w.items(10)
	rec, results, err := DecideAddAttendees(&w.state, w.stamp(), items, w.limits, w.newID)
	if err != nil {
		return err
	}
	w.commit(rec)
	if len(results) != len(items) {
		w.t.Fatalf("%d results for %d items", len(results), len(items))
	}
	byUser := map[string]ID{}
	for i, r := range results {
		user := items[i].ExternalUserID
		known, was := before[user]
		switch {
		case r.Err != nil && (was || w.state.Len() < w.state.profile.Capacity):
			w.t.Fatalf("%s refused without need: %v", user, r.Err)
		case r.Err != nil:
			continue
		case was && r.Attendee.ID != known:
			w.t.Fatalf("%s was %s and is given %s", user, known, r.Attendee.ID)
		case r.Attendee.ExternalUserID != user:
			w.t.Fatalf("item %d asks for %s and gets %s", i, user, r.Attendee.ExternalUserID)
		}
		if id, twice := byUser[user]; twice && id != r.Attendee.ID {
			w.t.Fatalf("%s has two ids in one answer", user)
		}
		byUser[user] = r.Attendee.ID
		stored, ok := w.state.Attendee(r.Attendee.ID)
		if !ok || !reflect.DeepEqual(stored, r.Attendee) {
			w.t.Fatalf("answered %+v but stored %+v", r.Attendee, stored)
		}
	}
	return nil
}

// check holds the state against everything that must always be true.
func (w *world) check() {
	w.t.Helper()
	s := &w.state
	if s.Len() > s.profile.Capacity {
		w.t.Fatalf("%d attendees, but %d at most", s.Len(), s.profile.Capacity)
	}
	if len(s.tags) > w.limits.MeetingTags {
		w.t.Fatalf("%d tags", len(s.tags))
	}
	users, size := map[string]bool{}, tagsSize(s.tags)
	for i := range s.members {
		m := &s.members[i]
		size += m.size()
		if users[m.user] {
			w.t.Fatalf("two attendees are called %s", m.user)
		}
		users[m.user] = true
		if w.gone[m.id] {
			w.t.Fatalf("deleted attendee %s is back", m.id)
		}
		if i > 0 && s.members[i-1].ordinal >= m.ordinal {
			w.t.Fatal("not in creation order")
		}
		a := m.attendee()
		if len(a.Tags) > w.limits.AttendeeTags {
			w.t.Fatalf("%d tags on an attendee", len(a.Tags))
		}
		f := s.profile.features()
		if a.Capabilities != f.DefaultCapabilities() && f.CheckCapabilities(a.Capabilities) != nil {
			w.t.Fatalf("capabilities %v under %+v", a.Capabilities, f)
		}
	}
	if s.size != size {
		w.t.Fatalf("size is kept as %d and counts %d", s.size, size)
	}
}

// replay folds what was written from the beginning and compares.
func (w *world) replay() {
	w.t.Helper()
	var again State
	var outline Outline
	for _, rec := range w.records {
		if err := again.Apply(rec); err != nil {
			w.t.Fatal(err)
		}
		if err := outline.Add(rec.Encode()); err != nil {
			w.t.Fatal(err)
		}
		if outline.Attendees != again.Len() || !outline.Stamp.Time.Equal(rec.Time) {
			w.t.Fatalf("outline counts %d attendees of %d", outline.Attendees, again.Len())
		}
	}
	normal := w.state
	for _, s := range []*State{&again, &normal} {
		if len(s.members) == 0 {
			s.members = nil
		}
	}
	if !reflect.DeepEqual(again, normal) {
		w.t.Fatalf("replayed %+v\nlived    %+v", again, normal)
	}
	if w.state.Active() && !reflect.DeepEqual(outline.Tags, w.state.tags) {
		w.t.Fatalf("outline has tags %v of %v", outline.Tags, w.state.tags)
	}
	if !reflect.DeepEqual(outline.Profile, w.state.profile) || !reflect.DeepEqual(outline.Ended, w.state.ended) {
		w.t.Fatal("outline and state disagree")
	}
}

func TestRandomCommandsKeepTheRules(t *testing.T) {
	refused := map[Kind]int{}
	for seed := range uint64(150) {
		w := newWorld(t, seed)
		w.create()
		for range 60 {
			if err := w.step(); err != nil {
				var e *Error
				if !errors.As(err, &e) {
					t.Fatalf("refused with %T", err)
				}
				refused[e.Kind]++
			}
			w.check()
		}
		w.replay()
		rec, err := DecideEnd(&w.state, w.stamp(), EndedIdle, []Fact{{Kind: Left, Attendee: w.newID(), ExternalUserID: "u"}})
		if err != nil {
			t.Fatal(err)
		}
		w.commit(rec)
		w.replay()
		if err := w.step(); err == nil {
			t.Fatal("an ended meeting took a command")
		}
	}
	for _, k := range []Kind{Invalid, NotFound, LimitExceeded, TooManyTags} {
		if refused[k] == 0 {
			t.Errorf("no command was ever refused with kind %d: the test does not reach it", k)
		}
	}
}

// Nothing read from a record may point into memory that somebody else may
// change: stores and request decoders reuse their buffers.
func TestStateOwnsItsMemory(t *testing.T) {
	w := newWorld(t, 7)
	w.create()
	data := (&Record{Stamp: w.stamp(), Body: &AttendeesAdded{Attendees: []Attendee{{ID: w.newID(), ExternalUserID: "someone", Capabilities: Features{}.DefaultCapabilities()}}}}).Encode()
	rec, err := DecodeRecord(data)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.state.Apply(rec); err != nil {
		t.Fatal(err)
	}
	clear(data)
	if got := w.state.members[len(w.state.members)-1].user; got != "someone" {
		t.Errorf("external user id became %q", got)
	}
}
