package audit

import (
	"encoding/base64"
	"encoding/json"
	"errors"
)

// ErrCursor says that Query.Before is none that a page had.
var ErrCursor = errors.New("the place where the page begins makes no sense")

// maxCursor bounds what is read of a cursor, in characters: a few dozen for each
// node.
const maxCursor = 8 << 10

// Place is where a line of an account begins. Before the zero Place there is
// nothing.
type Place struct {
	File   uint64 `json:"f"`
	Offset int64  `json:"o"`
}

// Part is the newest entries of one node that fit a query, newest first.
type Part struct {
	Node    string // whose account it is; "" alone
	Entries []Entry
	Places  []Place // of each entry
	Whole   bool    // there are no older ones
	// Spoilt are how many lines that could not be read stand before each entry, that
	// is between it and the next newer one, and when Whole, last, behind all. What is
	// missing at its end is none.
	Spoilt []int `json:",omitempty"`
}

// spoilt returns how many lines that could not be read belong to the n newest
// entries, with those behind the last one when that is all.
func (p Part) spoilt(n int) (count int) {
	if n == len(p.Entries) && p.Whole {
		n++
	}
	for _, lines := range p.Spoilt[:min(n, len(p.Spoilt))] {
		count += lines
	}
	return count
}

// pass notes a line that cannot be read, before the next entry.
func (p *Part) pass() {
	for len(p.Spoilt) <= len(p.Entries) {
		p.Spoilt = append(p.Spoilt, 0)
	}
	p.Spoilt[len(p.Entries)]++
}

// cursor is where a page begins, at each node. A node that it does not name (of
// which nothing was on a page yet, or that was silent) goes on by the time.
type cursor struct {
	Until  int64            `json:"u"` // Unix nanoseconds, of the last entry before the page; 0 on the first
	Places map[string]Place `json:"n"`
}

// String returns what readCursor reads.
func (c cursor) String() string {
	text, err := json.Marshal(c)
	if err != nil {
		panic("audit: " + err.Error()) // cannot happen: numbers and names of nodes
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

func readCursor(text string) (c cursor, err error) {
	if text == "" {
		return c, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(text) > maxCursor || json.Unmarshal(raw, &c) != nil {
		return cursor{}, ErrCursor
	}
	return c, nil
}

// Merge makes one page of what nodes told about the query, the newest first. The
// entries of one node keep their order, even where its clock was set back.
func (q Query) Merge(parts ...Part) (Page, error) {
	c, err := readCursor(q.Before)
	if err != nil {
		return Page{}, err
	}
	page := Page{Entries: []Entry{}}
	taken := make([]int, len(parts))
	for len(page.Entries) < q.limit() {
		i := newest(parts, taken)
		if i < 0 {
			break
		}
		page.Entries = append(page.Entries, parts[i].Entries[taken[i]])
		taken[i]++
	}
	for i, p := range parts {
		page.Unreadable += p.spoilt(taken[i])
	}
	if c.follow(page, parts, taken) {
		page.Next = c.String()
	}
	return page, nil
}

// newest returns the part whose next entry is the newest; -1 when all are taken.
func newest(parts []Part, taken []int) int {
	best := -1
	for i, p := range parts {
		if taken[i] < len(p.Entries) && (best < 0 || p.Entries[taken[i]].At.After(parts[best].Entries[taken[best]].At)) {
			best = i
		}
	}
	return best
}

// follow moves the cursor to where the next page begins, and reports whether
// there is one.
func (c *cursor) follow(page Page, parts []Part, taken []int) (more bool) {
	if c.Places == nil {
		c.Places = make(map[string]Place, len(parts))
	}
	if n := len(page.Entries); n > 0 {
		c.Until = page.Entries[n-1].At.UnixNano()
	}
	for i, p := range parts {
		switch n := taken[i]; {
		case n == len(p.Entries) && p.Whole:
			c.Places[p.Node] = Place{}
			continue
		case n > 0:
			c.Places[p.Node] = p.Places[n-1]
		}
		more = true
	}
	return more
}
