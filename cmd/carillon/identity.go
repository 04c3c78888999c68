package main

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// identity is what a server makes for itself on first start and keeps in its
// data directory, readable by its user only.
type identity struct {
	tokenKey       []byte // join tokens and meeting ids are derived from it
	accessKey      string
	secretKey      string
	operatorSecret string
	firstStart     bool // the development key pair was made just now
}

// loadIdentity reads the identity from dir, making what is missing. dir is
// created when it does not exist.
func loadIdentity(dir string) (identity, error) {
	var id identity
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return id, fmt.Errorf("data directory: %w", err)
	}
	token, _, err := loadOrCreate(filepath.Join(dir, "token.key"), func() string {
		return base64.StdEncoding.EncodeToString(randomBytes(32))
	})
	if err != nil {
		return id, err
	}
	if id.tokenKey, err = base64.StdEncoding.DecodeString(token); err != nil || len(id.tokenKey) < 32 {
		return id, fmt.Errorf("%s does not hold a key of 32 bytes in base64", filepath.Join(dir, "token.key"))
	}
	pair, made, err := loadOrCreate(filepath.Join(dir, "access.key"), newKeyPair)
	if err != nil {
		return id, err
	}
	var ok bool
	if id.accessKey, id.secretKey, ok = strings.Cut(pair, " "); !ok {
		return id, fmt.Errorf("%s does not hold an access key and a secret key", filepath.Join(dir, "access.key"))
	}
	id.firstStart = made
	id.operatorSecret, _, err = loadOrCreate(filepath.Join(dir, "operator.secret"), func() string {
		return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(randomBytes(15)))
	})
	return id, err
}

// newKeyPair returns an access key id and a secret key in the shapes AWS tools
// accept.
func newKeyPair() string {
	id := base32.StdEncoding.EncodeToString(randomBytes(10))
	secret := base64.StdEncoding.EncodeToString(randomBytes(30))
	return "AKIA" + id + " " + secret
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails, see crypto/rand
	return b
}

// loadOrCreate returns the one line of a file, writing it first when the file
// does not exist. The new file is complete on disk before it gets its name, so
// that a crash never leaves half a secret.
func loadOrCreate(path string, create func() string) (value string, created bool, err error) {
	raw, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(raw)), false, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", false, fmt.Errorf("data directory: %w", err)
	}
	value = create()
	if err := writeSynced(path, value+"\n"); err != nil {
		return "", false, fmt.Errorf("data directory: %w", err)
	}
	return value, true, nil
}

func writeSynced(path, content string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
