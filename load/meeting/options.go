package meeting

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Options are the flags of `carillon load meeting`; the tags are for kong. Talkers,
// Listeners and Cameras are for each meeting.
type Options struct {
	Endpoint    string        `help:"Base URL of the server." default:"http://127.0.0.1:8480" placeholder:"URL"`
	AccessKey   string        `help:"Access key id to sign with." env:"AWS_ACCESS_KEY_ID" placeholder:"ID"`
	SecretKey   string        `help:"Secret key to sign with." env:"AWS_SECRET_ACCESS_KEY" placeholder:"SECRET"`
	Token       string        `help:"Session token to sign with." env:"AWS_SESSION_TOKEN" placeholder:"TOKEN"`
	Region      string        `help:"Control Region to sign for." default:"us-east-1"`
	Talkers     int           `help:"Attendees of each meeting who talk." default:"3"`
	Listeners   int           `help:"Attendees of each meeting who do not." default:"10"`
	Cameras     int           `help:"Attendees of each meeting, talkers first, who send video; everybody else watches." default:"0"`
	VideoKbps   int           `help:"Bit rate of each camera in kbit/s." default:"1500" name:"video-kbps"`
	Meetings    int           `help:"Meetings." default:"1"`
	SilentAudio bool          `help:"Listeners send packets of silence, as muted browsers do, and not nothing." name:"silent-audio"`
	Churn       float64       `help:"Attendees a second who leave or lose their connection, and join again." default:"0" placeholder:"RATE"`
	JoinsAtOnce int           `help:"Attendees who join at the same time at the beginning." default:"2" name:"joins-at-once"`
	Duration    time.Duration `help:"How long to measure." default:"20s"`
	Pid         int           `help:"Process id of the server, on this machine, to read its CPU time and memory." placeholder:"PID"`
	JSON        bool          `help:"Print one line of JSON." name:"json"`

	// settle is how long media flows before the measurement, rest how long all are
	// silent before that; 0 for what is usual. Tests shorten them.
	settle, rest time.Duration
}

// Limits of a meeting: what the API gives out, and what a viewer may subscribe to.
const (
	maxAttendees = 250
	maxCameras   = 25
)

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
	people := o.Talkers + o.Listeners
	add(o.Talkers >= 0 && o.Listeners >= 0, "%d talkers, %d listeners", o.Talkers, o.Listeners)
	add(people >= 1 && people <= maxAttendees, "%d attendees in a meeting; possible are 1 to %d", people, maxAttendees)
	add(o.Cameras >= 0 && o.Cameras <= min(people, maxCameras), "%d cameras; possible are 0 to %d", o.Cameras, min(people, maxCameras))
	add(o.Cameras == 0 || o.VideoKbps >= 50 && o.VideoKbps <= 20000, "%d kbit/s of video; possible are 50 to 20000", o.VideoKbps)
	add(o.Meetings >= 1, "%d meetings", o.Meetings)
	add(o.Churn >= 0, "churn %v", o.Churn)
	add(o.Duration > 0, "duration %v", o.Duration)
	if o.JoinsAtOnce <= 0 {
		o.JoinsAtOnce = 2
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.AccessKey == "" {
		o.AccessKey, o.SecretKey = "load", "load" // enough for a server that accepts anybody
	}
	if o.settle == 0 {
		o.settle = 3 * time.Second
	}
	if o.rest == 0 {
		o.rest = 2 * time.Second
	}
	return errors.Join(errs...)
}
