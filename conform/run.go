package conform

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Credentials are one key pair, with a session token if it has one.
type Credentials struct {
	AccessKey    string `json:"accessKey"`
	SecretKey    string `json:"secretKey"`
	SessionToken string `json:"sessionToken,omitempty"`
}

// Role names what a further key pair of the Accounts profile is good for.
type Role string

// The roles. All keys but Other's and Disabled's belong to the account of
// Options.Credentials.
const (
	Other    Role = "other"    // a key of another account
	Disabled Role = "disabled" // a key of an account that is disabled for the service
	Denied   Role = "denied"   // may call everything but BatchCreateAttendee
	Reader   Role = "reader"   // may call GetMeeting, GetAttendee and ListAttendees, nothing else
	Session  Role = "session"  // temporary credentials with a session token that is valid
	Expired  Role = "expired"  // temporary credentials whose session token has expired
)

// Options says what to run, and against what.
type Options struct {
	// Endpoint is the base URL of the server, such as http://127.0.0.1:8080.
	Endpoint string
	// LegacyEndpoint is the base URL of the legacy flavour; empty means
	// Endpoint + "/legacy".
	LegacyEndpoint string
	// Region is the control Region requests are signed for; empty means
	// us-east-1.
	Region string
	// Account is the twelve-digit account id behind Credentials, when known:
	// it lets the cases check the account in a MeetingArn.
	Account string
	// Credentials sign the requests.
	Credentials Credentials
	// Keys are the further key pairs of the Accounts profile.
	Keys map[Role]Credentials
	// Flavours restricts the flavours; empty means both.
	Flavours Flavours
	// Profiles are the settings the target offers; empty means Standard and
	// OneDoor, which every Carillon offers.
	Profiles []Profile
	// ActiveMeetings is the quota of the Quota profile.
	ActiveMeetings int
	// Run selects cases whose "Name/flavour" matches this regular expression;
	// empty selects all.
	Run string
	// Parallel is how many cases run at once; 0 means 8.
	Parallel int
	// PerSecond paces the requests of the whole run, for targets with request
	// rate limits; 0 means as fast as they go.
	PerSecond float64
	// Timeout bounds one case; 0 means one minute.
	Timeout time.Duration
	// Dial, if set, opens every connection, of which there is then one for each
	// request: so a caller can spread them over several servers.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Progress, if set, is told of each outcome as it is known, from one
	// goroutine at a time.
	Progress func(Outcome)
}

// Outcome tells what became of one case in one flavour.
type Outcome struct {
	Case      string   `json:"case"`
	Flavour   Flavour  `json:"flavour"`
	Profile   Profile  `json:"profile"`
	Says      string   `json:"says"`
	Decisions []string `json:"decisions,omitempty"` // the D-nn it rests on
	Held      bool     `json:"held"`
	Why       []string `json:"why,omitempty"` // what was seen instead
	Millis    int64    `json:"ms"`
}

// Report is the result of a run.
type Report struct {
	Endpoint string    `json:"endpoint"`
	Outcomes []Outcome `json:"outcomes"` // ordered by case name, then flavour
	Held     int       `json:"held"`
	Failed   int       `json:"failed"`
	// NotSelected counts, per profile the target does not offer, the
	// behaviours (case and flavour) that were therefore not tried.
	NotSelected map[Profile]int `json:"notSelected,omitempty"`
	Millis      int64           `json:"ms"`
}

// Run runs those of the cases that the options select and reports what held.
// It returns an error only when the options are unusable or ctx ended; a
// behaviour that does not hold is part of the report.
func Run(ctx context.Context, cases []Case, opts Options) (Report, error) {
	target, err := Aim(opts)
	if err != nil {
		return Report{}, err
	}
	defer target.Close()
	selected, notSelected, err := choose(cases, target.opts)
	if err != nil {
		return Report{}, err
	}
	began := time.Now()
	report := Report{Endpoint: opts.Endpoint, NotSelected: notSelected}
	report.Outcomes = target.runAll(ctx, selected)
	for _, o := range report.Outcomes {
		if o.Held {
			report.Held++
		} else {
			report.Failed++
		}
	}
	report.Millis = time.Since(began).Milliseconds()
	return report, ctx.Err()
}

// chosen is a case in one flavour.
type chosen struct {
	Case
	flavour Flavour
}

