package control_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

func TestAuthorize(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	n := newMeeting(owner, "token", "ann", "bob")
	n.Features, n.TenantIDs = &meeting.Features{MaxCount: 7}, []string{"one"}
	s, results, err := v.CreateMeeting(ctx, n)
	must(t, err)
	ann := results[0].Attendee
	token := v.JoinToken(s.ID, ann.ID)
	want := control.Grant{
		MeetingID: s.ID, Attendee: ann, Features: n.Features, MediaRegion: "eu-west-3", ExternalMeetingID: n.ExternalMeetingID, MaxAttendees: 7,
	}
	check := func(token string, content bool) {
		t.Helper()
		g, err := v.Authorize(ctx, s.ID, token)
		if err != nil || g.Attendee.ID != ann.ID || g.Attendee.ExternalUserID != "ann" || g.Content != content ||
			*g.Features != *want.Features || g.MediaRegion != want.MediaRegion || g.ExternalMeetingID != want.ExternalMeetingID || g.MaxAttendees != 7 ||
			g.Account != owner.Account || !slices.Equal(g.TenantIDs, n.TenantIDs) {
			t.Errorf("%+v, %v", g, err)
		}
	}
	check(token, false)
	check(token+"#content", true)
	v.restart()
	check(token, false)

	other := v.create(owner, "other")
	refused := func(id meeting.ID, token string, cause error, kind meeting.Kind) {
		t.Helper()
		_, err := v.Authorize(ctx, id, token)
		if !errors.Is(err, cause) || !isKind(err, kind) {
			t.Errorf("got %v, want %v", err, cause)
		}
	}
	refused(other.ID, token, control.ErrBadToken, meeting.Forbidden)
	refused(meeting.ID{1}, token, control.ErrBadToken, meeting.Forbidden)
	refused(s.ID, "nonsense", control.ErrBadToken, meeting.Forbidden)
	refused(s.ID, token+"#other", control.ErrBadToken, meeting.Forbidden)
	refused(s.ID, v.JoinToken(s.ID, meeting.ID{4}), control.ErrRemoved, meeting.NotFound)
	must(t, v.DeleteAttendee(ctx, owner, s.ID, ann.ID))
	refused(s.ID, token, control.ErrRemoved, meeting.NotFound)
	again := v.add(owner, s.ID, "ann")[0]
	if again == ann.ID {
		t.Error("a deleted attendee came back with its old id")
	}
	refused(s.ID, token, control.ErrRemoved, meeting.NotFound)
	must(t, v.DeleteMeeting(ctx, owner, s.ID))
	refused(s.ID, v.JoinToken(s.ID, again), control.ErrEnded, meeting.NotFound)
}

func TestJoinTokensAreThoseOfTheAttendees(t *testing.T) {
	v := newEnv(t, nil, nil)
	people := []meeting.Attendee{{ID: meeting.ID{1}}, {ID: meeting.ID{2}}}
	tokens := v.JoinTokens(meeting.ID{9}, people)
	if !slices.Equal(tokens, []string{v.JoinToken(meeting.ID{9}, meeting.ID{1}), v.JoinToken(meeting.ID{9}, meeting.ID{2})}) {
		t.Errorf("got %v", tokens)
	}
}

func TestWatchersSeeEveryChangeInOrder(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	s := v.create(owner, "token", "ann", "bob", "eve")
	people := v.roster(owner, s.ID)
	var changes []control.Change
	cancelOther := v.Watch(s.ID, func(control.Change) { t.Error("told after cancel") })
	cancelOther()
	cancel := v.Watch(s.ID, func(c control.Change) { changes = append(changes, c) })
	defer cancel()
	listenOnly := meeting.Capabilities{Audio: meeting.Receive, Video: meeting.Receive, Content: meeting.Receive}
	_, err := v.UpdateCapabilities(ctx, owner, s.ID, people["ann"].ID, listenOnly)
	must(t, err)
	_, err = v.UpdateCapabilities(ctx, owner, s.ID, people["ann"].ID, listenOnly) // changes nothing
	must(t, err)
	must(t, v.UpdateCapabilitiesExcept(ctx, owner, s.ID, []meeting.ID{people["eve"].ID, {7}}, listenOnly))
	must(t, v.StartTranscription(ctx, owner, s.ID, meeting.TranscriptionConfig{JSON: `{"a":1}`, Region: "auto"}))
	must(t, v.StopTranscription(ctx, owner, s.ID))
	must(t, v.StopTranscription(ctx, owner, s.ID)) // nothing runs
	must(t, v.DeleteAttendee(ctx, owner, s.ID, people["bob"].ID))
	must(t, v.DeleteMeeting(ctx, owner, s.ID))

	if len(changes) != 5 {
		t.Fatalf("told %+v", changes)
	}
	for i, who := range []string{"ann", "bob"} {
		c := changes[i].(control.CapabilitiesChanged)
		if len(c.Attendees) != 1 || c.Attendees[0].ExternalUserID != who || c.Attendees[0].Capabilities != listenOnly {
			t.Errorf("change %d: %+v", i, c)
		}
	}
	if c := changes[2].(control.TranscriptionRefused); c.Config.JSON != `{"a":1}` || c.Failure == "" {
		t.Errorf("%+v", c)
	}
	if c := changes[3].(control.AttendeeDeleted); c.Attendee != people["bob"].ID {
		t.Errorf("%+v", c)
	}
	if c := changes[4].(control.Ended); c.Reason != meeting.EndedByRequest {
		t.Errorf("%+v", c)
	}
	told := false
	v.Watch(s.ID, func(c control.Change) { told = c == control.Ended{Reason: meeting.EndedByRequest} })
	if !told {
		t.Error("who watches an ended meeting is not told that it ended")
	}
}

