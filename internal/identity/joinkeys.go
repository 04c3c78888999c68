package identity

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/durable"
)

// JoinKeysFile holds the keys of join tokens in the data directory, once one
// has taken over from that of TokenKeyFile: a line each, with what is done with
// it (mint or accept), since when it is there (RFC 3339), and the key in base64.
const JoinKeysFile = "join.keys"

// maxJoinKeys is how many keys there are while one takes over.
const maxJoinKeys = 2

const (
	wordMint   = "mint"
	wordAccept = "accept"
)

// JoinKey is a key of join tokens.
type JoinKey struct {
	Secret []byte
	Since  time.Time // zero for that of TokenKeyFile
	Mints  bool      // or it is only accepted
}

// JoinKeys returns the keys of join tokens in dir, the one that mints first.
// Without JoinKeysFile that is the key of TokenKeyFile, which Load has made.
func JoinKeys(dir string) ([]JoinKey, error) {
	if keys, err := readJoinKeys(dir); keys != nil || err != nil {
		return keys, err
	}
	path := filepath.Join(dir, TokenKeyFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s does not exist: no server has been started with this data directory", path)
	}
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	secret, err := parseTokenKey(path, strings.TrimSpace(string(text)))
	if err != nil {
		return nil, err
	}
	return []JoinKey{{Secret: secret, Mints: true}}, nil
}

// readJoinKeys reads JoinKeysFile; none when it is not there.
func readJoinKeys(dir string) ([]JoinKey, error) {
	path := filepath.Join(dir, JoinKeysFile)
	raw, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("data directory: %w", err)
	}
	return parseJoinKeys(path, raw)
}

// parseJoinKeys reads the file's lines. An error names none of what they hold.
func parseJoinKeys(path string, raw []byte) (keys []JoinKey, err error) {
	mints := 0
	for i, line := range bytes.Split(bytes.TrimSpace(raw), []byte("\n")) {
		words := strings.Fields(string(line))
		if len(words) != 3 || words[0] != wordMint && words[0] != wordAccept {
			return nil, fmt.Errorf("%s: line %d is not of the form mint|accept TIME KEY", path, i+1)
		}
		since, err := time.Parse(time.RFC3339, words[1])
		if err != nil {
			return nil, fmt.Errorf("%s: line %d: the time is not of the form 2006-01-02T15:04:05Z", path, i+1)
		}
		secret, err := parseTokenKey(fmt.Sprintf("%s: line %d", path, i+1), words[2])
		if err != nil {
			return nil, err
		}
		if since.Unix() == 0 {
			since = time.Time{}
		}
		k := JoinKey{Secret: secret, Since: since, Mints: words[0] == wordMint}
		if k.Mints {
			mints++
			keys = append([]JoinKey{k}, keys...)
		} else {
			keys = append(keys, k)
		}
	}
	if mints != 1 || len(keys) > maxJoinKeys {
		return nil, fmt.Errorf("%s: expected one key that mints, and beside it none or one that is accepted", path)
	}
	if len(keys) == maxJoinKeys && bytes.Equal(keys[0].Secret, keys[1].Secret) {
		return nil, fmt.Errorf("%s: both keys are the same", path)
	}
	return keys, nil
}

// write makes keys those in dir.
func write(dir string, keys []JoinKey) error {
	var text strings.Builder
	for _, k := range keys {
		word, since := wordAccept, k.Since
		if k.Mints {
			word = wordMint
		}
		if since.IsZero() {
			since = time.Unix(0, 0)
		}
		fmt.Fprintf(&text, "%s %s %s\n", word, since.UTC().Format(time.RFC3339), base64.StdEncoding.EncodeToString(k.Secret))
	}
	return durable.WriteFile(filepath.Join(dir, JoinKeysFile), []byte(text.String()))
}

// AddJoinKey makes a new key that is accepted, and mints when use is set: then
// the one that did is accepted still. It fails when there are two already.
func AddJoinKey(dir string, use bool, now time.Time) error {
	keys, err := JoinKeys(dir)
	if err != nil {
		return err
	}
	if len(keys) >= maxJoinKeys {
		return errors.New("there are two keys already: drop the one that does not mint first")
	}
	secret := make([]byte, tokenKeySize)
	_, _ = rand.Read(secret) // never fails, see crypto/rand
	keys = append(keys, JoinKey{Secret: secret, Since: now})
	if use {
		keys[0].Mints, keys[1].Mints = false, true
	}
	return write(dir, keys)
}

// UseJoinKey has the key mint that is only accepted.
func UseJoinKey(dir string) error {
	keys, err := JoinKeys(dir)
	if err != nil {
		return err
	}
	if len(keys) < maxJoinKeys {
		return errors.New("there is no other key: add one first")
	}
	keys[0].Mints, keys[1].Mints = false, true
	return write(dir, keys)
}

// DropJoinKey takes the key out that is only accepted.
func DropJoinKey(dir string) error {
	keys, err := JoinKeys(dir)
	if err != nil {
		return err
	}
	if len(keys) < maxJoinKeys {
		return errors.New("there is one key only: add another, and have it mint")
	}
	return write(dir, keys[:1])
}
