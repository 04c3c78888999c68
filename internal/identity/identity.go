// Package identity is what a server makes for itself on first start and keeps
// in its data directory, readable by its user only: the key that join tokens
// come from, a development key pair, and the secret of the operators' console.
//
// These files mean everything and cannot be told from wrong ones by looking at
// them, so two rules guard them. A token key is never made beside records that
// were written under another one: Load refuses, because all tokens given out so
// far would die without a word. And the caller holds the lock of the directory
// (package durable), so that two first starts at once cannot give one of them
// secrets that the disk does not have. That the key found is the one the
// records belong to is checked by the ledger, which keeps KeyCheck.
//
// The nodes of a cluster must have the same. What a node has no file for is
// then derived from the cluster's secret instead of drawn.
package identity

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/carillon-meetings/carillon/internal/durable"
)

// Names of the files in the data directory.
const (
	TokenKeyFile       = "token.key"
	AccessKeyFile      = "access.key"
	OperatorSecretFile = "operator.secret"
)

const tokenKeySize = 32 // bytes, as many as the hash made with it

// The shape of the key pair that is made, which is Amazon's.
const (
	accessKeyPrefix = "AKIA"
	accessKeyBytes  = 10 // drawn for an id, in base32
	secretKeySize   = 40 // characters of a secret, in base64
)

// Identity is what the files hold.
type Identity struct {
	TokenKey       []byte // join tokens and page tokens are derived from it
	AccessKey      string // the development key pair
	SecretKey      string
	OperatorSecret string
	FirstStart     bool // the development key pair was made just now
}

// Load reads the identity from dir, which exists and is locked by the caller,
// and makes what is missing. With records, the directory holds meetings whose
// tokens come from the token key; a missing key is an error then. So is a file
// that does not hold what it should.
//
// With a cluster's secret, what is missing comes from that, the same on every
// node; whether it is the one that the meetings were made with is found out
// when the node joins.
func Load(dir string, records bool, secret []byte) (Identity, error) {
	var id Identity
	draw := source{secret}
	key, err := tokenKey(dir, records, draw)
	if err != nil {
		return id, err
	}
	id.TokenKey = key
	pair, made, err := loadOrMake(dir, AccessKeyFile, draw.keyPair)
	if err != nil {
		return id, err
	}
	if id.AccessKey, id.SecretKey, err = parseKeyPair(filepath.Join(dir, AccessKeyFile), pair); err != nil {
		return id, err
	}
	id.FirstStart = made
	secretLine, _, err := loadOrMake(dir, OperatorSecretFile, draw.operatorSecret)
	if err != nil {
		return id, err
	}
	id.OperatorSecret = strings.TrimSpace(secretLine)
	return id, checkOperatorSecret(filepath.Join(dir, OperatorSecretFile), id.OperatorSecret)
}

// KeyPair returns the development key pair in dir, of which there is none before
// the first start.
func KeyPair(dir string) (accessKey, secretKey string, err error) {
	path := filepath.Join(dir, AccessKeyFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", "", fmt.Errorf("%s does not exist: no server has been started with this data directory, or with keys of its own", path)
	}
	if err != nil {
		return "", "", err
	}
	return parseKeyPair(path, string(raw))
}

// Check is Load without making anything: it returns what Load would, as far as
// that is there already or comes from the cluster's secret, and refuses what Load
// and JoinKeys would.
func Check(dir string, records bool, secret []byte) (id Identity, err error) {
	found := map[string]string{}
	for _, file := range []struct {
		name  string
		check func(path, content string) error
	}{{TokenKeyFile, checkTokenKey}, {AccessKeyFile, checkKeyPair}, {OperatorSecretFile, checkOperatorSecret}} {
		path := filepath.Join(dir, file.name)
		raw, err := os.ReadFile(path)
		switch {
		case errors.Is(err, os.ErrNotExist):
		case err != nil:
			return id, fmt.Errorf("data directory: %w", err)
		default:
			if err := file.check(path, string(raw)); err != nil {
				return id, err
			}
			found[file.name] = strings.TrimSpace(string(raw))
		}
	}
	key, there := found[TokenKeyFile]
	switch path := filepath.Join(dir, TokenKeyFile); {
	case !there && secret != nil:
		key = source{secret}.tokenKey()
	case !there && records:
		return id, missingKey(path)
	}
	if key != "" {
		if id.TokenKey, err = parseTokenKey(TokenKeyFile, key); err != nil {
			return id, err
		}
	}
	id.AccessKey, id.SecretKey, _ = strings.Cut(found[AccessKeyFile], " ")
	id.OperatorSecret = found[OperatorSecretFile]
	_, err = readJoinKeys(dir)
	return id, err
}

