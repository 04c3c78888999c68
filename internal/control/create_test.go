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

// The ledger gave no answer to a creation. Whether the record is there or not,
// a repeat with the token ends with one meeting, also in the ledger.
func TestACreationOfUnknownOutcomeStaysOneMeeting(t *testing.T) {
	for _, stored := range []bool{true, false} {
		t.Run(fmt.Sprint("stored=", stored), func(t *testing.T) {
			v, f := newFaulty(t, nil)
			hook := once("append", 1, ledger.ErrUnavailable)
			if stored {
				f.set(nil, hook)
			} else {
				f.set(hook, nil)
			}
			_, _, err := v.CreateMeeting(context.Background(), newMeeting(owner, "token", "ann"))
			wantKind(t, err, meeting.Unavailable)
			s := v.create(owner, "token", "ann", "bob")
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

func TestASpuriousRefusalOfACreationIsTriedAgain(t *testing.T) {
	v, f := newFaulty(t, nil)
	f.set(once("append", 3, ledger.ErrStale), nil)
	v.create(owner, "token", "ann")
	f.set(once("append", 1000, ledger.ErrStale), nil)
	_, _, err := v.CreateMeeting(context.Background(), newMeeting(owner, "another"))
	wantKind(t, err, meeting.Conflict)
	f.set(nil, nil)
	if s := v.create(owner, "another"); len(v.roster(owner, s.ID)) != 0 {
		t.Error("unexpected attendees")
	}
	if all, err := v.Meetings(context.Background()); err != nil || len(all) != 2 {
		t.Errorf("%d meetings (%v)", len(all), err)
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
	// The token rule comes first: this names the primary's own token.
	if s, err := replica("primary", meeting.ID{9}.String()); err != nil || s.ID != primary.ID {
		t.Errorf("the primary's token gave %s, %v", s.ID, err)
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

func TestNewRefusesADamagedLedger(t *testing.T) {
	v := newEnv(t, nil, nil)
	s := v.create(owner, "token")
	_, err := v.store.Append(context.Background(), s.ID, v.revision(s.ID), []byte("rubbish"), ledger.Ordinary)
	must(t, err)
	_, err = control.New(context.Background(), v.cfg, v.store, testKey(t))
	if !errors.Is(err, meeting.ErrCorrupt) {
		t.Errorf("rubbish behind a good record: %v", err)
	}

	v = newEnv(t, nil, nil)
	_, err = v.store.Append(context.Background(), meeting.ID{7}, 0, []byte("rubbish"), ledger.Ordinary)
	must(t, err)
	_, err = control.New(context.Background(), v.cfg, v.store, testKey(t))
	if !errors.Is(err, meeting.ErrCorrupt) {
		t.Errorf("nothing but rubbish: %v", err)
	}

	v = newEnv(t, nil, nil)
	id := v.create(owner, "token").ID
	must(t, v.store.AppendFact(context.Background(), id, []byte("rubbish")))
	_, err = control.New(context.Background(), v.cfg, v.store, testKey(t))
	if !errors.Is(err, meeting.ErrCorrupt) {
		t.Errorf("a fact of rubbish: %v", err)
	}
}

// Who accepts the loss gives up the meetings whose records make no sense, and
// only those; the next start finds nothing wrong.
func TestDamagedMeetingsAreGivenUpWhenAskedTo(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	good, bad := v.create(owner, "good", "ann"), v.create(owner, "bad", "bob")
	_, err := v.store.Append(ctx, bad.ID, v.revision(bad.ID), []byte("rubbish"), ledger.Ordinary)
	must(t, err)
	_, err = v.store.Append(ctx, bad.ID, v.revision(bad.ID)+1, []byte("more of it"), ledger.Ordinary)
	if err != nil && !errors.Is(err, ledger.ErrStale) {
		t.Fatal(err)
	}
	must(t, v.store.AppendFact(ctx, good.ID, []byte("rubbish")))
	accepting := v.cfg
	accepting.AcceptLoss = true
	c, err := control.New(ctx, accepting, v.store, testKey(t))
	must(t, err)
	if _, err := c.GetMeeting(ctx, owner, good.ID); err != nil {
		t.Errorf("the good meeting: %v", err)
	}
	_, err = c.GetMeeting(ctx, owner, bad.ID)
	wantKind(t, err, meeting.NotFound)
	if left, err := v.store.Load(ctx, bad.ID, 0); err != nil || len(left) > 0 {
		t.Errorf("%d records left, %v", len(left), err)
	}
}
