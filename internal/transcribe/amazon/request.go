package amazon

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/carillon-meetings/carillon/internal/transcribe/speech"
)

const (
	// signedStream stands for the hash of a body whose messages are signed one by one.
	signedStream = "STREAMING-AWS4-HMAC-SHA256-EVENTS"
	eventStream  = "application/vnd.amazon.eventstream"
	headerPrefix = "x-amzn-transcribe-"
)

// newRequest returns the request that begins a session, without its body.
func newRequest(ctx context.Context, endpoint string, s speech.Settings) (*http.Request, error) {
	path := "/stream-transcription"
	if s.Medical {
		path = "/medical-stream-transcription"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(endpoint, "/")+path, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", eventStream)
	r.Header.Set("X-Amz-Content-Sha256", signedStream)
	for name, value := range headersOf(s) {
		if value != "" {
			r.Header.Set(headerPrefix+name, value)
		}
	}
	return r, nil
}

// headersOf returns the settings as the service has them; "" for what is not given.
func headersOf(s speech.Settings) map[string]string {
	flag := func(on bool) string {
		if on {
			return "true"
		}
		return ""
	}
	h := map[string]string{
		"language-code": s.LanguageCode, "sample-rate": strconv.Itoa(speech.SampleRate), "media-encoding": "pcm",
		"vocabulary-name": s.VocabularyName, "content-identification-type": s.ContentIdentificationType,
	}
	if s.Medical {
		h["specialty"], h["type"] = s.Specialty, s.Type
		return h
	}
	for name, value := range map[string]string{
		"identify-language": flag(s.IdentifyLanguage), "language-options": s.LanguageOptions, "preferred-language": s.PreferredLanguage,
		"vocabulary-names": s.VocabularyNames, "vocabulary-filter-name": s.VocabularyFilterName, "vocabulary-filter-names": s.VocabularyFilterNames,
		"vocabulary-filter-method": s.VocabularyFilterMethod, "language-model-name": s.LanguageModelName,
		"enable-partial-results-stabilization": flag(s.EnablePartialResultsStabilization), "partial-results-stability": s.PartialResultsStability,
		"content-redaction-type": s.ContentRedactionType, "pii-entity-types": strings.ReplaceAll(s.PiiEntityTypes, " ", ""),
	} {
		h[name] = value
	}
	return h
}
