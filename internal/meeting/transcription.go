package meeting

import "strings"

// TranscriptionPhase says how a transcription is doing.
type TranscriptionPhase uint8

// The phases. A start leads from any of them to Starting, or to Failed when no
// engine took it.
const (
	TranscriptionStarting    TranscriptionPhase = iota + 1 // no engine has answered yet
	TranscriptionRunning                                   // an engine works
	TranscriptionInterrupted                               // no engine answers at the moment
	TranscriptionFailed                                    // until the next start
)

// String returns the phase in lower case, fit for an operator's page.
func (p TranscriptionPhase) String() string {
	if p < TranscriptionStarting || p > TranscriptionFailed {
		return "unknown"
	}
	return [...]string{"starting", "running", "interrupted", "failed"}[p-1]
}

// transcribing is the transcription of a meeting.
type transcribing struct {
	config TranscriptionConfig
	phase  TranscriptionPhase
}

// Transcription returns the attached configuration, or nil.
func (s *State) Transcription() *TranscriptionConfig {
	if s.transcription == nil {
		return nil
	}
	config := s.transcription.config
	return &config
}

// TranscriptionPhase returns how the transcription is doing; 0 when none is
// attached.
func (s *State) TranscriptionPhase() TranscriptionPhase {
	if s.transcription == nil {
		return 0
	}
	return s.transcription.phase
}

// Phase returns what a start leads to.
func (b *TranscriptionStarted) Phase() TranscriptionPhase {
	switch {
	case b.Failure != "":
		return TranscriptionFailed
	case b.Pending:
		return TranscriptionStarting
	}
	return TranscriptionRunning
}

// DecideStartTranscription attaches a configuration, also over another one.
// failure is empty, or says why no engine will take it; pending says that one
// has still to.
func DecideStartTranscription(s *State, by Stamp, config TranscriptionConfig, failure string, pending bool) (*Record, error) {
	if err := s.mustBeActive(); err != nil {
		return nil, err
	}
	return &Record{Stamp: by, Body: &TranscriptionStarted{Config: config, Failure: failure, Pending: pending && failure == ""}}, nil
}

// DecideTranscription brings the transcription to a phase: Running from Starting
// or Interrupted, Interrupted from Running, Failed from any of these. In every
// other case nothing happens: somebody has stopped it, or started another.
func DecideTranscription(s *State, by Stamp, to TranscriptionPhase, message string) (*Record, error) {
	if err := s.mustBeActive(); err != nil {
		return nil, err
	}
	if !s.TranscriptionPhase().leadsTo(to) {
		return nil, nil
	}
	return &Record{Stamp: by, Body: &TranscriptionMoved{Phase: to, Message: message}}, nil
}

func (p TranscriptionPhase) leadsTo(to TranscriptionPhase) bool {
	switch to {
	case TranscriptionRunning:
		return p == TranscriptionStarting || p == TranscriptionInterrupted
	case TranscriptionInterrupted:
		return p == TranscriptionRunning
	case TranscriptionFailed:
		return p == TranscriptionStarting || p == TranscriptionRunning || p == TranscriptionInterrupted
	}
	return false
}

// DecideStopTranscription detaches the configuration; with none attached
// nothing happens (API decision D-25).
func DecideStopTranscription(s *State, by Stamp) (*Record, error) {
	if err := s.mustBeActive(); err != nil {
		return nil, err
	}
	if s.transcription == nil {
		return nil, nil
	}
	return &Record{Stamp: by, Body: &TranscriptionStopped{}}, nil
}

func (c TranscriptionConfig) own() TranscriptionConfig {
	return TranscriptionConfig{JSON: strings.Clone(c.JSON), Region: strings.Clone(c.Region)}
}
