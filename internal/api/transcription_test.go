package api_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/carillon-meetings/carillon/internal/api"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// transcriptions sees the configurations on their way to the control plane.
type transcriptions struct {
	api.Control
	mu   sync.Mutex
	seen []meeting.TranscriptionConfig
}

func (c *transcriptions) StartTranscription(ctx context.Context, owner meeting.Owner, id meeting.ID, config meeting.TranscriptionConfig) error {
	c.mu.Lock()
	c.seen = append(c.seen, config)
	c.mu.Unlock()
	return c.Control.StartTranscription(ctx, owner, id, config)
}

func TestTranscription(t *testing.T) {
	both(t, nil, func(t *testing.T, d *door) {
		id := d.meeting("")
		start, stop := "/meetings/"+id+"/transcription?operation=start", "/meetings/"+id+"/transcription?operation=stop"
		for _, a := range []answer{
			d.do("POST", stop, ""), // nothing runs
			d.do("POST", start, `{"TranscriptionConfiguration":{"EngineTranscribeSettings":{"LanguageCode":"en-US"}}}`),
			d.do("POST", start, `{"TranscriptionConfiguration":{"EngineTranscribeMedicalSettings":{"LanguageCode":"en-US","Specialty":"CARDIOLOGY","Type":"DICTATION"},"EngineTranscribeSettings":null}}`),
			d.do("POST", start, `{"TranscriptionConfiguration":{"EngineTranscribeSettings":{}}}`), // combinations are for the engine
			d.do("POST", stop, `{}`),
		} {
			if a.status != 200 || a.body != "" {
				t.Errorf("%d %s", a.status, a.body)
			}
		}
		gone := "/meetings/" + unknownID + "/transcription?operation="
		d.want(d.do("POST", gone+"stop", ""), 404, "NotFoundException")
		d.want(d.do("POST", gone+"start", `{"TranscriptionConfiguration":{"EngineTranscribeSettings":{}}}`), 404, "NotFoundException")
		for settings, message := range map[string]string{
			``: "exactly one",
			`"EngineTranscribeSettings":{},"EngineTranscribeMedicalSettings":{"LanguageCode":"en-US","Specialty":"UROLOGY","Type":"DICTATION"}`: "exactly one",
			`"EngineTranscribeMedicalSettings":{}`: "3 validation errors detected: Value null at 'transcriptionConfiguration.engineTranscribeMedicalSettings.languageCode'",
			`"EngineTranscribeMedicalSettings":{"LanguageCode":"de-DE","Specialty":"DENTISTRY","Type":"CHAT","Region":"eu-central-1","ContentIdentificationType":"PII"}`:                                                              "5 validation errors",
			`"EngineTranscribeSettings":{"LanguageCode":"xx","PreferredLanguage":"yy","Region":"mars","VocabularyFilterMethod":"hide","PartialResultsStability":"some","ContentIdentificationType":"PHI","ContentRedactionType":"x"}`: "7 validation errors",
			`"EngineTranscribeSettings":{"PiiEntityTypes":"name","LanguageModelName":"a/b","LanguageOptions":"en_US","VocabularyNames":"a b","VocabularyFilterNames":""}`:                                                             "6 validation errors",
			`"EngineTranscribeSettings":{"LanguageOptions":"en-US,de-DE1"}`: "languageOptions",
			`"EngineTranscribeSettings":{"IdentifyLanguage":"yes"}`:         "Value at 'transcriptionConfiguration.engineTranscribeSettings.identifyLanguage' must be a boolean.",
			`"EngineTranscribeSettings":[]`:                                 "must be an object",
		} {
			d.want(d.do("POST", start, `{"TranscriptionConfiguration":{`+settings+`}}`), 400, "BadRequestException", message)
		}
		d.want(d.do("POST", start, ``), 400, "BadRequestException", "Value null at 'transcriptionConfiguration'")
		gov := d.do("POST", start, `{"TranscriptionConfiguration":{"EngineTranscribeSettings":{"Region":"us-gov-west-1"}}}`)
		if gov.status != pick(d, 200, 400) {
			t.Errorf("GovCloud engine: %d %s", gov.status, gov.body)
		}
	})
}

func TestTranscriptionConfigurationIsCanonical(t *testing.T) {
	spy := &transcriptions{Control: newPlane(t)}
	d := open(t, func(c *api.Config) { c.Control = spy })
	given := ` {"TranscriptionConfiguration": {"Unknown": 1, "EngineTranscribeSettings": {"VocabularyNames":"a,b-c._d","Region":"auto",
		"IdentifyLanguage":true,"EnablePartialResultsStabilization":false,"LanguageOptions":"en-US,de-DE","PiiEntityTypes":"NAME, PIN","VocabularyName":"quo\"te","LanguageCode":null}}}`
	if a := d.do("POST", "/meetings/"+d.meeting("")+"/transcription?operation=start", given); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	want := `{"EngineTranscribeSettings":{"VocabularyName":"quo\"te","Region":"auto","EnablePartialResultsStabilization":false,"PiiEntityTypes":"NAME, PIN",` +
		`"IdentifyLanguage":true,"LanguageOptions":"en-US,de-DE","VocabularyNames":"a,b-c._d"}}`
	if len(spy.seen) != 1 || spy.seen[0].JSON != want || spy.seen[0].Region != "auto" {
		t.Errorf("seen %+v, want %s", spy.seen, want)
	}
	if strings.Contains(spy.seen[0].JSON, "null") {
		t.Error("a null was kept")
	}
}
