package main

import (
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/carillon-meetings/carillon/internal/durable"
	"github.com/carillon-meetings/carillon/internal/identity"
)

// refusedStart starts a server on the directory and returns why it would not.
func refusedStart(t *testing.T, dir string) error {
	t.Helper()
	cfg := settings(t, "--data", dir)
	if _, err := prepare(cfg); err != nil {
		return err
	}
	s := unstarted(t, cfg)
	err := s.start(t.Context())
	if stopErr := s.stop(); stopErr != nil {
		t.Error(stopErr)
	}
	if err == nil {
		t.Fatal("the server started")
	}
	return err
}

// Whoever wins the race for an empty directory serves with what is on the disk.
func TestTwoFirstStartsAtOnceAgreeOnOneIdentity(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 8
	}
	for range rounds {
		dir := filepath.Join(t.TempDir(), "data")
		var servers [2]*server
		var errs [2]error
		var wg sync.WaitGroup
		for i := range servers {
			cfg := settings(t, "--data", dir)
			servers[i] = unstarted(t, cfg)
			wg.Go(func() { errs[i] = servers[i].start(context.Background()) })
		}
		wg.Wait()
		winner := 0
		if errs[0] != nil {
			winner = 1
		}
		if errs[winner] != nil || !errors.Is(errs[1-winner], durable.ErrLocked) {
			t.Errorf("starts ended with %v", errs)
		}
		disk, err := identity.Load(dir, true, nil)
		if err != nil {
			t.Fatal(err)
		}
		if id := servers[winner].id; id.SecretKey != disk.SecretKey || string(id.TokenKey) != string(disk.TokenKey) || id.OperatorSecret != disk.OperatorSecret {
			t.Error("the server that runs has other secrets than the disk")
		}
		for _, s := range servers {
			if err := s.stop(); err != nil {
				t.Error(err)
			}
		}
	}
}

// A token key that went, or became another, ends every token given out. The
// server says so instead of going on.
func TestAnotherTokenKeyIsNoticed(t *testing.T) {
	dir := t.TempDir()
	t.Run("first", func(t *testing.T) { startServer(t, dir) })
	path := filepath.Join(dir, identity.TokenKeyFile)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := base64.StdEncoding.EncodeToString(make([]byte, 32))
	if err := os.WriteFile(path, []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := refusedStart(t, dir); !strings.Contains(err.Error(), "token.key does not fit") {
		t.Errorf("another key: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := refusedStart(t, dir); !strings.Contains(err.Error(), "missing beside existing meetings") {
		t.Errorf("no key: %v", err)
	}
	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Run("restored", func(t *testing.T) { startServer(t, dir) })
}
