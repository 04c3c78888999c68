package operators

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/allowance"
	"github.com/carillon-meetings/carillon/internal/clientaddr"
)

// An address may try TriesBurst times at once and once more after each
// TriesEvery: guessing a generated secret takes longer than the sun has. One name
// can be tried NameBurst times and once more after each NameEvery from all
// addresses together that nobody of that name has been admitted from.
const (
	TriesBurst = 5
	TriesEvery = 12 * time.Second
	NameBurst  = 10
	NameEvery  = 12 * time.Second
)

// ErrWrong says that nobody has the name and the secret.
var ErrWrong = errors.New("operators: wrong name or secret")

// TooMany says that somebody has to wait before the next try.
type TooMany struct {
	Wait   time.Duration
	OfName bool // it is the name that was tried too often, and not the address
}

// Error says how long.
func (t *TooMany) Error() string { return fmt.Sprintf("operators: %s, wait %v", t.Words(), t.Wait) }

// Words says of what there were too many, for the log.
func (t *TooMany) Words() string {
	if t.OfName {
		return "too many tries of one name"
	}
	return "too many tries"
}

// tries slows down who guesses, at all doors together.
type tries struct {
	addresses *allowance.PerAddress
	names     *allowance.Per[string]
	familiar  familiar
}

func newTries(now func() time.Time) tries {
	return tries{
		addresses: allowance.NewPerAddress(allowance.Rate{Burst: TriesBurst, Every: TriesEvery}, now),
		names:     allowance.New[string](allowance.Rate{Burst: NameBurst, Every: NameEvery}, now),
	}
}

// Admit is Verify for a caller at an address, who may be guessing: the error is
// ErrWrong, or a *TooMany before anything is compared. Who has the secret gets
// all tries back.
func (r *Roster) Admit(ctx context.Context, from netip.Addr, name, secret string) (Standing, error) {
	name = cmp.Or(name, Name)
	if wait, ok := r.tries.addresses.Take(from); !ok {
		return Standing{}, &TooMany{Wait: wait}
	}
	if !r.tries.familiar.has(name, from) {
		if wait, ok := r.tries.names.Take(name); !ok {
			return Standing{}, &TooMany{Wait: wait, OfName: true}
		}
	}
	who, ok := r.Verify(ctx, name, secret)
	if !ok {
		return Standing{}, ErrWrong
	}
	r.tries.addresses.Forgive(from)
	r.tries.familiar.add(name, from)
	return who, nil
}

// maxFamiliar bounds how many pairs are remembered. Beyond them all are
// forgotten, which costs nobody more than a wait.
const maxFamiliar = 10_000

// familiar remembers from which addresses somebody was admitted, so that
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
