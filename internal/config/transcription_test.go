package config

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// problems returns what a check says of the settings.
func problems(t Transcription) (list []string) {
	t.check(func(ok bool, format string, args ...any) {
		if !ok {
			list = append(list, fmt.Sprintf(format, args...))
		}
	})
	return list
}

// usual are the settings of the command line's defaults.
func usual() Transcription {
	return Transcription{Talkers: 4, Hold: 10 * time.Second, Idle: 10 * time.Second, GiveUp: time.Minute, Region: "us-east-1"}
}

func TestTranscriptionEngines(t *testing.T) {
	good := usual()
	if good.On() || problems(good) != nil {
		t.Errorf("nothing configured: on %t, %v", good.On(), problems(good))
	}
	good.Vosk = []string{"ws://127.0.0.1:2700", "de-DE=wss://words.example.org/de?model=large"}
	good.Amazon, good.AccessKey, good.SecretKeyFile = "aws", "AKID", "file"
	good.List = TranscriptionEngines{
		{Name: "clinic", Kind: "vosk", URL: "wss://clinic:2700", Languages: []string{"en-US", "en-GB"}, Medical: true, TokenFile: "t", CAFile: "c", MaxSessions: 4, Weight: 2},
		{Name: "paris", Kind: "transcribe", URL: "aws", Region: "eu-west-3", AccessKey: "AKID", SecretKeyFile: "file", Languages: []string{"fr-FR"}},
	}
	want := []TranscriptionEngine{
		{Name: "vosk-1", Kind: "vosk", URL: "ws://127.0.0.1:2700", Languages: []string{"en-US"}, MaxSessions: 32, Weight: 1},
		{Name: "vosk-2", Kind: "vosk", URL: "wss://words.example.org/de?model=large", Languages: []string{"de-DE"}, MaxSessions: 32, Weight: 1},
		{Name: "amazon", Kind: "transcribe", URL: "https://transcribestreaming.us-east-1.amazonaws.com", Region: "us-east-1", AccessKey: "AKID", SecretKeyFile: "file", MaxSessions: 32, Weight: 1},
		good.List[0],
		{Name: "paris", Kind: "transcribe", URL: "https://transcribestreaming.eu-west-3.amazonaws.com", Region: "eu-west-3", AccessKey: "AKID", SecretKeyFile: "file", Languages: []string{"fr-FR"}, MaxSessions: 32, Weight: 1},
	}
	if got := good.Engines(); !reflect.DeepEqual(got, want) || !good.On() || problems(good) != nil {
		t.Errorf("engines\n%+v, want\n%+v\non %t, %v", got, want, good.On(), problems(good))
	}
	if good.Amazon = "https://stand.in:8443"; good.Engines()[2].URL != good.Amazon || problems(good) != nil {
		t.Errorf("stand-in at %s, %v", good.Engines()[2].URL, problems(good))
	}
	if good.List[1].URL != "aws" {
		t.Error("the settings were changed")
	}
}

func TestTheListOfEnginesIsReadFromTheFile(t *testing.T) {
	var list TranscriptionEngines
	if err := parseList([]byte(`[{"name":"a","kind":"vosk","url":"ws://a:1","max-sessions":2,"language-models":["m"]}]`), &list, "engines"); err != nil || len(list) != 1 || list[0].MaxSessions != 2 {
		t.Errorf("%+v, %v", list, err)
	}
	for _, text := range []string{`{}`, `[{"nmae":"a"}]`, `[{"name":1}]`, `nonsense`} {
		if err := parseList([]byte(text), new(TranscriptionEngines), "engines"); err == nil || !strings.Contains(err.Error(), "not a list of engines") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestTranscriptionSettingsThatAreRefused(t *testing.T) {
	for want, change := range map[string]func(*Transcription){
		`--transcription-vosk: "http://127.0.0.1:2700" is`: func(x *Transcription) { x.Vosk = []string{"http://127.0.0.1:2700"} },
		`--transcription-vosk: "ws://" is`:                 func(x *Transcription) { x.Vosk = []string{"ws://"} },
		`--transcription-vosk: "ws://user:password@host"`:  func(x *Transcription) { x.Vosk = []string{"ws://user:password@host"} },
		`--transcription-vosk: "german=ws://host" is`:      func(x *Transcription) { x.Vosk = []string{"german=ws://host"} },
		"--transcription-talkers":                          func(x *Transcription) { x.Talkers = 0 },
		"--transcription-max-meetings":                     func(x *Transcription) { x.MaxMeetings = -1 },
		"--transcription-hold":                             func(x *Transcription) { x.Hold = time.Hour },
		"--transcription-idle":                             func(x *Transcription) { x.Idle = -1 },
		"--transcription-give-up":                          func(x *Transcription) { x.GiveUp = 0 },
		`--transcription-amazon: "ftp://x" is`:             func(x *Transcription) { x.Amazon = "ftp://x" },
		"--transcription-amazon: an access key":            func(x *Transcription) { x.SecretKeyFile = "" },
		`--transcription-amazon: "../x" is no Region`:      func(x *Transcription) { x.Region = "../x" },
		`transcription: "b": the kind "whisper"`:           func(x *Transcription) { x.List[0].Kind = "whisper" },
		`transcription: "b c": the name`:                   func(x *Transcription) { x.List[0].Name = "b c" },
		`transcription: two engines are named "amazon"`:    func(x *Transcription) { x.List[0].Name = "amazon" },
		`transcription: "b": max-sessions`:                 func(x *Transcription) { x.List[0].MaxSessions = -1 },
		`transcription: "b": weight`:                       func(x *Transcription) { x.List[0].Weight = 10000 },
		`transcription: "b": "english" is no language`:     func(x *Transcription) { x.List[0].Languages = []string{"english"} },
		`transcription: "b": ca-file needs`:                func(x *Transcription) { x.List[0].CAFile = "ca" },
		`transcription: "b": region, access-key`:           func(x *Transcription) { x.List[0].Region = "eu-west-1" },
		`transcription: "b": language-models`: func(x *Transcription) {
			x.List[0] = TranscriptionEngine{Name: "b", Kind: "transcribe", URL: "aws", AccessKey: "AKID", SecretKeyFile: "file", Medical: true}
		},
	} {
		bad := usual()
		bad.Amazon, bad.AccessKey, bad.SecretKeyFile = "https://x", "AKID", "file"
		bad.List = TranscriptionEngines{{Name: "b", Kind: "vosk", URL: "ws://b:2700"}}
		change(&bad)
		if got := problems(bad); len(got) != 1 || !strings.HasPrefix(got[0], want) {
			t.Errorf("%s: %q", want, got)
		}
	}
}
