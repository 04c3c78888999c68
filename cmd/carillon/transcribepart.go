package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/carillon-meetings/carillon/internal/config"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify/targets"
	"github.com/carillon-meetings/carillon/internal/signal"
	"github.com/carillon-meetings/carillon/internal/transcribe"
	"github.com/carillon-meetings/carillon/internal/transcribe/amazon"
	"github.com/carillon-meetings/carillon/internal/transcribe/vosk"
)

// openTranscribe builds what carries out transcriptions. It is there even without
// an engine, for those begun while there was one.
func (s *server) openTranscribe(context.Context) error {
	t := &s.cfg.Transcription
	s.transcribe = transcribe.New(transcribe.Config{
		Control: s.control, Door: speakers{s.signal}, Engines: s.prepared.engines, Talkers: t.Talkers, GiveUp: t.GiveUp,
		Logger: s.log.With("part", "transcribe"),
	})
	return nil
}

// engines are what recognises speech: of several that could, the first one does.
func engines(t *config.Transcription) (list []transcribe.Engine, err error) {
	for _, v := range t.VoskServers() {
		list = append(list, vosk.New(vosk.Config{URL: v.URL, Language: v.Language}))
	}
	if t.Amazon == "" || t.SecretKeyFile == "" { // half of it is refused by Check
		return list, nil
	}
	secret, err := os.ReadFile(t.SecretKeyFile)
	if err != nil {
		return nil, fmt.Errorf("--transcription-amazon-secret-key-file: %w", err)
	}
	return append(list, amazon.New(amazon.Config{
		Endpoint: t.AmazonURL(), Region: t.Region, Credentials: targets.Static(t.AccessKey, strings.TrimSpace(string(secret))), Client: amazon.NewClient(),
	})), nil
}

// speakers is the signaling door as transcription sees it.
type speakers struct{ *signal.Server }

func (s speakers) Hear(id meeting.ID, to transcribe.Voices) (stop func(), err error) {
	return s.Server.Hear(id, to)
}

// watchTranscriptions adds what is being transcribed.
func (m *metrics) watchTranscriptions(s *server) {
	gauge := func(name, help string, read func(transcribe.Stats) int) {
		m.gauge(name, help, func() int { return read(s.transcribe.Stats()) })
	}
	counter := func(name, help string, read func(transcribe.Stats) float64) {
		m.counter(name, help, func() float64 { return read(s.transcribe.Stats()) })
	}
	gauge("carillon_transcription_meetings", "Meetings that are being transcribed.", func(t transcribe.Stats) int { return t.Meetings })
	gauge("carillon_transcription_sessions", "Sessions open with transcription engines.", func(t transcribe.Stats) int { return t.Lines })
	gauge("carillon_transcription_interrupted", "Meetings whose transcription has lost its engine.", func(t transcribe.Stats) int { return t.Interrupted })
	counter("carillon_transcription_audio_seconds_total", "Sound given to transcription engines.", func(t transcribe.Stats) float64 { return t.Audio.Seconds() })
	counter("carillon_transcription_dropped_audio_seconds_total", "Sound that no transcription engine had room for.", func(t transcribe.Stats) float64 { return t.Dropped.Seconds() })
	counter("carillon_transcription_partial_results_total", "Partial results shown.", func(t transcribe.Stats) float64 { return float64(t.Partials) })
	counter("carillon_transcription_final_results_total", "Final results shown.", func(t transcribe.Stats) float64 { return float64(t.Finals) })
	counter("carillon_transcription_failures_total", "Sessions of transcription engines that did not open, or were lost.", func(t transcribe.Stats) float64 { return float64(t.Failures) })
}
