package identity

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestJoinKeysTakeOver(t *testing.T) {
	dir, now := t.TempDir(), time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	if _, err := JoinKeys(dir); err == nil || !strings.Contains(err.Error(), "no server has been started") {
		t.Errorf("no directory: %v", err)
	}
	id, err := Load(dir, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	uses := func(want string) []JoinKey {
		t.Helper()
		keys, err := JoinKeys(dir)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, k := range keys {
			name := "old"
			if !bytes.Equal(k.Secret, id.TokenKey) {
				name = "new"
			}
			if (name == "old") != k.Since.IsZero() || name == "new" && !k.Since.Equal(now) {
				t.Errorf("the %s key is there since %v", name, k.Since)
			}
			if k.Mints {
				name += " mints"
			}
			got = append(got, name)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%v, want %s", got, want)
		}
		return keys
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	uses("old mints")
	must(AddJoinKey(dir, false, now))
	uses("old mints, new")
	must(UseJoinKey(dir))
	uses("new mints, old")
	must(UseJoinKey(dir)) // and back
	uses("old mints, new")
	must(DropJoinKey(dir))
	uses("old mints")
	must(AddJoinKey(dir, true, now))
	uses("new mints, old")
	if err := AddJoinKey(dir, true, now); err == nil {
		t.Error("a third key was made")
	}
	must(DropJoinKey(dir))
	uses("new mints")
	for what, err := range map[string]error{"use": UseJoinKey(dir), "drop": DropJoinKey(dir)} {
		if err == nil {
			t.Errorf("%s of the only key", what)
		}
	}
	info, err := os.Stat(filepath.Join(dir, JoinKeysFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestJoinKeysThatAreNone(t *testing.T) {
	secret := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("s"), tokenKeySize))
	other := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("o"), tokenKeySize))
	const at = " 2026-11-29T12:00:00Z "
	for name, content := range map[string]string{
		"empty":          "",
		"no words":       "\n\n",
		"a key alone":    secret,
		"another word":   "sign" + at + secret,
		"a word more":    "mint" + at + secret + " x",
		"no time":        "mint now " + secret,
		"a short key":    "mint" + at + secret[:20],
		"not base64":     "mint" + at + "!" + secret[1:],
		"none mints":     "accept" + at + secret,
		"two mint":       "mint" + at + secret + "\nmint" + at + other,
		"the same twice": "mint" + at + secret + "\naccept" + at + secret,
		"three":          "mint" + at + secret + "\naccept" + at + other + "\naccept" + at + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("x"), tokenKeySize)),
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, JoinKeysFile)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, checked := Check(dir, false, nil)
		for door, err := range map[string]error{"Check": checked, "AddJoinKey": AddJoinKey(dir, true, time.Now())} {
			if err == nil || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), secret[:16]) {
				t.Errorf("%s: %s: %v", name, door, err)
			}
		}
		if left, err := os.ReadFile(path); err != nil || string(left) != content {
			t.Errorf("%s: changed to %q, %v", name, left, err)
		}
	}
}