// A session that is authorized while the attendee is being deleted is either
// refused or told: it never stays.
func TestNoSessionOutlivesItsAttendee(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	id := v.create(owner, "token").ID
	for range 20 {
		a := v.add(owner, id, "ann")[0]
		token := v.JoinToken(id, a)
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := v.DeleteAttendee(ctx, owner, id, a); err != nil {
				t.Error(err)
			}
		})
		told := make(chan struct{}, 1)
		cancel := v.Watch(id, func(control.Change) { told <- struct{}{} })
		_, err := v.Authorize(ctx, id, token)
		wg.Wait()
		if err == nil {
			select {
			case <-told:
			default:
				t.Error("authorized, then deleted, and not told")
			}
		} else if !errors.Is(err, control.ErrRemoved) {
			t.Error(err)
		}
		cancel()
	}
}

// facts returns the kinds of the meeting's facts.
func (v *env) facts(id meeting.ID) (kinds []meeting.FactKind) {
	v.t.Helper()
	list, err := v.Facts(context.Background(), id)
	must(v.t, err)
	for _, f := range list {
		kinds = append(kinds, f.Kind)
	}
	return kinds
}

func (v *env) report(id, attendee meeting.ID, kinds ...meeting.FactKind) {
	v.t.Helper()
	for _, k := range kinds {
		must(v.t, v.RecordFact(context.Background(), id, meeting.Fact{Kind: k, Attendee: attendee, ExternalUserID: "someone"}))
	}
}

func TestWhoIsThereAtTheEndLeaves(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	s := v.create(owner, "token", "ann", "bob", "eve")
	people := v.roster(owner, s.ID)
	v.report(s.ID, people["ann"].ID, meeting.Authorized, meeting.Joined, meeting.VideoStarted, meeting.ContentJoined)
	v.report(s.ID, people["bob"].ID, meeting.Authorized, meeting.Joined, meeting.Dropped)
	v.report(s.ID, people["eve"].ID, meeting.Joined)
	must(t, v.DeleteMeeting(ctx, owner, s.ID))
	entries := v.records(s.ID)
	if len(entries) != 1 {
		t.Fatalf("%d entries are left", len(entries))
	}
	rec, err := meeting.DecodeRecord(entries[0].Data)
	must(t, err)
	var got []meeting.FactKind
	for _, f := range rec.Body.(*meeting.Ended).Departures {
		got = append(got, f.Kind)
	}
	if !slices.Equal(got, []meeting.FactKind{meeting.Left, meeting.ContentLeft, meeting.Left}) {
		t.Errorf("departures %v", got)
	}
	before := v.facts(s.ID)
	v.report(s.ID, people["ann"].ID, meeting.Left, meeting.ContentLeft) // told already
	if after := v.facts(s.ID); len(after) != len(before) {
		t.Errorf("the departure is told twice: %v", after)
	}
	err = v.RecordFact(ctx, s.ID, meeting.Fact{Kind: meeting.Joined, Attendee: people["ann"].ID})
	if !errors.Is(err, control.ErrEnded) {
		t.Errorf("joining an ended meeting: %v", err)
	}
}

// Sessions that a crash cut off are reported dropped: at once when the attendee
// is back, else after the grace time.
func TestSessionsCutOffByACrashAreDropped(t *testing.T) {
	v, facts := newFactGate(t)
	s := v.create(owner, "token", "ann", "bob")
	people := v.roster(owner, s.ID)
	v.report(s.ID, people["ann"].ID, meeting.Joined)
	v.report(s.ID, people["bob"].ID, meeting.Joined, meeting.ContentJoined)
	v.restartUntilRunSleeps()
	v.report(s.ID, people["ann"].ID, meeting.Joined)
	want := []meeting.FactKind{meeting.Joined, meeting.Joined, meeting.ContentJoined, meeting.Dropped, meeting.Joined}
	if got := v.facts(s.ID); !slices.Equal(got, want) {
		t.Errorf("facts %v", got)
	}
	v.clock.advance(12 * time.Second)
	facts.wait(t, 7)
	if got := v.facts(s.ID)[5:]; !slices.Equal(got, []meeting.FactKind{meeting.Dropped, meeting.ContentDropped}) {
		t.Errorf("facts %v", got)
	}
	v.report(s.ID, people["bob"].ID, meeting.Joined)
	if got := v.facts(s.ID); len(got) != 8 {
		t.Errorf("facts %v", got)
	}
}

