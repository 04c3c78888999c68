package identity_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/identity"
)

func TestTheFirstStartMakesWhatLaterOnesFind(t *testing.T) {
	dir := t.TempDir()
	first, err := identity.Load(dir, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !first.FirstStart || len(first.TokenKey) != 32 || !strings.HasPrefix(first.AccessKey, "AKIA") || len(first.SecretKey) != 40 || first.OperatorSecret == "" {
		t.Errorf("made access key %q, token key of %d bytes, first start %t", first.AccessKey, len(first.TokenKey), first.FirstStart)
	}
	again, err := identity.Load(dir, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	first.FirstStart = false
	if !reflect.DeepEqual(again, first) {
		t.Error("the second start has another identity")
	}
	for _, name := range []string{identity.TokenKeyFile, identity.AccessKeyFile, identity.OperatorSecretFile} {
		if st, err := os.Stat(filepath.Join(dir, name)); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, st.Mode(), err)
		}
	}
}

func TestATokenKeyIsNotMadeBesideMeetings(t *testing.T) {
	dir := t.TempDir()
	old, err := identity.Load(dir, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, identity.TokenKeyFile)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := identity.Load(dir, true, nil); err == nil || !strings.Contains(err.Error(), "missing beside existing meetings") {
		t.Errorf("beside meetings: %v", err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the refusal left a key: %v", err)
	}
	fresh, err := identity.Load(dir, false, nil)
	if err != nil || bytes.Equal(fresh.TokenKey, old.TokenKey) {
		t.Errorf("without meetings: %v", err)
	}
}

func TestFilesThatHoldSomethingElseAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ file, content, says string }{
		"empty token key":       {identity.TokenKeyFile, "", "32 bytes"},
		"short token key":       {identity.TokenKeyFile, "c2hvcnQ=", "32 bytes"},
		"token key not base64":  {identity.TokenKeyFile, strings.Repeat("!", 44), "32 bytes"},
		"empty key pair":        {identity.AccessKeyFile, "\n", "access key"},
		"half a key pair":       {identity.AccessKeyFile, "AKIAEXAMPLE", "access key"},
		"key pair with zeros":   {identity.AccessKeyFile, "AKIAEXAMPLE sec\x00\x00\x00", "one line"},
		"empty operator secret": {identity.OperatorSecretFile, "", "operator.secret is empty"},
		"blank operator secret": {identity.OperatorSecretFile, " \n", "operator.secret is empty"},
		"operator secret zeros": {identity.OperatorSecretFile, strings.Repeat("\x00", 25), "operator.secret does not hold a secret"},
		"operator secret bytes": {identity.OperatorSecretFile, "pyhqc2gd4u626qdn\xff\xfehjxtwcx\n", "operator.secret does not hold a secret"},
		"two operator secrets":  {identity.OperatorSecretFile, "pyhqc2gd4u626qdn\nhjxtwcxhjxtwcx\n", "operator.secret does not hold a secret"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, c.file), []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := identity.Load(dir, false, nil); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want an error with %q", name, err, c.says)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := identity.Load(file, false, nil); err == nil {
		t.Error("a file was taken for a directory")
	}
}

// A file of the server's own is refused wherever it is cut, but for the newline
// alone, and people's pairs are taken in whatever form they are legal.
func TestAKeyPairIsWholeOrRefused(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, identity.AccessKeyFile)
	own, err := identity.Load(dir, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	read := func(content string) (access, secret string, err error) {
		t.Helper()
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		id, err := identity.Load(dir, false, nil)
		checked, same := identity.Check(dir, false, nil)
		access, secret, printed := identity.KeyPair(dir)
		if (err == nil) != (same == nil) || (err == nil) != (printed == nil) || err == nil && (checked.SecretKey != id.SecretKey || secret != id.SecretKey) {
			t.Errorf("%q: %v, %v and %v do not agree", content, err, same, printed)
		}
		return access, secret, err
	}
	for n := range len(whole) - 1 {
		if _, _, err := read(string(whole[:n])); err == nil {
			t.Errorf("%d bytes of %d are taken for a pair", n, len(whole))
		}
	}
	const amazons = "AKIAIOSFODNN7EXAMPLE" // of the form that is made
	for content, want := range map[string]string{
		string(whole[:len(whole)-1]):               own.SecretKey,
		"AKID secret":                              "secret",
		"AKID secret\r\n":                          "secret",
		"AKIAMINE secret":                          "secret",
		amazons + " short\n":                       "short",
		amazons + " " + strings.Repeat("long", 20): strings.Repeat("long", 20),
	} {
		if _, secret, err := read(content); err != nil || secret != want {
			t.Errorf("%q: %q, %v", content, secret, err)
		}
	}
}

func TestTheNodesOfAClusterHaveOneIdentity(t *testing.T) {
	secret := []byte("a secret of a cluster, long enough for one")
	first, err := identity.Load(t.TempDir(), false, secret)
	if err != nil {
		t.Fatal(err)
	}
	second, err := identity.Load(t.TempDir(), true, secret) // its ledger came from the others
	if err != nil || !reflect.DeepEqual(first, second) {
		t.Errorf("two nodes have %+v and %+v, %v", first, second, err)
	}
	other, err := identity.Load(t.TempDir(), false, []byte("another secret, of another cluster, as long"))
	if err != nil || bytes.Equal(other.TokenKey, first.TokenKey) || other.SecretKey == first.SecretKey || other.OperatorSecret == first.OperatorSecret {
		t.Errorf("another cluster has the same, %v", err)
	}
	dir := t.TempDir()
	alone, err := identity.Load(dir, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	joined, err := identity.Load(dir, true, secret)
	if err != nil || !bytes.Equal(alone.TokenKey, joined.TokenKey) {
		t.Errorf("a server that joins a cluster has another key, %v", err)
	}
}
