package transcribe

import (
	"time"

	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

// stability says when a word of a partial result will not change any more: when so
// many hypotheses in a row had it, and another word has followed or it is so old.
type stability struct {
	hypotheses int
	age        time.Duration
}

// stabilityOf returns the rule that was asked for; nil for none. When it is not
// said which, it is the strictest about time.
func stabilityOf(s *speech.Settings) *stability {
	if !s.EnablePartialResultsStabilization {
		return nil
	}
	switch s.PartialResultsStability {
	case "low":
		return &stability{4, 1200 * time.Millisecond}
	case "medium":
		return &stability{3, 700 * time.Millisecond}
	}
	return &stability{2, 300 * time.Millisecond}
}

// steady holds the words of an utterance that are stable, for engines that do not
// tell. Without a rule it changes nothing.
type steady struct {
	rule *stability
	word []steadyWord
	kept int // of these, those that are stable
}

type steadyWord struct {
	word  speech.Word
	since time.Time
	times int // hypotheses in a row
}

// keep returns the words with those that are stable as they were, and says of each
// whether it is. Where the engine says so itself, it is left to it.
func (s *steady) keep(words []speech.Word, final bool, now time.Time) []speech.Word {
	if s.rule == nil || len(words) > 0 && words[0].Stable != nil {
		return words
	}
	words = append([]speech.Word(nil), words...)
	for i := range s.word[:s.kept] {
		if i == len(words) {
			words = append(words, s.word[i].word)
		} else if words[i].Text != s.word[i].word.Text {
			words[i] = s.word[i].word
		}
	}
	for i, w := range words {
		switch {
		case i == len(s.word):
			s.word = append(s.word, steadyWord{w, now, 1})
		case s.word[i].word.Text == w.Text:
			s.word[i].times++
		default:
			s.word[i] = steadyWord{w, now, 1}
		}
	}
	s.word = s.word[:len(words)]
	for s.kept < len(s.word) && (final || s.isStable(s.kept, now)) {
		s.kept++
	}
	for i := range words {
		is := i < s.kept
		words[i].Stable = &is
	}
	return words
}

func (s *steady) isStable(i int, now time.Time) bool {
	w := s.word[i]
	return w.times >= s.rule.hypotheses && (i+1 < len(s.word) || now.Sub(w.since) >= s.rule.age)
}
