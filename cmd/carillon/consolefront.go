package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/carillon-meetings/carillon/internal/api"
	"github.com/carillon-meetings/carillon/internal/console"
)

// The console may have an address of its own, to which a firewall lets only
// operators through. It is then not at the address of everybody else.

// consoleTLS says whether operators reach the console over https.
func (s *server) consoleTLS() bool {
	if s.cfg.Pages.ConsoleListen != "" {
		return s.cfg.TLS()
	}
	return s.ports.public.Scheme == "https"
}

// consoleURL is where the console is.
func (s *server) consoleURL() string {
	switch {
	case s.ports.console == nil:
		return s.ports.public.String() + "/operator/"
	case s.cfg.TLS():
		return "https://" + s.ports.console.Addr().String() + "/operator/"
	}
	return "http://" + s.ports.console.Addr().String() + "/operator/"
}

// openConsole opens the console's own address, if it has one. What is behind it
// comes with the doors.
func (s *server) openConsole(ctx context.Context) (err error) {
	if s.cfg.Pages.ConsoleListen == "" {
		return nil
	}
	conns := s.newConnections()
	if s.ports.console, err = listen(ctx, s.cfg.Pages.ConsoleListen, s.certificates.config(), conns); err != nil {
		return fmt.Errorf("console: %w", err)
	}
	s.consoleHTTP = s.newHTTPServer(&s.consoleFront, conns)
	s.background(func() error { return ignoreClosed(s.consoleHTTP.Serve(s.ports.console)) })
	return nil
}

// openFronts lets callers through to the doors, each at its address.
func (s *server) openFronts(doors http.Handler) {
	if s.ports.console == nil {
		s.front.open(doors)
		return
	}
	s.front.open(s.withoutConsole(doors))
	s.consoleFront.open(onlyConsole(doors))
}

// withoutConsole is the address of everybody else.
func (s *server) withoutConsole(doors http.Handler) http.Handler {
	elsewhere := s.noting(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		operatorFault(w, http.StatusNotFound, "The console of this server is at another address.")
	}), "operators", slog.LevelWarn)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		toConsole := r.URL.Path == "/" && !s.cfg.ServesDemo() // would lead there
		switch {
		case !console.ForOperators(r.URL.Path) && !(toConsole && forPeople(r)):
			doors.ServeHTTP(w, r)
		case forPeople(r):
			s.doors.signpost.ServeHTTP(w, r)
		default:
			elsewhere.ServeHTTP(w, r)
		}
	})
}

// onlyConsole is the console's own address: its pages, what they are made of, the
// API that the explorer calls, and whether the server is well.
func onlyConsole(doors http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		switch {
		case path == "/":
			http.Redirect(w, r, "/operator/", http.StatusFound)
		case console.ForOperators(path), console.Carries(path), api.NamesFlavour(path), path == pathHealth, path == pathReady:
			doors.ServeHTTP(w, r)
		default:
			http.NotFound(w, r)
		}
	})
}
