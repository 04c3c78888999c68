package main

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"os"

	"github.com/carillon-meetings/carillon/internal/api"
	"github.com/carillon-meetings/carillon/internal/api/sigv4"
	"github.com/carillon-meetings/carillon/internal/api/throttle"
	"github.com/carillon-meetings/carillon/internal/app"
	"github.com/carillon-meetings/carillon/internal/capture"
	"github.com/carillon-meetings/carillon/internal/config"
	"github.com/carillon-meetings/carillon/internal/console"
	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal"
)

func limits(cfg *config.Serve) meeting.Limits {
	l := cfg.Limits
	return meeting.Limits{
		Meetings: cfg.MeetingQuota(), Attendees: l.Attendees, HDAttendees: min(l.HDAttendees, l.Attendees),
		Replicas: l.Replicas, MeetingTags: l.MeetingTags, AttendeeTags: l.AttendeeTags,
	}
}

func (s *server) openSignal(context.Context) error {
	appKeys, err := s.cfg.Credentials.AppKeyOf()
	if err != nil {
		return err
	}
	cfg := signal.Config{
		Control:            s.control,
		Room:               signal.RoomsOf(s.media.node),
		TURN:               s.media.credentials(),
		MediaHost:          s.ports.mediaHost(s.cfg),
		Host:               s.hostName(),
		Origins:            s.cfg.Pages.Origins,
		AppKeys:            appKeys,
		VideoSubscriptions: s.cfg.Limits.VideoSubscriptions,
		MaxSockets:         s.files.sockets,
		ClientAddr:         s.proxies().Of,
		Timers:             signal.Timers{Dropped: s.cfg.Timers.Dropped},
		Tracer:             s.tracer,
		Logger:             s.log.With("part", "signal"),
	}
	s.test.onSignal(&cfg)
	s.signal, err = signal.New(cfg)
	return err
}

// openAPI builds the API door for those who have a key.
func (s *server) openAPI(context.Context) error {
	keys := s.keys
	if keys == nil {
		own, err := ownKeys(s.cfg, s.id)
		if err != nil {
			return err
		}
		keys = own
	}
	s.verifier = s.newVerifier(sigv4.Config{Keys: keys, AcceptAny: s.cfg.AnyCredentials(), Used: s.used.Used})
	s.api, s.app = s.newAPI(s.verifier), s.newApp()
	return nil
}

// newVerifier returns what checks signatures; who says whose requests pass.
func (s *server) newVerifier(who sigv4.Config) *sigv4.Verifier {
	c := s.cfg.API
	who.Window, who.AllowUnsignedPayload = c.ClockSkew, c.AllowUnsigned
	if who.Regions = api.DefaultControlRegions(); c.Region != "" {
		who.Regions = []string{c.Region}
	}
	return sigv4.New(who)
}

// appLists is where the application API finds meetings to list.
func (s *server) appLists() []app.Lister {
	if s.member != nil {
		return []app.Lister{s.kept, s.member.nodes}
	}
	return []app.Lister{s.kept, app.Here(s.control, s.signal)}
}

// newApp returns the application API's door.
func (s *server) newApp() *app.Server {
	cfg := app.Config{
		Verifier:   s.verifier,
		Lists:      s.appLists(),
		Directory:  s.control,
		Live:       s.signal,
		Ended:      s.kept,
		Control:    s.control,
		Post:       s.signal.Post,
		Throttle:   throttle.Config{Rate: s.cfg.API.ThrottleRate, Burst: s.cfg.API.ThrottleBurst},
		WithActor:  control.WithActor,
		ClientAddr: s.proxies().Of,
		Observe:    s.metrics.observeAppCall,
		Audit:      s.audit.Write,
		Now:        s.test.now(),
		Tracer:     s.tracer,
		Logger:     s.log.With("part", "app"),
	}
	if s.notifier != nil {
		cfg.Told = s.notifier.Told
	}
	return app.New(cfg)
}

