package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
)

// secretPrefix stands before every secret (Standard Webhooks, "Signature
// scheme"); the rest is base64 of secretLeast to secretMost bytes.
const (
	secretPrefix = "whsec_"
	secretLeast  = 24
	secretMost   = 64
	secretBytes  = 32 // of those made here
)

// ErrSecret is wrapped when something is not a secret.
var ErrSecret = fmt.Errorf("a webhook secret is %q and the base64 of %d to %d bytes", secretPrefix, secretLeast, secretMost)

// NewSecret makes a secret.
func NewSecret() string {
	key := make([]byte, secretBytes)
	_, _ = rand.Read(key) // never fails
	return secretPrefix + base64.StdEncoding.EncodeToString(key)
}

// Secret is a key that requests are signed with.
type Secret struct{ key []byte }

// ParseSecret reads the text form. The error wraps ErrSecret and says nothing of
// the text.
func ParseSecret(text string) (Secret, error) {
	coded, ok := strings.CutPrefix(text, secretPrefix)
	key, err := base64.StdEncoding.DecodeString(coded)
	if !ok || err != nil || len(key) < secretLeast || len(key) > secretMost {
		return Secret{}, ErrSecret
	}
	return Secret{key}, nil
}

// LoadSecrets reads secrets from files, one in each, white space around it
// allowed.
func LoadSecrets(files []string) ([]Secret, error) {
	var secrets []Secret
	var errs []error
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err == nil {
			var s Secret
			if s, err = ParseSecret(strings.TrimSpace(string(text))); err != nil {
				err = fmt.Errorf("%s: %w", name, err)
			}
			secrets = append(secrets, s)
		}
		errs = append(errs, err)
	}
	return secrets, errors.Join(errs...)
}

// sign returns the value of webhook-signature: one signature for each secret, so
// that a receiver that knows only one of them finds its own.
func sign(secrets []Secret, id, timestamp string, body []byte) string {
	signatures := make([]string, len(secrets))
	for i, s := range secrets {
		mac := hmac.New(sha256.New, s.key)
		mac.Write([]byte(id + "." + timestamp + "."))
		mac.Write(body)
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(signatures, " ")
}
