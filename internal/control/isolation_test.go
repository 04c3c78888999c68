package control_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/logtest"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// Nobody outside the account, the Region and the flavour of a meeting can see
// it or change it, by any call.
func TestStrangersSeeAndChangeNothing(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	s := v.create(owner, "token", "ann", "bob")
	id, ann := s.ID, v.roster(owner, s.ID)["ann"].ID
	before := v.records(id)
	silent := meeting.Capabilities{Audio: meeting.None, Video: meeting.None, Content: meeting.None}
	tag := []meeting.Tag{{Key: "k", Value: "v"}}
	for name, stranger := range map[string]meeting.Owner{
		"account": {Account: "999999999999", Region: owner.Region, Flavour: owner.Flavour},
		"Region":  {Account: owner.Account, Region: "us-east-1", Flavour: owner.Flavour},
		"flavour": {Account: owner.Account, Region: owner.Region, Flavour: meeting.Legacy},
	} {
		calls := map[string]func() error{
			"GetMeeting":               func() error { _, err := v.GetMeeting(ctx, stranger, id); return err },
			"CreateAttendees":          func() error { _, err := v.CreateAttendees(ctx, stranger, id, named("ann")); return err },
			"GetAttendee":              func() error { _, err := v.GetAttendee(ctx, stranger, id, ann); return err },
			"ListAttendees":            func() error { _, _, err := v.ListAttendees(ctx, stranger, id, 10, ""); return err },
			"DeleteAttendee":           func() error { return v.DeleteAttendee(ctx, stranger, id, ann) },
			"UpdateCapabilities":       func() error { _, err := v.UpdateCapabilities(ctx, stranger, id, ann, silent); return err },
			"UpdateCapabilitiesExcept": func() error { return v.UpdateCapabilitiesExcept(ctx, stranger, id, nil, silent) },
			"StartTranscription":       func() error { return v.StartTranscription(ctx, stranger, id, meeting.TranscriptionConfig{}) },
			"StopTranscription":        func() error { return v.StopTranscription(ctx, stranger, id) },
			"MeetingTags":              func() error { _, err := v.MeetingTags(ctx, stranger, id); return err },
			"TagMeeting":               func() error { return v.TagMeeting(ctx, stranger, id, tag) },
			"UntagMeeting":             func() error { return v.UntagMeeting(ctx, stranger, id, []string{"k"}) },
			"AttendeeTags":             func() error { _, err := v.AttendeeTags(ctx, stranger, id, ann); return err },
			"TagAttendee":              func() error { return v.TagAttendee(ctx, stranger, id, ann, tag) },
			"UntagAttendee":            func() error { return v.UntagAttendee(ctx, stranger, id, ann, []string{"k"}) },
		}
		for call, do := range calls {
			if err := do(); !isKind(err, meeting.NotFound) {
				t.Errorf("%s with another %s: %v", call, name, err)
			}
		}
		must(t, v.DeleteMeeting(ctx, stranger, id)) // as for a meeting that never was
		if list, _, err := v.ListMeetings(ctx, stranger, 10, ""); err != nil || len(list) != 0 {
			t.Errorf("ListMeetings with another %s: %v, %v", name, list, err)
		}
		if home, ok := v.HomeFlavour(ctx, stranger.Account, stranger.Region, id); ok && name != "flavour" {
			t.Errorf("HomeFlavour with another %s: %v", name, home)
		}
		replica := newMeeting(stranger, "a replica of a stranger's meeting")
		replica.PrimaryID = id.String()
		_, _, err := v.CreateMeeting(ctx, replica)
		wantKind(t, err, meeting.Invalid)
	}
	if after := v.records(id); len(after) != len(before) {
		t.Errorf("%d records became %d", len(before), len(after))
	}
}

