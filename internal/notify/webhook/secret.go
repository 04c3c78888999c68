package webhook

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

// Secrets are base64 behind a prefix (Standard Webhooks, "Signature scheme"):
// secretLeast to secretMost bytes that both sides know, or the private half of a
// pair of ed25519 keys, of which the receiver has the public half.
const (
	secretPrefix  = "whsec_"
	privatePrefix = "whsk_"
	publicPrefix  = "whpk_"
	secretLeast   = 24
	secretMost    = 64
	secretBytes   = 32 // of those made here
)

// ErrSecret is wrapped when something is not a secret.
var ErrSecret = fmt.Errorf("a webhook secret is %q and the base64 of %d to %d bytes, or %q and that of an ed25519 key, its seed alone or whole",
	secretPrefix, secretLeast, secretMost, privatePrefix)

// NewSecret makes a secret that both sides know.
func NewSecret() string {
	key := make([]byte, secretBytes)
	_, _ = rand.Read(key) // never fails
	return secretPrefix + base64.StdEncoding.EncodeToString(key)
}

// NewPair makes a secret for the server alone, and what receivers verify its
// signatures with.
func NewPair() (secret, public string) {
	verify, key, _ := ed25519.GenerateKey(nil) // fails only if its source of randomness does, which never does
	return privatePrefix + base64.StdEncoding.EncodeToString(key), publicPrefix + base64.StdEncoding.EncodeToString(verify)
}

// Secret is a key that requests are signed with.
type Secret struct {
	shared []byte
	own    ed25519.PrivateKey // nil for a shared one
}

// ParseSecret reads the text form. The error wraps ErrSecret and says nothing of
// the text.
func ParseSecret(text string) (Secret, error) {
	if coded, ok := strings.CutPrefix(text, privatePrefix); ok {
		return parsePrivate(coded)
	}
	coded, ok := strings.CutPrefix(text, secretPrefix)
	key, err := base64.StdEncoding.DecodeString(coded)
	if !ok || err != nil || len(key) < secretLeast || len(key) > secretMost {
		return Secret{}, ErrSecret
	}
	return Secret{shared: key}, nil
}

func parsePrivate(coded string) (Secret, error) {
	key, err := base64.StdEncoding.DecodeString(coded)
	if err != nil || len(key) != ed25519.SeedSize && len(key) != ed25519.PrivateKeySize {
		return Secret{}, ErrSecret
	}
	own := ed25519.NewKeyFromSeed(key[:ed25519.SeedSize])
	if len(key) == ed25519.PrivateKeySize && !own.Equal(ed25519.PrivateKey(key)) {
		return Secret{}, fmt.Errorf("%w: its halves do not belong together", ErrSecret)
	}
	return Secret{own: own}, nil
}

// sign returns the value of webhook-signature: one signature for each secret, so
// that a receiver that knows only one of them finds its own.
func sign(secrets []Secret, id, timestamp string, body []byte) string {
	signed := make([]byte, 0, len(id)+len(timestamp)+len(body)+2)
	signed = append(append(append(append(append(signed, id...), '.'), timestamp...), '.'), body...)
	signatures := make([]string, len(secrets))
	for i, s := range secrets {
		if s.own != nil {
			signatures[i] = "v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(s.own, signed))
			continue
		}
		mac := hmac.New(sha256.New, s.shared)
		mac.Write(signed)
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(signatures, " ")
}
