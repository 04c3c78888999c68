package config

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// Transcription says what writes down what is said in meetings.
type Transcription struct {
	Vosk          []string             `help:"Server that speaks vosk-server's protocol, ws:// or wss://, with the language of its model before it, as de-DE=ws://host:2700; en-US if there is none. Meetings can then be transcribed." placeholder:"URL" name:"transcription-vosk"`
	Amazon        string               `help:"URL of a service that speaks as Amazon Transcribe streaming does, or aws for Amazon's." placeholder:"URL" name:"transcription-amazon"`
	Region        string               `help:"Region of it that requests are signed for." default:"us-east-1" name:"transcription-amazon-region"`
	AccessKey     string               `help:"Access key id for it." placeholder:"ID" name:"transcription-amazon-access-key"`
	SecretKeyFile string               `help:"File with the secret key of --transcription-amazon-access-key." type:"path" placeholder:"FILE" name:"transcription-amazon-secret-key-file"`
	List          TranscriptionEngines `help:"Further engines, as a list in the configuration file (docs/transcription.md)." placeholder:"LIST" name:"transcription"`

	Talkers         int           `help:"Attendees of a meeting who are listened to at the same time." default:"4" name:"transcription-talkers"`
	MaxMeetings     int           `help:"Meetings that are transcribed at the same time, on each node; 0 for no limit." default:"0" name:"transcription-max-meetings"`
	FiltersDir      string        `help:"Directory of vocabulary filters: {name}.txt, with a word or a phrase a line." type:"path" placeholder:"DIR" name:"transcription-filters-dir"`
	DialectFallback bool          `help:"Take another dialect of a language that no engine has." name:"transcription-dialect-fallback"`
	Hold            time.Duration `help:"How much is kept of what an attendee says while no engine listens." default:"10s" name:"transcription-hold"`
	Idle            time.Duration `help:"After how long without sound an engine's session is given back." default:"10s" name:"transcription-idle"`
	GiveUp          time.Duration `help:"A transcription without an engine for so long has failed." default:"1m" name:"transcription-give-up"`
}

// TranscriptionEngine is one engine that recognises speech.
type TranscriptionEngine struct {
	Name           string   `json:"name"`            // for metrics and the log
	Kind           string   `json:"kind"`            // vosk or transcribe
	URL            string   `json:"url"`             // of transcribe also aws
	Languages      []string `json:"languages"`       // vosk: of its model; transcribe: empty for all
	LanguageModels []string `json:"language-models"` // vosk: values of LanguageModelName that it stands for
	Medical        bool     `json:"medical"`         // vosk: its model is one of medicine
	TokenFile      string   `json:"token-file"`      // vosk: with a bearer token
	CAFile         string   `json:"ca-file"`         // vosk: authorities of its certificate
	Region         string   `json:"region"`          // transcribe
	AccessKey      string   `json:"access-key"`      // transcribe
	SecretKeyFile  string   `json:"secret-key-file"` // transcribe
	MaxSessions    int      `json:"max-sessions"`    // at the same time
	Weight         int      `json:"weight"`          // of its share, beside others
}

// Engine defaults: those of an entry that says nothing.
const (
	engineLanguage = "en-US"
	engineRegion   = "us-east-1"
	engineSessions = 32
)

// The kinds of engines.
const (
	VoskEngine       = "vosk"
	TranscribeEngine = "transcribe"
)

// TranscriptionEngines is a list of engines.
type TranscriptionEngines []TranscriptionEngine

// Decode reads the list, JSON with the names of the configuration file.
func (t *TranscriptionEngines) Decode(ctx *kong.DecodeContext) error {
	text, err := popText(ctx)
	if err != nil {
		return err
	}
	return parseList(text, t, "engines")
}

// On reports whether there is anything that transcribes.
func (t *Transcription) On() bool { return len(t.Engines()) > 0 }

var regionName = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)

var engineName = regexp.MustCompile(`^[a-zA-Z0-9-]{1,60}$`)

var languageCode = regexp.MustCompile(`^[a-z]{2,3}-[A-Z]{2}$`)

var languageFirst = regexp.MustCompile(`^([a-z]{2,3}-[A-Z]{2})=(.*)$`)

