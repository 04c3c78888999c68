package main

import (
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/carillon-meetings/carillon/internal/identity"
)

// processStart is taken as early as the runtime allows.
var processStart = time.Now()

// printBanner says where everything is and, while the server runs on its own
// development keys, what to paste to use it.
func printBanner(w io.Writer, s *server) {
	base := s.ports.public.String()
	fmt.Fprintf(w, "carillon %s ready in %d ms: API %s", thisBuild(), time.Since(processStart).Milliseconds(), base)
	if s.demo != nil {
		fmt.Fprintf(w, ", meeting page %s/", base)
	}
	if s.cfg.Pages.Console {
		fmt.Fprintf(w, ", console %s/operator/", base)
	}
	fmt.Fprintf(w, ", media %s/udp", s.ports.mediaHost(s.cfg))
	if s.cfg.Pages.Metrics {
		fmt.Fprintf(w, ", metrics %s/metrics", base)
	}
	fmt.Fprintf(w, ", data %s\n", absolute(s.cfg.Data))
	if s.console != nil && !s.console.PagesBuilt() {
		fmt.Fprintln(w, "This binary has no pages, as after `go install`; docs/install.md says how to get them. The API works as usual.")
	}
	if s.cfg.Credentials.Dev {
		fmt.Fprintln(w, "DEVELOPMENT MODE: any credentials are accepted")
	}
	if s.cfg.Credentials.AccessKey != "" || s.cfg.Credentials.KeyFile != "" {
		return
	}
	if !s.id.FirstStart {
		fmt.Fprintf(w, "access key %s, its secret is in %s\n", s.id.AccessKey, filepath.Join(absolute(s.cfg.Data), identity.AccessKeyFile))
		return
	}
	region := s.cfg.API.Region
	if region == "" {
		region = "us-east-1"
	}
	fmt.Fprintf(w, `
First start: this key pair was made for you. Paste these lines to point AWS tools here:

export AWS_ACCESS_KEY_ID=%s
export AWS_SECRET_ACCESS_KEY=%s
export AWS_DEFAULT_REGION=%s
export AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS=%s
export AWS_ENDPOINT_URL_CHIME=%s/legacy

`, s.id.AccessKey, s.id.SecretKey, region, base, base)
	if s.cfg.Pages.Console && s.cfg.Pages.OperatorSecret == "" {
		fmt.Fprintf(w, "Operator secret for %s/operator/: %s\n\n", base, s.id.OperatorSecret)
	}
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
