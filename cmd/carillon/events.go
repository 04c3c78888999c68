package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/config"
	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify"
	"github.com/carillon-meetings/carillon/internal/notify/outbox"
	"github.com/carillon-meetings/carillon/internal/notify/targets"
	"github.com/carillon-meetings/carillon/internal/notify/webhook"
)

// hookWidth is how many requests are on their way to one web hook at the same
// time.
const hookWidth = 16

// Pauses between attempts. Web hooks are tried for days, for whoever runs them
// may be asleep.
func hookWaits() []time.Duration {
	return []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute,
		2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 12 * time.Hour}
}

// serviceWaits are those of services that are busy or away, slowWaits those of
// what an operator has to mend.
func serviceWaits() []time.Duration {
	return []time.Duration{time.Second / 2, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second, time.Minute}
}

func slowWaits() []time.Duration {
	return []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute}
}

// waysOut are those that events have.
type waysOut struct {
	channels []notify.Channel
	services *targets.Services // nil when nothing is sent to any
}

// openWays returns the ways out that are configured, and what is wrong with
// them.
func openWays(cfg *config.Serve) (w waysOut, err error) {
	var errs []error
	if w.services, err = openServices(&cfg.Events); err != nil {
		errs = append(errs, err)
	}
	if w.services != nil {
		for _, name := range w.services.Names() {
			w.channels = append(w.channels, serviceChannel(&cfg.Events, w.services, name))
		}
	}
	for _, hook := range cfg.Events.Hooks() {
		ch, err := hookChannel(&cfg.Events, hook)
		if err != nil {
			errs = append(errs, fmt.Errorf("web hook %q: %w", hook.Name, err))
			continue
		}
		w.channels = append(w.channels, ch)
	}
	return w, errors.Join(errs...)
}

// openServices prepares the services of AWS; nil when none has an endpoint.
func openServices(e *config.Events) (*targets.Services, error) {
	if !e.Services() {
		return nil, nil
	}
	c := targets.Config{
		Endpoints: map[string]string{targets.SQS: e.SQSEndpoint, targets.SNS: e.SNSEndpoint, targets.Lambda: e.LambdaEndpoint, targets.Bus: e.BusEndpoint},
		Region:    e.Region, AllowARNs: e.AllowARNs, Attributes: e.Attributes, LambdaByName: e.LambdaByName,
		BusName: e.BusName, BusSource: e.Source, BusIDs: e.BusIDInDetail, Width: e.Workers,
	}
	if e.Credentials == "chain" {
		chain, err := targets.Chain(context.Background(), e.Region)
		c.Credentials = chain
		return targets.New(c), err
	}
	if e.SecretKeyFile == "" {
		return nil, nil // Check refuses it
	}
	secret, err := os.ReadFile(e.SecretKeyFile)
	if err != nil {
		return nil, fmt.Errorf("--events-secret-key-file: %w", err)
	}
	c.Credentials = targets.Static(e.AccessKey, strings.TrimSpace(string(secret)))
	return targets.New(c), nil
}

// missingFor is how long a target may be missing before its events become dead
// letters: tests and tear-downs make queues late.
const missingFor = 15 * time.Minute

func serviceChannel(e *config.Events, s *targets.Services, service string) notify.Channel {
	return notify.Channel{
		Name:  service,
		Close: s.Close,
		Route: func(p *meeting.Profile) (string, bool) { return s.Route(service, p) },
		Open: func(name string) outbox.Config {
			return outbox.Config{
				Kind: service, Send: s.Sender(name), Waits: serviceWaits(), SlowWaits: slowWaits(), GiveUp: e.MaxAge, GiveUpNew: missingFor,
				Width: e.Workers, MaxEvents: e.BacklogCount, MaxBytes: e.BacklogMiB << 20,
			}
		},
	}
}

