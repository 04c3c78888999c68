package transcribe

import (
	"fmt"

	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

const (
	// maxItems and maxEntities bound what those of one result take in a data message,
	// in bytes: with what is around them that stays below 32 KiB.
	maxItems, maxEntities = 24 << 10, 6 << 10
	// maxWord bounds one word, in characters.
	maxWord = 256
	// aroundItem is what an item takes beside its texts, and aroundEntity an entity.
	aroundItem, aroundEntity = 48, 64
)

// partsOf returns a result as results that each fit into a data message: itself,
// unless an engine says very much at a time. Words beyond maxWord are cut. The same words are in the same part
// each time, so that a later result of the utterance replaces an earlier one part
// by part.
func partsOf(r *speech.Result) (parts []*speech.Result) {
	size, first := 0, 0
	for i := range r.Items {
		if word := []rune(r.Items[i].Text); len(word) > maxWord {
			r.Items[i].Text = string(word[:maxWord])
			r.Text = textOf(r.Items, r.Language)
		}
		taken := 2*len(r.Items[i].Text) + len(r.Attendee) + len(r.External) + aroundItem // a text stands in the whole too
		if size+taken > maxItems && i > first {
			parts = append(parts, part(r, first, i, len(parts)))
			size, first = 0, i
		}
		size += taken
	}
	if parts == nil && sizeOf(r.Entities) <= maxEntities {
		return []*speech.Result{r}
	}
	return append(parts, part(r, first, len(r.Items), len(parts)))
}

// part returns the items from first to before end as a result of its own, with
// what entities there is room for.
func part(r *speech.Result, first, end, number int) *speech.Result {
	p := *r
	if number > 0 {
		p.ID = fmt.Sprintf("%s-%d", r.ID, number+1)
	}
	p.Items, p.Entities = r.Items[first:end], nil
	p.Text = textOf(p.Items, p.Language)
	room := maxEntities
	for _, e := range r.Entities {
		if e.Start.Before(p.Items[0].Start) || e.Start.After(p.Items[len(p.Items)-1].End) {
			continue
		}
		if room -= sizeOf([]speech.TimedEntity{e}); room < 0 {
			break
		}
		p.Entities = append(p.Entities, e)
	}
	return &p
}

// sizeOf is about what entities take.
func sizeOf(entities []speech.TimedEntity) (size int) {
	for _, e := range entities {
		size += len(e.Category) + len(e.Type) + len(e.Content) + aroundEntity
	}
	return size
}
