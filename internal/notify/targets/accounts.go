package targets

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify/outbox"
)

// Accounts are the services of all accounts. The nil *Accounts reaches nothing.
type Accounts struct {
	common *Services            // of accounts without some of their own; nil for none
	own    map[string]*Services // by account; nil ones reach nothing
}

// NewAccounts returns the services of accounts: own has those that have settings
// of their own, which may reach nothing, and common is for all others. Both may
// be nil.
func NewAccounts(common *Services, own map[string]*Services) *Accounts {
	return &Accounts{common, own}
}

// of returns the services of an account, which may be nil, and whether they are
// its own.
func (a *Accounts) of(account string) (s *Services, own bool) {
	if a == nil {
		return nil, false
	}
	if s, own = a.own[account]; !own {
		s = a.common
	}
	return s, own
}

// all returns every Services that there is.
func (a *Accounts) all() (list []*Services) {
	if a == nil {
		return nil
	}
	if a.common != nil {
		list = append(list, a.common)
	}
	for _, s := range a.own {
		if s != nil {
			list = append(list, s)
		}
	}
	return list
}

// Close closes connections that nothing is sent on.
func (a *Accounts) Close() {
	for _, s := range a.all() {
		s.Close()
	}
}

// Names returns the services that have an endpoint for any account, in a fixed
// order.
func (a *Accounts) Names() (names []string) {
	order := Services{cfg: Config{Endpoints: map[string]string{}}}
	for _, s := range a.all() {
		for _, name := range s.Names() {
			order.cfg.Endpoints[name] = cmp.Or(s.cfg.Endpoints[name], order.cfg.Endpoints[name])
		}
	}
	return order.Names()
}

// Route returns the name of the target of a service that gets the meeting's
// events: the service, the account if it has services of its own, and the ARN;
// for a bus without the latter.
func (a *Accounts) Route(service string, p *meeting.Profile) (name string, ok bool) {
	s, own := a.of(p.Owner.Account)
	if s == nil {
		return "", false
	}
	if name, ok = s.Route(service, p); own && ok {
		name = strings.TrimSpace(service + " " + p.Owner.Account + strings.TrimPrefix(name, service))
	}
	return name, ok
}

// Account returns whose services lead to a target of that name; "" for those
// that are common.
func Account(name string) string {
	parts := strings.Split(name, " ")
	if len(parts) > 1 && parts[1] != "" && strings.Trim(parts[1], digits) == "" {
		return parts[1]
	}
	return ""
}

// Sender returns what sends to the target of a name that Route has returned.
func (a *Accounts) Sender(name string) Sender {
	account := Account(name)
	s, _ := a.of(account)
	if s == nil {
		s = New(Config{}) // its settings are gone: nothing is sent
	}
	if account != "" {
		name = strings.Join(slices.Delete(strings.Split(name, " "), 1, 2), " ")
	}
	return s.Sender(name)
}

// Unreached returns the targets that a meeting of the account names and that
// nothing can be sent to.
func (a *Accounts) Unreached(o meeting.Owner, n meeting.Notifications) []string {
	s, _ := a.of(o.Account)
	return s.Unreached(n)
}

// DeadLetters is that of the account's services, or with an empty account of the
// common ones; nil services put nothing anywhere.
func (a *Accounts) DeadLetters(account, queueARN string) func(context.Context, outbox.Letter) error {
	s, _ := a.of(account)
	if s == nil {
		return func(context.Context, outbox.Letter) error { return nil }
	}
	return s.DeadLetters(queueARN)
}
