package clients

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/servertest"
)

// TestMain lets all clients run at once: they mostly start up and wait.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(servertest.Main(m))
}

// environment is what every client is told: where the server is, and keys.
func environment(s *servertest.Server, more ...string) []string {
	return slices.Concat(os.Environ(), []string{
		"CARILLON_ENDPOINT=" + s.Endpoint, "AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS=" + s.Endpoint, "AWS_ENDPOINT_URL_CHIME=" + s.Endpoint + "/legacy",
		"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=" + servertest.AccessKey, "AWS_SECRET_ACCESS_KEY=" + servertest.SecretKey,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE=1", "AWS_PAGER=", "NODE_NO_WARNINGS=1", "PYTHONUTF8=1", "LC_ALL=C.UTF-8",
	}, more)
}

// tool returns the path of a program, or fails the test naming the Debian
// package that has it.
func tool(t *testing.T, path, debianPackage string) string {
	t.Helper()
	found, err := exec.LookPath(path)
	if err != nil {
		t.Fatalf("%s is missing: install the Debian package %s", path, debianPackage)
	}
	return found
}

// run runs a client and returns what it printed. It fails the test when the
// client failed.
func run(t *testing.T, s *servertest.Server, dir string, command ...string) string {
	t.Helper()
	out, err := try(t, environment(s), dir, command...)
	if err != nil {
		t.Fatalf("%s: %v\n%s\nthe server said:\n%s", strings.Join(command, " "), err, out, tail(s.Output()))
	}
	return out
}

// try runs a client and returns what it printed, with its error output when it
// failed.
func try(t *testing.T, env []string, dir string, command ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Dir, cmd.Env = dir, env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String() + stderr.String(), fmt.Errorf("%w: %s", err, stderr.String())
	}
	return stdout.String(), nil
}

// tail returns the end of a log.
func tail(s string) string { return s[max(0, len(s)-4000):] }

// complete checks that each flow said it went through all its steps.
func complete(t *testing.T, out string, flows ...string) {
	t.Helper()
	for _, flow := range flows {
		var steps int
		for line := range strings.Lines(out) {
			if rest, ok := strings.CutPrefix(line, "complete "+flow+" "); ok {
				if _, err := fmt.Sscan(rest, &steps); err != nil {
					t.Error(err)
				}
			}
		}
		if done := strings.Count(out, "ok "+flow+" "); steps < 8 || done != steps {
			t.Errorf("flow %s: %d steps done of %d\n%s", flow, done, steps, out)
		}
	}
}

// TestBoto3 runs python/flow.py.
func TestBoto3(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	python := tool(t, "/usr/bin/python3", "python3")
	if _, err := try(t, environment(s), ".", python, "-c", "import boto3"); err != nil {
		t.Fatal("boto3 is missing: install the Debian package python3-boto3")
	}
	complete(t, run(t, s, "python", python, "flow.py"), "python-meetings", "python-chime")
	tabulate(t, "boto3, Debian's", s.Output)
}

// TestJavaScript runs the run.mjs of each folder.
func TestJavaScript(t *testing.T) {
	t.Parallel()
	node := tool(t, "node", "nodejs")
	for _, c := range []struct {
		dir, client string
		flows       []string
	}{
		{"js-v3-meetings", "AWS SDK for JavaScript v3, client-chime-sdk-meetings", []string{"js-v3-meetings"}},
		{"js-v3-chime", "AWS SDK for JavaScript v3, client-chime", []string{"js-v3-chime", "js-v3-chime-bare"}},
		{"js-v2", "AWS SDK for JavaScript v2", []string{"js-v2-meetings", "js-v2-chime"}},
	} {
		t.Run(c.dir, func(t *testing.T) {
			s := servertest.Start(t)
			install(t, s, c.dir)
			complete(t, run(t, s, c.dir, node, "run.mjs"), c.flows...)
			tabulate(t, c.client, s.Output)
		})
	}
}

// install fetches a client's packages unless they are newer than its lock file.
func install(t *testing.T, s *servertest.Server, dir string) {
	t.Helper()
	lock, err := os.Stat(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	stamp := filepath.Join(dir, "node_modules", ".package-lock.json")
	if have, err := os.Stat(stamp); err == nil && have.ModTime().After(lock.ModTime()) {
		return
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	run(t, s, dir, tool(t, "npm", "npm"), "ci", "--no-audit", "--no-fund", "--loglevel=error")
}
