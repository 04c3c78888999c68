package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/vitals"
)

// ask decodes the answer to a question of the page.
func (o *operator) ask(path string, into any) {
	o.Helper()
	response := o.send("GET", path, "")
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(into); err != nil || response.StatusCode != http.StatusOK {
		o.Fatalf("%s answered %d, %v", path, response.StatusCode, err)
	}
}

func TestOperatorsSeeHowTheServerFares(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, dir)
	createMeeting(t, s.sdk(s.id.AccessKey, s.id.SecretKey, http.DefaultClient), "vitals")
	o := signIn(t, s)
	var health struct{ Nodes []observe.Vitals }
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		o.ask("health", &health)
		if len(health.Nodes) == 1 && len(health.Nodes[0].At) > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("nothing is measured: %+v", health)
		}
	}
	v := health.Nodes[0]
	if v.Node != s.hostName() || !v.Here || v.Fault != "" || v.Cores < 1 || v.Memory <= 0 {
		t.Errorf("the node is %+v", v)
	}
	for _, name := range []string{"cpu", "resident", "heap", "free", "diskUsed", "diskFree", "late", "skipped", "calls", "refused", "failed", "people", "meetings"} {
		if column := v.Columns[name]; len(column) != len(v.At) || !column[0].Known() {
			t.Errorf("%s is %v", name, column)
		}
	}
	var day struct{ Nodes []observe.Vitals }
	if o.ask("health?span=day", &day); time.Duration(day.Nodes[0].Step) != vitals.Coarse {
		t.Errorf("a day is told in steps of %v", time.Duration(day.Nodes[0].Step))
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, vitals.FileName)); err != nil {
		t.Errorf("the last day is not written down: %v", err)
	}
}

func TestOperatorsReadTheLog(t *testing.T) {
	s := startServer(t, t.TempDir(), "--log-level", "info")
	o := signIn(t, s)
	var all, refused observe.LogPart
	o.ask("log?text=operator+signed+in", &all)
	if len(all.Lines) != 1 || all.Lines[0].Node != s.hostName() || all.Last[s.hostName()] < all.Lines[0].N || !strings.Contains(string(all.Lines[0].Line), `"level":"INFO","msg":"operator signed in"`) {
		t.Fatalf("the log has %+v", all)
	}
	o.send("POST", "session", `{"secret":"a secret that is not the operators'"}`).Body.Close()
	o.ask("log?level=warn&text=sign-in", &refused)
	if len(refused.Lines) != 1 || !strings.Contains(string(refused.Lines[0].Line), "wrong secret") {
		t.Errorf("the log has %+v", refused)
	}
	o.ask("log", &all)
	for _, line := range all.Lines {
		for _, secret := range []string{s.id.OperatorSecret, s.id.SecretKey, "a secret that is not"} {
			if strings.Contains(string(line.Line), secret) {
				t.Errorf("a secret is in the log: %s", line.Line)
			}
		}
	}
	response := o.send("GET", "log?node=elsewhere", "")
	defer response.Body.Close()
	if response.StatusCode != http.StatusNotFound {
		t.Errorf("the log of a node that is none: %d", response.StatusCode)
	}
}
