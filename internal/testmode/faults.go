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
)

// Fault is what happens to the next calls of an operation. In JSON times are
// written as in "1.5s".
type Fault struct {
	ID        int      `json:"id"`
	Operation string   `json:"operation,omitempty"` // as in the API; empty: every one
	Flavour   string   `json:"flavour,omitempty"`   // meetings or legacy; empty: both
	Error     string   `json:"error,omitempty"`     // name of the exception; empty with Status 0: none, only a delay
	Status    int      `json:"status,omitempty"`    // of HTTP; 0: the one that belongs to Error
	Message   string   `json:"message,omitempty"`
	Delay     Duration `json:"delay,omitempty"`
	Calls     int      `json:"calls"` // how many are left; 0: all until it is cleared
	Hits      int      `json:"hits"`  // how many there were
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

// check returns what is wrong with a fault that somebody asks for.
func (f *Fault) check() error {
	operations := api.Actions()
	injected := api.Injected{Name: f.Error, Status: f.Status}
	wanted := f.Error != "" || f.Status != 0
	switch {
	case f.Operation != "" && !slices.Contains(operations, "chime:"+f.Operation):
		return fmt.Errorf("operation: there is no %q; there are %s", f.Operation, strings.ReplaceAll(strings.Join(operations, ", "), "chime:", ""))
	case f.Flavour != "" && f.Flavour != meeting.Meetings.String() && f.Flavour != meeting.Legacy.String():
		return fmt.Errorf("flavour: %q is neither meetings nor legacy", f.Flavour)
	case !wanted && f.Delay == 0:
		return fmt.Errorf("neither an error, nor a status, nor a delay is given")
	case f.Delay < 0 || f.Delay > Duration(maxDelay):
		return fmt.Errorf("delay: %v is not between 0 and %v", time.Duration(f.Delay), maxDelay)
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
func (f *Faults) Intercept(ctx context.Context, operation string, flavour meeting.Flavour) error {
	fault, found := f.next(operation, flavour.String())
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
	if fault.Error == "" && fault.Status == 0 {
		return nil
	}
	return &api.Injected{Name: fault.Error, Status: fault.Status, Message: fault.Message}
}

// next uses up one call of the oldest fault that fits.
func (f *Faults) next(operation, flavour string) (fault Fault, found bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.list, func(fault *Fault) bool {
		return (fault.Operation == "" || fault.Operation == operation) && (fault.Flavour == "" || fault.Flavour == flavour)
	})
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