// Somebody comes back in the moment in which the session before is being
// reported dropped: the facts stay in order.
func TestComingBackFollowsTheDrop(t *testing.T) {
	v, facts := newFactGate(t)
	s := v.create(owner, "token", "ann")
	ann := v.roster(owner, s.ID)["ann"].ID
	v.report(s.ID, ann, meeting.Joined)
	v.restartUntilRunSleeps()
	facts.hold <- struct{}{} // the next fact waits here
	v.clock.advance(12 * time.Second)
	<-facts.held
	back := make(chan error)
	go func() {
		back <- v.RecordFact(context.Background(), s.ID, meeting.Fact{Kind: meeting.Joined, Attendee: ann})
	}()
	for v.WaitingToReport(s.ID, ann) != 1 {
		runtime.Gosched()
	}
	facts.hold <- struct{}{}
	must(t, <-back)
	want := []meeting.FactKind{meeting.Joined, meeting.Dropped, meeting.Joined}
	if got := v.facts(s.ID); !slices.Equal(got, want) {
		t.Errorf("facts %v", got)
	}
}

// factGate are slots that tell of each fact written, and hold one up when
// asked to.
type factGate struct {
	written chan struct{}
	n       int
	hold    chan struct{} // one receive holds the next fact up, another lets it go
	held    chan struct{}
}

func newFactGate(t *testing.T) (*env, *factGate) {
	g := &factGate{written: make(chan struct{}, 100), hold: make(chan struct{}, 1), held: make(chan struct{})}
	return newEnv(t, nil, func(s control.Slot) control.Slot { return gatedSlot{s, g} }), g
}

type gatedSlot struct {
	control.Slot
	*factGate
}

func (g gatedSlot) AppendFact(ctx context.Context, id meeting.ID, data []byte) error {
	select {
	case <-g.hold:
		g.held <- struct{}{}
		<-g.hold
	default:
	}
	err := g.Slot.AppendFact(ctx, id, data)
	g.written <- struct{}{}
	return err
}

// wait waits until n facts were written in all.
func (g *factGate) wait(t *testing.T, n int) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for ; g.n < n; g.n++ {
		select {
		case <-g.written:
		case <-deadline:
			t.Fatalf("%d facts were written, not %d", g.n, n)
		}
	}
}

func TestFactsOfStrangersAreRefused(t *testing.T) {
	v := newEnv(t, nil, nil)
	err := v.RecordFact(context.Background(), meeting.ID{1}, meeting.Fact{Kind: meeting.Joined})
	wantKind(t, err, meeting.NotFound)
	v.SetConnected(meeting.ID{1}, 3) // must do no harm
}

// A meeting ends while somebody leaves it: the departure is told once, before
// the end, and whoever comes meanwhile is told that the meeting is over.
func TestNoFactComesBehindTheEnd(t *testing.T) {
	v, gate := newFactGate(t)
	ctx := context.Background()
	m := v.create(owner, "one", "ann", "bob")
	people := v.roster(owner, m.ID)
	ann, bob := people["ann"].ID, people["bob"].ID
	for _, id := range []meeting.ID{ann, bob} {
		must(t, v.RecordFact(ctx, m.ID, meeting.Fact{Kind: meeting.Joined, Attendee: id}))
	}
	gate.wait(t, 2)
	left, ended, late := make(chan error, 1), make(chan error, 1), make(chan error, 1)
	gate.hold <- struct{}{}
	go func() { left <- v.RecordFact(ctx, m.ID, meeting.Fact{Kind: meeting.Left, Attendee: ann}) }()
	<-gate.held // it is being written
	go func() { ended <- v.DeleteMeeting(ctx, owner, m.ID) }()
	for !v.Ending(m.ID) {
		runtime.Gosched()
	}
	go func() { late <- v.RecordFact(ctx, m.ID, meeting.Fact{Kind: meeting.VideoStarted, Attendee: bob}) }()
	select {
	case err := <-ended:
		t.Fatalf("the meeting has ended before the departure was written: %v", err)
	case err := <-late:
		t.Fatalf("a fact of a meeting that is being ended is answered: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	gate.hold <- struct{}{}
	must(t, <-left)
	must(t, <-ended)
	if err := <-late; !errors.Is(err, control.ErrEnded) {
		t.Errorf("who came late is told %v", err)
	}
	records := v.records(m.ID)
	last, err := meeting.DecodeRecord(records[len(records)-1].Data)
	must(t, err)
	if d := last.Body.(*meeting.Ended).Departures; len(d) != 1 || d[0].Attendee != bob {
		t.Errorf("the last record tells of %v", d)
	}
	facts, err := v.slot(m.ID).LoadFacts(ctx, m.ID)
	must(t, err)
	if f, e := facts[len(facts)-1].Revision.Seq, records[len(records)-1].Revision.Seq; f > e {
		t.Errorf("a fact at %d lies behind the end at %d", f, e)
	}
}
