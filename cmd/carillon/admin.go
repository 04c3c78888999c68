package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/carillon-meetings/carillon/internal/api"
	"github.com/carillon-meetings/carillon/internal/app"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// adminCommand is the application API for people at a terminal.
type adminCommand struct {
	List   adminListCommand    `cmd:"" help:"List the account's meetings."`
	Show   adminShowCommand    `cmd:"" help:"Show a meeting and who is connected, or one attendee, as JSON."`
	Mute   adminMuteCommand    `cmd:"" help:"Take an attendee's microphone away."`
	Unmute adminUnmuteCommand  `cmd:"" help:"Give it back."`
	Remove adminRemoveCommand  `cmd:"" help:"Remove an attendee; the join token dies."`
	Say    adminSayCommand     `cmd:"" help:"Send a data message to everybody in a meeting."`
	End    adminEndCommand     `cmd:"" help:"End a meeting."`
	Replay eventsReplayCommand `cmd:"" help:"Send events once more that were given up, as events replay does."`
	Audit  adminAuditCommand   `cmd:"" help:"Show who did what on the server, newest first; asked for with the operator secret."`
}

// adminTarget is the server that is asked, and whose key it is asked with.
type adminTarget struct {
	Endpoint     string `help:"Base URL of the server." default:"http://127.0.0.1:8480" env:"CARILLON_ENDPOINT,AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS,AWS_ENDPOINT_URL" placeholder:"URL"`
	AccessKey    string `help:"Access key id to sign with." env:"CARILLON_ACCESS_KEY,AWS_ACCESS_KEY_ID" placeholder:"ID"`
	SecretKey    string `help:"Secret key to sign with." env:"CARILLON_SECRET_KEY,AWS_SECRET_ACCESS_KEY" placeholder:"SECRET"`
	SessionToken string `help:"Session token to sign with." env:"CARILLON_SESSION_TOKEN,AWS_SESSION_TOKEN" placeholder:"TOKEN"`
	Region       string `help:"Control Region to sign for." default:"us-east-1" env:"CARILLON_REGION,AWS_REGION,AWS_DEFAULT_REGION"`
}

// adminAnswer bounds how long an answer may take.
const adminAnswer = 30 * time.Second

// server is the server's base URL: AWS_ENDPOINT_URL_… may have the path of a
// flavour behind it.
func (t *adminTarget) server() string {
	base, err := url.Parse(t.Endpoint)
	if err != nil {
		return t.Endpoint // a request says what is wrong with it
	}
	base.Path = strings.TrimRight(api.WithoutFlavour(base.Path), "/")
	return base.String()
}

// call makes a signed request and decodes the answer into out, which may be nil.
// A refusal is an error in the server's words.
func (t *adminTarget) call(ctx context.Context, method, path, region string, in, out any) error {
	if t.AccessKey == "" || t.SecretKey == "" {
		return errors.New("no access key is given: see --access-key, or eval \"$(carillon env)\"")
	}
	ctx, cancel := context.WithTimeout(ctx, adminAnswer)
	defer cancel()
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, t.server()+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("--endpoint: %w", err)
	}
	sum := sha256.Sum256(body)
	keys := aws.Credentials{AccessKeyID: t.AccessKey, SecretAccessKey: t.SecretKey, SessionToken: t.SessionToken}
	if err := v4.NewSigner().SignHTTP(ctx, keys, req, hex.EncodeToString(sum[:]), "chime", region, time.Now()); err != nil {
		return err
	}
	return exchange(req, out, func(r refusal) string { return r.Message })
}

// app asks the application API; the segments of the path are escaped.
func (t *adminTarget) app(ctx context.Context, method string, in, out any, segments ...string) error {
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
	}
	return t.call(ctx, method, app.Prefix+"meetings/"+strings.Join(segments, "/"), t.Region, in, out)
}

type adminListCommand struct {
	adminTarget `embed:""`
	Ended       bool   `help:"Those that have ended, instead of the active ones."`
	External    string `help:"Only those with this ExternalMeetingId." placeholder:"ID"`
	JSON        bool   `help:"Print JSON." name:"json"`
}

// Run prints a line for each meeting.
func (c *adminListCommand) Run(ctx context.Context) error { return c.print(ctx, os.Stdout) }

