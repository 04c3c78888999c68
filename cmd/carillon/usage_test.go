package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/carillon-meetings/carillon/carillontest"
	"github.com/carillon-meetings/carillon/internal/config"
	"github.com/carillon-meetings/carillon/internal/identity"
	"github.com/carillon-meetings/carillon/internal/servertest"
)

// A command line that makes no sense ends with 2, and says what is wrong in one
// line and where help is in another.
func TestAWrongCommandLineIsExplained(t *testing.T) {
	t.Setenv(config.FileEnv, "")
	for line, want := range map[string]string{
		"sreve":                 "unexpected argument sreve, did you mean \"serve\"?\nSee 'carillon --help'.",
		"serve --lisen x":       "unknown flag --lisen, did you mean \"--listen\"?\nSee 'carillon serve --help'.",
		"serve --listen":        "--listen needs a value\nSee 'carillon serve --help'.",
		"serve --timer-idle":    "--timer-idle needs a value\nSee 'carillon serve --help'.",
		"serve --origin":        "--origin needs a value\nSee 'carillon serve --help'.",
		"serve more":            "unexpected argument more\nSee 'carillon serve --help'.",
		"serve --log-level=x":   "--log-level must be one of \"debug\",\"info\",\"warn\",\"error\" but got \"x\"\nSee 'carillon serve --help'.",
		"check confg":           "unexpected argument confg, did you mean \"config\"?\nSee 'carillon check --help'.",
		"admin mute x":          "\"<attendee>\" is missing\nSee 'carillon admin mute --help'.",
		"admin audit --via=x":   "--via must be one of \"\",\"console\",\"command\",\"app\",\"api\",\"server\" but got \"x\"\nSee 'carillon admin audit --help'.",
		"completion":            "\"<shell>\" is missing\nSee 'carillon completion --help'.",
		"completion tcsh":       "<shell> must be one of \"bash\",\"fish\",\"zsh\" but got \"tcsh\"\nSee 'carillon completion --help'.",
		"help nothing":          "unexpected argument nothing\nSee 'carillon --help'.",
		"version --no-such":     "unknown flag --no-such\nSee 'carillon version --help'.",
		"serve --config /no/rc": "open /no/rc: no such file or directory\nSee 'carillon serve --help'.",
	} {
		err := run(t.Context(), strings.Split(line, " "))
		if err == nil || err.Error() != want || exitCode(err) != 2 {
			t.Errorf("carillon %s: %v, exit status %d, want %s", line, err, exitCode(err), want)
		}
	}
	t.Setenv("CARILLON_NOTHING", "1")
	if err := run(t.Context(), []string{"version"}); exitCode(err) != 2 {
		t.Errorf("a variable that is no setting: %v, exit status %d", err, exitCode(err))
	}
	for code, err := range map[int]error{1: errors.New("whatever"), 3: errDisk} {
		if got := exitCode(err); got != code {
			t.Errorf("%v ends with %d", err, got)
		}
	}
}

// binary runs the program as a shell does, and returns what it printed.
func binary(t *testing.T, env []string, args ...string) (stdout string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, carillontest.BinaryPath(t), args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.Output()
	return string(out), err
}

// Whoever asks for help, in whatever way, gets it on standard output.
func TestHelpIsAskedForInManyWays(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"":                "Usage: carillon <command> [flags]",
		"help":            "Usage: carillon <command> [flags]",
		"help help":       "Usage: carillon <command> [flags]",
		"-h":              "Usage: carillon <command> [flags]",
		"admin":           "Usage: carillon admin <command> [flags]",
		"help admin":      "Usage: carillon admin <command> [flags]",
		"token-key":       "Usage: carillon token-key <command> [flags]",
		"help admin show": "Usage: carillon admin show <meeting> [<attendee>] [flags]",
		"serve --help":    "Usage: carillon serve [flags]",
		"-v":              "carillon " + thisBuild().Version,
	} {
		out, err := binary(t, nil, strings.Fields(line)...)
		if err != nil || !strings.HasPrefix(out, want) {
			t.Errorf("carillon %s: %v, %.80s", line, err, out)
		}
	}
}

