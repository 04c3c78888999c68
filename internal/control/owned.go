package control

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// ownedMeetings holds one owner's active meetings in creation order, ties by id. Taking
// a meeting out leaves a line without one behind; the lines are copied together
// when half of them are empty, so that every change is cheap however many
// meetings there are.
type ownedMeetings struct {
	lines    []listed
	active   int // lines that have a meeting
	reserved int // meetings that are being created
}

type listed struct {
	position
	e *entry // nil once the meeting has ended
}

// position is where a meeting stands in its owner's list.
type position struct {
	created time.Time
	id      meeting.ID
}

func (p position) compare(q position) int {
	return cmp.Or(p.created.Compare(q.created), bytes.Compare(p.id[:], q.id[:]))
}

func positionOf(e *entry) position { return position{e.profile.CreatedAt, e.profile.ID} }

// find returns the position of the first line not before p.
func (b *ownedMeetings) find(p position) (int, bool) {
	return slices.BinarySearchFunc(b.lines, p, func(l listed, p position) int { return l.compare(p) })
}

func (b *ownedMeetings) insert(e *entry) {
	p := positionOf(e)
	at := len(b.lines) // nearly always the newest
	if at > 0 && b.lines[at-1].compare(p) >= 0 {
		var known bool
		if at, known = b.find(p); known && b.lines[at].e == nil { // it comes back
			b.lines[at].e = e
			b.active++
			return
		}
	}
	b.lines = slices.Insert(b.lines, at, listed{p, e})
	b.active++
}

// merge inserts meetings, all of them in one pass over the list: an adoption
// brings thousands from all over it. Some may have been here before, and must not
// stand beside the line that they left: find would return that one.
func (b *ownedMeetings) merge(fresh []*entry) {
	if len(b.lines) > b.active {
		b.compact()
	}
	slices.SortFunc(fresh, func(x, y *entry) int { return positionOf(x).compare(positionOf(y)) })
	n, k := len(b.lines), len(fresh)
	b.lines = slices.Grow(b.lines, k)[:n+k]
	for at := n + k - 1; k > 0; at-- {
		p := positionOf(fresh[k-1])
		if n > 0 && b.lines[n-1].compare(p) > 0 {
			n--
			b.lines[at] = b.lines[n]
			continue
		}
		k--
		b.lines[at] = listed{p, fresh[k]}
	}
	b.active += len(fresh)
}

func (b *ownedMeetings) remove(e *entry) {
	at, found := b.find(positionOf(e))
	if !found || b.lines[at].e != e {
		return
	}
	b.lines[at].e = nil
	b.active--
	if len(b.lines) > 2*b.active+16 {
		b.compact()
		b.lines = slices.Clone(b.lines)
	}
}

// compact takes out the lines without a meeting.
func (b *ownedMeetings) compact() {
	b.lines = slices.DeleteFunc(b.lines, func(l listed) bool { return l.e == nil })
}

func (b *ownedMeetings) empty() bool { return b.active == 0 && b.reserved == 0 }

// page returns up to limit meetings after the place, and whether more follow.
func (b *ownedMeetings) page(after position, limit int) (page []*entry, more bool) {
	at, found := b.find(after)
	if found {
		at++
	}
	for _, l := range b.lines[at:] {
		switch {
		case l.e == nil:
		case len(page) == limit:
			return page, true
		default:
			page = append(page, l.e)
		}
	}
	return page, false
}
