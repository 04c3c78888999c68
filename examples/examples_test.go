package examples

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/carillontest"
)

// run runs a program in this folder and returns what it wrote to its standard
// output. It fails the test, with all that was written, when the program fails.
func run(t *testing.T, env []string, command ...string) string {
	t.Helper()
	path, err := exec.LookPath(command[0])
	if err != nil {
		t.Fatalf("%v: `make setup` installs what the examples use", err)
	}
	cmd := exec.CommandContext(t.Context(), path, command[1:]...)
	cmd.Env = slices.Concat(os.Environ(), env, []string{"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "NODE_NO_WARNINGS=1", "NO_COLOR=1"})
	out, err := cmd.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		t.Fatalf("%s: %v\n%s%s", strings.Join(command, " "), err, out, failed.Stderr)
	} else if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// install fetches the npm packages of a folder unless they are newer than its lock
// file.
func install(t *testing.T, folder string) {
	t.Helper()
	lock, err := os.Stat(filepath.Join(folder, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.Stat(filepath.Join(folder, "node_modules", ".package-lock.json"))
	if err != nil || have.ModTime().Before(lock.ModTime()) {
		run(t, nil, "npm", "--prefix", folder, "ci", "--no-audit", "--no-fund", "--loglevel=error")
	}
}

func TestQuickStarts(t *testing.T) {
	install(t, ".")
	for name, command := range map[string][]string{
		"JavaScript": {"node", "quickstart/meeting.mjs"},
		"Python":     {"/usr/bin/python3", "quickstart/meeting.py"},
		"Go":         {"go", "run", "./quickstart/go"},
	} {
		t.Run(name, func(t *testing.T) {
			var got struct {
				Meeting  struct{ MeetingID, ExternalMeetingID string }
				Attendee struct{ ExternalUserID, JoinToken string }
			}
			out := run(t, carillontest.Start(t).Environ(), command...)
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if got.Meeting.ExternalMeetingID != "standup" || got.Attendee.ExternalUserID != "ada" || got.Attendee.JoinToken == "" {
				t.Errorf("got %s", out)
			}
		})
	}
}

// TestTheApp meets on the page of the app with two browsers' pages.
func TestTheApp(t *testing.T) {
	install(t, ".")
	run(t, nil, "npm", "run", "bundle", "--silent")
	run(t, carillontest.Start(t).Environ(), "node", "--test", "--test-reporter=spec", "app/app.test.mjs")
}

// TestReact meets in Amazon's React components.
func TestReact(t *testing.T) {
	install(t, ".")
	install(t, "react")
	run(t, nil, "npm", "--prefix", "react", "run", "build", "--silent")
	run(t, carillontest.Start(t).Environ(), "node", "--test", "--test-reporter=spec", "react/react.test.mjs")
}

// Each fixture is run as it is used at a desk, where it starts the server itself,
// and as it is in CI, where a server is there.
func TestFixtures(t *testing.T) {
	install(t, ".")
	shared := carillontest.Start(t)
	for name, command := range map[string][]string{
		"Vitest": {"npx", "vitest", "run", "--root", "vitest"},
		"pytest": {"/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "pytest"},
	} {
		for place, env := range map[string][]string{
			"at a desk": {"TESTED_CARILLON=" + carillontest.BinaryPath(t), "PYTHONDONTWRITEBYTECODE=1"},
			"in CI":     {"AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS=" + shared.Endpoint, "TESTED_CARILLON=/nowhere", "PYTHONDONTWRITEBYTECODE=1"},
		} {
			t.Run(name+" "+place, func(t *testing.T) {
				if out := run(t, env, command...); !strings.Contains(out, "3 passed") {
					t.Errorf("not all three tests passed:\n%s", out)
				}
			})
		}
	}
}

// A runner that is killed, as by CI when its time is up, takes the server of the
// fixture with it.
func TestFixturesGoWithTheirRunner(t *testing.T) {
	install(t, ".")
	modules, err := filepath.Abs("node_modules")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		fixture, file, test string
		command             []string
	}{
		"pytest": {"pytest/conftest.py", "test_hang.py", "import time\n\ndef test_hang(carillon):\n    open('endpoint', 'w').write(carillon.endpoint + ' ')\n    time.sleep(600)\n",
			[]string{"/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider"}},
		"Vitest": {"vitest/carillon.mjs", "hang.test.mjs", "import { writeFileSync } from 'node:fs';\nimport { test } from './carillon.mjs';\n\n" +
			"test('hangs', { timeout: 600_000 }, async ({ carillon }) => {\n  writeFileSync('endpoint', `${carillon.endpoint} `);\n" +
			"  while (await fetch(carillon.endpoint).then(answer => answer.text(), () => '')) await new Promise(done => setTimeout(done, 100));\n});\n", // a worker outlives the runner

			[]string{"node", "node_modules/vitest/vitest.mjs", "run"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			fixture, err := os.ReadFile(c.fixture)
			if err != nil {
				t.Fatal(err)
			}
			err = errors.Join(os.Symlink(modules, filepath.Join(dir, "node_modules")), os.WriteFile(filepath.Join(dir, c.file), []byte(c.test), 0o600),
				os.WriteFile(filepath.Join(dir, filepath.Base(c.fixture)), fixture, 0o600))
			if err != nil {
				t.Fatal(err)
			}
			runner := exec.CommandContext(t.Context(), c.command[0], c.command[1:]...)
			var said bytes.Buffer
			runner.Stdout, runner.Stderr = &said, &said
			runner.Dir, runner.Env = dir, append(os.Environ(), "TESTED_CARILLON="+carillontest.BinaryPath(t), "PYTHONDONTWRITEBYTECODE=1")
			if err := runner.Start(); err != nil {
				t.Fatal(err)
			}
			deadline := time.Now().Add(2 * time.Minute)
			var address string
			for address == "" && time.Now().Before(deadline) {
				text, err := os.ReadFile(filepath.Join(dir, "endpoint"))
				if endpoint, whole := strings.CutSuffix(string(text), " "); err == nil && whole {
					address = strings.TrimPrefix(endpoint, "http://")
				}
				time.Sleep(20 * time.Millisecond)
			}
			if err := runner.Process.Kill(); err != nil {
				t.Error(err)
			}
			_ = runner.Wait() // killed
			if address == "" {
				t.Fatalf("the test did not begin:\n%s", said.String())
			}
			for served := true; served; time.Sleep(20 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("the server has outlived its runner")
				}
				c, err := net.Dial("tcp", address)
				if served = err == nil; served {
					_ = c.Close()
				}
			}
		})
	}
}
