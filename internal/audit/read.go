package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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

	until int64 // not after, Unix nanoseconds; 0 for any
}

func (q Query) limit() int {
	if q.Limit <= 0 || q.Limit > MaxPage {
		return MaxPage
	}
	return q.Limit
}

// Page is a part of the account of a server or of all nodes of a cluster, newest
// first.
type Page struct {
	Entries []Entry `json:"entries"`
	Next    string  `json:"next,omitempty"` // where the next page begins; "" when this is the last
	// Silent are the nodes of the cluster that did not answer, by name. Their
	// entries are missing; they come on a later page if the nodes are back by then.
	Silent []string `json:"silent,omitempty"`
	// Unreadable is how many lines from the page's first entry on to its last could
	// not be read: whatever they said is missing, whether it was asked for or not.
	Unreadable int `json:"unreadable,omitempty"`
}

// Read returns the newest entries of this account that fit the query. The error is
// ErrCursor, or what the disk or ctx says.
func (l *Log) Read(ctx context.Context, q Query) (Page, error) {
	part, err := l.Part(ctx, q)
	if err != nil {
		return Page{}, err
	}
	return q.Merge(part)
}

// Part returns what this account has for the query, to be merged with what other
// nodes have. Errors are as those of Read.
func (l *Log) Part(ctx context.Context, q Query) (Part, error) {
	c, err := readCursor(q.Before)
	if err != nil {
		return Part{}, err
	}
	files, err := l.files()
	if err != nil {
		return Part{}, err
	}
	part := Part{Node: l.cfg.Node, Entries: []Entry{}}
	before, goesOn := c.Places[l.cfg.Node]
	if !goesOn {
		q.until = c.Until
	}
	for _, seq := range slices.Backward(files) {
		if goesOn && seq > before.File {
			continue
		}
		if err := ctx.Err(); err != nil {
			return Part{}, err
		}
		raw, err := os.ReadFile(l.path(seq))
		if errors.Is(err, fs.ErrNotExist) {
			continue // its time came while this went on
		}
		if err != nil {
			return Part{}, err
		}
		if goesOn && seq == before.File {
			raw = raw[:min(max(before.Offset, 0), int64(len(raw)))]
		}
		if seq == files[len(files)-1] { // a line is being written just now, or is cut off there
			raw = raw[:bytes.LastIndexByte(raw, '\n')+1]
		}
		full, spoilt := part.add(raw, seq, q)
		l.saySpoilt(seq, spoilt)
		if full {
			return part, nil
		}
	}
	part.Whole = true
	return part, nil
}

// saySpoilt says in the server's log, once for each file, that lines of it cannot
// be read.
func (l *Log) saySpoilt(seq uint64, lines int) {
	if lines == 0 {
		return
	}
	l.mu.Lock()
	said := l.spoilt[seq]
	l.spoilt[seq] = true
	l.mu.Unlock()
	if !said {
		l.cfg.Logger.Warn("lines of the audit cannot be read and are passed over", "file", l.path(seq), "count", lines)
	}
}

// add takes what fits from a file, from its end; full when there is more than the
// query asks for. What is no entry, such as a line that was cut off, is passed over
// and counted.
func (p *Part) add(raw []byte, seq uint64, q Query) (full bool, spoilt int) {
	text := bytes.ToLower([]byte(q.Text))
	if strings.ContainsAny(q.Text, "\"\\<>&") { // stand otherwise in JSON
		text = nil
	}
	for len(raw) > 0 {
		begin := bytes.LastIndexByte(raw[:len(raw)-1], '\n') + 1
		line := raw[begin:]
		raw = raw[:begin]
		if len(text) > 0 && !bytes.Contains(bytes.ToLower(line), text) {
			if !json.Valid(line) {
				p.pass()
				spoilt++
			}
			continue // without having been taken apart: most of a long search
		}
		var e Entry
		if json.Unmarshal(line, &e) != nil || e.At.IsZero() {
			p.pass()
			spoilt++
			continue
		}
		if !q.fits(e) {
			continue
		}
		if len(p.Entries) == q.limit() {
			return true, spoilt
		}
		p.Entries = append(p.Entries, e)
		p.Places = append(p.Places, Place{seq, int64(begin)})
	}
	return false, spoilt
}

func (q Query) fits(e Entry) bool {
	text := strings.ToLower(q.Text)
	said := func(s string) bool { return strings.Contains(strings.ToLower(s), text) }
	return (q.Who == "" || e.Who == q.Who) && (q.Via == "" || e.Via == q.Via) && (q.Outcome == "" || e.Outcome == q.Outcome) &&
		(q.Since.IsZero() || !e.At.Before(q.Since)) && (q.until == 0 || e.At.UnixNano() <= q.until) &&
		(text == "" || slices.ContainsFunc([]string{e.Who, e.From, e.Action, e.Target, e.Error, e.Reason, e.Request, e.Node}, said))
}
