package api

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"
)

// Options are the flags of `carillon load api`; the tags are for kong.
type Options struct {
	Endpoint  string        `help:"Base URL of the server." default:"http://127.0.0.1:8480" env:"CARILLON_ENDPOINT,AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS,AWS_ENDPOINT_URL" placeholder:"URL"`
	AccessKey string        `help:"Access key id to sign with." env:"CARILLON_ACCESS_KEY,AWS_ACCESS_KEY_ID" placeholder:"ID"`
	SecretKey string        `help:"Secret key to sign with." env:"CARILLON_SECRET_KEY,AWS_SECRET_ACCESS_KEY" placeholder:"SECRET"`
	Token     string        `name:"session-token" aliases:"token" help:"Session token to sign with." env:"CARILLON_SESSION_TOKEN,AWS_SESSION_TOKEN" placeholder:"TOKEN"`
	Region    string        `help:"Control Region to sign for." default:"us-east-1" env:"CARILLON_REGION,AWS_REGION,AWS_DEFAULT_REGION"`
	Flavour   string        `help:"API flavour: meetings or legacy." enum:"meetings,legacy" default:"meetings"`
	Op        string        `help:"Operation: BatchCreateAttendee, CreateAttendee, CreateMeeting, GetMeeting, GetAttendee, ListAttendees or DeleteMeeting." default:"BatchCreateAttendee"`
	Clients   int           `help:"Clients calling at the same time." default:"8"`
	Duration  time.Duration `help:"How long to measure." default:"10s"`
	Attendees int           `help:"Attendees of one batch; for reads, attendees of each prepared meeting (at most 10)." default:"100"`
	Meetings  int           `help:"Meetings that exist before the measurement." default:"100"`
	Keep      bool          `help:"Keep the meetings this run creates."`
	Pid       int           `help:"Process id of the server, on this machine, to read its CPU time and memory." placeholder:"PID"`
	JSON      bool          `help:"Print one line of JSON." name:"json"`

	Baseline    bool   `help:"Measure a bare HTTP handler and the disk too."`
	BaselineDir string `help:"Directory on the server's disk for --baseline; default: the directory for temporary files." type:"path" placeholder:"DIR"`
	RecordBytes int    `help:"Bytes the server stores for one call, for --baseline; 0 for an estimate." default:"0"`

	// Bare makes Run be the bare handler of another run.
	Bare      bool `hidden:""`
	BareReply int  `hidden:"" help:"Bytes of its answer."`

	// Self is the command that runs this program with Bare; default: this
	// program with the arguments `load api --bare`.
	Self []string `kong:"-"`
}

// check fills in what is unset and returns all that is wrong.
func (o *Options) check() error {
	var errs []error
	add := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	u, err := url.Parse(o.Endpoint)
	add(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "", "endpoint %q is no http or https URL", o.Endpoint)
	o.Endpoint = strings.TrimSuffix(o.Endpoint, "/")
	if o.Flavour == "" {
		o.Flavour = "meetings"
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.AccessKey == "" {
		o.AccessKey, o.SecretKey = "load", "load" // enough for a server that accepts anybody
	}
	add(o.Flavour == "meetings" || o.Flavour == "legacy", "flavour %q is neither meetings nor legacy", o.Flavour)
	_, known := operations[o.Op]
	add(known, "operation %q is not one of %s", o.Op, strings.Join(operationNames(), ", "))
	add(o.Clients > 0, "%d clients", o.Clients)
	add(o.Duration > 0, "duration %v", o.Duration)
	add(o.Attendees >= 1 && o.Attendees <= maxBatch, "%d attendees in a batch; possible are 1 to %d", o.Attendees, maxBatch)
	add(o.Meetings > 0, "%d meetings", o.Meetings)
	if len(o.Self) == 0 {
		exe, err := os.Executable()
		add(err == nil, "this program cannot be found: %v", err)
		o.Self = []string{exe, "load", "api", "--bare"}
	}
	if o.BaselineDir == "" {
		o.BaselineDir = os.TempDir()
	}
	return errors.Join(errs...)
}
