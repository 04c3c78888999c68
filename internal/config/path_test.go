package config

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/alecthomas/kong"
)

// An empty path is none, wherever it comes from, and a path is absolute.
func TestAnEmptyPathIsNone(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("CARILLON_KEY_FILE", "")
	t.Setenv("CARILLON_DATA", "")
	t.Setenv("CARILLON_TLS_CERT", "cert.pem")
	var s Serve
	parser, err := kong.New(&s, kong.DefaultEnvars("CARILLON"), Paths())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse([]string{"--recordings", "", "--webhook-secret-file", "a,/b", "--webhook-secret-file", "c"}); err != nil {
		t.Fatal(err)
	}
	if s.Credentials.KeyFile != "" || s.Recording.Recordings != "" {
		t.Errorf("empty paths are %q and %q", s.Credentials.KeyFile, s.Recording.Recordings)
	}
	for got, want := range map[string]string{s.Data: "carillon-data", s.TLSCert: "cert.pem"} {
		if got != filepath.Join(here, want) {
			t.Errorf("%q, want %s of %s", got, want, here)
		}
	}
	if want := []string{filepath.Join(here, "a"), "/b", filepath.Join(here, "c")}; !slices.Equal(s.Events.WebhookSecretFile, want) {
		t.Errorf("%q, want %q", s.Events.WebhookSecretFile, want)
	}
}
