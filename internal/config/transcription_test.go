package config

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// problems returns what a check says of the settings.
func problems(t Transcription) (list []string) {
	t.check(func(ok bool, format string, _ ...any) {
		if !ok {
			list = append(list, format)
		}
	})
	return list
}

func TestTranscriptionEngines(t *testing.T) {
	good := Transcription{Talkers: 4, GiveUp: time.Minute, Region: "us-east-1"}
	if good.On() || problems(good) != nil {
		t.Errorf("nothing configured: on %t, %v", good.On(), problems(good))
	}
	good.Vosk = []string{"ws://127.0.0.1:2700", "de-DE=wss://words.example.org/de?model=large"}
	want := []VoskServer{{"en-US", "ws://127.0.0.1:2700"}, {"de-DE", "wss://words.example.org/de?model=large"}}
	if got := good.VoskServers(); !reflect.DeepEqual(got, want) || !good.On() || problems(good) != nil {
		t.Errorf("servers %v, on %t, %v", got, good.On(), problems(good))
	}
	good.Amazon, good.AccessKey, good.SecretKeyFile = "aws", "AKID", "file"
	if got := good.AmazonURL(); got != "https://transcribestreaming.us-east-1.amazonaws.com" || problems(good) != nil {
		t.Errorf("Amazon at %s, %v", got, problems(good))
	}
	if good.Amazon = "https://stand.in:8443"; good.AmazonURL() != good.Amazon || problems(good) != nil {
		t.Errorf("stand-in at %s, %v", good.AmazonURL(), problems(good))
	}
}

func TestTranscriptionSettingsThatAreRefused(t *testing.T) {
	for name, change := range map[string]func(*Transcription){
		"--transcription-vosk":          func(x *Transcription) { x.Vosk = []string{"http://127.0.0.1:2700"} },
		"--transcription-vosk: ":        func(x *Transcription) { x.Vosk = []string{"ws://"} },
		"--transcription-vosk: %q":      func(x *Transcription) { x.Vosk = []string{"ws://user:password@host"} },
		"--transcription-vosk: %q is":   func(x *Transcription) { x.Vosk = []string{"german=ws://host"} },
		"--transcription-talkers":       func(x *Transcription) { x.Talkers = 0 },
		"--transcription-give-up":       func(x *Transcription) { x.GiveUp = 0 },
		"--transcription-amazon":        func(x *Transcription) { x.Amazon = "ftp://x" },
		"--transcription-amazon needs":  func(x *Transcription) { x.SecretKeyFile = "" },
		"--transcription-amazon-region": func(x *Transcription) { x.Region = "../x" },
	} {
		bad := Transcription{Talkers: 4, GiveUp: time.Minute, Region: "us-east-1", Amazon: "https://x", AccessKey: "AKID", SecretKeyFile: "file"}
		change(&bad)
		if got := problems(bad); len(got) != 1 || !strings.HasPrefix(got[0], name) {
			t.Errorf("%s: %v", name, got)
		}
	}
}