// missingKey says that there are meetings without the key of their tokens.
func missingKey(path string) error {
	return fmt.Errorf("%s is missing beside existing meetings: a new key would end every join token given out so far. "+
		"Restore the file from a backup, or remove the ledger folder too to begin anew", path)
}

func checkTokenKey(path, content string) error {
	_, err := parseTokenKey(path, strings.TrimSpace(content))
	return err
}

// parseTokenKey returns the key that content is, which stands at a place.
func parseTokenKey(place, content string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(content)
	if err != nil || len(key) < tokenKeySize {
		return nil, fmt.Errorf("%s does not hold a key of %d bytes in base64", place, tokenKeySize)
	}
	return key, nil
}

func checkKeyPair(path, content string) error {
	_, _, err := parseKeyPair(path, content)
	return err
}

// parseKeyPair returns the pair that a file holds. People may write what they
// like. But with a key id of the form that keyPair makes, a secret that is
// shorter than those and at which the file ends, without a newline, is the
// beginning of one that was cut off, with which every call would be refused.
func parseKeyPair(path, content string) (accessKey, secretKey string, err error) {
	accessKey, secretKey, ok := strings.Cut(strings.TrimSpace(content), " ")
	switch {
	case !ok:
		return "", "", fmt.Errorf("%s does not hold an access key and a secret key", path)
	case strings.ContainsFunc(content[:len(strings.TrimRight(content, "\r\n"))], unicode.IsControl):
		return "", "", fmt.Errorf("%s does not hold one line with an access key and a secret key", path)
	case !strings.HasSuffix(content, "\n") && len(secretKey) < secretKeySize && ownForm(accessKey):
		return "", "", fmt.Errorf("%s is cut off within the secret key: restore it from a backup, or remove it to have a new pair made; "+
			"if you wrote it and the secret is whole, end the line with a newline", path)
	}
	return accessKey, secretKey, nil
}

// ownForm reports whether an access key id is of the form that keyPair makes.
func ownForm(accessKey string) bool {
	id, ok := strings.CutPrefix(accessKey, accessKeyPrefix)
	raw, err := base32.StdEncoding.DecodeString(id)
	return ok && err == nil && len(raw) == accessKeyBytes
}

func checkOperatorSecret(path, content string) error {
	content = strings.TrimSpace(content)
	if content == "" {
		return fmt.Errorf("%s is empty: remove it to have a new secret made", path)
	}
	// A crash may leave a file of zeros, which would be a secret that is easy to guess.
	if !utf8.ValidString(content) || strings.ContainsFunc(content, unicode.IsControl) {
		return fmt.Errorf("%s does not hold a secret but what is no text: remove it to have a new one made", path)
	}
	return nil
}

func tokenKey(dir string, records bool, draw source) ([]byte, error) {
	path := filepath.Join(dir, TokenKeyFile)
	if _, err := os.Stat(path); records && draw.secret == nil && errors.Is(err, os.ErrNotExist) {
		return nil, missingKey(path)
	}
	text, _, err := loadOrMake(dir, TokenKeyFile, draw.tokenKey)
	if err != nil {
		return nil, err
	}
	return parseTokenKey(path, strings.TrimSpace(text))
}

// source makes what is missing: at random or, with a cluster's secret, from that.
type source struct{ secret []byte }

func (s source) tokenKey() string {
	return base64.StdEncoding.EncodeToString(s.bytes("token key", tokenKeySize))
}

// keyPair returns an access key id and a secret key in the shapes AWS tools
// accept.
func (s source) keyPair() string {
	id := base32.StdEncoding.EncodeToString(s.bytes("access key", accessKeyBytes))
	return accessKeyPrefix + id + " " + base64.StdEncoding.EncodeToString(s.bytes("secret key", secretKeySize/4*3))
}

func (s source) operatorSecret() string {
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(s.bytes("operator secret", 15)))
}

// bytes returns n bytes for a purpose.
func (s source) bytes(purpose string, n int) []byte {
	b := make([]byte, n)
	if s.secret == nil {
		_, _ = rand.Read(b) // never fails, see crypto/rand
		return b
	}
	b, err := hkdf.Key(sha256.New, s.secret, nil, "carillon identity: "+purpose, n)
	if err != nil {
		panic("identity: " + err.Error()) // only for more bytes than the hash can give
	}
	return b
}

// loadOrMake returns what a file holds, which is a line, writing it first when
// the file does not exist.
func loadOrMake(dir, name string, create func() string) (content string, made bool, err error) {
	path := filepath.Join(dir, name)
	raw, err := os.ReadFile(path)
	if err == nil {
		return string(raw), false, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", false, fmt.Errorf("data directory: %w", err)
	}
	content = create() + "\n"
	if err := durable.WriteFile(path, []byte(content)); err != nil {
		return "", false, fmt.Errorf("data directory: %w", err)
	}
	return content, true, nil
}
