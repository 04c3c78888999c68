package control_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

func TestOneTokenMakesOneMeeting(t *testing.T) {
	v := newEnv(t, nil, nil)
	var mu sync.Mutex
	ids, people := map[meeting.ID]int{}, map[string]map[meeting.ID]bool{"ann": {}, "bob": {}}
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			n := newMeeting(owner, "one-token")
			if i%2 == 0 { // any mix of both operations
				n.Attendees = named("ann", "bob")
			}
			n.ExternalMeetingID = fmt.Sprint("other parameters ", i)
			s, results, err := v.CreateMeeting(context.Background(), n)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			ids[s.ID]++
			for i, r := range results {
				people[n.Attendees[i].ExternalUserID][r.Attendee.ID] = true
			}
		})
	}
	wg.Wait()
	if len(ids) != 1 || len(people["ann"]) != 1 || len(people["bob"]) != 1 {
		t.Errorf("meetings %v, attendees %v", ids, people)
	}
	if list, _, err := v.ListMeetings(context.Background(), owner, 10, ""); err != nil || len(list) != 1 {
		t.Errorf("%d meetings are there (%v)", len(list), err)
	}
}

func TestTheTokenAcrossARestartAndAfterTheEnd(t *testing.T) {
	v := newEnv(t, nil, nil)
	first := v.create(owner, "token", "ann")
	v.restart()
	if again := v.create(owner, "token"); again.ID != first.ID || !again.CreatedAt.Equal(first.CreatedAt) {
		t.Errorf("after a restart the token gives %s, not %s", again.ID, first.ID)
	}
	must(t, v.DeleteMeeting(context.Background(), owner, first.ID))
	second := v.create(owner, "token")
	if second.ID == first.ID {
		t.Error("the token of an ended meeting gave the ended meeting's id")
	}
	v.restart() // the tombstone of the first is still there
	if again := v.create(owner, "token"); again.ID != second.ID {
		t.Errorf("after another restart the token gives %s, not %s", again.ID, second.ID)
	}
}

func TestTokensOfDifferentOwnersAreDifferent(t *testing.T) {
	v := newEnv(t, nil, nil)
	seen := map[meeting.ID]bool{}
	for _, o := range []meeting.Owner{owner, legacy,
		{Account: "210987654321", Region: owner.Region, Flavour: owner.Flavour},
		{Account: owner.Account, Region: "us-west-2", Flavour: owner.Flavour},
		{Account: owner.Account, Region: owner.Region, Flavour: meeting.Legacy},
	} {
		s := v.create(o, "token")
		if seen[s.ID] {
			t.Errorf("%+v shares a meeting", o)
		}
		seen[s.ID] = true
		for _, other := range []meeting.Owner{owner, legacy} {
			if _, err := v.GetMeeting(context.Background(), other, s.ID); (err == nil) != (other == o) {
				t.Errorf("%+v asks for a meeting of %+v: %v", other, o, err)
			}
		}
	}
}

func TestAnInvalidRepeatIsRefused(t *testing.T) {
	v := newEnv(t, nil, nil)
	v.create(owner, "token")
	n := newMeeting(owner, "token")
	n.Features = &meeting.Features{VideoMax: "FHD"}
	_, _, err := v.CreateMeeting(context.Background(), n)
	wantKind(t, err, meeting.Invalid)
}

func TestTheQuotaOfMeetingsHoldsUnderConcurrency(t *testing.T) {
	v := newEnv(t, func(c *control.Config) { c.Limits.Meetings = 5 }, nil)
	var mu sync.Mutex
	made := []meeting.ID{}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			s, _, err := v.CreateMeeting(context.Background(), newMeeting(owner, fmt.Sprint("token-", i)))
			if err != nil {
				wantKind(t, err, meeting.LimitExceeded)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			made = append(made, s.ID)
		})
	}
	wg.Wait()
	if len(made) != 5 {
		t.Fatalf("%d meetings were made, 5 are allowed", len(made))
	}
	v.create(legacy, "token") // has a quota of its own
	v.restart()
	_, _, err := v.CreateMeeting(context.Background(), newMeeting(owner, "one too many"))
	wantKind(t, err, meeting.LimitExceeded)
	must(t, v.DeleteMeeting(context.Background(), owner, made[0]))
	v.create(owner, "in its place")
}