// choose returns the behaviours of the cases that the options select, those which must run
// alone last, and how many each missing profile kept out.
func choose(cases []Case, opts Options) ([]chosen, map[Profile]int, error) {
	pattern, err := regexp.Compile(opts.Run)
	if err != nil {
		return nil, nil, fmt.Errorf("conform: pattern of cases to run: %w", err)
	}
	var selected []chosen
	missing := map[Profile]int{}
	for _, c := range cases {
		for _, f := range c.In {
			switch {
			case !slices.Contains(opts.Flavours, f) || !pattern.MatchString(c.Name+"/"+string(f)):
			case !slices.Contains(opts.Profiles, c.Needs()):
				missing[c.Needs()]++
			default:
				selected = append(selected, chosen{c, f})
			}
		}
	}
	slices.SortStableFunc(selected, func(a, b chosen) int {
		switch {
		case a.Alone == b.Alone:
			return 0
		case b.Alone:
			return -1
		}
		return 1
	})
	return selected, missing, nil
}

// Target is a server under test with what all cases share: the pool of
// connections and the pace. Run makes its own; a caller that wants to run
// cases one by one makes one by Aim. It is safe for concurrent use.
type Target struct {
	opts      Options
	transport *http.Transport
	pace      *rate.Limiter
}

// Aim returns the target of the options, whose Run, Profiles, Parallel and
// Progress then have no effect. It does not connect. The caller closes it.
func Aim(opts Options) (*Target, error) {
	u, err := url.Parse(opts.Endpoint)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("conform: endpoint %q is not an http or https URL", opts.Endpoint)
	}
	if opts.Credentials.AccessKey == "" || opts.Credentials.SecretKey == "" {
		return nil, errors.New("conform: an access key and a secret key are needed")
	}
	opts.Endpoint = strings.TrimSuffix(opts.Endpoint, "/")
	if opts.LegacyEndpoint == "" {
		opts.LegacyEndpoint = opts.Endpoint + "/legacy"
	}
	if opts.Region == "" {
		opts.Region = "us-east-1"
	}
	if len(opts.Flavours) == 0 {
		opts.Flavours = Flavours{Meetings, Legacy}
	}
	if len(opts.Profiles) == 0 {
		opts.Profiles = []Profile{Standard, OneDoor}
	}
	if opts.Parallel <= 0 {
		opts.Parallel = 8
	}
	if opts.Timeout <= 0 {
		opts.Timeout = time.Minute
	}
	pace := rate.NewLimiter(rate.Inf, 1)
	if opts.PerSecond > 0 {
		pace = rate.NewLimiter(rate.Limit(opts.PerSecond), 1)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 128, Proxy: http.ProxyFromEnvironment}
	if opts.Dial != nil {
		transport = &http.Transport{MaxIdleConnsPerHost: -1, DialContext: opts.Dial} // nothing in a request says so
	} else {
		opts.Dial = new(net.Dialer).DialContext
	}
	return &Target{opts: opts, transport: transport, pace: pace}, nil
}

// Close gives back the connections.
func (g *Target) Close() { g.transport.CloseIdleConnections() }

// runAll runs the chosen cases, Parallel at a time, then those that must run
// alone one by one, and returns the outcomes in order of name.
func (g *Target) runAll(ctx context.Context, list []chosen) []Outcome {
	outcomes := make([]Outcome, len(list))
	var mu sync.Mutex
	note := func(i int, o Outcome) {
		mu.Lock()
		defer mu.Unlock()
		outcomes[i] = o
		if g.opts.Progress != nil {
			g.opts.Progress(o)
		}
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, g.opts.Parallel)
	for i, c := range list {
		if c.Alone {
			wg.Wait()
			note(i, g.Try(ctx, c.Case, c.flavour))
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			note(i, g.Try(ctx, c.Case, c.flavour))
		})
	}
	wg.Wait()
	slices.SortFunc(outcomes, func(a, b Outcome) int {
		return strings.Compare(a.Case+"/"+string(a.Flavour), b.Case+"/"+string(b.Flavour))
	})
	return outcomes
}

// Try runs one case in one flavour, in a goroutine of its own, so that a fatal
// finding can end it, and cleans up after it.
func (g *Target) Try(ctx context.Context, c Case, f Flavour) Outcome {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, g.opts.Timeout)
	defer cancel()
	t := newT(ctx, g, f)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				stack := make([]byte, 4096)
				t.Errorf("the case panicked: %v\n%s", p, stack[:runtime.Stack(stack, false)])
			}
		}()
		c.Body(t)
	}()
	<-done
	t.cleanUp()
	return Outcome{
		Case: c.Name, Flavour: f, Profile: c.Needs(), Says: c.Says, Decisions: c.Decisions(),
		Held: len(t.why) == 0, Why: t.why, Millis: time.Since(began).Milliseconds(),
	}
}
