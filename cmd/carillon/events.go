package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/carillon-meetings/carillon/internal/config"
	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify"
	"github.com/carillon-meetings/carillon/internal/notify/outbox"
	"github.com/carillon-meetings/carillon/internal/notify/targets"
)

// serviceWaits are the pauses between attempts at services that are busy or away,
// slowWaits those at what an operator has to mend.
func serviceWaits() []time.Duration {
	return []time.Duration{time.Second / 2, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second, time.Minute}
}

func slowWaits() []time.Duration {
	return []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute}
}

// waysOut are those that events have.
type waysOut struct {
	channels []notify.Channel
	services *targets.Accounts // nil when nothing is sent to any
	settings eventSettings
	origin   string                                 // as whom web hooks are asked for permission
	probes   map[string]func(context.Context) error // of web hooks, by channel
	trusts   []*trust                               // of web hooks that have authorities of their own
}

// eventSettings say how events are told, account by account.
type eventSettings struct {
	common   *config.Events
	accounts map[string]config.Events // those that have settings of their own
}

// of returns the settings of an account.
func (e *eventSettings) of(account string) *config.Events {
	if own, ok := e.accounts[account]; ok {
		return &own
	}
	return e.common
}

// openWays returns the ways out that are configured, and what is wrong with
// them.
func openWays(cfg *config.Serve) (w waysOut, err error) {
	w.settings.common = &cfg.Events
	if w.settings.accounts, err = cfg.Events.AccountEvents(cfg.Credentials.KeyFile); err != nil {
		return w, err
	}
	var errs []error
	if w.services, err = w.settings.open(); err != nil {
		errs = append(errs, err)
	}
	if w.services != nil {
		for _, name := range w.services.Names() {
			w.channels = append(w.channels, w.serviceChannel(name))
		}
	}
	w.origin = origin(cfg.PublicURL)
	hooks := func(e *config.Events, account string) {
		for _, hook := range e.Hooks() {
			ch, err := w.hookChannel(e, hook, account)
			if err != nil {
				errs = append(errs, fmt.Errorf("web hook %q: %w", hook.Name, err))
				continue
			}
			w.channels = append(w.channels, ch)
		}
	}
	hooks(&cfg.Events, "")
	for _, account := range slices.Sorted(maps.Keys(w.settings.accounts)) {
		hooks(w.settings.of(account), account)
	}
	return w, errors.Join(errs...)
}

// open prepares the services of all accounts; nil when there are none. An account
// that has nothing but web hooks of its own uses the common ones.
func (e *eventSettings) open() (*targets.Accounts, error) {
	common, err := openServices(e.common)
	errs := []error{err}
	own := map[string]*targets.Services{}
	some := common != nil
	for account, events := range e.accounts {
		if events.SameServices(e.common) {
			continue
		}
		s, err := openServices(&events)
		if err != nil {
			err = fmt.Errorf("account %s: %w", account, err)
		}
		errs = append(errs, err)
		own[account] = s
		some = some || s != nil
	}
	if !some {
		return nil, errors.Join(errs...)
	}
	return targets.NewAccounts(common, own), errors.Join(errs...)
}

// forward puts what was given up into the dead letter queue of its account; nil
// when no account has one.
func (w *waysOut) forward() func(context.Context, outbox.Letter) error {
	queues := map[string]func(context.Context, outbox.Letter) error{}
	open := func(account string, e *config.Events) {
		queues[account] = func(context.Context, outbox.Letter) error { return nil }
		if arn, ok := targets.QueueARN(e.DeadLetterQueue, e.Region); ok {
			queues[account] = w.services.DeadLetters(account, arn)
		}
	}
	some := w.settings.common.DeadLetterQueue != ""
	open("", w.settings.common)
	for account, e := range w.settings.accounts {
		some = some || e.DeadLetterQueue != ""
		open(account, &e)
	}
	if !some {
		return nil
	}
	return func(ctx context.Context, l outbox.Letter) error {
		put, own := queues[l.Event.Meeting.Owner.Account]
		if !own {
			put = queues[""]
		}
		return put(ctx, l)
	}
}

// openServices prepares the services of AWS; nil when none has an endpoint.
func openServices(e *config.Events) (*targets.Services, error) {
	if !e.Services() {
		return nil, nil
	}
	if _, ok := targets.QueueARN(e.DeadLetterQueue, e.Region); e.DeadLetterQueue != "" && !ok {
		return nil, fmt.Errorf("--events-dead-letter-queue: %q is neither the ARN nor the URL of a queue", e.DeadLetterQueue)
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
	secret, err := readSecret(e.SecretKeyFile)
	if err != nil {
		return nil, fmt.Errorf("--events-secret-key-file: %w", err)
	}
	c.Credentials = targets.Static(e.AccessKey, secret)
	return targets.New(c), nil
}

// missingFor is how long a target may be missing before its events become dead
// letters: tests and tear-downs make queues late.
const missingFor = 15 * time.Minute

func (w *waysOut) serviceChannel(service string) notify.Channel {
	services, settings := w.services, w.settings
	return notify.Channel{
		Name:  service,
		Close: services.Close,
		Route: func(p *meeting.Profile) (string, bool) { return services.Route(service, p) },
		Open: func(name string) outbox.Config {
			sender, e := services.Sender(name), settings.of(targets.Account(name))
			return outbox.Config{
				Kind: service, Send: sender.One, SendMany: sender.Many, Many: targets.Most,
				Waits: serviceWaits(), SlowWaits: slowWaits(), GiveUp: e.MaxAge, GiveUpNew: missingFor,
				Width: e.Workers, MaxEvents: e.BacklogCount, MaxBytes: e.BacklogMiB << 20,
			}
		},
	}
}

// newNotifier makes what tells the events; nil when nobody is to be told.
func (s *server) newNotifier() *notify.Notifier {
	if len(s.ways.channels) == 0 {
		return nil
	}
	return notify.New(notify.Config{
		Channels: s.ways.channels, Keep: s.cfg.Timers.Tombstone, Observe: s.metrics.watchEvents(s), Logger: s.log.With("part", "events"),
		Forward: s.ways.forward(),
	})
}

// ledgerAge is how old entries may become: as old as media pipelines, and longer if
// their events may still be told then.
func (s *server) ledgerAge() time.Duration {
	t := s.cfg.Timers
	age := control.PipelineKept + 2*t.MaxAge + t.Tombstone
	if s.notifier != nil {
		age = max(age, t.MaxAge+s.ways.settings.giveUp()+24*time.Hour)
	}
	return age
}

// giveUp is the longest time after which an event is given up.
func (e *eventSettings) giveUp() time.Duration {
	longest := e.common.GiveUp()
	for _, own := range e.accounts {
		longest = max(longest, own.GiveUp())
	}
	return longest
}

// needed is ledger.Config.Needed. There is an archiver when slots are adopted,
// and before that the ledger does not ask.
func (s *server) needed(id meeting.ID) bool {
	return s.notifier != nil && s.notifier.Needed(id) || s.archiver.Needed(id)
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
