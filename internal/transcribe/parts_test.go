package transcribe

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

// told makes a result of words, one a second.
func told(words ...string) *speech.Result {
	begin := time.UnixMilli(1772600767123)
	r := &speech.Result{ID: "id", Language: "en-US", Attendee: strings.Repeat("a", 36), External: strings.Repeat("x", 64)}
	for i, w := range words {
		at := begin.Add(time.Duration(i) * time.Second)
		r.Items = append(r.Items, speech.Item{Text: w, Start: at, End: at.Add(time.Second)})
	}
	r.Text = textOf(r.Items, r.Language)
	return r
}

// frameOf is about what a result takes in a data message.
func frameOf(r *speech.Result) int {
	size := len(r.Text) + sizeOf(r.Entities)
	for _, it := range r.Items {
		size += len(it.Text) + len(r.Attendee) + len(r.External) + aroundItem
	}
	return size
}

func TestAnOrdinaryResultIsOnePart(t *testing.T) {
	r := told("hello", "there")
	r.Entities = []speech.TimedEntity{{Category: "PII", Content: "there", Start: r.Items[1].Start}}
	if parts := partsOf(r); len(parts) != 1 || parts[0] != r {
		t.Errorf("%d parts", len(parts))
	}
}

// An engine that says very much at a time is shown in parts, which are the same
// for the words that have been said before.
func TestMuchAtATimeIsShownInParts(t *testing.T) {
	words := make([]string, 1000)
	for i := range words {
		words[i] = fmt.Sprintf("word%d", i)
	}
	r := told(words...)
	for i := range r.Items {
		r.Entities = append(r.Entities, speech.TimedEntity{Category: "PII", Content: words[i], Start: r.Items[i].Start, End: r.Items[i].End})
	}
	parts := partsOf(r)
	if len(parts) < 2 {
		t.Fatal("one part")
	}
	var text []string
	ids := map[string]bool{}
	for i, p := range parts {
		if size := frameOf(p); size > 32<<10 {
			t.Errorf("part %d takes %d bytes", i, size)
		}
		if len(p.Entities) == 0 || p.Entities[0].Start.Before(p.Items[0].Start) {
			t.Errorf("part %d has %d entities", i, len(p.Entities))
		}
		text, ids[p.ID] = append(text, p.Text), true
	}
	if strings.Join(text, " ") != r.Text || len(ids) != len(parts) || parts[0].ID != "id" {
		t.Errorf("%d parts with %d ids: %.200s", len(parts), len(ids), text)
	}
	more := partsOf(told(append(words, "more")...))
	for i, p := range parts[:len(parts)-1] {
		if more[i].ID != p.ID || more[i].Text != p.Text {
			t.Errorf("part %d has other words when more is said", i)
		}
	}
}

func TestAHugeWordIsCut(t *testing.T) {
	parts := partsOf(told("well", strings.Repeat("ä", 100_000)))
	if len(parts) != 1 || parts[0].Text != "well "+strings.Repeat("ä", maxWord) || parts[0].Items[1].Text != strings.Repeat("ä", maxWord) {
		t.Errorf("%d parts, %d bytes", len(parts), len(parts[0].Text))
	}
}
