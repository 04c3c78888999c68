package transcribe

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"

	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

// filterName is what a vocabulary filter may be called, as Amazon Transcribe has
// it: a name is part of a path here.
var filterName = regexp.MustCompile(`^[0-9a-zA-Z._-]{1,200}$`)

// maxFilter bounds the file of a vocabulary filter, in bytes: as on Amazon.
const maxFilter = 50 << 10

// masked stands for a word that is masked.
const masked = "***"

// filter is the vocabulary filters of a transcription: what is not to be shown, or
// is to be marked. A nil filter changes nothing.
type filter struct {
	method  string
	phrases map[string][][]string // by their first word
}

// readFilter reads the filters that the settings name, of files with a word or a
// phrase a line. The error is a *speech.Refused if there is no such filter.
func readFilter(dir string, s *speech.Settings) (*filter, error) {
	names := s.Filters()
	if len(names) == 0 {
		return nil, nil
	}
	f := &filter{method: cmp.Or(s.VocabularyFilterMethod, "mask"), phrases: make(map[string][][]string)}
	for _, name := range names {
		if dir == "" || !filterName.MatchString(name) || strings.Trim(name, ".") == "" {
			return nil, noFilter(name)
		}
		path := filepath.Join(dir, name+".txt")
		info, err := os.Stat(path)
		if err == nil && info.Size() > maxFilter {
			err = fmt.Errorf("%s is larger than %d bytes", path, maxFilter)
		}
		var text []byte
		if err == nil {
			text, err = os.ReadFile(path)
		}
		if err != nil {
			return nil, errors.Join(noFilter(name), err)
		}
		f.add(string(text))
	}
	return f, nil
}

func noFilter(name string) error { return speech.Refuse("Vocabulary filter %s not found", name) }

// add takes the lines of a file; empty ones and those that begin with # say nothing.
func (f *filter) add(text string) {
	for line := range strings.Lines(text) {
		var phrase []string
		for word := range strings.FieldsSeq(line) {
			if word = bare(word); word != "" {
				phrase = append(phrase, word)
			}
		}
		if len(phrase) > 0 && !strings.HasPrefix(strings.TrimSpace(line), "#") {
			f.phrases[phrase[0]] = append(f.phrases[phrase[0]], phrase)
		}
	}
}

// bare is a word as filters compare it: in small letters, without the signs about it.
func bare(word string) string {
	return strings.ToLower(strings.TrimFunc(word, func(r rune) bool { return unicode.IsPunct(r) || unicode.IsSpace(r) }))
}

// apply returns the words with those that are filtered left out, masked or marked.
func (f *filter) apply(words []speech.Word) []speech.Word {
	if f == nil {
		return words
	}
	out := make([]speech.Word, 0, len(words))
	until := 0 // the words before it are filtered
	for i, w := range words {
		until = max(until, i+f.match(words[i:]))
		if i < until {
			switch f.method {
			case "remove":
				continue
			case "mask":
				w.Text = masked
			default: // tag
				w.Filtered = true
			}
		}
		out = append(out, w)
	}
	return out
}

// match returns how many words a phrase has that they begin with.
func (f *filter) match(words []speech.Word) (longest int) {
	for _, phrase := range f.phrases[bare(words[0].Text)] {
		n := 0
		for n < len(phrase) && n < len(words) && bare(words[n].Text) == phrase[n] {
			n++
		}
		if n == len(phrase) {
			longest = max(longest, n)
		}
	}
	return longest
}