// The help of a flag has its default, also where a word stands for the value.
func TestHelpTellsEveryDefault(t *testing.T) {
	parser, err := kong.New(&commandLine{}, kong.DefaultEnvars("CARILLON"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, leaf := range parser.Model.Leaves(true) {
		for _, f := range leaf.Flags {
			if f.PlaceHolder == "" || f.Default == "" {
				continue
			}
			found++
			if help := withDefault(f.Value); !strings.Contains(help, "(default "+f.Default+")") {
				t.Errorf("carillon %s --%s: %s", leaf.Path(), f.Name, help)
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d flags with a default and a word", found)
	}
}

// A variable of AWS that is empty is as none: the next one in line counts, or the
// default.
func TestEmptyVariablesOfAWSAreNone(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	env := []string{
		"AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS=", "AWS_ENDPOINT_URL=" + s.Endpoint, "AWS_ENDPOINT_URL_CHIME=", "AWS_SESSION_TOKEN=", "AWS_REGION=", "AWS_DEFAULT_REGION=",
		"AWS_ACCESS_KEY_ID=" + servertest.AccessKey, "AWS_SECRET_ACCESS_KEY=" + servertest.SecretKey,
	}
	for _, args := range [][]string{
		{"admin", "list"}, {"load", "api", "--duration", "100ms", "--clients", "1", "--meetings", "1"}, {"load", "meeting", "--duration", "100ms", "--settle", "0s", "--talkers", "1"}, {"conform", "--run", "GetMeeting_Unknown"},
	} {
		if out, err := binary(t, env, args...); err != nil {
			t.Errorf("%v: %v, %s", args, err, out)
		}
	}
}

// What env prints of a server with a certificate of its own making is enough for
// our commands to trust it.
func TestCommandsTrustWhatAWSToolsTrust(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, "--tls-self-signed")
	target := []string{
		"AWS_ENDPOINT_URL=" + s.Endpoint, "AWS_ACCESS_KEY_ID=" + servertest.AccessKey, "AWS_SECRET_ACCESS_KEY=" + servertest.SecretKey, "AWS_REGION=eu-central-1",
	}
	commands := [][]string{
		{"admin", "list"}, {"load", "api", "--duration", "100ms", "--clients", "1", "--meetings", "1"}, {"conform", "--run", "GetMeeting_Unknown"},
	}
	for _, args := range commands {
		if out, err := binary(t, target, args...); err == nil {
			t.Errorf("%v trusted a certificate of nobody's: %s", args, out)
		}
	}
	bundle := filepath.Join(s.Dir, identity.SelfSignedFile)
	exports, err := binary(t, nil, "env", "--data", s.Dir, "--listen", strings.TrimPrefix(s.Endpoint, "https://"), "--tls-self-signed", "--access-key", "a", "--secret-key", "b")
	if err != nil || !strings.Contains(exports, "export AWS_CA_BUNDLE="+bundle+"\n") {
		t.Errorf("env: %v, %s", err, exports)
	}
	for _, args := range commands {
		if out, err := binary(t, append(target, "AWS_CA_BUNDLE="+bundle), args...); err != nil {
			t.Errorf("%v: %v, %s", args, err, out)
		}
	}
	if _, err := binary(t, append(target, "AWS_CA_BUNDLE=/nowhere"), "admin", "list"); err == nil {
		t.Error("a bundle that is not there was passed over")
	}
	for _, args := range [][]string{{"version"}, {"completion", "bash"}, {"env", "--data", s.Dir}} {
		if out, err := binary(t, []string{"AWS_CA_BUNDLE=/nowhere"}, args...); err != nil {
			t.Errorf("%v needs no bundle: %v, %s", args, err, out)
		}
	}
}
