package control

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// book holds one owner's active meetings in creation order, ties by id. Taking
// a meeting out leaves a line without one behind; the lines are copied together
// when half of them are empty, so that every change is cheap however many
// meetings there are.
type book struct {
	lines    []line
	active   int // lines with a meeting
	reserved int // meetings that are being created
}

type line struct {
	place
	e *entry // nil once the meeting has ended
}

// place is where a meeting stands in its owner's list.
type place struct {
	created time.Time
	id      meeting.ID
}

func (p place) compare(q place) int {
	return cmp.Or(p.created.Compare(q.created), bytes.Compare(p.id[:], q.id[:]))
}

func placeOf(e *entry) place { return place{e.profile.CreatedAt, e.profile.ID} }

// find returns the position of the first line not before p.
func (b *book) find(p place) (int, bool) {
	return slices.BinarySearchFunc(b.lines, p, func(l line, p place) int { return l.compare(p) })
}

func (b *book) insert(e *entry) {
	p := placeOf(e)
	at := len(b.lines) // nearly always the newest
	if at > 0 && b.lines[at-1].compare(p) > 0 {
		at, _ = b.find(p)
	}
	b.lines = slices.Insert(b.lines, at, line{p, e})
	b.active++
}

func (b *book) remove(e *entry) {
	at, found := b.find(placeOf(e))
	if !found || b.lines[at].e != e {
		return
	}
	b.lines[at].e = nil
	b.active--
	if len(b.lines) > 2*b.active+16 {
		b.lines = slices.Clone(slices.DeleteFunc(b.lines, func(l line) bool { return l.e == nil }))
	}
}

func (b *book) empty() bool { return b.active == 0 && b.reserved == 0 }

// page returns up to limit meetings after the place, and whether more follow.
func (b *book) page(after place, limit int) (page []*entry, more bool) {
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