func (c *adminListCommand) print(ctx context.Context, w io.Writer) error {
	q := url.Values{"state": {"active"}, "maxResults": {"100"}}
	if c.Ended {
		q.Set("state", "ended")
	}
	if c.External != "" {
		q.Set("externalMeetingId", c.External)
	}
	all := []observe.Meeting{}
	for {
		var page app.MeetingList
		if err := c.call(ctx, http.MethodGet, app.Prefix+"meetings?"+q.Encode(), c.Region, nil, &page); err != nil {
			return err
		}
		if all = append(all, page.Meetings...); page.NextToken == "" {
			break
		}
		q.Set("nextToken", page.NextToken)
	}
	if c.JSON {
		return json.NewEncoder(w).Encode(all)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "MEETING\tEXTERNAL\tCREATED\tATTENDEES\tCONNECTED\tENDED\tWHY")
	for _, m := range all {
		ended := ""
		if !m.Ended.IsZero() {
			ended = m.Ended.Local().Format(time.DateTime)
		}
		fmt.Fprintf(t, "%s\t%q\t%s\t%d\t%d\t%s\t%s\n", m.ID, m.External, m.Created.Local().Format(time.DateTime), m.Attendees, m.Connected, ended, m.Reason)
	}
	return t.Flush()
}

type adminShowCommand struct {
	adminTarget `embed:""`
	Meeting     string `arg:"" help:"Id of the meeting."`
	Attendee    string `arg:"" optional:"" help:"Id of an attendee."`
}

// Run prints what is known, as JSON.
func (c *adminShowCommand) Run(ctx context.Context) error {
	path := []string{c.Meeting}
	if c.Attendee != "" {
		path = append(path, "attendees", c.Attendee)
	}
	var found json.RawMessage
	if err := c.app(ctx, http.MethodGet, nil, &found, path...); err != nil {
		return err
	}
	var text bytes.Buffer
	if err := json.Indent(&text, found, "", "  "); err != nil {
		return err
	}
	_, err := fmt.Println(text.String())
	return err
}

// adminAttendee is the attendee that a command is about.
type adminAttendee struct {
	adminTarget `embed:""`
	Meeting     string `arg:"" help:"Id of the meeting."`
	Attendee    string `arg:"" help:"Id of the attendee."`
}

type adminMuteCommand struct{ adminAttendee }

// Run mutes the attendee.
func (c *adminMuteCommand) Run(ctx context.Context) error {
	return c.app(ctx, http.MethodPost, nil, nil, c.Meeting, "attendees", c.Attendee, "mute")
}

type adminUnmuteCommand struct{ adminAttendee }

// Run lets the attendee speak again.
func (c *adminUnmuteCommand) Run(ctx context.Context) error {
	return c.app(ctx, http.MethodPost, nil, nil, c.Meeting, "attendees", c.Attendee, "unmute")
}

type adminRemoveCommand struct{ adminAttendee }

// Run removes the attendee.
func (c *adminRemoveCommand) Run(ctx context.Context) error {
	return c.app(ctx, http.MethodDelete, nil, nil, c.Meeting, "attendees", c.Attendee)
}

type adminSayCommand struct {
	adminTarget `embed:""`
	Meeting     string  `arg:"" help:"Id of the meeting."`
	Text        string  `arg:"" help:"What to say."`
	Topic       string  `help:"Topic that the application listens to." default:"chat" placeholder:"TOPIC"`
	To          *string `help:"Id of the only attendee who gets it." placeholder:"ID"`
}

// Run sends the message and says to how many it went.
func (c *adminSayCommand) Run(ctx context.Context) error {
	var d app.Delivery
	err := c.app(ctx, http.MethodPost, app.MessageInput{Topic: c.Topic, Text: &c.Text, AttendeeID: c.To}, &d, c.Meeting, "messages")
	if err == nil {
		fmt.Printf("sent to %d\n", d.Sent)
	}
	return err
}

type adminEndCommand struct {
	adminTarget `embed:""`
	Meeting     string `arg:"" help:"Id of the meeting."`
}

// Run ends the meeting through the API that it was created by, in its Region.
func (c *adminEndCommand) Run(ctx context.Context) error {
	var m app.MeetingDetail
	if err := c.app(ctx, http.MethodGet, nil, &m, c.Meeting); err != nil {
		return err
	}
	if !m.Ended.IsZero() {
		return errors.New("the meeting has ended already")
	}
	base := "/meetings-api"
	if m.Flavour == "legacy" {
		base = "/legacy"
	}
	return c.call(ctx, http.MethodDelete, base+"/meetings/"+m.ID.String(), m.Region, nil, nil)
}
