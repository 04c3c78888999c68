package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/carillon-meetings/carillon/internal/api"
	"github.com/carillon-meetings/carillon/internal/api/sigv4"
	"github.com/carillon-meetings/carillon/internal/config"
	"github.com/carillon-meetings/carillon/internal/console"
	"github.com/carillon-meetings/carillon/internal/console/demo"
	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal"
)

func limits(cfg *config.Serve) meeting.Limits {
	l := cfg.Limits
	return meeting.Limits{
		Meetings: l.Meetings, Attendees: l.Attendees, HDAttendees: l.HDAttendees,
		Replicas: l.Replicas, MeetingTags: l.MeetingTags, AttendeeTags: l.AttendeeTags,
	}
}

func (s *server) openSignal(context.Context) (err error) {
	s.signal, err = signal.New(signal.Config{
		Control:            s.control,
		Media:              signal.OnNode(s.media.node),
		TURN:               s.media.credentials(),
		Host:               hostName(),
		Origins:            s.cfg.Pages.Origins,
		VideoSubscriptions: s.cfg.Limits.VideoSubscriptions,
		MaxSockets:         s.cfg.Limits.SignalingSockets,
		Timers:             signal.Timers{Dropped: s.cfg.Timers.Dropped},
		Logger:             s.log.With("part", "signal"),
	})
	return err
}

// keys returns who may call the API, and the pair that the demo backend signs
// with; the pair is empty when there is none it may use.
func (s *server) keys() (keys *sigv4.Keys, access, secret string, err error) {
	c := s.cfg.Credentials
	access, secret = c.AccessKey, c.SecretKey
	if c.KeyFile != "" {
		keys, err = sigv4.LoadKeys(c.KeyFile, api.Actions())
		return keys, access, secret, err
	}
	if access == "" {
		access, secret = s.id.AccessKey, s.id.SecretKey
	}
	keys, err = sigv4.Single(access, secret, c.Account)
	return keys, access, secret, err
}

func (s *server) openAPI(context.Context) error {
	keys, _, _, err := s.keys()
	if err != nil {
		return fmt.Errorf("access keys: %w", err)
	}
	c := s.cfg.API
	verifier := sigv4.Config{
		Keys: keys, Window: c.ClockSkew, AllowUnsignedPayload: c.AllowUnsigned, AcceptAny: s.cfg.Credentials.Dev,
	}
	verifier.Regions = api.DefaultControlRegions()
	if c.Region != "" {
		verifier.Regions = []string{c.Region}
	}
	flavour := meeting.Meetings
	if c.DefaultFlavour == "legacy" {
		flavour = meeting.Legacy
	}
	s.api = api.New(api.Config{
		Control:             s.control,
		Verifier:            sigv4.New(verifier),
		Placement:           placement(s.ports.public, s.ports.mediaHost(s.cfg), s.media.turn != nil, s.cfg.Pages.EventIngestion),
		Limits:              limits(s.cfg),
		MediaRegions:        c.MediaRegions,
		ControlRegion:       c.Region,
		DefaultFlavour:      flavour,
		Throttle:            api.Throttle{Rate: c.ThrottleRate, Burst: c.ThrottleBurst},
		DeleteUnknownIs404:  c.DeleteUnknownIs404,
		ValidationException: c.ValidationErrorName,
		ShapeNameInCode:     c.ShapeNameInCode,
		CORSOrigins:         c.CORSOrigins,
		BodyTimeout:         c.BodyTimeout,
		Logger:              s.log.With("part", "api"),
		Observe:             s.metrics.observeCall,
	})
	return nil
}

// openPages builds the meeting page with its demo backend and the operators'
// console, as far as they are switched on.
func (s *server) openPages(context.Context) (err error) {
	p := s.cfg.Pages
	cfg := console.Config{
		TLS:            s.ports.public.Scheme == "https",
		ConnectSources: s.ports.connectSources(),
		Dev:            s.cfg.Credentials.Dev,
		Version:        thisBuild().String(),
		Logger:         s.log.With("part", "pages"),
	}
	if p.Console {
		cfg.Directory, cfg.Live = s.control, s.signal
		cfg.Actions, cfg.WithActor = s.control, control.WithActor
		cfg.OperatorSecret = p.OperatorSecret
		if cfg.OperatorSecret == "" {
			cfg.OperatorSecret = s.id.OperatorSecret
		}
	}
	if p.Demo {
		if cfg.Demo, err = s.openDemo(); err != nil {
			return err
		}
	}
	if !p.Console && cfg.Demo == nil {
		return nil
	}
	s.console, err = console.New(cfg)
	return err
}

// openDemo builds the backend of the meeting page; nil when there is no key it
// could sign with.
func (s *server) openDemo() (http.Handler, error) {
	_, access, secret, err := s.keys()
	if err != nil || access == "" {
		s.log.Info("the meeting page is off: with a key file it needs --access-key and --secret-key of one of its keys")
		return nil, err
	}
	s.demo = newInnerDoor(s.api)
	region := s.cfg.API.Region
	backend, err := demo.New(demo.Config{
		Endpoint: "http://" + innerHost, Region: region, AccessKey: access, SecretKey: secret,
		HTTPClient: s.demo.client(), Logger: s.log.With("part", "demo"),
	})
	if err != nil {
		return nil, errors.Join(err, s.demo.Close())
	}
	return backend, nil
}

func (s *server) openDoors() *doors {
	d := &doors{signal: s.signal, ready: &s.ready, store: s.ledger.Space}
	d.api = d.counted(s.api)
	if s.console != nil {
		d.pages = s.console
	}
	if s.cfg.Pages.Metrics {
		d.metrics = s.metrics.handler()
	}
	return d
}

// hostName is what operators see this node as.
func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return "this node"
	}
	return name
}
