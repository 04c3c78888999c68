package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// keyFile writes a key file with a part for accounts.
func keyFile(t *testing.T, accounts string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.yaml")
	text := "keys:\n  - access-key-id: AKID\n    secret-access-key: s\n" + accounts
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAnAccountHasSettingsOfItsOwn(t *testing.T) {
	s, err := parse(t, "events-sqs-endpoint: http://127.0.0.1:1\nevents-credentials: chain\nevents-max-age: 2h\n",
		"--webhook", "https://example.org/", "--webhook-secret-file", "/etc/all")
	if err != nil {
		t.Fatal(err)
	}
	own, err := s.Events.AccountEvents(keyFile(t, `accounts:
  "210987654321":
    events-sqs-endpoint: aws
    events-credentials: static
    events-access-key: 12345678
    events-secret-key-file: /etc/key
    events-allow-arns: ["arn:aws:sqs:*"]
    events-attributes: false
    events-workers: 8
    events-max-age: 90m
    events-dead-letter-queue: arn:aws:sqs:us-east-1:210987654321:dead
    webhooks: [{name: billing, url: "https://example.org/b", secret-files: [/etc/b]}]
  "111122223333":
    webhooks:
      - {name: billing, url: "https://example.org/c", secret-files: [/etc/c]}
  "444455556666": {events-sqs-endpoint: ""}
`))
	if err != nil {
		t.Fatal(err)
	}
	e := own["210987654321"]
	if e.SQSEndpoint != "aws" || e.Credentials != "static" || e.AccessKey != "12345678" || !slices.Equal(e.AllowARNs, []string{"arn:aws:sqs:*"}) ||
		e.Attributes || e.Workers != 8 || e.MaxAge != 90*time.Minute || e.BacklogCount != s.Events.BacklogCount || e.DeadLetterQueue == "" {
		t.Errorf("the account has %+v", e)
	}
	if hooks := e.Hooks(); len(hooks) != 1 || hooks[0].Name != "billing" || hooks[0].Form != "bus" || e.SameServices(&s.Events) {
		t.Errorf("its endpoints are %+v", hooks)
	}
	if e := own["111122223333"]; e.SQSEndpoint != s.Events.SQSEndpoint || !e.SameServices(&s.Events) || len(e.Hooks()) != 1 {
		t.Errorf("one with an endpoint only has %+v", e)
	}
	if e := own["444455556666"]; e.Services() || len(e.Hooks()) != 0 {
		t.Errorf("one that wants nothing has %+v", e)
	}
	if len(s.Events.Hooks()) != 1 || s.Events.Workers != 64 {
		t.Errorf("the server's own became %+v", s.Events)
	}
}

func TestAccountsThatCannotBe(t *testing.T) {
	s, err := parse(t, "")
	if err != nil {
		t.Fatal(err)
	}
	for accounts, want := range map[string]string{
		"accounts: 7":                                                                                      "must be a mapping",
		"accounts: {210987654321: {}}":                                                                     "in quotes",
		`accounts: {"2109": {}}`:                                                                           "twelve digits",
		`accounts: {"210987654321": 7}`:                                                                    "mapping of settings",
		`accounts: {"210987654321": {listen: ":1"}}`:                                                       `"listen" is no setting`,
		`accounts: {"210987654321": {events-dead-age: 1h}}`:                                                `"events-dead-age" is no setting`,
		`accounts: {"210987654321": {webhook: "https://x/"}}`:                                              `"webhook" is no setting`,
		`accounts: {"210987654321": {events-workers: many}}`:                                               "events-workers: many is not a number",
		`accounts: {"210987654321": {events-attributes: 7}}`:                                               "not a yes or no",
		`accounts: {"210987654321": {events-allow-arns: 7}}`:                                               "not a list",
		`accounts: {"210987654321": {events-max-age: soon}}`:                                               "soon",
		`accounts: {"210987654321": {events-sqs-endpoint: aws}}`:                                           "account 210987654321: --events-access-key",
		`accounts: {"210987654321": {events-credentials: none}}`:                                           "neither static nor chain",
		`accounts: {"210987654321": {events-dead-letter-queue: "arn:aws:sqs:x:1:q"}}`:                      "needs --events-sqs-endpoint",
		`accounts: {"210987654321": {webhooks: [{name: a, uri: x}]}}`:                                      "uri",
		`accounts: {"210987654321": {webhooks: [{name: "a b", url: "https://x/", secret-files: [f]}]}}`:    "letters, digits and dashes",
		`accounts: {"210987654321": {events-bus-endpoint: aws, events-credentials: chain}}`:                "refuses",
		`accounts: {"210987654321": {events-bus-endpoint: "ftp://x", events-credentials: chain}}`:          "neither a URL nor aws",
		`accounts: {"210987654321": {webhooks: [{name: a, url: "https://x/"}], events-backlog-count: 0}}`:  "no secret file",
		`accounts: {"210987654321": {webhooks: [{name: a, url: "https://x/"}], events-backlog-count: -1}}`: "-1 is not between",
	} {
		if _, err := s.Events.AccountEvents(keyFile(t, accounts+"\n")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want it to say %q", accounts, err, want)
		}
	}
	for _, path := range []string{"", "/does/not/exist", keyFile(t, ""), keyFile(t, "accounts: {}\n"), keyFile(t, "\tbroken")} {
		if own, err := s.Events.AccountEvents(path); err != nil || len(own) != 0 {
			t.Errorf("%s: %v, %v", path, own, err)
		}
	}
}
