package eventstest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/logtest"
	"github.com/carillon-meetings/carillon/internal/notify/webhook"
	"github.com/carillon-meetings/carillon/internal/servertest"
)

// documented returns the receiver that docs/events.md has in a language, at
// another port.
func documented(t *testing.T, language, address string) string {
	t.Helper()
	page, err := os.ReadFile("../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "\n```"+language+"\n")
	code, _, closed := strings.Cut(rest, "\n```")
	_, port, _ := strings.Cut(address, ":")
	if !closed || !strings.Contains(code, "8000") {
		t.Fatalf("docs/events.md has no receiver in %s", language)
	}
	return strings.Replace(code, "8000", port, 1)
}

// compiled has the receiver in Go, of which the page leaves out what every
// program has around it, made a program.
func compiled(t *testing.T, code string) (path string) {
	t.Helper()
	dir := t.TempDir()
	source := "package main\n\nimport (\n\"io\"\n\"log\"\n\"net/http\"\n\"os\"\n\nstandardwebhooks \"github.com/standard-webhooks/standard-webhooks/libraries/go\"\n)\n\nfunc main() {\n" + code + "\n}\n"
	here, err := filepath.Abs("receiver/main.go")
	if err != nil {
		t.Fatal(err)
	}
	file, overlay := filepath.Join(dir, "main.go"), filepath.Join(dir, "overlay.json")
	replaced, err := json.Marshal(map[string]map[string]string{"Replace": {here: file}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{file: []byte(source), overlay: replaced} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path = filepath.Join(dir, "receiver")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-mod=mod", "-overlay", overlay, "-o", path, "./receiver").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// TestTheReceiversInTheDocuments runs the receivers that docs/events.md shows. Each
// verifies what the server sends, says so, and takes nothing that is forged.
func TestTheReceiversInTheDocuments(t *testing.T) {
	secret := webhook.NewSecret()
	file := filepath.Join(t.TempDir(), "hook.secret")
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	addresses := servertest.FreeAddresses(t, 3)
	programs := map[string][]string{
		"js":     {"node", "--input-type=module", "-e", documented(t, "js", addresses[0])},
		"python": {"/usr/bin/python3", "-u", "-c", documented(t, "python", addresses[1])},
		"go":     {compiled(t, documented(t, "go", addresses[2]))},
	}
	for i, language := range []string{"js", "python", "go"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			said := receive(t, secret, addresses[i], programs[language])
			s := servertest.Start(t, "--webhook", "http://"+addresses[i]+"/meetings", "--webhook-secret-file", file, "--webhook-allow-private")
			id := create(t, s, "receiver", 0, nil)
			eventually(t, func() string { return language + " does not say what it got" }, func() bool {
				out := said.String()
				return strings.Contains(out, "chime:MeetingStarted") && (language == "python" || strings.Contains(out, id))
			})
			before := said.String()
			forged, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addresses[i]+"/meetings", strings.NewReader(`{"detail":{"eventType":"forged"}}`))
			if err != nil {
				t.Fatal(err)
			}
			forged.Header = http.Header{"Webhook-Id": {"1"}, "Webhook-Timestamp": {fmt.Sprint(time.Now().Unix())}, "Webhook-Signature": {"v1,AAAA"}}
			answer, err := http.DefaultClient.Do(forged)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if answer.StatusCode != http.StatusUnauthorized || strings.Contains(strings.TrimPrefix(said.String(), before), "forged") {
				t.Errorf("a forged event is answered with %s, and the receiver says %s", answer.Status, said)
			}
		})
	}
}

// receive starts a receiver, waits until it answers and returns what it says. It
// ends with the test.
func receive(t *testing.T, secret, address string, program []string) *logtest.Buffer {
	t.Helper()
	said := &logtest.Buffer{}
	cmd := exec.Command(program[0], program[1:]...)
	cmd.Env = append(os.Environ(), "SECRET="+secret)
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the receiver said:\n%s", said)
		}
	})
	eventually(t, func() string { return "the receiver does not answer" }, func() bool {
		answer, err := http.Post("http://"+address, "application/json", bytes.NewReader(nil))
		if err != nil {
			return false
		}
		return answer.Body.Close() == nil
	})
	return said
}
