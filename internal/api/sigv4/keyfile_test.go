package sigv4_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/api/sigv4"
)

var actions = []string{"chime:CreateMeeting", "chime:BatchCreateAttendee", "chime:DeleteMeeting"}

// keysFor gives the test's access key the extra lines.
func keysFor(t *testing.T, extra string) *sigv4.Keys {
	t.Helper()
	keys, err := sigv4.ParseKeys("keys.yaml", []byte("keys:\n  - access-key-id: "+accessKey+"\n    secret-access-key: "+secret+"\n"+extra), actions)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestPolicies(t *testing.T) {
	for _, c := range []struct {
		extra   string
		allowed string // of actions, C B D
	}{
		{"", "CBD"},
		{"    allow: [\"*\"]\n", "CBD"},
		{"    allow: [\"chime:*\"]\n    deny: [chime:deletemeeting]\n", "CB"},
		{"    allow: [chime:BatchCreateAttendee]\n", "B"},
		{"    allow: [\"chime:*Meeting\"]\n", "CD"},
		{"    allow: [\"chime:?reate*\", chime:DeleteMeeting]\n    deny: [\"chime:*eting\"]\n", ""},
		{"    allow: []\n", ""},
		{"    deny: []\n", "CBD"},
	} {
		v := verifier(t, func(cfg *sigv4.Config) { cfg.Keys = keysFor(t, c.extra) })
		r := request(t, "GET", "http://host.example/", "")
		sign(t, r, "", signing{})
		id, err := check(v, r, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for i, action := range actions {
			if id.Allows(action) {
				got += "CBD"[i : i+1]
			}
		}
		if got != c.allowed {
			t.Errorf("%q allows %q, want %q", c.extra, got, c.allowed)
		}
		if id.Account != sigv4.DefaultAccount {
			t.Errorf("account %s", id.Account)
		}
	}
}

func TestSessionTokens(t *testing.T) {
	keys := keysFor(t, `    account: 012345678901
    sessions:
      - {token: first, expires: "2026-03-04T05:06:07Z"}
      - {token: second, expires: "2026-03-04T05:06:08Z"}
`)
	v := verifier(t, func(c *sigv4.Config) { c.Keys = keys })
	for token, want := range map[string]string{
		"":       "UnrecognizedClientException",
		"other":  "UnrecognizedClientException",
		"first":  "ExpiredTokenException",
		"second": "",
	} {
		r := request(t, "GET", "http://host.example/", "")
		sign(t, r, "", signing{token: token})
		id, err := check(v, r, nil)
		var refused *sigv4.Error
		switch {
		case want == "" && (err != nil || id.Account != "012345678901"):
			t.Errorf("%q: %v %v", token, id.Account, err)
		case want != "" && (!errors.As(err, &refused) || refused.Name != want):
			t.Errorf("%q: %v", token, err)
		}
	}
}

func TestDisabledAccounts(t *testing.T) {
	keys := keysFor(t, "    account: \"111111111111\"\ndisabled-accounts: [111111111111]\n")
	v := verifier(t, func(c *sigv4.Config) { c.Keys = keys })
	r := request(t, "GET", "http://host.example/", "")
	sign(t, r, "", signing{})
	if id, err := check(v, r, nil); err != nil || !id.Disabled {
		t.Errorf("%+v %v", id, err)
	}
}

func TestLoadKeysReadsJSON(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	content := `{"keys": [{"access-key-id": "A", "secret-access-key": "b", "sessions": [{"token": "t", "expires": "` +
		time.Now().Format(time.RFC3339) + `"}]}, {"access-key-id": "B", "secret-access-key": "c"}]}`
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := sigv4.LoadKeys(path, actions)
	if err != nil || keys.Len() != 2 {
		t.Fatalf("%v, %v", keys, err)
	}
	if _, err := sigv4.LoadKeys(path+".missing", actions); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

func TestKeyFileErrorsNameLineAndField(t *testing.T) {
	const start = "keys:\n  - access-key-id: A\n    secret-access-key: hush-hush\n"
	for content, want := range map[string]string{
		"":                                   "keys.yaml: it is empty",
		start + "---\n" + start:              "keys.yaml: it has more than one YAML document",
		"keys: []":                           "keys.yaml:1: keys: the file has no keys",
		"keys: {a: b}":                       "keys.yaml:1: keys: must be a list",
		"- a":                                "keys.yaml:1: must be a mapping of fields",
		"keys:\n  - access-key-id: [hush":    "not valid YAML or JSON",
		start + "    acount: 1\n":            `keys.yaml:4: keys[1]: unknown field "acount"`,
		start + "    account: 12345\n":       "keys.yaml:4: keys[1].account: must be twelve digits",
		start + "    account:\n":             "keys.yaml:4: keys[1].account: must be a text that is not empty",
		start + "    allow: chime:*\n":       "keys.yaml:4: keys[1].allow: must be a list",
		start + "    deny: [chime:Nothing]":  `keys.yaml:4: keys[1].deny[1]: "chime:Nothing" matches no operation`,
		start + "    sessions: []\n":         "keys.yaml:4: keys[1].sessions: must not be empty",
		start + "    sessions: [{token: t}]": "keys.yaml:4: keys[1].sessions[1]: token and expires are both needed",
		start + "    sessions:\n      - token: t\n        expires: soon\n": "keys.yaml:6: keys[1].sessions[1].expires: must be a time",
		start + "    secret-access-key: again\n":                           `keys.yaml:4: keys[1]: field "secret-access-key" is given twice`,
		start + "  - access-key-id: A\n    secret-access-key: x\n":         "keys.yaml:4: keys[2]: access key A is in the file twice",
		start + "  - access-key-id: B\n":                                   "keys.yaml:4: keys[2]: secret-access-key is missing",
		start + "  - secret-access-key: x\n":                               "keys.yaml:4: keys[2]: access-key-id is missing",
		start + "  - access-key-id: a/b\n    secret-access-key: x\n":       "keys.yaml:4: keys[2].access-key-id: must be 1 to 128 letters",
		start + "disabled-accounts: [x]\n":                                 "keys.yaml:4: disabled-accounts[1]: must be twelve digits",
	} {
		_, err := sigv4.ParseKeys("keys.yaml", []byte(content), actions)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", content, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: the error repeats a secret: %v", content, err)
		}
	}
}

func TestSingleRefusesNonsense(t *testing.T) {
	for _, c := range [][3]string{{"", "s", ""}, {"a b", "s", ""}, {"A", "", ""}, {"A", "s", "12"}} {
		if _, err := sigv4.Single(c[0], c[1], c[2]); err == nil {
			t.Errorf("accepted %q", c)
		}
	}
}