func hookChannel(e *config.Events, w config.Webhook) (notify.Channel, error) {
	secrets, err := webhook.LoadSecrets(w.SecretFiles)
	if err != nil {
		return notify.Channel{}, err
	}
	encryption, err := hookTLS(w)
	if err != nil {
		return notify.Channel{}, err
	}
	target, err := url.Parse(w.URL)
	if err != nil {
		return notify.Channel{}, err
	}
	if !slices.Contains(webhook.Forms(), w.Form) {
		return notify.Channel{}, fmt.Errorf("no such form: %q; there are %v", w.Form, webhook.Forms())
	}
	for _, pattern := range w.Types {
		if _, err := path.Match(pattern, ""); err != nil {
			return notify.Channel{}, fmt.Errorf("type %q: %w", pattern, err)
		}
	}
	sender := webhook.New(webhook.Config{
		URL: target, Secrets: secrets, Form: w.Form, Timeout: time.Duration(w.Timeout), AllowPrivate: w.AllowPrivate,
		TLS: encryption, Version: thisBuild().Version, Width: hookWidth,
	})
	name := "webhook:" + w.Name
	return notify.Channel{
		Name:  name,
		Close: sender.Close,
		Route: func(p *meeting.Profile) (string, bool) { return name, w.Account == "" || w.Account == p.Owner.Account },
		Open: func(string) outbox.Config {
			return outbox.Config{
				Kind: "webhook", Send: sender.Send, Accepts: accepts(w.Types), Waits: hookWaits(), SlowWaits: hookWaits(),
				GiveUp: time.Duration(w.MaxAge), GiveUpNew: time.Duration(w.MaxAge), Width: hookWidth,
				Unordered: w.Ordered != nil && !*w.Ordered, MaxEvents: e.BacklogCount, MaxBytes: e.BacklogMiB << 20,
			}
		},
	}, nil
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

// hookTLS returns the authorities and the client certificate of an endpoint; nil
// for the system's and none.
func hookTLS(w config.Webhook) (*tls.Config, error) {
	if w.CAFile == "" && w.ClientCert == "" {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if w.CAFile != "" {
		text, err := os.ReadFile(w.CAFile)
		if err != nil {
			return nil, err
		}
		if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s holds no certificate", w.CAFile)
		}
	}
	if w.ClientCert != "" {
		pair, err := tls.LoadX509KeyPair(w.ClientCert, w.ClientKey)
		if err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// newNotifier makes what tells the events; nil when nobody is to be told.
func (s *server) newNotifier() *notify.Notifier {
	if len(s.ways.channels) == 0 {
		return nil
	}
	return notify.New(notify.Config{
		Channels: s.ways.channels, Keep: s.cfg.Timers.Tombstone, Observe: s.metrics.watchEvents(s), Logger: s.log.With("part", "events"),
	})
}

// ledgerAge is how old entries may become: as old as media pipelines, and longer if
// their events may still be told then.
func (s *server) ledgerAge() time.Duration {
	t := s.cfg.Timers
	age := control.PipelineKept + 2*t.MaxAge + t.Tombstone
	if s.notifier != nil {
		age = max(age, t.MaxAge+s.cfg.Events.GiveUp()+24*time.Hour)
	}
	return age
}

// needed is ledger.Config.Needed.
func (s *server) needed() func(meeting.ID) bool {
	if s.notifier == nil {
		return nil
	}
	return s.notifier.Needed
}

// slotsOf is the ledger as control sees it: with events, if anybody gets them.
func (s *server) slotsOf(log *ledger.Log) control.Ledger {
	if s.notifier == nil {
		return control.OnLedger(log)
	}
	s.notifier.SetStore(log)
	return notified{s.notifier}
}

// notified is control's ledger whose events are told.
type notified struct{ n *notify.Notifier }

// Adopt implements control.Ledger.
func (l notified) Adopt(ctx context.Context, numbers []int, read func(meeting.ID, ledger.Entry) error) ([]control.Slot, error) {
	slots, err := l.n.Adopt(ctx, numbers, read)
	list := make([]control.Slot, len(slots))
	for i, s := range slots {
		list[i] = s
	}
	return list, err
}