// The outcome of a creation is not known for a while. Whether the record is
// there or not, a repeat with the token waits for it, and ends with one meeting,
// also in the ledger.
func TestACreationOfUnknownOutcomeStaysOneMeeting(t *testing.T) {
	for _, stored := range []bool{true, false} {
		t.Run(fmt.Sprint("stored=", stored), func(t *testing.T) {
			v, f := newFaulty(t, nil)
			hidden, refused := once("append", 1, ledger.ErrUnavailable), once("append", 1, ledger.ErrUnavailable)
			if stored {
				refused = nil
			}
			f.set(refused, hidden)
			_, _, err := v.CreateMeeting(context.Background(), newMeeting(owner, "token", "ann"))
			wantKind(t, err, meeting.Unavailable)
			again := make(chan meeting.Summary)
			go func() { again <- v.create(owner, "token", "ann", "bob") }()
			<-v.clock.asked // it waits for its turn
			f.tell()
			s := <-again
			if n := len(v.roster(owner, s.ID)); n != 2 {
				t.Errorf("%d attendees", n)
			}
			v.restart()
			if all, err := v.Meetings(context.Background()); err != nil || len(all) != 1 || all[0].ID != s.ID || all[0].Attendees != 2 {
				t.Errorf("after a restart: %+v, %v", all, err)
			}
		})
	}
}

func TestReplicas(t *testing.T) {
	v := newEnv(t, func(c *control.Config) { c.Limits.Replicas = 2 }, nil)
	ctx := context.Background()
	primary := v.create(owner, "primary")
	replica := func(token, of string) (meeting.Summary, error) {
		n := newMeeting(owner, token)
		n.PrimaryID = of
		s, _, err := v.CreateMeeting(ctx, n)
		return s, err
	}
	first, err := replica("r1", primary.ID.String())
	must(t, err)
	if first.PrimaryID != primary.ID {
		t.Errorf("the replica says its primary is %s", first.PrimaryID)
	}
	foreign := v.create(legacy, "foreign")
	for name, of := range map[string]string{
		"a replica": first.ID.String(), "nobody": meeting.ID{9}.String(), "no guid": "something", "a stranger": foreign.ID.String(),
	} {
		if _, err := replica("of "+name, of); !isKind(err, meeting.Invalid) {
			t.Errorf("a replica of %s: %v", name, err)
		}
	}
	// The token rule comes first, within the slot of the primary: this names a
	// replica's own token.
	if s, err := replica("r1", meeting.ID{9}.InSlot(primary.ID.Slot()).String()); err != nil || s.ID != first.ID {
		t.Errorf("the replica's token gave %s, %v", s.ID, err)
	}
	if first.ID.Slot() != primary.ID.Slot() {
		t.Errorf("a replica in slot %d, its primary in %d", first.ID.Slot(), primary.ID.Slot())
	}
	second, err := replica("r2", primary.ID.String())
	must(t, err)
	_, err = replica("r3", primary.ID.String())
	wantKind(t, err, meeting.LimitExceeded)
	must(t, v.DeleteMeeting(ctx, owner, second.ID))
	if _, err := v.GetMeeting(ctx, owner, primary.ID); err != nil {
		t.Errorf("deleting a replica took the primary along: %v", err)
	}
	third, err := replica("r3", primary.ID.String())
	must(t, err)
	v.restart()
	_, err = replica("r4", primary.ID.String())
	wantKind(t, err, meeting.LimitExceeded)

	must(t, v.DeleteMeeting(ctx, owner, primary.ID))
	for _, id := range []meeting.ID{first.ID, third.ID} {
		if reason := v.ended(id); reason != meeting.EndedWithPrimary {
			t.Errorf("the replica ended: %s", reason)
		}
	}
	_, err = replica("r5", primary.ID.String())
	wantKind(t, err, meeting.Invalid)
}

