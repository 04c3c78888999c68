package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

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
		Control: s.control, Door: speakers{s.signal}, Sources: s.prepared.engines, OtherDialects: t.DialectFallback, Filters: t.FiltersDir,
		Talkers: t.Talkers, Hold: t.Hold, Idle: t.Idle, GiveUp: t.GiveUp, Finished: s.metrics.observeFinal,
		Logger: s.log.With("part", "transcribe"),
	})
	return nil
}

// engines are what recognises speech, and how those are trusted that have
// authorities of their own.
func engines(t *config.Transcription) (list []transcribe.Source, trusts []*trust, err error) {
	var errs []error
	for _, e := range t.Engines() {
		engine, trust, err := engine(&e)
		if err != nil {
			errs = append(errs, fmt.Errorf("transcription: %q: %w", e.Name, err))
			continue
		}
		if trust != nil {
			trusts = append(trusts, trust)
		}
		list = append(list, transcribe.Source{Engine: engine, Name: e.Name, MaxSessions: e.MaxSessions, Weight: e.Weight})
	}
	return list, trusts, errors.Join(errs...)
}

// engine is one of them; the trust is nil without authorities of its own.
func engine(e *config.TranscriptionEngine) (transcribe.Engine, *trust, error) {
	if e.Kind == config.TranscribeEngine {
		if e.SecretKeyFile == "" { // which Check refuses
			return nil, nil, nil
		}
		secret, err := readSecret(e.SecretKeyFile)
		return amazon.New(amazon.Config{
			Endpoint: e.URL, Region: e.Region, Credentials: targets.Static(e.AccessKey, secret), Client: amazon.NewClient(), Languages: e.Languages,
		}), nil, err
	}
	cfg := vosk.Config{URL: e.URL, Languages: e.Languages, Models: e.LanguageModels, Medical: e.Medical}
	var own *trust
	var err error
	if e.CAFile != "" {
		if own, err = newTrust("speech recogniser "+e.Name, "transcription:"+e.Name, e.CAFile); err != nil {
			return nil, nil, err
		}
		cfg.TLS = own.config
	}
	if e.TokenFile != "" {
		cfg.Token, err = readSecret(e.TokenFile)
	}
	return vosk.New(cfg), own, err
}

// speakers is the signaling door as transcription sees it.
type speakers struct{ *signal.Server }

func (s speakers) Hear(id meeting.ID, to transcribe.Voices) (stop func(), err error) {
	return s.Server.Hear(id, to)
}

// observeFinal times a final result of a transcription.
func (m *metrics) observeFinal(after time.Duration) { m.finals.Observe(after.Seconds()) }

// watchTranscriptions adds what is being transcribed.
func (m *metrics) watchTranscriptions(s *server) {
	gauge := func(name, help string, read func(transcribe.Stats) int) {
		m.gauge(name, help, func() int { return read(s.transcribe.Stats()) })
	}
	counter := func(name, help string, read func(transcribe.Stats) float64) {
		m.counter(name, help, func() float64 { return read(s.transcribe.Stats()) })
	}
	gauge("carillon_transcription_meetings", "Meetings that are being transcribed.", func(t transcribe.Stats) int { return t.Meetings })
	gauge("carillon_transcription_interrupted", "Meetings whose transcription has lost its engine.", func(t transcribe.Stats) int { return t.Interrupted })
	counter("carillon_transcription_audio_seconds_total", "Sound given to transcription engines.", func(t transcribe.Stats) float64 { return t.Audio.Seconds() })
	counter("carillon_transcription_dropped_audio_seconds_total", "Sound that no transcription engine had room for.", func(t transcribe.Stats) float64 { return t.Dropped.Seconds() })
	counter("carillon_transcription_partial_results_total", "Partial results shown.", func(t transcribe.Stats) float64 { return float64(t.Partials) })
	counter("carillon_transcription_final_results_total", "Final results shown.", func(t transcribe.Stats) float64 { return float64(t.Finals) })
	for _, e := range s.prepared.engines {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "carillon_transcription_sessions", Help: "Sessions open with transcription engines, by engine.", ConstLabels: prometheus.Labels{"engine": e.Name},
		}, func() float64 { return float64(s.transcribe.Stats().Sessions[e.Name]) }))
	}
	for reason, read := range map[string]func(transcribe.Stats) int64{
		"unopened": func(t transcribe.Stats) int64 { return t.Unopened }, "lost": func(t transcribe.Stats) int64 { return t.Lost },
		"refused": func(t transcribe.Stats) int64 { return t.Refused }, "full": func(t transcribe.Stats) int64 { return t.Full },
	} {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "carillon_transcription_failures_total", ConstLabels: prometheus.Labels{"reason": reason},
			Help: "Sessions of transcription engines that did not open, were lost, refused, or found all others in use, by reason.",
		}, func() float64 { return float64(read(s.transcribe.Stats())) }))
	}
	m.finals = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "carillon_transcription_final_latency_seconds", Help: "Time from the end of what was said to its final result.",
		Buckets: []float64{.1, .25, .5, .75, 1, 1.5, 2, 3, 5, 10},
	})
	m.registry.MustRegister(m.finals)
}
