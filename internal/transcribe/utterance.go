package transcribe

import (
	"crypto/rand"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/guid"
	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

const (
	// partialEvery is the least time between two partial results of an utterance.
	partialEvery = 200 * time.Millisecond
	// settleWithin is how long a first hypothesis may wait for a second that says
	// the same, so that noise does not flash up as words.
	settleWithin = 300 * time.Millisecond
	// utteranceAge and utteranceWords are when an utterance ends, whatever the
	// engine says, so that it can be read and forgotten.
	utteranceAge   = 20 * time.Second
	utteranceWords = 200
	// behind is how far the end of a word without times is taken to be past.
	behind = 100 * time.Millisecond
)

// utterance is what one attendee says between two pauses, as it becomes known. It
// belongs to its job's goroutine.
type utterance struct {
	id      string
	by      speaker
	channel string
	began   time.Time // when the first word was heard of
	items   []speech.Item
	last    speech.Hypothesis // the words that items are of
	shown   bool
	waiting bool // items have changed since they were shown
	sent    time.Time
	steady  steady
}

// speaker is an attendee as clients know it.
type speaker struct{ attendee, external string }

// newUtterance returns one of which nothing is known yet.
func newUtterance(by speaker, channel, id string, now time.Time, st *stability) *utterance {
	if id == "" {
		id = newID()
	}
	return &utterance{id: id, by: by, channel: channel, began: now, steady: steady{rule: st}}
}

// newID returns a random UUID.
func newID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails: it ends the process instead
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	var text [36]byte
	guid.Put(text[:], id)
	return string(text[:])
}

// hear takes what the engine believes now, with at least one word, and returns what
// is to be shown of it now, nil for nothing yet.
func (u *utterance) hear(h speech.Hypothesis, now time.Time, at func(seconds float64) time.Time) *speech.Result {
	h.Words = u.steady.keep(h.Words, h.Final, now)
	same := sameWords(u.last.Words, h.Words)
	u.items, u.last = u.itemsOf(h, now, at), h
	if h.Final {
		return u.result(false, at)
	}
	if u.shown {
		u.waiting = u.waiting || !same
	} else {
		u.waiting = true
		if same {
			return u.show(now, at)
		}
	}
	return u.due(now, at)
}

// due returns the partial result that is to be shown by now, if there is one.
func (u *utterance) due(now time.Time, at func(float64) time.Time) *speech.Result {
	wait := now.Sub(u.sent) < partialEvery
	if !u.shown {
		wait = now.Sub(u.began) < settleWithin
	}
	if !u.waiting || wait {
		return nil
	}
	return u.show(now, at)
}

func (u *utterance) show(now time.Time, at func(float64) time.Time) *speech.Result {
	u.shown, u.waiting, u.sent = true, false, now
	return u.result(true, at)
}

// end makes the last that was known final: nil if nothing of it was shown and
// nothing is to be said. withdrawn says that the engine has taken it back: what was
// shown has to be closed all the same.
func (u *utterance) end(withdrawn bool, at func(float64) time.Time) *speech.Result {
	if len(u.items) == 0 || withdrawn && !u.shown {
		return nil
	}
	if withdrawn {
		none := 0.0
		for i := range u.items {
			u.items[i].Confidence = &none
		}
	}
	if u.steady.rule != nil {
		yes := true
		for i := range u.items {
			u.items[i].Stable = &yes
		}
	}
	return u.result(false, at)
}

// overdue reports whether the utterance is to end whatever the engine says.
func (u *utterance) overdue(now time.Time) bool {
	return now.Sub(u.began) >= utteranceAge || len(u.items) >= utteranceWords
}

// itemsOf puts times to words. Words without times keep those that they had; new
// ones were said just now.
func (u *utterance) itemsOf(h speech.Hypothesis, now time.Time, at func(float64) time.Time) []speech.Item {
	items := make([]speech.Item, len(h.Words))
	from := u.began
	for i, w := range h.Words {
		item := speech.Item{Text: w.Text, Punctuation: w.Punctuation, Confidence: w.Confidence, Stable: w.Stable, Filtered: w.Filtered}
		switch {
		case w.Timed:
			item.Start, item.End = at(w.Start), at(w.End)
		case i < len(u.items):
			item.Start, item.End = u.items[i].Start, u.items[i].End
		default:
			item.Start, item.End = from, now.Add(-behind)
		}
		if i > 0 && item.Start.Before(items[i-1].Start) {
			item.Start = items[i-1].Start
		}
		if item.End.Before(item.Start) {
			item.End = item.Start
		}
		items[i], from = item, item.End
	}
	return items
}

// result returns the utterance as clients see it.
func (u *utterance) result(partial bool, at func(float64) time.Time) *speech.Result {
	r := &speech.Result{
		ID: u.id, Channel: u.channel, Partial: partial, Items: append([]speech.Item(nil), u.items...),
		Language: u.last.Language, Languages: u.last.Languages, Attendee: u.by.attendee, External: u.by.external,
	}
	r.Text = textOf(r.Items, r.Language)
	for _, e := range u.last.Entities {
		r.Entities = append(r.Entities, speech.TimedEntity{
			Category: e.Category, Type: e.Type, Content: e.Content, Confidence: e.Confidence, Start: at(e.Start), End: at(e.End),
		})
	}
	return r
}

func sameWords(a, b []speech.Word) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Text != b[i].Text {
			return false
		}
	}
	return true
}

// textOf joins items as the language writes them.
func textOf(items []speech.Item, language string) string {
	var b strings.Builder
	tight := strings.HasPrefix(language, "ja") || strings.HasPrefix(language, "zh") || strings.HasPrefix(language, "th")
	for i := range items {
		if i > 0 && !items[i].Punctuation && !tight {
			b.WriteByte(' ')
		}
		b.WriteString(items[i].Text)
	}
	return b.String()
}