// newAPI returns an API door for the requests that the verifier lets pass.
func (s *server) newAPI(verifier *sigv4.Verifier) *api.Server {
	c := s.cfg.API
	flavour := meeting.Meetings
	if c.DefaultFlavour == "legacy" {
		flavour = meeting.Legacy
	}
	lists, _ := s.lists()
	cfg := api.Config{
		Control:             lists,
		Verifier:            verifier,
		Placement:           placement(s.ports.public, s.ports.mediaHost(s.cfg), s.media.turn != nil, s.cfg.Pages.EventIngestion),
		Limits:              limits(s.cfg),
		MediaRegions:        c.MediaRegions,
		ControlRegion:       c.Region,
		DefaultFlavour:      flavour,
		Throttle:            throttle.Config{Rate: c.ThrottleRate, Burst: c.ThrottleBurst},
		DeleteUnknownIs404:  c.DeleteUnknownIs404,
		ValidationException: c.ValidationErrorName,
		ShapeNameInCode:     c.ShapeNameInCode,
		CORSOrigins:         c.CORSOrigins,
		PipelineReady:       s.capture.Ready,
		Transcribes:         s.cfg.Transcription.On(),
		ClientAddr:          s.proxies().Of,
		Observe:             s.metrics.observeCall,
		WithoutEffect:       s.metrics.observeWithoutEffect,
		Unreached:           s.ways.services.Unreached,
		Tracer:              s.tracer,
		Logger:              s.log.With("part", "api"),
	}
	if s.cfg.Audit.API {
		cfg.Audit = s.audit.Write
	}
	s.test.onAPI(&cfg)
	return api.New(cfg)
}

// openPages builds the meeting page with its demo backend and the operators'
// console, as far as they are switched on.
func (s *server) openPages(context.Context) (err error) {
	p := s.cfg.Pages
	cfg := console.Config{
		TLS:            s.ports.public.Scheme == "https",
		OperatorTLS:    s.consoleTLS(),
		ConnectSources: s.ports.connectSources(),
		ClientAddr:     s.proxies().Of,
		Dev:            s.cfg.AnyCredentials(),
		Now:            s.test.now(),
		Version:        thisBuild().String(),
		Logger:         s.log.With("part", "pages"),
	}
	if p.Console {
		cfg.Directory, cfg.Live = s.lists()
		cfg.Ended = s.kept
		cfg.Actions, cfg.WithActor = s.control, control.WithActor
		cfg.Seat = s.seat
		cfg.Health = s
		cfg.Recordings = capture.NewDesk(s.capture, s.control, s.cfg.Recording.Bucket)
		if s.notifier != nil {
			cfg.Deliveries = s.notifier
		}
		cfg.Operators, cfg.Audit, cfg.AuditLog = s.roster, s.audit.Write, s.readAudit
		cfg.Sheet = s.sheet
		if s.member != nil {
			cfg.SessionKey = s.derive("console sessions", s.operatorSecret())
			cfg.Nodes = s.nodes
		}
	}
	if s.cfg.ServesDemo() {
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

// operatorSecret is what operators sign in with.
func (s *server) operatorSecret() string {
	return cmp.Or(s.cfg.Pages.OperatorSecret, s.id.OperatorSecret)
}

func (s *server) openDoors() (*doors, error) {
	d := &doors{
		signal: s.noting(s.signal, "signal", slog.LevelInfo), operator: s.noting(newOperatorDoor(s), "operators", slog.LevelWarn), unavailable: s.api.Unavailable,
		ready: &s.ready, store: s.ledger.Space, waits: s.waitsFor,
	}
	d.moving = s.noting(http.HandlerFunc(moving), "cluster", slog.LevelWarn)
	var err error
	if d.signpost, err = s.newSignpost(); err != nil {
		return nil, err
	}
	d.api, d.app = &countedDoor{d, s.api}, &countedDoor{d, s.app}
	if s.console != nil {
		d.pages = s.console
	}
	if s.cfg.Pages.Metrics && s.cfg.Pages.MetricsListen == "" {
		d.metrics = s.metrics.handler()
	}
	return d, nil
}

// hostName is what operators see this node as.
func (s *server) hostName() string {
	if s.cfg.Cluster.Node != "" {
		return s.cfg.Cluster.Node
	}
	name, err := os.Hostname()
	if err != nil {
		return "this node"
	}
	return name
}
