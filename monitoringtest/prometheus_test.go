package monitoringtest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// prometheus is a real Prometheus that reads a server once a second and has the
// alert rules.
type prometheus struct{ url string }

func startPrometheus(t *testing.T, s *carillon) *prometheus {
	t.Helper()
	program := os.Getenv("PROMETHEUS")
	if program == "" {
		t.Fatal("PROMETHEUS names no Prometheus: make test-monitoring fetches one")
	}
	rules, err := filepath.Abs(filepath.Join(folder, "alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf(`{"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": [%q],
		"scrape_configs": [{"job_name": "carillon", "static_configs": [{"targets": [%q]}]}]}`, rules, strings.TrimPrefix(s.url, "http://"))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &prometheus{url: "http://" + free.Addr().String()}
	_ = free.Close()
	cmd := exec.Command(program, "--config.file", file, "--storage.tsdb.path", filepath.Join(dir, "tsdb"), "--web.listen-address", free.Addr().String())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	until(t, "Prometheus is ready", func() bool {
		answer, err := http.Get(p.url + "/-/ready")
		return err == nil && answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
	})
	return p
}

// until waits for something.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// ask reads the data of an answer of Prometheus's API.
func (p *prometheus) ask(t *testing.T, path string, data any) {
	t.Helper()
	answer, err := http.Get(p.url + "/api/v1/" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil {
		err = json.Unmarshal(body, &struct{ Data any }{data})
	}
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %.300s, %v", path, answer.Status, body, err)
	}
}

// shows tells whether a query has a value that can be drawn.
func (p *prometheus) shows(t *testing.T, query string) bool {
	t.Helper()
	var data struct {
		Result []struct{ Value [2]any }
	}
	filled := strings.NewReplacer("$__rate_interval", "15s", "$instance", ".*").Replace(query)
	p.ask(t, "query?query="+url.QueryEscape(filled), &data)
	for _, series := range data.Result {
		if series.Value[1] != "NaN" {
			return true
		}
	}
	return false
}

// A panel without data looks like a broken one: each query of the dashboard has a
// value on a server that does something, and each rule is evaluated.
func TestEveryPanelShowsSomethingOfAServerAtWork(t *testing.T) {
	to := startReceiver(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("whsec_"+base64.StdEncoding.EncodeToString(make([]byte, 32))), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, "--otlp-endpoint", to.url, "--recordings", t.TempDir(), "--webhook", to.url+"/hook", "--webhook-secret-file", secret, "--webhook-allow-private")
	p := startPrometheus(t, s)
	left := slices.DeleteFunc(queries(t), func(query string) bool {
		return strings.HasPrefix(query, "carillon_recording_room_bytes") // a line where there is a bound, and none otherwise
	})
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(200 * time.Millisecond):
				s.createAttendees(t, s.createMeeting(t), 2)
			}
		}
	}()
	talked := make(chan struct{})
	go func() {
		defer close(talked)
		s.load(t, &struct{}{}, "meeting", "--talkers", "2", "--cameras", "1", "--duration", "20s")
	}()
	for end := time.Now().Add(patience); len(left) > 0 && time.Now().Before(end); time.Sleep(time.Second) {
		left = slices.DeleteFunc(left, func(query string) bool { return p.shows(t, query) })
	}
	for _, query := range left {
		t.Errorf("nothing is shown of %s", query)
	}
	p.evaluates(t)
	close(stop)
	<-stopped
	<-talked
}

// evaluates sees that every rule can be evaluated.
func (p *prometheus) evaluates(t *testing.T) {
	t.Helper()
	var data struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError string }
		}
	}
	p.ask(t, "rules", &data)
	n := 0
	for _, g := range data.Groups {
		for _, r := range g.Rules {
			if n++; r.Health != "ok" {
				t.Errorf("%s is %s: %s", r.Name, r.Health, r.LastError)
			}
		}
	}
	if n < 20 {
		t.Errorf("Prometheus has only %d rules", n)
	}
}

// queries are those of the dashboard's panels.
func queries(t *testing.T) (all []string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(folder, "dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal(raw, &board); err != nil {
		t.Fatal(err)
	}
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			all = append(all, target.Expr)
		}
	}
	return all
}

// Names, units, help and types are as Prometheus wants them.
func TestPromtoolFindsTheMetricsSound(t *testing.T) {
	s := start(t)
	s.createMeeting(t)
	said := s.get(t, "/metrics")
	check := exec.Command(promtool(t), "check", "metrics")
	check.Stdin = strings.NewReader(said)
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
