package main

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"
)

// semver is the form of a version without pre-release, from semver.org.
var semver = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$`)

func TestEveryDoorTellsTheSameVersion(t *testing.T) {
	want := thisBuild()
	if !semver.MatchString(want.Version) {
		t.Fatalf("VERSION holds %q, which is no semantic version", want.Version)
	}
	s := startServer(t, t.TempDir())
	status, body := get(t, s.ports.public.String()+"/healthz")
	var health struct{ Status, Version, Revision string }
	if err := json.Unmarshal([]byte(body), &health); err != nil || status != http.StatusOK {
		t.Fatalf("/healthz: %d %q, %v", status, body, err)
	}
	if health.Status != "ok" || health.Version != want.Version || health.Revision != want.Revision {
		t.Errorf("/healthz tells %+v, the build is %+v", health, want)
	}
	var banner strings.Builder
	printBanner(&banner, s)
	if !strings.HasPrefix(banner.String(), "carillon "+want.String()+" ready") {
		t.Errorf("the start line is %q", banner.String())
	}
}

func TestTheBinaryPrintsItsVersion(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "carillon")
	build := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-X main.revision=0123456789ab", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as it is given away
	out, err := build.CombinedOutput()
	if err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	for _, arg := range []string{"--version", "version"} {
		out, err := exec.CommandContext(t.Context(), binary, arg).Output()
		if want := "carillon " + thisBuild().Version + "+0123456789ab\n"; err != nil || string(out) != want {
			t.Errorf("carillon %s: %q, %v; want %q", arg, out, err, want)
		}
	}
}

func TestRevisionFromTheToolchain(t *testing.T) {
	setting := []debug.BuildSetting{{Key: "vcs.revision", Value: "00112233445566778899aabbccddeeff00112233"}}
	for name, c := range map[string]struct {
		info debug.BuildInfo
		want string
	}{
		"checkout":        {debug.BuildInfo{Settings: setting}, "001122334455"},
		"pseudo-version":  {debug.BuildInfo{Main: debug.Module{Version: "v0.2.1-0.20261129020304-0123456789ab"}}, "0123456789ab"},
		"dirty checkout":  {debug.BuildInfo{Main: debug.Module{Version: "v0.2.1-0.20261129020304-0123456789ab+dirty"}}, "0123456789ab"},
		"release":         {debug.BuildInfo{Main: debug.Module{Version: "v0.2.0"}}, ""},
		"pre-release":     {debug.BuildInfo{Main: debug.Module{Version: "v0.2.0-rc.1"}}, ""},
		"nothing is told": {debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, ""},
	} {
		if got := recordedRevision(&c.info); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// A binary that was built without npm, or by go install, says so at its start.
func TestTheStartLineSaysThatPagesAreMissing(t *testing.T) {
	s := startServer(t, t.TempDir())
	var banner strings.Builder
	printBanner(&banner, s)
	if says := strings.Contains(banner.String(), "has no pages"); says == s.console.PagesBuilt() {
		t.Errorf("pages built: %v, and the start says %q", s.console.PagesBuilt(), banner.String())
	}
}
