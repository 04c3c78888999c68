package console

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// MinSecret is the least length of an operator secret, in bytes.
const MinSecret = 12

// secretFile holds the generated operator secret inside the data directory.
const secretFile = "operator-secret"

// LoadSecret returns the operator secret kept in the data directory and
// generates it on first use; created tells so. The file can be read by its
// owner only.
func LoadSecret(dataDir string) (secret string, created bool, err error) {
	path := filepath.Join(dataDir, secretFile)
	b, err := os.ReadFile(path)
	if err == nil {
		secret = strings.TrimSpace(string(b))
		if len(secret) < MinSecret {
			return "", false, fmt.Errorf("console: the operator secret in %s has fewer than %d characters", path, MinSecret)
		}
		return secret, false, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", false, fmt.Errorf("console: read the operator secret: %w", err)
	}
	secret = rand.Text()
	if err := writeNew(path, secret+"\n"); err != nil {
		return "", false, fmt.Errorf("console: keep the operator secret: %w", err)
	}
	return secret, true, nil
}

// writeNew creates the file whole or not at all: half a secret after a crash
// would lock operators out.
func writeNew(path, content string) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), secretFile+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(content)
	if err == nil {
		err = tmp.Sync()
	}
	if err := errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
