package meeting

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// maxMembers is how many attendees a meeting takes.
const maxMembers = 250

// Options are the flags of `carillon load meeting`; the tags are for kong.
type Options struct {
	Endpoint  string        `help:"Base URL of the server." default:"http://127.0.0.1:8480" env:"CARILLON_ENDPOINT,AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS,AWS_ENDPOINT_URL" placeholder:"URL"`
	AccessKey string        `help:"Access key id to sign with." env:"CARILLON_ACCESS_KEY,AWS_ACCESS_KEY_ID" placeholder:"ID"`
	SecretKey string        `help:"Secret key to sign with." env:"CARILLON_SECRET_KEY,AWS_SECRET_ACCESS_KEY" placeholder:"SECRET"`
	Token     string        `name:"session-token" help:"Session token to sign with." env:"CARILLON_SESSION_TOKEN,AWS_SESSION_TOKEN" placeholder:"TOKEN"`
	Region    string        `help:"Control Region to sign for." default:"us-east-1" env:"CARILLON_REGION,AWS_REGION,AWS_DEFAULT_REGION"`
	Talkers   int           `help:"Attendees of a meeting who talk." default:"0"`
	Listeners int           `help:"Attendees of a meeting who only listen, with the microphone muted." default:"0"`
	Cameras   int           `help:"Attendees of a meeting who only show a camera: 1.5 Mb/s, 30 pictures a second. All others watch." default:"0"`
	Meetings  int           `help:"Meetings." default:"1"`
	Churn     float64       `help:"Attendees a second, of all meetings, who leave or lose the connection and join again while measuring." placeholder:"RATE"`
	Duration  time.Duration `help:"How long to measure." default:"10s"`
	Settle    time.Duration `help:"How long to wait before, once everybody has joined." default:"3s"`
	Joining   int           `help:"Attendees who are joining at the same time." default:"2"`
	Quiet     bool          `help:"Who does not talk sends no sound at all. Browsers send silence, 50 packets a second, as attendees do without this."`
	Left      bool          `help:"Everybody leaves before the measurement: what empty meetings cost."`
	Pid       int           `help:"Process id of the server, on this machine, to read its CPU time and memory." placeholder:"PID"`
	JSON      bool          `help:"Print one line of JSON." name:"json"`
}

// members is how many attendees each meeting has.
func (o Options) members() int { return o.Talkers + o.Listeners + o.Cameras }

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
	if o.AccessKey == "" {
		o.AccessKey, o.SecretKey = "load", "load" // enough for a server that accepts anybody
	}
	o.Region = cmp.Or(o.Region, mediaRegion)
	add(o.Talkers >= 0 && o.Listeners >= 0 && o.Cameras >= 0, "%d talkers, %d listeners, %d cameras", o.Talkers, o.Listeners, o.Cameras)
	add(o.members() >= 1 && o.members() <= maxMembers, "%d attendees in a meeting; possible are 1 to %d", o.members(), maxMembers)
	add(o.Meetings > 0, "%d meetings", o.Meetings)
	add(o.Churn >= 0, "churn %v", o.Churn)
	add(!o.Left || o.Churn == 0, "churn in meetings that everybody has left")
	add(o.Duration > 0, "duration %v", o.Duration)
	add(o.Settle >= 0, "settle %v", o.Settle)
	add(o.Joining > 0, "%d joining", o.Joining)
	return errors.Join(errs...)
}
