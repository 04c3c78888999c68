package testmode

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/api"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// What bounds faults.
const (
	maxFaults  = 1000
	maxDelay   = 2 * time.Minute
	maxMessage = 1024 // bytes
	maxCalls   = 1_000_000

	maxRetryAfter = time.Hour
)

// Fault is what happens to the next calls of an operation. In JSON times are
// written as in "1.5s".
type Fault struct {
	ID        int    `json:"id"`
	Operation string `json:"operation,omitempty"` // as in the API; empty: every one
	Flavour   string `json:"flavour,omitempty"`   // meetings, legacy or pipelines; empty: any
	Account   string `json:"account,omitempty"`   // whose calls, twelve digits; empty: everybody's
	Error     string `json:"error,omitempty"`     // name of the exception; empty with Status 0: none, only a delay
	Status    int    `json:"status,omitempty"`    // of HTTP; 0: the one that belongs to Error
	Message   string `json:"message,omitempty"`
	// RetryAfter is told to the caller; 0: what the API says with that error.
	RetryAfter Duration `json:"retryAfter,omitempty"`
	Delay      Duration `json:"delay,omitempty"`
	Calls      int      `json:"calls"` // how many are left; 0: all until it is cleared
	Hits       int      `json:"hits"`  // how many there were
}

// Duration is a time.Duration that JSON writes as in "1.5s".
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a time such as 10m or 1.5s", text)
	}
	*d = Duration(parsed)
	return nil
}

// Faults are what tests have asked to go wrong, in the order of asking.
type Faults struct {
	mu   sync.Mutex
	last int      // id of the newest
	list []*Fault // guarded by mu
}

// errorName is what can be sent as an exception's name.
var errorName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{0,127}$`)

// account is what names the owner of calls.
var account = regexp.MustCompile(`^[0-9]{12}$`)

// check returns what is wrong with a fault that somebody asks for.
func (f *Fault) check() error {
	if err := f.checkCalls(); err != nil {
		return err
	}
	injected := api.Injected{Name: f.Error, Status: f.Status}
	wanted := f.fails()
	switch {
	case !wanted && f.Delay == 0:
		return fmt.Errorf("neither an error, nor a status, nor a delay is given")
	case !wanted && f.Message != "":
		return fmt.Errorf("message: there is no error that would have it")
	case !wanted && f.RetryAfter != 0:
		return fmt.Errorf("retryAfter: there is no error that would have it")
	case f.Delay < 0 || f.Delay > Duration(maxDelay):
		return fmt.Errorf("delay: %v is not between 0 and %v", time.Duration(f.Delay), maxDelay)
	case f.RetryAfter < 0 || f.RetryAfter > Duration(maxRetryAfter):
		return fmt.Errorf("retryAfter: %v is not between 0 and %v", time.Duration(f.RetryAfter), maxRetryAfter)
	case f.Calls < 0 || f.Calls > maxCalls:
		return fmt.Errorf("calls: %d is not between 0 and %d", f.Calls, maxCalls)
	case f.Error != "" && !errorName.MatchString(f.Error):
		return fmt.Errorf("error: %q is not the name of an exception", f.Error)
	case f.Status != 0 && (f.Status < 400 || f.Status > 599):
		return fmt.Errorf("status: %d is not one of an error, 400 to 599", f.Status)
	case wanted && !injected.Known() && f.Error == "":
		return fmt.Errorf("status: no error of the API has %d; give its name, too", f.Status)
	case wanted && !injected.Known() && f.Status == 0:
		return fmt.Errorf("error: the API has no %q; give its status, too", f.Error)
	case len(f.Message) > maxMessage:
		return fmt.Errorf("message: longer than %d bytes", maxMessage)
	}
	return nil
}

// fails reports whether calls get an error, and are not just late.
func (f *Fault) fails() bool { return f.Error != "" || f.Status != 0 }

// checkCalls returns what is wrong with the calls that are meant: those that
// nobody can make would have the fault never happen, and no test be told.
func (f *Fault) checkCalls() error {
	flavours := []meeting.Flavour{meeting.Meetings, meeting.Legacy, meeting.Pipelines}
	of := slices.IndexFunc(flavours, func(known meeting.Flavour) bool { return known.String() == f.Flavour })
	switch {
	case f.Flavour != "" && of < 0:
		return fmt.Errorf("flavour: %q is neither meetings, legacy nor pipelines", f.Flavour)
	case f.Flavour != "":
		flavours = flavours[of : of+1]
	}
	if there := api.Operations(flavours...); f.Operation != "" && !slices.Contains(there, f.Operation) {
		return fmt.Errorf("operation: there is no %q; there are %s", f.Operation, strings.Join(there, ", "))
	}
	if f.Account != "" && !account.MatchString(f.Account) {
		return fmt.Errorf("account: %q is not twelve digits", f.Account)
	}
	return nil
}

// fits reports whether the fault happens to a call.
func (f *Fault) fits(operation string, by meeting.Owner) bool {
	return (f.Operation == "" || f.Operation == operation) && (f.Flavour == "" || f.Flavour == by.Flavour.String()) &&
		(f.Account == "" || f.Account == by.Account)
}

// Add has a fault happen from now on and returns it with its id.
func (f *Faults) Add(fault Fault) (Fault, error) {
	if err := fault.check(); err != nil {
		return Fault{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.list) >= maxFaults {
		return Fault{}, fmt.Errorf("there are %d faults already", maxFaults)
	}
	f.last++
	fault.ID, fault.Hits = f.last, 0
	f.list = append(f.list, &fault)
	return fault, nil
}

// List returns the faults that are still to happen, the oldest first.
func (f *Faults) List() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := make([]Fault, len(f.list))
	for i, fault := range f.list {
		list[i] = *fault
	}
	return list
}

// Clear takes a fault away. It returns false if there is none of that id.
func (f *Faults) Clear(id int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := len(f.list)
	f.list = slices.DeleteFunc(f.list, func(fault *Fault) bool { return fault.ID == id })
	return len(f.list) < before
}

// ClearAll takes all of them away.
func (f *Faults) ClearAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = nil
}

// Intercept is api.Config.Intercept: the oldest fault that fits a call happens
// to it.
func (f *Faults) Intercept(ctx context.Context, operation string, by meeting.Owner) error {
	fault, found := f.next(operation, by)
	if !found {
		return nil
	}
	if fault.Delay > 0 {
		timer := time.NewTimer(time.Duration(fault.Delay))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	if !fault.fails() {
		return nil
	}
	return &api.Injected{Name: fault.Error, Status: fault.Status, Message: fault.Message, RetryAfter: time.Duration(fault.RetryAfter)}
}

// next uses up one call of the oldest fault that fits.
func (f *Faults) next(operation string, by meeting.Owner) (fault Fault, found bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.list, func(fault *Fault) bool { return fault.fits(operation, by) })
	if i < 0 {
		return Fault{}, false
	}
	hit := f.list[i]
	hit.Hits++
	fault = *hit
	if hit.Calls == 1 {
		f.list = slices.Delete(f.list, i, i+1)
	} else if hit.Calls > 1 {
		hit.Calls--
	}
	return fault, true
}