// A crash, or a ledger that is down, between the end of a primary and that of
// its replica leaves a replica behind. Run ends it.
func TestAReplicaLeftBehindEnds(t *testing.T) {
	for _, crash := range []bool{false, true} {
		t.Run(fmt.Sprint("crash=", crash), func(t *testing.T) {
			v, f := newFaulty(t, nil)
			primary := v.create(owner, "primary")
			n := newMeeting(owner, "replica")
			n.PrimaryID = primary.ID.String()
			replica, _, err := v.CreateMeeting(context.Background(), n)
			must(t, err)
			f.set(func(op string, id meeting.ID) error {
				if op == "end" && id == replica.ID {
					return ledger.ErrUnavailable
				}
				return nil
			}, nil)
			must(t, v.DeleteMeeting(context.Background(), owner, primary.ID))
			if _, err := v.GetMeeting(context.Background(), owner, replica.ID); err != nil {
				t.Fatalf("the replica ended although the ledger did not take it: %v", err)
			}
			if crash {
				v.stop()
				f.set(nil, nil)
				v.start()
			} else {
				f.set(nil, nil)
				v.clock.advance(2 * control.RetryEnd)
			}
			if reason := v.ended(replica.ID); reason != meeting.EndedWithPrimary {
				t.Errorf("ended: %s", reason)
			}
		})
	}
}

func TestADamagedLedgerIsRefused(t *testing.T) {
	v := newEnv(t, nil, nil)
	s := v.create(owner, "token")
	v.spoil(s.ID, v.revision(s.ID))
	if err := v.again(nil); !errors.Is(err, meeting.ErrCorrupt) {
		t.Errorf("rubbish behind a good record: %v", err)
	}

	v = newEnv(t, nil, nil)
	v.spoil(meeting.ID{7}, ledger.Revision{})
	if err := v.again(nil); !errors.Is(err, meeting.ErrCorrupt) {
		t.Errorf("nothing but rubbish: %v", err)
	}

	v = newEnv(t, nil, nil)
	id := v.create(owner, "token").ID
	must(t, v.slot(id).AppendFact(context.Background(), id, []byte("rubbish")))
	if err := v.again(nil); !errors.Is(err, meeting.ErrCorrupt) {
		t.Errorf("a fact of rubbish: %v", err)
	}

	v = newEnv(t, nil, nil)
	id = v.create(owner, "token", "ann").ID
	first := v.revision(id)
	v.add(owner, id, "bob")
	v.add(owner, id, "eve")
	seen := 0
	v.read = func(_ meeting.ID, e ledger.Entry) bool { seen++; return true }
	must(t, v.again(nil))
	v.read = nil
	if seen != 3 {
		t.Fatalf("%d records", seen)
	}
	// The second record is gone: the ledger says that there is a gap.
	rec, err := meeting.DecodeRecord(v.records(id)[2].Data)
	must(t, err)
	_, err = v.slot(id).Append(context.Background(), id, first, rec.Encode(), ledger.Ordinary)
	must(t, err)
	if err := v.again(nil); !errors.Is(err, ledger.ErrDamaged) {
		t.Errorf("a record that does not follow the one before: %v", err)
	}
}

// spoil appends rubbish to a meeting.
func (v *env) spoil(id meeting.ID, after ledger.Revision) ledger.Revision {
	v.t.Helper()
	revision, err := v.slot(id).Append(context.Background(), id, after, []byte("rubbish"), ledger.Ordinary)
	must(v.t, err)
	return revision
}

// Who accepts the loss gives up the meetings whose records make no sense, and
// only those; the next start finds nothing wrong.
func TestDamagedMeetingsAreGivenUpWhenAskedTo(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	good, bad := v.create(owner, "good", "ann"), v.create(owner, "bad", "bob")
	v.spoil(bad.ID, v.spoil(bad.ID, v.revision(bad.ID)))
	must(t, v.slot(good.ID).AppendFact(ctx, good.ID, []byte("rubbish")))
	must(t, v.again(func(c *control.Config) { c.AcceptLoss = true }))
	if _, err := v.GetMeeting(ctx, owner, good.ID); err != nil {
		t.Errorf("the good meeting: %v", err)
	}
	_, err := v.GetMeeting(ctx, owner, bad.ID)
	wantKind(t, err, meeting.NotFound)
	if left := v.records(bad.ID); len(left) > 0 {
		t.Errorf("%d records left", len(left))
	}
	must(t, v.DeleteMeeting(ctx, owner, good.ID)) // its rubbish goes with it
	must(t, v.again(func(c *control.Config) { c.AcceptLoss = false }))
}
