package api

import (
	"context"
	"strings"

	"github.com/carillon-meetings/carillon/internal/api/restjson"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// TranscriptionControl attaches configurations to meetings and takes them away.
type TranscriptionControl interface {
	StartTranscription(ctx context.Context, owner meeting.Owner, id meeting.ID, config meeting.TranscriptionConfig) error
	StopTranscription(ctx context.Context, owner meeting.Owner, id meeting.ID) error
}

// startMeetingTranscription attaches a configuration to a meeting, also over
// another one. Success says only that: how the engine likes the configuration
// is told by events.
func (s *Server) startMeetingTranscription(c *call) (respond, error) {
	in, err := c.readTranscription()
	if err != nil {
		return nil, err
	}
	var v restjson.Violations
	id := c.meetingID(&v)
	in.check(&v)
	if err := v.Err(); err != nil {
		return nil, err
	}
	if err := s.cfg.Control.StartTranscription(c.ctx, c.owner, id, in.config()); err != nil {
		return nil, err
	}
	if !s.cfg.Transcribes {
		s.withoutEffect(c, id.String(), []string{"TranscriptionConfiguration"}, nil)
	}
	return nil, nil
}

// engineMember is one setting of a transcription engine.
type engineMember struct {
	name     string
	boolean  bool
	required bool
	rule     restjson.TextRule
}

// engineInput is the settings of one engine as given; values are in the order
// of the engine's members.
type engineInput struct {
	name    string
	members []engineMember
	set     bool
	texts   []restjson.Text
	bools   []restjson.Bool
}

// transcriptionInput is TranscriptionConfiguration as given.
type transcriptionInput struct {
	set     bool
	engines [2]engineInput
}

func (c *call) readTranscription() (in transcriptionInput, err error) {
	in.engines = [2]engineInput{
		{name: "EngineTranscribeSettings", members: transcribeMembers(c.shapes.transcribeRegions)},
		{name: "EngineTranscribeMedicalSettings", members: transcribeMedicalMembers()},
	}
	r := restjson.Read(c.body)
	for range r.Object([]string{"TranscriptionConfiguration"}) {
		if in.set = r.Present(); !in.set {
			continue
		}
		for name := range r.Object([]string{in.engines[0].name, in.engines[1].name}) {
			for i := range in.engines {
				if e := &in.engines[i]; e.name == name {
					e.read(r)
				}
			}
		}
	}
	return in, r.End()
}

func (e *engineInput) read(r *restjson.Reader) {
	if e.set = r.Present(); !e.set {
		return
	}
	names := make([]string, len(e.members))
	for i := range e.members {
		names[i] = e.members[i].name
	}
	e.texts = make([]restjson.Text, len(names))
	e.bools = make([]restjson.Bool, len(names))
	for name := range r.Object(names) {
		for i := range names {
			switch {
			case names[i] != name:
			case e.members[i].boolean:
				e.bools[i] = r.Bool()
			default:
				e.texts[i] = r.Text()
			}
		}
	}
}

// check demands exactly one engine (API decision D-15) and checks its settings
// one by one; wrong combinations are for the engine to refuse.
func (in *transcriptionInput) check(v *restjson.Violations) {
	top := restjson.At("TranscriptionConfiguration")
	if !in.set {
		v.Missing(&top)
		return
	}
	if in.engines[0].set == in.engines[1].set {
		v.Rule("TranscriptionConfiguration must hold exactly one of EngineTranscribeSettings and EngineTranscribeMedicalSettings.")
	}
	for _, e := range in.engines {
		if !e.set {
			continue
		}
		engine := top.Member(e.name)
		for i := range e.members {
			at := engine.Member(e.members[i].name)
			if e.members[i].required {
				v.RequiredText(&at, e.texts[i], &e.members[i].rule)
			} else {
				v.Text(&at, e.texts[i], &e.members[i].rule)
			}
		}
	}
}

// config writes what was given as canonical JSON: known members only, in the
// order of the tables.
func (in *transcriptionInput) config() meeting.TranscriptionConfig {
	var config meeting.TranscriptionConfig
	w := restjson.NewWriter(nil)
	w.Object()
	for _, e := range in.engines {
		if !e.set {
			continue
		}
		w.Name(e.name)
		w.Object()
		for i, m := range e.members {
			if e.bools[i].Set {
				w.Name(m.name)
				w.Bool(e.bools[i].Value)
			}
			if e.texts[i].Set {
				w.Member(m.name, e.texts[i].Value)
			}
			if m.name == "Region" {
				config.Region = e.texts[i].Value
			}
		}
		w.EndObject()
	}
	w.EndObject()
	config.JSON = string(w.Bytes())
	return config
}

func transcribeMembers(regions []string) []engineMember {
	languages := restjson.TextRule{Enum: []string{"en-US", "en-GB", "es-US", "fr-CA", "fr-FR", "en-AU", "it-IT", "de-DE",
		"pt-BR", "ja-JP", "ko-KR", "zh-CN", "th-TH", "hi-IN"}}
	pii := restjson.TextRule{Enum: []string{"PII"}}
	name := restjson.TextRule{Max: 4096}
	names := restjson.TextRule{Min: 1, Max: 3000, Pattern: `^[a-zA-Z0-9,-._]+`, Match: oneOrMore(",-._")}
	return []engineMember{
		{name: "LanguageCode", rule: languages},
		{name: "VocabularyFilterMethod", rule: restjson.TextRule{Enum: []string{"remove", "mask", "tag"}}},
		{name: "VocabularyFilterName", rule: name},
		{name: "VocabularyName", rule: name},
		{name: "Region", rule: restjson.TextRule{Enum: regions}},
		{name: "EnablePartialResultsStabilization", boolean: true},
		{name: "PartialResultsStability", rule: restjson.TextRule{Enum: []string{"low", "medium", "high"}}},
		{name: "ContentIdentificationType", rule: pii},
		{name: "ContentRedactionType", rule: pii},
		{name: "PiiEntityTypes", rule: restjson.TextRule{Min: 1, Max: 300, Pattern: `^[A-Z_, ]+`, Match: func(s string) bool {
			return s != "" && all(s, func(c rune) bool { return 'A' <= c && c <= 'Z' || strings.ContainsRune("_, ", c) })
		}}},
		{name: "LanguageModelName", rule: restjson.TextRule{Min: 1, Max: 200, Pattern: `^[0-9a-zA-Z._-]+`, Match: oneOrMore("._-")}},
		{name: "IdentifyLanguage", boolean: true},
		{name: "LanguageOptions", rule: restjson.TextRule{Min: 1, Max: 200, Pattern: `^[a-zA-Z-,]+`, Match: func(s string) bool {
			return oneOrMore("-,")(s) && !strings.ContainsAny(s, "0123456789")
		}}},
		{name: "PreferredLanguage", rule: languages},
		{name: "VocabularyNames", rule: names},
		{name: "VocabularyFilterNames", rule: names},
	}
}

func transcribeMedicalMembers() []engineMember {
	return []engineMember{
		{name: "LanguageCode", required: true, rule: restjson.TextRule{Enum: []string{"en-US"}}},
		{name: "Specialty", required: true, rule: restjson.TextRule{Enum: []string{
			"PRIMARYCARE", "CARDIOLOGY", "NEUROLOGY", "ONCOLOGY", "RADIOLOGY", "UROLOGY"}}},
		{name: "Type", required: true, rule: restjson.TextRule{Enum: []string{"CONVERSATION", "DICTATION"}}},
		{name: "VocabularyName", rule: restjson.TextRule{Max: 4096}},
		{name: "Region", rule: restjson.TextRule{Enum: []string{
			"us-east-1", "us-east-2", "us-west-2", "ap-southeast-2", "ca-central-1", "eu-west-1", "auto"}}},
		{name: "ContentIdentificationType", rule: restjson.TextRule{Enum: []string{"PHI"}}},
	}
}

// oneOrMore matches values of at least one letter, digit or given sign.
func oneOrMore(signs string) func(string) bool {
	return func(s string) bool {
		return s != "" && all(s, func(c rune) bool { return isAlphanumeric(c) || strings.ContainsRune(signs, c) })
	}
}
