package outbox

import (
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"
)

// Class says what a failed attempt means for the next.
type Class uint8

// The classes.
const (
	Passing       Class = iota // tried again soon: a fault of the network, a busy service
	Configuration              // tried again slowly: operators mend keys and policies
	Missing                    // tried again slowly, for a while: the target may be made late
	Permanent                  // this event will never be taken
	Off                        // the endpoint wants no more events until an operator says so
)

// Refusal is a failed attempt. Any other error is of the class Passing.
type Refusal struct {
	Class Class
	Code  string        // what the destination calls it; no secrets
	After time.Duration // it asked not to be tried before; 0 for nothing asked
}

// Error returns the code.
func (r *Refusal) Error() string { return r.Code }

// refusalOf makes a Refusal of any error.
func refusalOf(err error) *Refusal {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r
	}
	return &Refusal{Class: Passing, Code: fmt.Sprint(err)}
}

// Unanswered says in a few words why no answer came, without the addresses that
// errors of the network have in them: whoever owns a meeting may read it, and
// they are nobody's business.
func Unanswered(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.Err
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "the certificate is another server's"
	}
	if timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err); ok && timeout.Timeout() {
		return "no answer in time"
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err.Error()
}

// longestAsked bounds what a destination may ask for with Retry-After.
const longestAsked = time.Hour

// wait returns how long to wait after so many failures: between half and all of
// the schedule's step, the last of which repeats, and not less than was asked.
func wait(steps []time.Duration, failures int, asked time.Duration) time.Duration {
	step := steps[min(max(failures, 1), len(steps))-1]
	return max(step/2+rand.N(step/2+1), min(asked, longestAsked))
}
