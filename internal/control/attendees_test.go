package control_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// 64 clients create overlapping batches in one meeting: what is there in the
// end is exactly the union, and no answer contradicts another.
func TestOverlappingBatchesMakeExactlyTheUnion(t *testing.T) {
	v := newEnv(t, nil, nil)
	id := v.create(owner, "the-token").ID
	var mu sync.Mutex
	answered := map[string]meeting.ID{}
	var wg sync.WaitGroup
	for client := range 64 {
		wg.Go(func() {
			var names []string
			for i := range 40 {
				names = append(names, fmt.Sprintf("user-%03d", (client*5+i)%200))
			}
			results, err := v.CreateAttendees(context.Background(), owner, id, named(names...))
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			for i, r := range results {
				if r.Err != nil {
					t.Errorf("%s: %v", names[i], r.Err)
				} else if known, ok := answered[names[i]]; ok && known != r.Attendee.ID {
					t.Errorf("%s was answered as %s and as %s", names[i], known, r.Attendee.ID)
				}
				answered[names[i]] = r.Attendee.ID
			}
		})
	}
	wg.Wait()
	check := func() {
		t.Helper()
		there := v.roster(owner, id)
		if len(there) != 200 || len(answered) != 200 {
			t.Errorf("%d attendees are there, %d were answered, want 200", len(there), len(answered))
		}
		for user, a := range there {
			if answered[user] != a.ID {
				t.Errorf("%s was answered as %s and is %s", user, answered[user], a.ID)
			}
		}
	}
	check()
	v.restart()
	check()
}

// The largest calls that the API lets through are stored, and read back after
// a restart.
func TestTheLargestLegalBatchesAreStored(t *testing.T) {
	v := newEnv(t, nil, nil)
	ctx := context.Background()
	text := func(n, number int) string {
		return strings.Repeat("\U0001F514", n-3) + fmt.Sprintf("%03d", number)
	}
	var tags []meeting.Tag
	for i := range 10 {
		tags = append(tags, meeting.Tag{Key: text(128, i), Value: text(256, i)})
	}
	for _, o := range []meeting.Owner{owner, legacy} {
		var items []meeting.NewAttendee
		for i := range 100 {
			item := meeting.NewAttendee{ExternalUserID: text(64, i)}
			if o.Flavour == meeting.Legacy {
				item.Tags = tags
			}
			items = append(items, item)
		}
		id := v.create(o, "token").ID
		results, err := v.CreateAttendees(ctx, o, id, items)
		must(t, err)
		v.restart()
		last := results[99].Attendee
		again, err := v.GetAttendee(ctx, o, id, last.ID)
		if err != nil || !reflect.DeepEqual(again, last) || last.ExternalUserID != text(64, 99) {
			t.Errorf("%v: the last attendee came back changed (%v)", o.Flavour, err)
		}
		if n := len(v.roster(o, id)); n != 100 {
			t.Errorf("%v: %d attendees", o.Flavour, n)
		}
	}
}

func BenchmarkCreateAttendees100(b *testing.B) {
	v := newEnv(b, func(c *control.Config) { c.Limits.Meetings = 1 << 30 }, nil)
	names := users("5b1d7c02-90aa-4c3e-8f21-77a1c0de7", 100)
	items := named(names...)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		b.StopTimer()
		n++
		id := v.create(owner, fmt.Sprintf("token-%d", n)).ID
		b.StartTimer()
		results, err := v.CreateAttendees(context.Background(), owner, id, items)
		must(b, err)
		list := make([]meeting.Attendee, len(results))
		for i := range results {
			list[i] = results[i].Attendee
		}
		v.JoinTokens(id, list)
	}
}

func BenchmarkGetAttendee(b *testing.B) {
	v := newEnv(b, nil, nil)
	id := v.create(owner, "token").ID
	ids := v.add(owner, id, users("user", 10)...)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		_, err := v.GetAttendee(context.Background(), owner, id, ids[i%10])
		must(b, err)
	}
}
