package transcribe_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"

	"github.com/carillon-meetings/carillon/internal/servertest"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// configured starts a server with an engine of the configuration file's list.
func configured(t *testing.T, engine *toneServer, more string) *servertest.Server {
	t.Helper()
	dir := t.TempDir()
	file := fmt.Sprintf("transcription-filters-dir: %s\ntranscription:\n  - {name: tones, kind: vosk, url: \"ws%s\", languages: [en-US], max-sessions: 8}\n%s",
		dir, strings.TrimPrefix(engine.http.URL, "http"), more)
	path := filepath.Join(dir, "carillon.yaml")
	for name, text := range map[string]string{path: file, filepath.Join(dir, "tones.txt"): "# not to be shown\nTone6\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return servertest.Start(t, "--config", path)
}

// The list of the configuration file, a filter, another dialect, the limit, and what
// the metrics tell of it.
func TestWhatTheOperatorSets(t *testing.T) {
	engine := newToneServer(t)
	server := configured(t, engine, "transcription-dialect-fallback: true\ntranscription-max-meetings: 1\n")
	m := newMeeting(t, server, "ada", "eve")
	eve := m.join("eve", 0)
	if err := m.start(&types.EngineTranscribeSettings{LanguageCode: types.TranscribeLanguageCodeEnGb, VocabularyFilterName: aws.String("tones")}); err != nil {
		t.Fatal(err)
	}
	eve.status(wire.TranscriptionStatus_STARTED)
	m.join("ada", 600)
	eve.reads(m.ids["ada"], "***")
	other := newMeeting(t, server, "bob")
	var limit *types.LimitExceededException
	if err := other.start(&types.EngineTranscribeSettings{LanguageCode: types.TranscribeLanguageCodeEnUs}); !errors.As(err, &limit) {
		t.Errorf("one meeting more than there may be: %v", err)
	}
	metrics := metricsOf(t, server)
	for _, line := range []string{
		`carillon_transcription_meetings 1`, `carillon_transcription_sessions{engine="tones"} 1`,
		`carillon_transcription_failures_total{reason="refused"} 0`, `carillon_transcription_final_latency_seconds_count 1`,
	} {
		if !strings.Contains(metrics, line+"\n") {
			t.Errorf("the metrics lack %s", line)
		}
	}
	m.stop()
	other.transcribe() // there is room again
}

// metricsOf returns what the server tells of itself.
func metricsOf(t *testing.T, s *servertest.Server) string {
	t.Helper()
	resp, err := http.Get(s.Endpoint + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// What is said, and by whom, is in no log, whatever is logged; nor does the engine
// learn who speaks.
func TestWordsReachNoLog(t *testing.T) {
	engine := newToneServer(t)
	server := servertest.Start(t, "--log-level", "debug", "--transcription-vosk", "ws"+strings.TrimPrefix(engine.http.URL, "http"))
	m := newMeeting(t, server, "ada", "eve")
	eve := m.join("eve", 0)
	m.transcribe()
	m.join("ada", 600)
	eve.reads(m.ids["ada"], "tone6")
	engine.hang(true)
	eve.status(wire.TranscriptionStatus_INTERRUPTED)
	m.stop()
	eve.status(wire.TranscriptionStatus_STOPPED)
	for _, secret := range []string{"tone6", "ada-external", aws.ToString(m.ids["ada"].JoinToken)} {
		if strings.Contains(server.Output(), secret) {
			t.Errorf("%s is in the log", secret)
		}
	}
	if !strings.Contains(server.Output(), "a session of the transcription engine failed") {
		t.Error("the log lacks what operators need")
	}
	engine.mu.Lock()
	defer engine.mu.Unlock()
	for _, text := range engine.texts {
		if text != `{"config":{"sample_rate":16000,"words":true,"max_alternatives":0}}` && text != `{"eof" : 1}` {
			t.Errorf("the engine was told %s", text)
		}
	}
	if len(engine.texts) == 0 {
		t.Error("the engine was told nothing")
	}
}
