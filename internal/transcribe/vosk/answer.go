package vosk

import (
	"encoding/json"
	"errors"
	"math"
	"strings"

	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

// answer is what the server says to a message of sound.
type answer struct {
	Partial       *string
	PartialResult []word `json:"partial_result"` // of servers that tell them
	Text          *string
	Result        []word
	Alternatives  []struct { // of servers that give several whatever one asks for
		Text   *string
		Result []word
	}
}

type word struct {
	Word       string
	Start, End float64
	Conf       *float64
}

// maxWords bounds the words of one utterance. The service ends those that are
// longer than 200.
const maxWords = 1000

// errAnswer is for what no server of this protocol says.
var errAnswer = errors.New("vosk: the server's answer cannot be read")

// parse reads an answer. Members that it does not know are passed over.
func parse(data []byte) (h speech.Hypothesis, err error) {
	var a answer
	if err := json.Unmarshal(data, &a); err != nil {
		return h, errAnswer
	}
	if a.Text == nil && len(a.Alternatives) > 0 {
		a.Text, a.Result = a.Alternatives[0].Text, a.Alternatives[0].Result
	}
	switch {
	case a.Text != nil:
		h.Final = true
		h.Words = wordsOf(*a.Text, a.Result)
	case a.Partial != nil:
		h.Words = wordsOf(*a.Partial, a.PartialResult)
	default:
		return h, errAnswer
	}
	return h, nil
}

// wordsOf returns the words as the server lists them, or else those of the text.
func wordsOf(text string, list []word) (words []speech.Word) {
	for _, w := range list {
		w.Word = strings.TrimSpace(w.Word)
		if w.Word == "" || len(words) == maxWords {
			continue
		}
		one := speech.Word{Text: w.Word, Timed: w.End >= w.Start && w.Start >= 0, Start: w.Start, End: w.End}
		if w.Conf != nil {
			confidence := math.Min(math.Max(*w.Conf, 0), 1) // bridges may be beyond
			one.Confidence = &confidence
		}
		words = append(words, one)
	}
	if len(words) > 0 {
		return words
	}
	for text := range strings.FieldsSeq(text) {
		if len(words) == maxWords {
			break
		}
		words = append(words, speech.Word{Text: text})
	}
	return words
}
