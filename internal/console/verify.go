package console

import (
	"cmp"
	"context"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/audit"
	"github.com/carillon-meetings/carillon/internal/clientaddr"
	"github.com/carillon-meetings/carillon/internal/operators"
)

// An address may try to sign in signInBurst times at once and once more after
// each signInEvery: guessing a generated secret takes longer than the sun has.
// One name can be tried nameBurst times and once more after each nameEvery from
// all addresses together that nobody of that name has signed in from.
const (
	signInBurst = 5
	signInEvery = 12 * time.Second
	nameBurst   = 10
	nameEvery   = 12 * time.Second
)

// verify finds out who has the name and the secret, or answers with the refusal.
// The address's try was taken before.
func (c *Console) verify(w http.ResponseWriter, r *http.Request, via, name, secret string) (who operators.Standing, ok bool) {
	name = cmp.Or(name, operators.Name)
	addr := c.cfg.ClientAddr(r)
	if !c.familiar.has(name, addr) {
		if wait, ok := c.names.take(name); !ok {
			c.cfg.Logger.Warn("operator sign-in refused: too many tries of one name", "from", addr, "operator", c.known(name))
			tooMany(w, wait, "Too many tries")
			return who, false
		}
	}
	if who, ok = c.cfg.Operators.Verify(r.Context(), name, secret); ok {
		c.tries.forgive(addr)
		c.familiar.add(name, addr)
		return who, true
	}
	sentence := "That is not the operator secret."
	if name != operators.Name {
		sentence = "There is no operator with this name and this secret."
	}
	c.cfg.Logger.Warn("operator sign-in refused: wrong secret", "from", addr, "via", via, "operator", c.known(name))
	c.cfg.Audit(audit.Entry{Via: via, Who: "operator:" + c.known(name), From: addr.String(), Action: "sign in", Outcome: audit.Refused, Reason: sentence})
	writeFault(w, http.StatusUnauthorized, sentence)
	return who, false
}

// known is a name that can be written down: what nobody is called may be a secret
// that was typed into the wrong field.
func (c *Console) known(name string) string {
	if _, there := c.cfg.Operators.Current(name); !there {
		return "(unknown)"
	}
	return name
}

// bySecret lets requests through to h that carry a secret in their header, as
// programs do: the operator secret as a bearer token, or a name and its secret by
// basic authentication. Tries are limited as those of signing in are; a request
// without either, which another site's page could have sent, is none.
func (c *Console) bySecret(h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, secret, given := operators.Given(r)
		if !given {
			writeFault(w, http.StatusUnauthorized, "The operator secret is missing.")
			return
		}
		if wait, ok := c.tries.take(c.cfg.ClientAddr(r)); !ok {
			tooMany(w, wait, "Too many tries")
			return
		}
		if who, ok := c.verify(w, r, audit.Command, name, secret); ok {
			h(w, r.WithContext(context.WithValue(r.Context(), whoKey{}, who)))
		}
	})
}

// maxFamiliar bounds how many pairs are remembered. Beyond them all are
// forgotten, which costs nobody more than a wait.
const maxFamiliar = 10_000

// familiar remembers from which addresses somebody has signed in, so that
// strangers who guess cannot keep that person out.
type familiar struct {
	mu    sync.Mutex
	pairs map[pair]bool // guarded by mu
}

type pair struct {
	name string
	from netip.Prefix
}

func (f *familiar) has(name string, addr netip.Addr) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pairs[pair{name, clientaddr.Network(addr)}]
}

func (f *familiar) add(name string, addr netip.Addr) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pairs == nil || len(f.pairs) >= maxFamiliar {
		f.pairs = make(map[pair]bool)
	}
	f.pairs[pair{name, clientaddr.Network(addr)}] = true
}
