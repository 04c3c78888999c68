package meeting

import (
	"cmp"
	"strings"
	"time"
)

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

// Transcription is what is attached to a meeting, from a start until it is stopped.
// It is never changed.
type Transcription struct {
	TranscriptionConfig
	Command ID // of the call that attached it
	Phase   TranscriptionPhase
	Since   time.Time // when it came to that phase
	Message string    // why it is interrupted or has failed
}

// Transcription returns what is attached, or nil.
func (s *State) Transcription() *Transcription { return s.transcription }

// afterRecord returns what is attached after the record; t is what was before, nil
// for nothing.
func (t *Transcription) afterRecord(by *Stamp, body Body) *Transcription {
	switch b := body.(type) {
	case *TranscriptionStarted:
		return &Transcription{
			TranscriptionConfig: b.Config.own(), Command: by.Command, Phase: b.Phase(), Since: by.Time, Message: strings.Clone(b.Failure),
		}
	case *TranscriptionMoved:
		if t == nil {
			return nil // an outline does not refuse it
		}
		next := *t
		next.Phase, next.Since, next.Message = b.Phase, by.Time, strings.Clone(b.Message)
		return &next
	case *TranscriptionStopped:
		return nil
	}
	return t
}

// config returns the settings of what is attached, nil for nothing.
func (t *Transcription) config() *TranscriptionConfig {
	if t == nil {
		return nil
	}
	return &t.TranscriptionConfig
}

// phase returns how it is doing; 0 for nothing.
func (t *Transcription) phase() TranscriptionPhase {
	if t == nil {
		return 0
	}
	return t.Phase
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
// has still to. The sound of a replica is that of its primary meeting, which alone
// can be transcribed.
func DecideStartTranscription(s *State, by Stamp, config TranscriptionConfig, failure string, pending bool) (*Record, error) {
	if err := s.mustBeActive(); err != nil {
		return nil, err
	}
	if s.profile.Replica() {
		return nil, Errorf(Invalid, "Transcription runs in the primary meeting")
	}
	config.Region = regionOf(config, s.profile.MediaRegion)
	return &Record{Stamp: by, Body: &TranscriptionStarted{Config: config, Failure: failure, Pending: pending && failure == ""}}, nil
}

// DecideTranscription brings the transcription that command attached to a phase:
// Running from Starting or Interrupted, Interrupted from Running, Failed from any of these. In every
// other case nothing happens: somebody has stopped it, or started another.
func DecideTranscription(s *State, by Stamp, command ID, to TranscriptionPhase, message string) (*Record, error) {
	if err := s.mustBeActive(); err != nil {
		return nil, err
	}
	if t := s.transcription; t == nil || t.Command != command || !t.Phase.leadsTo(to) {
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

// regionOf is what clients and events are told of where a transcription runs: the
// Region asked for; without one the meeting's media Region; for auto the one that
// Amazon's guide names for it.
func regionOf(c TranscriptionConfig, media string) string {
	switch {
	case c.Region == "":
		return media
	case c.Region != "auto":
		return c.Region
	case strings.HasPrefix(c.JSON, `{"EngineTranscribeMedicalSettings"`):
		return cmp.Or(nearestMedical(media), media)
	}
	return cmp.Or(nearest[media], media)
}

// nearest are the Regions where Amazon Transcribe runs for media Regions that have
// none.
var nearest = map[string]string{
	"af-south-1": "eu-west-2", "ap-south-1": "eu-west-2", "ap-southeast-1": "ap-northeast-1", "us-west-1": "us-west-2",
	"eu-south-1": "eu-central-1", "eu-west-3": "eu-central-1", "eu-north-1": "eu-central-1", "us-gov-east-1": "us-gov-west-1",
}

// nearestMedical is the same for Amazon Transcribe Medical.
func nearestMedical(media string) string {
	switch media {
	case "us-west-1", "ap-northeast-1", "ap-northeast-2":
		return "us-west-2"
	case "ap-southeast-1":
		return "ap-southeast-2"
	case "eu-west-2", "sa-east-1":
		return "us-east-1"
	case "af-south-1", "ap-south-1":
		return "eu-west-1"
	}
	if strings.HasPrefix(media, "eu-") {
		return "eu-west-1"
	}
	return ""
}
