package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path"
	"slices"
	"time"

	"github.com/carillon-meetings/carillon/internal/config"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify"
	"github.com/carillon-meetings/carillon/internal/notify/outbox"
	"github.com/carillon-meetings/carillon/internal/notify/webhook"
)

// hookWidth is how many requests are on their way to one web hook at the same
// time.
const hookWidth = 16

// hookWaits are the pauses between attempts. Web hooks are tried for days, for
// whoever runs them may be asleep.
func hookWaits() []time.Duration {
	return []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute,
		2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 12 * time.Hour}
}

// hookChannel is the way to a web hook: one that an account has of its own, or
// with an empty account one of the server's.
func (w *waysOut) hookChannel(e *config.Events, hook config.Webhook, account string) (notify.Channel, error) {
	if account != "" {
		hook.Name, hook.Account = account+"/"+hook.Name, account
	}
	sender, err := w.openHook(hook)
	if err != nil {
		return notify.Channel{}, err
	}
	name := "webhook:" + hook.Name
	if w.probes == nil {
		w.probes = map[string]func(context.Context) error{}
	}
	w.probes[name] = sender.Probe
	return notify.Channel{
		Name:  name,
		Close: sender.Close,
		Route: func(p *meeting.Profile) (string, bool) {
			return name, hook.Account == "" || hook.Account == p.Owner.Account
		},
		Open: func(string) outbox.Config {
			return outbox.Config{
				Kind: "webhook", Send: sender.Send, Accepts: accepts(hook.Types), Waits: hookWaits(), SlowWaits: hookWaits(),
				GiveUp: time.Duration(hook.MaxAge), GiveUpNew: time.Duration(hook.MaxAge), Width: hookWidth,
				Unordered: hook.Ordered != nil && !*hook.Ordered, MaxEvents: e.BacklogCount, MaxBytes: e.BacklogMiB << 20,
			}
		},
	}, nil
}

// openHook prepares what posts to a web hook.
func (w *waysOut) openHook(hook config.Webhook) (*webhook.Sender, error) {
	secrets, err := hookSecrets(hook.SecretFiles)
	if err != nil {
		return nil, err
	}
	trust, err := hookTrust(hook)
	if err != nil {
		return nil, err
	}
	target, err := url.Parse(hook.URL)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(webhook.Forms(), hook.Form) {
		return nil, fmt.Errorf("no such form: %q; there are %v", hook.Form, webhook.Forms())
	}
	for _, pattern := range hook.Types {
		if _, err := path.Match(pattern, ""); err != nil {
			return nil, fmt.Errorf("type %q: %w", pattern, err)
		}
	}
	cfg := webhook.Config{
		URL: target, Secrets: secrets, Form: hook.Form, Timeout: time.Duration(hook.Timeout), AllowPrivate: hook.AllowPrivate,
		Version: thisBuild().Version, Width: hookWidth,
	}
	if trust != nil {
		cfg.TLS = trust.config
		if hook.CAFile != "" {
			w.trusts = append(w.trusts, trust)
		}
	}
	if hook.Handshake {
		cfg.Origin = w.origin
	}
	return webhook.New(cfg), nil
}

// origin is as whom this server asks web hooks for permission: the host of its
// public URL, or the machine's name.
func origin(publicURL string) string {
	if u, err := url.Parse(publicURL); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}

// accepts returns whether a type of event is one of those wanted; nil for all.
func accepts(patterns []string) func(string) bool {
	if len(patterns) == 0 {
		return nil
	}
	return func(kind string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool {
			ok, err := path.Match(p, kind)
			return ok && err == nil
		})
	}
}
