package amazon

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

// transcriptEvent is what the service tells of what it has heard. Only the first
// alternative is read.
type transcriptEvent struct {
	Transcript struct{ Results []result }
}

type result struct {
	ResultID               string `json:"ResultId"`
	IsPartial              bool
	LanguageCode           string
	LanguageIdentification []struct {
		LanguageCode string
		Score        float64
	}
	Alternatives []struct {
		Items    []item
		Entities []entity
	}
}

type item struct {
	StartTime, EndTime    float64
	Type, Content         string
	VocabularyFilterMatch bool
	Confidence            *float64
	Stable                *bool
}

type entity struct {
	StartTime, EndTime      float64
	Category, Type, Content string
	Confidence              *float64
}

// maxWords bounds the words of one utterance.
const maxWords = 1000

// errAnswer is for what the service never says.
var errAnswer = errors.New("transcribe: the service's answer cannot be read")

// utterances counts the utterances of a session by the service's ids for them.
type utterances struct {
	id string
	n  int
}

// number returns the utterance's, which counts on when another begins.
func (u *utterances) number(id string, final bool) (n int) {
	if u.id != "" && u.id != id {
		u.n++
	}
	u.id, n = id, u.n
	if final {
		u.id, u.n = "", u.n+1
	}
	return n
}

// read returns the hypotheses of a message; none for events that are not known. An
// exception is an error: a *speech.Refused if trying again is useless.
func (u *utterances) read(m eventstream.Message) (list []speech.Hypothesis, err error) {
	switch header(m, ":message-type") {
	case "event":
	case "exception":
		return nil, exception(header(m, ":exception-type"), m.Payload)
	case "error":
		return nil, exception(header(m, ":error-code"), nil)
	default:
		return nil, errAnswer
	}
	if header(m, ":event-type") != "TranscriptEvent" {
		return nil, nil
	}
	var e transcriptEvent
	if err := json.Unmarshal(m.Payload, &e); err != nil {
		return nil, errAnswer
	}
	for i := range e.Transcript.Results {
		r := &e.Transcript.Results[i]
		h := speech.Hypothesis{Final: !r.IsPartial, ID: r.ResultID, Language: r.LanguageCode}
		h.Utterance = u.number(r.ResultID, h.Final)
		for _, l := range r.LanguageIdentification {
			h.Languages = append(h.Languages, speech.Score{Language: l.LanguageCode, Score: l.Score})
		}
		if len(r.Alternatives) > 0 {
			h.Words, h.Entities = wordsOf(r.Alternatives[0].Items), entitiesOf(r.Alternatives[0].Entities)
		}
		list = append(list, h)
	}
	return list, nil
}

func wordsOf(items []item) (words []speech.Word) {
	for _, it := range items[:min(len(items), maxWords)] {
		if it.Content != "" {
			words = append(words, speech.Word{
				Text: it.Content, Punctuation: it.Type == "punctuation", Filtered: it.VocabularyFilterMatch,
				Timed: it.StartTime >= 0 && it.EndTime >= it.StartTime, Start: it.StartTime, End: it.EndTime,
				Confidence: share(it.Confidence), Stable: it.Stable,
			})
		}
	}
	return words
}

func entitiesOf(entities []entity) (list []speech.Entity) {
	for _, e := range entities[:min(len(entities), maxWords)] {
		list = append(list, speech.Entity{
			Category: e.Category, Type: e.Type, Content: e.Content, Start: e.StartTime, End: e.EndTime, Confidence: share(e.Confidence),
		})
	}
	return list
}

// share bounds a confidence to 0 and 1.
func share(f *float64) *float64 {
	if f == nil {
		return nil
	}
	bounded := math.Min(math.Max(*f, 0), 1)
	return &bounded
}

// header returns a header that is a string, "" if there is none.
func header(m eventstream.Message, name string) string {
	if v, ok := m.Headers.Get(name).(eventstream.StringValue); ok {
		return string(v)
	}
	return ""
}

// maxReason bounds what is passed on of what the service says, in letters.
const maxReason = 200

// exception returns the error that the service tells of. Its own words go to the
// caller of the API only if the request was wrong.
func exception(name string, body []byte) error {
	var text struct{ Message string }
	_ = json.Unmarshal(body, &text) // without, its name says enough
	if slices.Contains([]string{"BadRequestException", "ConflictException"}, name) {
		letters := []rune(text.Message)
		return &speech.Refused{Reason: string(letters[:min(len(letters), maxReason)])}
	}
	return fmt.Errorf("transcribe: %s: %q", name, text.Message)
}
