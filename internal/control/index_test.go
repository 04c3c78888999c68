package control

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// However many meetings end, those remembered are bounded, and the newest are
// kept.
func TestTombstonesAreBounded(t *testing.T) {
	x := newIndex(Config{}.withDefaults())
	for i := range maxTombstones + 100 {
		x.remember(&tombstone{profile: &meeting.Profile{ID: meeting.ID{byte(i), byte(i >> 8), byte(i >> 16)}}})
	}
	if len(x.tombstones) != maxTombstones || len(x.forgetOrder) != maxTombstones {
		t.Errorf("%d and %d are remembered, %d are allowed", len(x.tombstones), len(x.forgetOrder), maxTombstones)
	}
	if x.tombstones[meeting.ID{99}] != nil || x.tombstones[meeting.ID{100}] == nil {
		t.Error("the oldest were not the ones forgotten")
	}
}

func TestAnOwnersListStaysInOrder(t *testing.T) {
	b := new(ownedMeetings)
	var all []*entry
	at := time.Unix(1000, 0)
	for i := range 200 { // every third is committed late
		p := &meeting.Profile{ID: meeting.ID{byte(i)}, CreatedAt: at.Add(time.Duration(i) * time.Second)}
		if i%3 == 0 {
			p.CreatedAt = p.CreatedAt.Add(-10 * time.Second)
		}
		e := &entry{profile: p}
		all = append(all, e)
		b.insert(e)
	}
	for _, e := range all[:150] {
		b.remove(e)
		b.remove(e)
	}
	if b.active != 50 || len(b.lines) > 2*50+16 {
		t.Errorf("%d active in %d lines", b.active, len(b.lines))
	}
	page, more := b.page(position{}, 100)
	if len(page) != 50 || more {
		t.Errorf("a page of %d, more: %v", len(page), more)
	}
	if !slices.IsSortedFunc(page, func(x, y *entry) int { return positionOf(x).compare(positionOf(y)) }) {
		t.Error("not in order")
	}
	if page, more := b.page(position{}, 50); len(page) != 50 || more {
		t.Error("a page that ends the list says there are more")
	}
}

// What an adoption merges into an owner's list stands where it would had every
// meeting been inserted by itself.
func TestAnAdoptionMergesIntoAnOwnersList(t *testing.T) {
	at := time.Unix(1000, 0)
	some := func(from, step, n int) (list []*entry) {
		for i := range n {
			p := &meeting.Profile{ID: meeting.ID{byte(from), byte(i)}, CreatedAt: at.Add(time.Duration(from+i*step) * time.Second)}
			list = append(list, &entry{profile: p})
		}
		slices.Reverse(list) // replicas come behind all others
		return list
	}
	merged, single := new(ownedMeetings), new(ownedMeetings)
	for _, fresh := range [][]*entry{some(50, 3, 20), some(0, 1, 30), some(51, 7, 40), some(500, 1, 3), some(50, 3, 1), nil} {
		merged.merge(fresh)
		for _, e := range fresh {
			single.insert(e)
		}
	}
	if merged.active != 94 || len(merged.lines) != 94 {
		t.Errorf("%d active in %d lines", merged.active, len(merged.lines))
	}
	for i, l := range merged.lines {
		if l.compare(single.lines[i].position) != 0 || positionOf(l.e).compare(l.position) != 0 {
			t.Fatalf("line %d is that of %v", i, l.position)
		}
	}
}

// Meetings that leave with their slot and come back with it are listed once, and
// are gone when they end: a line that they left must not be taken for them.
func TestMeetingsThatComeBackAreListedOnce(t *testing.T) {
	const meetings, moved = 30, 3 // every third one is of the slot
	for name, back := range map[string]func(*ownedMeetings, []*entry){
		"at once": (*ownedMeetings).merge,
		"one by one": func(b *ownedMeetings, fresh []*entry) {
			for _, e := range fresh {
				b.insert(e)
			}
		},
	} {
		b := new(ownedMeetings)
		var all []*entry
		for i := range meetings {
			all = append(all, &entry{profile: &meeting.Profile{ID: meeting.ID{byte(i)}, CreatedAt: time.Unix(int64(1000+i), 0)}})
			b.insert(all[i])
		}
		for range 2 {
			var again []*entry
			for i := 0; i < meetings; i += moved {
				b.remove(all[i])
				all[i] = &entry{profile: all[i].profile}
				again = append(again, all[i])
			}
			back(b, again)
		}
		var listed []*entry
		for after, more := (position{}), true; more && len(listed) <= meetings; after = positionOf(listed[len(listed)-1]) {
			var page []*entry
			page, more = b.page(after, 1)
			listed = append(listed, page...)
		}
		if !slices.Equal(listed, all) {
			t.Errorf("%s: %d meetings are listed of %d", name, len(listed), len(all))
		}
		for _, e := range all {
			b.remove(e)
		}
		if page, _ := b.page(position{}, meetings); len(page) != 0 || !b.empty() {
			t.Errorf("%s: %d are left, and %d count", name, len(page), b.active)
		}
	}
}

// A node tells others how busy it is with each renewal of its lease. That must
// not wait for an adoption to have filled the index.
func TestHowBusyItIsCanBeSaidMeanwhile(t *testing.T) {
	c := &Control{index: newIndex(Config{}.withDefaults())}
	for last, people := range map[byte]int{3: 2, 5: 0, 7: 1} {
		e := &entry{profile: &meeting.Profile{ID: meeting.ID{15: last}}}
		c.index.setConnected(e, people)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if people, slots := c.Busy(); people != 3 || !slices.Equal(slots, []int{3, 7}) {
		t.Errorf("%d in slots %v", people, slots)
	}
}

var testOwner = meeting.Owner{Account: "123456789012", Region: "eu-central-1", Flavour: meeting.Meetings}

func FuzzPageToken(f *testing.F) {
	c := &Control{pageSecret: [32]byte{1}}
	f.Add(c.attendeesToken(testOwner, meeting.ID{1}, 5))
	f.Add(c.meetingsToken(testOwner, position{time.UnixMilli(5), meeting.ID{2}}))
	f.Fuzz(func(t *testing.T, token string) {
		if cursor, err := c.readAttendeesToken(testOwner, meeting.ID{1}, token); err == nil && token != "" && c.attendeesToken(testOwner, meeting.ID{1}, cursor) != token {
			t.Fatalf("took %q", token)
		}
		if p, err := c.readMeetingsToken(testOwner, token); err == nil && token != "" && c.meetingsToken(testOwner, p) != token {
			t.Fatalf("took %q", token)
		}
	})
}

// Command lines take an argument that begins with a dash for an option.
func TestPageTokensAreSafeOnCommandLines(t *testing.T) {
	c := &Control{pageSecret: [32]byte{1}}
	for n := range uint32(500) {
		token := c.attendeesToken(meeting.Owner{}, meeting.ID{1}, n)
		if strings.Trim(token, "0123456789abcdef") != "" {
			t.Fatalf("token %q", token)
		}
	}
}
