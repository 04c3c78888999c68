package operators

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// hashesAtOnce bounds how many secrets are compared at the same time: each takes
// a core for a fraction of a second.
const hashesAtOnce = 2

// stampSize is the length of a Stamp in bytes.
const stampSize = 16

// Stamp stands for a name with its secret and role: it is another one after any
// of them has changed, and the same on all servers with the same file. It tells
// nothing of the secret to who does not have its hash.
type Stamp [stampSize]byte

// Standing is somebody who may use the console.
type Standing struct {
	Name  string
	Role  Role
	Stamp Stamp
}

// MayChange says whether the operator may change anything.
func (s Standing) MayChange() bool { return s.Role == Full }

// Roster is everybody who may sign in. Its methods may be called from any
// goroutine.
type Roster struct {
	secret [sha256.Size]byte // digest of the server's own secret
	own    Standing
	list   atomic.Pointer[List]
	turns  chan struct{} // one for each hash that is being compared
	nobody string        // a hash that no secret has, for names that nobody has
	tries  tries
}

// NewRoster returns the one with the operator secret, and those of the list,
// which may be nil. What a file names takes the place of the list by SetList. now
// tells the time; nil is time.Now.
func NewRoster(secret string, list *List, now func() time.Time) *Roster {
	if now == nil {
		now = time.Now
	}
	r := &Roster{
		tries:  newTries(now),
		secret: sha256.Sum256([]byte(secret)),
		own:    Standing{Name: Name, Role: Full, Stamp: stamp(Name, string(Full), secret)},
		turns:  make(chan struct{}, hashesAtOnce),
		// bcrypt of random bytes that nobody kept, with hashCost.
		nobody: "$2a$10$xcNBApof46ZJdYTtpgIDreWQtwOTxS.viCTbMw/x49.zP/aGTBej.",
	}
	r.SetList(list)
	return r
}

// SetList replaces those of the file; nil: there are none.
func (r *Roster) SetList(list *List) {
	if list == nil {
		list = &List{}
	}
	r.list.Store(list)
}

// Several says whether there are operators beside the one with the server's own
// secret.
func (r *Roster) Several() bool { return r.list.Load().Len() > 0 }

// Verify returns who has the name and the secret. An empty name is Name. It takes
// a fraction of a second, known name or not, waits for its turn, and gives up
// when ctx ends.
func (r *Roster) Verify(ctx context.Context, name, secret string) (Standing, bool) {
	name = cmp.Or(name, Name)
	if name == Name {
		given := sha256.Sum256([]byte(secret))
		return r.own, subtle.ConstantTimeCompare(given[:], r.secret[:]) == 1
	}
	select {
	case r.turns <- struct{}{}:
		defer func() { <-r.turns }()
	case <-ctx.Done():
		return Standing{}, false
	}
	e, known := r.list.Load().byName[name]
	hash := e.Hash
	if !known {
		hash = r.nobody
	}
	same := bcrypt.CompareHashAndPassword([]byte(hash), []byte(secret)) == nil
	if !same || !known || len(secret) > MaxSecret {
		return Standing{}, false
	}
	return e.standing(), true
}

// Given returns the name and the secret in a request's header, as programs send
// them: by basic authentication, or the secret alone as a bearer token.
func Given(r *http.Request) (name, secret string, given bool) {
	if name, secret, given = r.BasicAuth(); !given {
		secret, given = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	return name, secret, given
}

// Current returns the standing of a name now; false when nobody has it.
func (r *Roster) Current(name string) (Standing, bool) {
	if name == Name {
		return r.own, true
	}
	e, known := r.list.Load().byName[name]
	return e.standing(), known
}

// Holds says whether a standing is still what it was.
func (r *Roster) Holds(s Standing) bool {
	now, known := r.Current(s.Name)
	return known && now == s
}

func (e entry) standing() Standing {
	return Standing{Name: e.Name, Role: e.Role, Stamp: stamp(e.Name, string(e.Role), e.Hash)}
}

func stamp(name, role, secret string) (s Stamp) {
	h := sha256.New()
	for _, part := range []string{"operator", name, role, secret} {
		h.Write([]byte(part + "\x00"))
	}
	copy(s[:], h.Sum(nil))
	return s
}