// Engines returns every engine with its defaults, those of flags first.
func (t *Transcription) Engines() (list []TranscriptionEngine) {
	for n, text := range t.Vosk {
		e := TranscriptionEngine{Name: fmt.Sprintf("vosk-%d", n+1), Kind: VoskEngine, URL: text}
		if m := languageFirst.FindStringSubmatch(text); m != nil {
			e.Languages, e.URL = m[1:2], m[2]
		}
		list = append(list, e)
	}
	if t.Amazon != "" {
		list = append(list, TranscriptionEngine{
			Name: "amazon", Kind: TranscribeEngine, URL: t.Amazon, Region: t.Region, AccessKey: t.AccessKey, SecretKeyFile: t.SecretKeyFile,
		})
	}
	list = append(list, t.List...)
	for i := range list {
		e := &list[i]
		e.MaxSessions, e.Weight = cmp.Or(e.MaxSessions, engineSessions), cmp.Or(e.Weight, 1)
		if e.Kind == TranscribeEngine {
			e.Region = cmp.Or(e.Region, engineRegion)
			if e.URL == "aws" {
				e.URL = "https://transcribestreaming." + e.Region + ".amazonaws.com"
			}
		} else if len(e.Languages) == 0 {
			e.Languages = []string{engineLanguage}
		}
	}
	return list
}

func (t *Transcription) check(add func(bool, string, ...any)) {
	names := map[string]bool{}
	for i, e := range t.Engines() {
		which, amazon := fmt.Sprintf("transcription: %q", e.Name), 0
		if t.Amazon != "" {
			amazon = 1
		}
		switch {
		case i < len(t.Vosk):
			which = "--transcription-vosk"
		case i < len(t.Vosk)+amazon:
			which = "--transcription-amazon"
		}
		e.check(func(ok bool, format string, args ...any) { add(ok, which+": "+format, args...) })
		add(!names[e.Name], "transcription: two engines are named %q", e.Name)
		names[e.Name] = true
	}
	add(t.Talkers > 0 && t.Talkers <= 100, "--transcription-talkers must be 1 to 100")
	add(t.MaxMeetings >= 0, "--transcription-max-meetings must not be negative")
	add(t.Hold > 0 && t.Hold <= time.Minute, "--transcription-hold must be positive, and a minute at most")
	add(t.Idle > 0 && t.Idle <= time.Hour, "--transcription-idle must be positive, and an hour at most")
	add(t.GiveUp > 0, "--transcription-give-up must be positive")
}

func (e *TranscriptionEngine) check(add func(bool, string, ...any)) {
	add(engineName.MatchString(e.Name), "the name %q is not made of letters, digits and dashes", e.Name)
	add(e.MaxSessions > 0 && e.MaxSessions <= 1<<20, "max-sessions must be positive")
	add(e.Weight > 0 && e.Weight <= 1000, "weight must be 1 to 1000")
	for _, code := range e.Languages {
		add(languageCode.MatchString(code), "%q is no language such as en-US", code)
	}
	u, err := url.Parse(e.URL)
	plain := err == nil && u.Host != "" && u.User == nil && !strings.Contains(e.URL, "#")
	switch e.Kind {
	case VoskEngine:
		add(plain && (u.Scheme == "ws" || u.Scheme == "wss"), "%q is not of the form ws://host[:port] or LANGUAGE=ws://host[:port]", e.URL)
		add(e.Region == "" && e.AccessKey == "" && e.SecretKeyFile == "", "region, access-key and secret-key-file are of the kind transcribe")
		add(e.CAFile == "" || plain && u.Scheme == "wss", "ca-file needs wss://")
	case TranscribeEngine:
		add(plain && (u.Scheme == "http" || u.Scheme == "https"), "%q is not of the form https://host[:port], nor aws", e.URL)
		add(e.AccessKey != "" && e.SecretKeyFile != "", "an access key and a file with its secret key are needed")
		add(regionName.MatchString(e.Region), "%q is no Region", e.Region)
		add(len(e.LanguageModels) == 0 && !e.Medical && e.TokenFile == "" && e.CAFile == "", "language-models, medical, token-file and ca-file are of the kind vosk")
	default:
		add(false, "the kind %q is neither vosk nor transcribe", e.Kind)
	}
}
