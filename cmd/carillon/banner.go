package main

import (
	"fmt"
	"io"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/carillon-meetings/carillon/internal/identity"
	"github.com/carillon-meetings/carillon/internal/testmode"
)

// processStart is taken as early as the runtime allows.
var processStart = time.Now()

// printBanner says where everything is and, while the server runs on its own
// development keys, what to paste to use it.
func printBanner(w io.Writer, s *server) {
	base := s.ports.public.String()
	fmt.Fprintf(w, "carillon %s ready in %d ms: API %s\n", thisBuild(), time.Since(processStart).Milliseconds(), base)
	line := func(what, where string) { fmt.Fprintf(w, "  %-13s %s\n", what, where) }
	if s.demo != nil {
		line("meeting page", base+"/")
	}
	if s.cfg.Pages.Console {
		line("console", s.consoleURL())
	}
	line("media", s.ports.mediaHost(s.cfg)+"/udp")
	if s.cfg.Pages.Metrics {
		line("metrics", s.metricsURL())
	}
	line("data", absolute(s.cfg.Data))
	printWarnings(w, s)
	if s.cfg.Test.Mode || s.cfg.Credentials.AccessKey != "" || s.cfg.Credentials.KeyFile != "" {
		return
	}
	if !s.id.FirstStart {
		fmt.Fprintf(w, "access key %s, its secret is in %s; `carillon env` prints both for AWS tools\n",
			s.id.AccessKey, filepath.Join(absolute(s.cfg.Data), identity.AccessKeyFile))
		return
	}
	fmt.Fprint(w, "\nFirst start: this key pair was made for you. Paste these lines to point AWS tools here:\n\n")
	printExports(w, s.cfg, s.ports.public, s.id.AccessKey, s.id.SecretKey)
	fmt.Fprintln(w)
	if s.cfg.Pages.Console && s.cfg.Pages.OperatorSecret == "" {
		fmt.Fprintf(w, "Operator secret for %s: %s\n\n", s.consoleURL(), s.id.OperatorSecret)
	}
}

// printWarnings says what will surprise whoever goes on from here.
func printWarnings(w io.Writer, s *server) {
	if s.console != nil && !s.console.PagesBuilt() {
		fmt.Fprintln(w, "This binary has no pages, as after `go install`; docs/install.md says how to get them. The API works as usual.")
	}
	if s.cfg.Test.Mode {
		fmt.Fprintf(w, "TEST MODE: any credentials are accepted, and %s%s moves the clock, has calls fail and tells events\n", s.ports.public, testmode.Prefix)
	} else if s.cfg.Credentials.Dev {
		fmt.Fprintln(w, "DEVELOPMENT MODE: any credentials are accepted")
	}
	if s.cfg.TLSSelfSigned {
		fmt.Fprintf(w, "The certificate is self-signed: browsers warn once; other programs can be told to trust %s\n",
			filepath.Join(absolute(s.cfg.Data), identity.SelfSignedFile))
	}
	if host := s.ports.public.Hostname(); s.ports.public.Scheme == "http" && !isLocal(host) {
		fmt.Fprintf(w, "Browsers give no camera or microphone to pages from http://%s: use --tls-cert, a proxy with TLS in front, or --tls-self-signed to try\n", host)
	}
}

// isLocal says whether browsers take pages from a host for this machine's own.
func isLocal(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// metricsURL is where the metrics are.
func (s *server) metricsURL() string {
	if s.ports.metrics != nil {
		return "http://" + s.ports.metrics.Addr().String() + "/metrics"
	}
	return s.ports.public.String() + "/metrics"
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
