package speech

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestSettingsThatDoNotFitTogetherAreRefused(t *testing.T) {
	for body, want := range map[string]string{
		`"LanguageCode":"en-US"`: "",
		`"IdentifyLanguage":true,"LanguageOptions":"en-US,fr-CA","PreferredLanguage":"en-US"`: "",
		`"LanguageCode":"en-US","ContentRedactionType":"PII","PiiEntityTypes":"NAME"`:         "",
		``:                         "LanguageCode or IdentifyLanguage is required",
		`"IdentifyLanguage":false`: "LanguageCode or IdentifyLanguage is required",
		`"LanguageCode":"en-US","ContentRedactionType":"PII","ContentIdentificationType":"PII"`: "ContentIdentificationType and ContentRedactionType exclude each other",
		`"LanguageCode":"en-US","PiiEntityTypes":"NAME"`:                                        "PiiEntityTypes needs ContentIdentificationType or ContentRedactionType",
		`"LanguageCode":"en-US","LanguageOptions":"en-US"`:                                      "LanguageOptions needs IdentifyLanguage",
		`"IdentifyLanguage":true,"PreferredLanguage":"en-US"`:                                   "PreferredLanguage needs IdentifyLanguage and LanguageOptions",
		`"LanguageCode":"en-US","PreferredLanguage":"en-US"`:                                    "PreferredLanguage needs IdentifyLanguage and LanguageOptions",
		`"IdentifyLanguage":true,"LanguageModelName":"m"`:                                       "IdentifyLanguage excludes LanguageModelName and ContentRedactionType",
		`"IdentifyLanguage":true,"ContentRedactionType":"PII"`:                                  "IdentifyLanguage excludes LanguageModelName and ContentRedactionType",
		`"IdentifyLanguage":true,"LanguageOptions":"en-US,en-GB"`:                               "LanguageOptions allows one dialect per language",
	} {
		s, err := ParseSettings(`{"EngineTranscribeSettings":{` + body + `}}`)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != want || s.Medical {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
		if refused := new(Refused); err != nil && !errors.As(err, &refused) {
			t.Errorf("%s: %T", body, err)
		}
	}
}

func TestMedicalSettings(t *testing.T) {
	s, err := ParseSettings(`{"EngineTranscribeMedicalSettings":{"LanguageCode":"en-US","Specialty":"CARDIOLOGY","Type":"DICTATION","ContentIdentificationType":"PHI"}}`)
	want := Settings{Medical: true, LanguageCode: "en-US", Specialty: "CARDIOLOGY", Type: "DICTATION", ContentIdentificationType: "PHI"}
	if err != nil || s != want {
		t.Errorf("%+v (%v)", s, err)
	}
}

func TestNamesAreLists(t *testing.T) {
	s, err := ParseSettings(`{"EngineTranscribeSettings":{"LanguageCode":"en-US","VocabularyName":"a","VocabularyNames":"b,c","VocabularyFilterNames":"d,,e"}}`)
	if err != nil || !reflect.DeepEqual(s.Vocabularies(), []string{"a", "b", "c"}) || !reflect.DeepEqual(s.Filters(), []string{"d", "e"}) {
		t.Errorf("%v and %v (%v)", s.Vocabularies(), s.Filters(), err)
	}
	if (&Settings{}).Filters() != nil {
		t.Error("filters that nobody named")
	}
}

// FuzzParseSettings: whatever the text, it is settings, or a refusal for the caller.
func FuzzParseSettings(f *testing.F) {
	f.Add(`{"EngineTranscribeSettings":{"LanguageCode":"en-US","IdentifyLanguage":true,"LanguageOptions":"en-US,fr-CA"}}`)
	f.Add(`{"EngineTranscribeMedicalSettings":null}`)
	f.Fuzz(func(t *testing.T, config string) {
		s, err := ParseSettings(config)
		if refused := new(Refused); err != nil && (!errors.As(err, &refused) || strings.TrimSpace(refused.Reason) == "") {
			t.Errorf("%v", err)
		}
		_, _, _ = s.Options(), s.Filters(), s.Vocabularies()
	})
}
