package config

import (
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Transcription says what writes down what is said in meetings.
type Transcription struct {
	Vosk          []string `help:"Server that speaks vosk-server's protocol, ws:// or wss://, with the language of its model before it, as de-DE=ws://host:2700; en-US if there is none. Meetings can then be transcribed." placeholder:"URL" name:"transcription-vosk"`
	Amazon        string   `help:"URL of a service that speaks as Amazon Transcribe streaming does, or aws for Amazon's." placeholder:"URL" name:"transcription-amazon"`
	Region        string   `help:"Region of it that requests are signed for." default:"us-east-1" name:"transcription-amazon-region"`
	AccessKey     string   `help:"Access key id for it." placeholder:"ID" name:"transcription-amazon-access-key"`
	SecretKeyFile string   `help:"File with the secret key of --transcription-amazon-access-key." type:"path" placeholder:"FILE" name:"transcription-amazon-secret-key-file"`

	Talkers int           `help:"Attendees of a meeting who are listened to at the same time." default:"4" name:"transcription-talkers"`
	GiveUp  time.Duration `help:"A transcription without an engine for so long has failed." default:"1m" name:"transcription-give-up"`
}

// On reports whether there is anything that transcribes.
func (t *Transcription) On() bool { return len(t.Vosk) > 0 || t.Amazon != "" }

// AmazonURL is the base URL of Transcription.Amazon.
func (t *Transcription) AmazonURL() string {
	if t.Amazon == "aws" {
		return "https://transcribestreaming." + t.Region + ".amazonaws.com"
	}
	return t.Amazon
}

// VoskServer is one server of Transcription.Vosk.
type VoskServer struct{ Language, URL string }

var regionName = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)

var languageFirst = regexp.MustCompile(`^([a-z]{2,3}-[A-Z]{2})=(.*)$`)

// VoskServers returns the servers in the order given.
func (t *Transcription) VoskServers() (list []VoskServer) {
	for _, text := range t.Vosk {
		s := VoskServer{Language: "en-US", URL: text}
		if m := languageFirst.FindStringSubmatch(text); m != nil {
			s = VoskServer{Language: m[1], URL: m[2]}
		}
		list = append(list, s)
	}
	return list
}

func (t *Transcription) check(add func(bool, string, ...any)) {
	for _, s := range t.VoskServers() {
		u, err := url.Parse(s.URL)
		ok := err == nil && u.Host != "" && (u.Scheme == "ws" || u.Scheme == "wss") && u.User == nil && !strings.Contains(s.URL, "#")
		add(ok, "--transcription-vosk: %q is not of the form ws://host[:port] or LANGUAGE=ws://host[:port]", s.URL)
	}
	if t.Amazon != "" {
		u, err := url.Parse(t.AmazonURL())
		add(err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") && u.User == nil, "--transcription-amazon: %q is not of the form https://host[:port], nor aws", t.Amazon)
		add(t.AccessKey != "" && t.SecretKeyFile != "", "--transcription-amazon needs --transcription-amazon-access-key and --transcription-amazon-secret-key-file")
		add(regionName.MatchString(t.Region), "--transcription-amazon-region: %q is no Region", t.Region)
	}
	add(t.Talkers > 0 && t.Talkers <= 100, "--transcription-talkers must be 1 to 100")
	add(t.GiveUp > 0, "--transcription-give-up must be positive")
}
