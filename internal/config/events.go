package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// Events says who is told what happens in meetings.
type Events struct {
	Webhook             string   `help:"URL that every event is posted to, signed; https, or http with --webhook-allow-private." placeholder:"URL"`
	WebhookSecretFile   []string `help:"File with the secret that its requests are signed with, as carillon events secret makes one; with two, they are signed with both." type:"path" placeholder:"FILE"`
	WebhookAllowPrivate bool     `help:"Admit loopback, private and link-local addresses for --webhook."`
	Webhooks            Webhooks `help:"Further endpoints, as a list in the configuration file (docs/events.md)." placeholder:"LIST"`

	SQSEndpoint    string   `help:"URL where queues are, or aws for Amazon's; empty: queues get nothing." placeholder:"URL" name:"events-sqs-endpoint"`
	SNSEndpoint    string   `help:"The same for topics." placeholder:"URL" name:"events-sns-endpoint"`
	LambdaEndpoint string   `help:"The same for functions." placeholder:"URL" name:"events-lambda-endpoint"`
	BusEndpoint    string   `help:"The same for the event bus (EventBridge), which gets every event." placeholder:"URL" name:"events-bus-endpoint"`
	Region         string   `help:"Region of the event bus." default:"us-east-1" name:"events-region"`
	Credentials    string   `help:"What requests to them are signed with: static for the next two, or chain for what the AWS SDK finds by itself." enum:"static,chain" default:"static" name:"events-credentials"`
	AccessKey      string   `help:"Access key id." placeholder:"ID" name:"events-access-key"`
	SecretKeyFile  string   `help:"File with its secret key." type:"path" placeholder:"FILE" name:"events-secret-key-file"`
	AllowARNs      []string `help:"Queues, topics and functions that meetings may name; * for any letters." default:"*" name:"events-allow-arns" placeholder:"ARN"`
	Attributes     bool     `help:"Give messages attributes: eventType, meetingId, carillonEventId, carillonSequence." default:"true" negatable:"" name:"events-attributes"`
	LambdaByName   bool     `help:"Call functions by their names instead of their ARNs." name:"events-lambda-by-name"`
	BusName        string   `help:"Name or ARN of the event bus." default:"default" name:"events-bus-name"`
	Source         string   `help:"Source of events on the bus. Amazon's own bus takes none that begins with aws." default:"aws.chime" name:"events-source"`
	BusIDInDetail  bool     `help:"Put the event's id into the detail on the bus, as carillonEventId." name:"events-bus-id-in-detail"`

	DeadLetterQueue string `help:"ARN or URL of a queue at --events-sqs-endpoint that also gets what is given up." placeholder:"ARN" name:"events-dead-letter-queue"`

	MaxAge       time.Duration `help:"An event that a queue, topic, function or bus has not taken for so long becomes a dead letter." default:"24h" name:"events-max-age"`
	DeadAge      time.Duration `help:"How long dead letters are kept." default:"336h" name:"events-dead-age" account:"-"`
	DeadMiB      int           `help:"Room on disk for dead letters, in MiB." default:"1024" name:"events-dead-mib" account:"-"`
	BacklogCount int           `help:"Events that may wait for one destination; beyond them, the oldest become dead letters." default:"100000" name:"events-backlog-count"`
	BacklogMiB   int           `help:"Memory that events waiting for one destination may take, in MiB." default:"256" name:"events-backlog-mib"`
	Workers      int           `help:"Events on their way to one queue, topic, function or bus at the same time." default:"64" name:"events-workers"`
}

// Webhook is one endpoint that events are posted to.
type Webhook struct {
	Name         string   `json:"name"` // letters, digits and dashes; known by it for ever
	URL          string   `json:"url"`
	SecretFiles  []string `json:"secret-files"`
	Form         string   `json:"form"`    // bus, direct, cloudevents or cloudevents-binary
	Types        []string `json:"types"`   // of events, * for any letters; empty for all
	Ordered      *bool    `json:"ordered"` // within a meeting; nil for yes
	Timeout      Duration `json:"timeout"` // of one attempt
	MaxAge       Duration `json:"max-age"` // of an event that is not taken
	CAFile       string   `json:"ca-file"` // authorities of the endpoint's certificate
	ClientCert   string   `json:"client-cert"`
	ClientKey    string   `json:"client-key"`
	AllowPrivate bool     `json:"allow-private"`
	Insecure     bool     `json:"insecure"`  // http instead of https
	Handshake    bool     `json:"handshake"` // ask the endpoint first, as CloudEvents has it
	Account      string   `json:"account"`   // whose events; empty for all
}

// Endpoint defaults: those of an endpoint that says nothing.
const (
	webhookForm    = "bus"
	webhookTimeout = 15 * time.Second
	webhookMaxAge  = 72 * time.Hour
	flagHook       = "default" // name of the endpoint of --webhook
)

// Duration is a time.Duration that is written as in "15s".
type Duration time.Duration

// UnmarshalText reads it.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}

// Webhooks is a list of endpoints.
type Webhooks []Webhook

// Decode reads the list, JSON with the names of the configuration file.
func (w *Webhooks) Decode(ctx *kong.DecodeContext) error {
	text, err := popText(ctx)
	if err != nil {
		return err
	}
	return w.parse(text)
}

func (w *Webhooks) parse(text []byte) error { return parseList(text, w, "endpoints") }

// popText takes the value of a flag that is a list of mappings.
func popText(ctx *kong.DecodeContext) ([]byte, error) {
	var text string
	err := ctx.Scan.PopValueInto("list", &text)
	return []byte(text), err
}