// A token is used and its meeting deleted by many at once: there is never more
// than one active meeting of the token, and every answer is about one meeting.
func TestOneTokenWhileItsMeetingEnds(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	var mu sync.Mutex
	home := map[meeting.ID]meeting.ID{} // attendee to meeting
	var wg sync.WaitGroup
	for client := range 12 {
		wg.Go(func() {
			for range 15 {
				n := newMeeting(owner, "the-token", "ann", fmt.Sprint("client-", client))
				s, results, err := v.CreateMeeting(ctx, n)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for _, r := range results {
					if r.Err != nil {
						t.Error(r.Err)
					} else if h, known := home[r.Attendee.ID]; known && h != s.ID {
						t.Errorf("attendee %s was answered in two meetings", r.Attendee.ID)
					}
					home[r.Attendee.ID] = s.ID
				}
				mu.Unlock()
				if list, err := v.Meetings(ctx); err != nil || active(list) > 1 {
					t.Errorf("%d meetings are active (%v)", active(list), err)
				}
				if client%3 > 0 {
					continue
				}
				if err := v.DeleteMeeting(ctx, owner, s.ID); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	last := v.create(owner, "the-token")
	v.restart()
	list, err := v.Meetings(ctx)
	must(t, err)
	if again := v.create(owner, "the-token"); active(list) != 1 || again.ID != last.ID {
		t.Errorf("after a restart %d are active, and the token gives %s instead of %s", active(list), again.ID, last.ID)
	}
}

func active(list []observe.Meeting) (n int) {
	for _, m := range list {
		if m.Ended.IsZero() {
			n++
		}
	}
	return n
}

// Many fill a meeting at once with different people: it holds exactly its
// maximum, and what was refused is not there.
func TestTheMaximumHoldsUnderConcurrency(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	n := newMeeting(owner, "token", "first")
	n.Features = &meeting.Features{MaxCount: 31}
	s, _, err := v.CreateMeeting(ctx, n)
	must(t, err)
	var mu sync.Mutex
	made := map[meeting.ID]bool{}
	var wg sync.WaitGroup
	for client := range 10 {
		wg.Go(func() {
			results, err := v.CreateAttendees(ctx, owner, s.ID, named(users(fmt.Sprint("client-", client), 7)...))
			if err != nil {
				wantKind(t, err, meeting.LimitExceeded)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			for _, r := range results {
				if r.Err == nil {
					made[r.Attendee.ID] = true
				} else if r.Err.Kind != meeting.LimitExceeded {
					t.Error(r.Err)
				}
			}
		})
	}
	wg.Wait()
	there := v.roster(owner, s.ID)
	if len(made) != 30 || len(there) != 31 {
		t.Errorf("%d were answered and %d are there, want 30 and 31", len(made), len(there))
	}
}

// What is secret about a meeting reaches neither the log nor a message, however
// the ledger fails.
func TestSecretsStayOutOfLogsAndMessages(t *testing.T) {
	var log logtest.Buffer
	f := new(faulty)
	v := newEnv(t, func(c *control.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}, func(s control.Slot) control.Slot { return faultySlot{s, f} })
	ctx := context.Background()
	const secret = "hush-hush"
	id := v.create(owner, secret+"-token", secret+"-ann").ID
	ann := v.roster(owner, id)[secret+"-ann"].ID
	var said []error
	for _, failure := range []error{ledger.ErrUnavailable, ledger.ErrTooLarge, ledger.ErrFull, ledger.ErrBusy} {
		f.set(once("append", 1000, failure), nil)
		_, _, err := v.CreateMeeting(ctx, newMeeting(owner, secret+"-other", secret))
		said = append(said, err)
		_, err = v.CreateAttendees(ctx, owner, id, named(secret+"-bob"))
		said = append(said, err)
		said = append(said, v.TagMeeting(ctx, owner, id, []meeting.Tag{{Key: secret, Value: secret}}))
		f.set(nil, nil)
	}
	_, err := v.Authorize(ctx, id, v.JoinToken(id, meeting.ID{7}))
	said = append(said, err)
	_, err = v.Authorize(ctx, meeting.ID{7}, v.JoinToken(id, ann))
	said = append(said, err)
	_, err = v.CreateAttendees(ctx, owner, id, []meeting.NewAttendee{{ExternalUserID: secret, Capabilities: meeting.Capabilities{Audio: meeting.Send}}})
	said = append(said, err)
	f.set(once("end", 1000, ledger.ErrUnavailable), nil)
	said = append(said, v.DeleteMeeting(ctx, owner, id))
	all := log.String()
	for _, err := range said {
		if err == nil {
			t.Fatal("a call that must fail did not")
		}
		all += err.Error() + "\n"
	}
	for _, token := range []string{secret, v.JoinToken(id, ann), v.JoinToken(id, meeting.ID{7})} {
		if strings.Contains(all, token) {
			t.Errorf("%q is told:\n%s", token, all)
		}
	}
	f.set(nil, nil)
}
