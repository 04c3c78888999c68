package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/config"
	"github.com/carillon-meetings/carillon/internal/notify/webhook"
)

// Whichever setting names a file with a secret, what cannot be one is refused.
func TestAFileWithASecretHoldsOneLine(t *testing.T) {
	t.Setenv(config.FileEnv, "")
	all := newAsked(t)
	node := []string{"--node", "a", "--cluster-listen", "127.0.0.1:17222", "--cluster-peers", "127.0.0.1:17224,127.0.0.1:17226", "--cluster-secret-file"}
	yaml := func(format, secret string) []string {
		return []string{"--config", file(t, "c.yaml", fmt.Sprintf(format, secret))}
	}
	one := webhook.NewSecret()
	for what, c := range map[string]struct{ text, want string }{
		"empty":   {" \n\n", " is empty"},
		"lines":   {one + "\n" + one + "\n", " has several lines"},
		"returns": {one + "\r" + one + "\r\n", " has several lines"},
		"zeros":   {one + strings.Repeat("\x00", 8), " holds no secret but what is no text"},
		"escape":  {"\x1b[31m" + one, " holds no secret but what is no text"},
		"bytes":   {one + "\xff\xfe\n", " holds no secret but what is no text"},
	} {
		secret := file(t, "secret", c.text)
		for flag, flags := range map[string][]string{
			"cluster":        append(node, secret),
			"recordings":     {"--capture-s3-endpoint", "https://s3.example.org", "--capture-s3-access-key", "A", "--capture-s3-secret-key-file", secret},
			"events":         {"--events-sqs-endpoint", "https://sqs.example.org", "--events-access-key", "A", "--events-secret-key-file", secret},
			"transcribe":     {"--transcription-amazon", "aws", "--transcription-amazon-access-key", "A", "--transcription-amazon-secret-key-file", secret},
			"web hook":       {"--webhook", "https://h.example.org", "--webhook-secret-file", secret},
			"engine's token": yaml("transcription: [{name: a, kind: vosk, url: \"ws://h\", token-file: %q}]", secret),
			"engine's key":   yaml("transcription: [{name: a, kind: transcribe, url: aws, access-key: A, secret-key-file: %q}]", secret),
			"one of two":     yaml("webhooks: [{name: a, url: \"https://h.example.org\", secret-files: [%[1]q, %[1]q]}]", secret),
			"an account's": {"--key-file", file(t, "k.yaml", fmt.Sprintf("keys: [{access-key-id: A, secret-access-key: b}]\naccounts: {\"000000000000\": "+
				"{webhooks: [{name: a, url: \"https://h.example.org\", secret-files: [%q]}]}}\n", secret))},
		} {
			all.refuses(t, flag+", "+what, secret+c.want, flags...)
		}
	}
}

func TestASecretMayHaveBlanksAboutIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	for text, want := range map[string]string{"a": "a", "a\n": "a", "a\r\n": "a", "\n a b \n\n": "a b", "geheimnisvoll ü\n": "geheimnisvoll ü"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := readSecret(path); err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}