// parseList reads a list of mappings, JSON; of is what they are called.
func parseList(text []byte, into any, of string) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("not a list of %s: %w", of, err)
	}
	return nil
}

// Hooks returns every endpoint with its defaults, that of --webhook first.
func (e *Events) Hooks() []Webhook {
	var all []Webhook
	if e.Webhook != "" {
		all = append(all, Webhook{
			Name: flagHook, URL: e.Webhook, SecretFiles: e.WebhookSecretFile, AllowPrivate: e.WebhookAllowPrivate, Insecure: e.WebhookAllowPrivate,
		})
	}
	all = append(all, e.Webhooks...)
	for i := range all {
		w := &all[i]
		if w.Form == "" {
			w.Form = webhookForm
		}
		if w.Timeout == 0 {
			w.Timeout = Duration(webhookTimeout)
		}
		if w.MaxAge == 0 {
			w.MaxAge = Duration(webhookMaxAge)
		}
	}
	return all
}

// GiveUp is the longest time after which an event is given up.
func (e *Events) GiveUp() time.Duration {
	longest := e.MaxAge
	for _, w := range e.Hooks() {
		longest = max(longest, time.Duration(w.MaxAge))
	}
	return longest
}

// Services reports whether any service of AWS gets events.
func (e *Events) Services() bool {
	return e.SQSEndpoint != "" || e.SNSEndpoint != "" || e.LambdaEndpoint != "" || e.BusEndpoint != ""
}

func (e *Events) check(add func(bool, string, ...any)) {
	add(e.Webhook != "" || len(e.WebhookSecretFile) == 0 && !e.WebhookAllowPrivate, "--webhook-secret-file and --webhook-allow-private need --webhook")
	names := map[string]bool{}
	for _, w := range e.Hooks() {
		which := "--webhook"
		if w.Name != flagHook {
			which = fmt.Sprintf("webhooks: %q", w.Name)
		}
		w.check(func(ok bool, format string, args ...any) { add(ok, which+": "+format, args...) })
		add(!names[w.Name], "webhooks: two are named %q", w.Name)
		names[w.Name] = true
	}
	e.checkServices(add)
	for _, n := range []struct {
		flag        string
		value, most int
	}{
		{"events-dead-mib", e.DeadMiB, mostStored}, {"events-backlog-count", e.BacklogCount, 1 << 30}, {"events-backlog-mib", e.BacklogMiB, 1 << 30}, {"events-workers", e.Workers, 1 << 30},
	} {
		add(n.value >= 1 && n.value <= n.most, "--%s: %d is not between 1 and %d", n.flag, n.value, n.most)
	}
	for _, d := range []struct {
		flag  string
		value time.Duration
	}{{"events-max-age", e.MaxAge}, {"events-dead-age", e.DeadAge}} {
		add(d.value >= time.Minute, "--%s: less than a minute", d.flag)
		add(d.value <= longest, "--%s: more than ten years", d.flag)
	}
}

func (e *Events) checkServices(add func(bool, string, ...any)) {
	for _, endpoint := range []struct{ flag, value string }{
		{"events-sqs-endpoint", e.SQSEndpoint}, {"events-sns-endpoint", e.SNSEndpoint}, {"events-lambda-endpoint", e.LambdaEndpoint}, {"events-bus-endpoint", e.BusEndpoint},
	} {
		u, err := url.Parse(endpoint.value)
		ok := endpoint.value == "" || endpoint.value == "aws" || err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
		add(ok, "--%s: %q is neither a URL nor aws", endpoint.flag, endpoint.value)
	}
	add(!e.Services() || e.Credentials == "chain" || e.AccessKey != "" && e.SecretKeyFile != "",
		"--events-access-key and --events-secret-key-file are needed, or --events-credentials chain")
	add(e.BusEndpoint != "aws" || !strings.HasPrefix(e.Source, "aws."), "--events-source: Amazon's event bus refuses %q, as every source that begins with aws.", e.Source)
	add(e.DeadLetterQueue == "" || e.SQSEndpoint != "", "--events-dead-letter-queue needs --events-sqs-endpoint")
	add(e.Credentials == "static" || e.Credentials == "chain", "--events-credentials: %q is neither static nor chain", e.Credentials)
	add(e.BusEndpoint == "" || e.BusName != "" && e.Source != "" && e.Region != "", "--events-bus-name, --events-source and --events-region must not be empty")
	for _, pattern := range e.AllowARNs {
		_, err := path.Match(pattern, "")
		add(err == nil, "--events-allow-arns: %q is not a pattern", pattern)
	}
}

func (w *Webhook) check(add func(bool, string, ...any)) {
	add(w.Name != "" && strings.Trim(w.Name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == "", "a name is letters, digits and dashes")
	u, err := url.Parse(w.URL)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "":
		add(false, "%q is not of the form https://host/path", w.URL)
	case u.Scheme == "http":
		add(w.Insecure, "an http URL sends what happens in meetings in the clear; it needs insecure: true, or --webhook-allow-private for --webhook")
	default:
		add(u.Scheme == "https", "%q is neither an https nor an http URL", w.URL)
	}
	add(len(w.SecretFiles) > 0, "no secret file (secret-files, --webhook-secret-file): without a secret nobody could tell its requests from others'")
	add(w.Timeout > 0 && w.MaxAge > 0, "timeout and max-age must be positive")
	add(time.Duration(max(w.Timeout, w.MaxAge)) <= longest, "timeout or max-age: more than ten years")
	add((w.ClientCert == "") == (w.ClientKey == ""), "client-cert and client-key go together")
}
