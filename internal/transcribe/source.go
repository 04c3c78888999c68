package transcribe

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

// Source is an engine as the operator has it.
type Source struct {
	Engine
	Name string // for metrics and the log
	// MaxSessions is how many may be open at the same time. Default 32.
	MaxSessions int
	// Weight is how many sessions it takes compared to others. Default 1.
	Weight int
}

// source is a Source with what is open of it.
type source struct {
	Source
	features speech.Features
	open     atomic.Int64 // sessions, and those that are being opened
}

func newSource(from Source) *source {
	from.MaxSessions, from.Weight = cmp.Or(from.MaxSessions, 32), cmp.Or(from.Weight, 1)
	return &source{Source: from, features: from.Features()}
}

// reserve takes room for a session; the counterpart is open.Add(-1).
func (s *source) reserve() bool {
	if s.open.Add(1) > int64(s.MaxSessions) {
		s.open.Add(-1)
		return false
	}
	return true
}

// load is how much a source has to do for its weight.
func (s *source) load() float64 { return float64(s.open.Load()) / float64(s.Weight) }

// errFull is for engines whose sessions are all in use.
var errFull = errors.New("transcribe: all sessions of the engines are in use")

// openSession begins a session with the least loaded source, or with the next when
// that one fails. The error is that of the last that could have been used again.
func openSession(ctx context.Context, from []*source, s speech.Settings, heard func(speech.Hypothesis)) (*source, speech.Session, error) {
	from = slices.Clone(from)
	slices.SortStableFunc(from, func(a, b *source) int { return cmp.Compare(a.load(), b.load()) })
	var failure error
	final := true // trying again is useless
	for _, one := range from {
		var session speech.Session
		err := errFull
		if one.reserve() {
			if session, err = one.Open(ctx, s, heard); err == nil {
				return one, session, nil
			}
			one.open.Add(-1)
		}
		if _, refused := isRefused(err); !refused || final {
			failure, final = err, refused
		}
	}
	return nil, nil, failure
}

// choose returns the sources that can do what is asked for, with the settings as
// they are to be given to them. The error says why there are none: it is that of the
// one that came nearest.
// noFilter is why sources that apply no filters themselves cannot be taken; nil if
// they can.
func (s *Service) choose(settings speech.Settings, noFilter error) (from []*source, as speech.Settings, err error) {
	from, err = s.able(settings, noFilter)
	if from != nil || !settings.IdentifyLanguage && !s.cfg.OtherDialects {
		return from, settings, err
	}
	for _, code := range s.instead(&settings) {
		as := settings
		as.LanguageCode, as.IdentifyLanguage, as.LanguageOptions, as.PreferredLanguage = code, false, "", ""
		if from, _ := s.able(as, noFilter); from != nil {
			return from, as, nil
		}
	}
	return nil, settings, err
}

// instead returns the languages that may be taken for what is asked for and no
// source does: the only one that LanguageOptions leaves, or other dialects.
func (s *Service) instead(settings *speech.Settings) (codes []string) {
	var served []string
	for _, one := range s.sources {
		served = append(served, one.features.Languages...)
	}
	slices.Sort(served)
	served = slices.Compact(served)
	if !settings.IdentifyLanguage {
		language, _, _ := strings.Cut(settings.LanguageCode, "-")
		return slices.DeleteFunc(served, func(code string) bool { return !strings.HasPrefix(code, language+"-") })
	}
	served = slices.DeleteFunc(served, func(code string) bool { return !slices.Contains(settings.Options(), code) })
	if len(served) != 1 {
		return nil
	}
	return served
}

// able returns the sources that take the settings as they are.
func (s *Service) able(settings speech.Settings, noFilter error) (from []*source, err error) {
	err = speech.Refuse("No transcription engine is configured")
	nearest := false // err is about more than the language
	for _, one := range s.sources {
		refusal := one.Check(settings)
		if refusal == nil && !one.features.Filters {
			refusal = noFilter
		}
		if refusal == nil {
			from = append(from, one)
			continue
		}
		var r *speech.Refused
		if far := errors.As(refusal, &r) && r.Language; !far || !nearest {
			err, nearest = refusal, !far
		}
	}
	if from != nil {
		return from, nil
	}
	return nil, err
}
