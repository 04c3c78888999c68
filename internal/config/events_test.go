package config

import (
	"strings"
	"testing"
	"time"
)

func TestEndpointsComeFromTheFile(t *testing.T) {
	s, err := parse(t, `
webhooks:
  - name: billing
    url: https://example.org/meetings
    secret-files: [/etc/a, /etc/b]
    types: ["chime:Meeting*"]
    ordered: false
    timeout: 3s
    form: cloudevents
  - name: other
    url: https://example.org/other
    secret-files: [/etc/c]
events-max-age: 2h
`, "--webhook", "https://example.org/", "--webhook-secret-file", "/etc/d")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
	hooks := s.Events.Hooks()
	if len(hooks) != 3 {
		t.Fatalf("there are %d endpoints", len(hooks))
	}
	flag, billing, other := hooks[0], hooks[1], hooks[2]
	if flag.Name != "default" || flag.Form != "bus" || time.Duration(flag.Timeout) != 15*time.Second || flag.Insecure {
		t.Errorf("the flag's endpoint is %+v", flag)
	}
	if billing.Form != "cloudevents" || *billing.Ordered || time.Duration(billing.Timeout) != 3*time.Second || len(billing.SecretFiles) != 2 || billing.Types[0] != "chime:Meeting*" {
		t.Errorf("the first of the list is %+v", billing)
	}
	if other.Ordered != nil || time.Duration(other.MaxAge) != 72*time.Hour {
		t.Errorf("the second is %+v", other)
	}
	if got := s.Events.GiveUp(); got != 72*time.Hour {
		t.Errorf("events are given up after %v at the latest", got)
	}
}

func TestEndpointsThatCannotBe(t *testing.T) {
	for file, want := range map[string]string{
		"webhooks: [{name: a, uri: x}]":                "uri",
		"webhooks: [{name: a, timeout: soon}]":         "soon",
		"webhooks: 7":                                  "not a list",
		"webhooks: {name: a}":                          "not a list",
		"webhooks: [{name: a, url: 'https://x/'}]":     "no secret file",
		"webhooks: [{url: 'https://x/'}]":              "letters, digits and dashes",
		"events-sqs-endpoint: aws":                     "--events-credentials chain",
		"events-bus-endpoint: aws":                     "refuses",
		"events-allow-arns: ['[']":                     "is not a pattern",
		"events-dead-age: 1s":                          "less than a minute",
		"webhooks: [{name: a, url: 'https://u:p@x/'}]": "not of the form",
	} {
		s, err := parse(t, file)
		if err == nil {
			err = s.Check()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want it to say %q", file, err, want)
		}
	}
}
