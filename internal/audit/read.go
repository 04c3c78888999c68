package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// MaxPage is how many entries a page has at most.
const MaxPage = 500

// Query says which entries are asked for. The zero Query is all of them.
type Query struct {
	Text    string    // in any of the texts of an entry, letter case aside
	Who     string    // exactly, as in Entry
	Via     string    // exactly
	Outcome string    // exactly
	Since   time.Time // not before
	Before  string    // the Next of the page before; "" from the newest on
	Limit   int       // 0, or more than MaxPage, is MaxPage
}

// Page is a part of the account, newest first.
type Page struct {
	Entries []Entry `json:"entries"`
	Next    string  `json:"next,omitempty"` // where the next page begins; "" when this is the last
}

// ErrCursor says that Query.Before is none that a page had.
var ErrCursor = errors.New("the place where the page begins makes no sense")

// place is where a line begins.
type place struct {
	seq    uint64
	offset int64
}

// Read returns the newest entries that fit the query.
func (l *Log) Read(ctx context.Context, q Query) (Page, error) {
	if q.Limit <= 0 || q.Limit > MaxPage {
		q.Limit = MaxPage
	}
	var before place
	if q.Before != "" {
		if n, err := fmt.Sscanf(q.Before, "%d-%d", &before.seq, &before.offset); err != nil || n != 2 {
			return Page{}, ErrCursor
		}
	}
	files, err := l.files()
	if err != nil {
		return Page{}, err
	}
	page := Page{Entries: []Entry{}}
	for _, seq := range slices.Backward(files) {
		if q.Before != "" && seq > before.seq {
			continue
		}
		if err := ctx.Err(); err != nil {
			return Page{}, err
		}
		raw, err := os.ReadFile(l.path(seq))
		if errors.Is(err, fs.ErrNotExist) {
			continue // its time came while this went on
		}
		if err != nil {
			return Page{}, err
		}
		if q.Before != "" && seq == before.seq {
			raw = raw[:min(max(before.offset, 0), int64(len(raw)))]
		}
		if full := page.add(raw, seq, q); full {
			return page, nil
		}
	}
	return page, nil
}

// add takes what fits from a file, from its end; true when the page is full. What
// is no entry, such as a line that was cut off, is passed over.
func (p *Page) add(raw []byte, seq uint64, q Query) (full bool) {
	text := bytes.ToLower([]byte(q.Text))
	if strings.ContainsAny(q.Text, "\"\\<>&") { // stand otherwise in JSON
		text = nil
	}
	for len(raw) > 0 {
		begin := bytes.LastIndexByte(raw[:len(raw)-1], '\n') + 1
		line := raw[begin:]
		raw = raw[:begin]
		if len(text) > 0 && !bytes.Contains(bytes.ToLower(line), text) {
			continue // without having been read as JSON: most of a long search
		}
		var e Entry
		if json.Unmarshal(line, &e) != nil || !q.fits(e) {
			continue
		}
		if len(p.Entries) == q.Limit {
			// The line just read is the first of the next page.
			p.Next = fmt.Sprintf("%d-%d", seq, begin+len(line))
			return true
		}
		p.Entries = append(p.Entries, e)
	}
	return false
}

func (q Query) fits(e Entry) bool {
	text := strings.ToLower(q.Text)
	said := func(s string) bool { return strings.Contains(strings.ToLower(s), text) }
	return (q.Who == "" || e.Who == q.Who) && (q.Via == "" || e.Via == q.Via) && (q.Outcome == "" || e.Outcome == q.Outcome) &&
		(q.Since.IsZero() || !e.At.Before(q.Since)) &&
		(text == "" || slices.ContainsFunc([]string{e.Who, e.From, e.Action, e.Target, e.Error, e.Reason, e.Request, e.Node}, said))
}
