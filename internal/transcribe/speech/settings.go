package speech

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Settings are the TranscriptionConfiguration of a StartMeetingTranscription: of
// one of Amazon Transcribe and Amazon Transcribe Medical, whose names they have. A
// member that was not given is zero.
type Settings struct {
	Medical bool `json:"-"`

	LanguageCode                      string
	Specialty, Type                   string // medical only
	Region                            string
	VocabularyName, VocabularyNames   string
	VocabularyFilterMethod            string
	VocabularyFilterName              string
	VocabularyFilterNames             string
	LanguageModelName                 string
	EnablePartialResultsStabilization bool
	PartialResultsStability           string
	ContentIdentificationType         string
	ContentRedactionType              string
	PiiEntityTypes                    string
	IdentifyLanguage                  bool
	LanguageOptions                   string // codes with commas between
	PreferredLanguage                 string
}

// ParseSettings reads the JSON of a TranscriptionConfiguration that the API has
// accepted member by member, and checks what has to fit together. The error is a
// *Refused.
func ParseSettings(config string) (Settings, error) {
	var in struct {
		EngineTranscribeSettings, EngineTranscribeMedicalSettings *Settings
	}
	if err := json.Unmarshal([]byte(config), &in); err != nil {
		return Settings{}, Refuse("The transcription configuration cannot be read")
	}
	switch {
	case in.EngineTranscribeSettings != nil:
		return *in.EngineTranscribeSettings, in.EngineTranscribeSettings.check()
	case in.EngineTranscribeMedicalSettings != nil:
		s := in.EngineTranscribeMedicalSettings
		s.Medical = true
		return *s, nil // all that it needs is required member by member
	}
	return Settings{}, Refuse("LanguageCode or IdentifyLanguage is required")
}

func (s *Settings) check() error {
	for _, rule := range []struct {
		broken bool
		says   string
	}{
		{s.LanguageCode == "" && !s.IdentifyLanguage, "LanguageCode or IdentifyLanguage is required"},
		{s.ContentIdentificationType != "" && s.ContentRedactionType != "", "ContentIdentificationType and ContentRedactionType exclude each other"},
		{s.PiiEntityTypes != "" && s.ContentIdentificationType == "" && s.ContentRedactionType == "", "PiiEntityTypes needs ContentIdentificationType or ContentRedactionType"},
		{s.LanguageOptions != "" && !s.IdentifyLanguage, "LanguageOptions needs IdentifyLanguage"},
		{s.PreferredLanguage != "" && (!s.IdentifyLanguage || s.LanguageOptions == ""), "PreferredLanguage needs IdentifyLanguage and LanguageOptions"},
		{s.IdentifyLanguage && (s.LanguageModelName != "" || s.ContentRedactionType != ""), "IdentifyLanguage excludes LanguageModelName and ContentRedactionType"},
		{twoDialects(s.Options()), "LanguageOptions allows one dialect per language"},
	} {
		if rule.broken {
			return &Refused{Reason: rule.says}
		}
	}
	return nil
}

// Options returns the codes of LanguageOptions.
func (s *Settings) Options() []string {
	return strings.FieldsFunc(s.LanguageOptions, func(r rune) bool { return r == ',' || r == ' ' })
}

func twoDialects(codes []string) bool {
	var seen []string
	for _, code := range codes {
		language, _, _ := strings.Cut(code, "-")
		if slices.Contains(seen, language) {
			return true
		}
		seen = append(seen, language)
	}
	return false
}

// Filters returns the names of the vocabulary filters.
func (s *Settings) Filters() []string { return names(s.VocabularyFilterName, s.VocabularyFilterNames) }

// Vocabularies returns the names of the custom vocabularies.
func (s *Settings) Vocabularies() []string { return names(s.VocabularyName, s.VocabularyNames) }

func names(one, more string) (list []string) {
	for _, name := range strings.Split(fmt.Sprint(one, ",", more), ",") {
		if name != "" {
			list = append(list, name)
		}
	}
	return list
}
