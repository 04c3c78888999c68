package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// alerts are the alert rules of packaging/monitoring, by name.
func alerts(t *testing.T) map[string]string {
	t.Helper()
	var rules struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	raw, err := os.ReadFile("../../packaging/monitoring/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(raw, &rules); err != nil {
		t.Fatal(err)
	}
	named := map[string]string{}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			named[r.Alert] = r.Expr
		}
	}
	return named
}

// What alerts and dashboard ask for is what the server tells.
func TestMonitoringAsksForMetricsThereAre(t *testing.T) {
	h := newHook(t) // so that there are events
	s := startServer(t, t.TempDir(), h.flags()...)
	createMeeting(t, s.sdk(s.id.AccessKey, s.id.SecretKey, http.DefaultClient), "a-token")
	h.wait(t, 1)
	if status, _ := get(t, s.ports.public.String()+"/meetings"); status != http.StatusForbidden { // so that calls are counted
		t.Fatalf("unsigned call: %d", status)
	}
	_, told := get(t, s.ports.public.String()+pathMetrics)
	dashboard, err := os.ReadFile("../../packaging/monitoring/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(dashboard) {
		t.Error("the dashboard is no JSON")
	}
	asked := string(dashboard)
	for _, expr := range alerts(t) {
		asked += "\n" + expr
	}
	names := regexp.MustCompile(`\b(carillon|process)_[a-z_]+`).FindAllString(asked, -1)
	if len(names) < 30 {
		t.Errorf("found only %d metrics: the test reads the files wrongly", len(names))
	}
	for _, name := range names {
		if !strings.Contains(told, "\n"+name+"{") && !strings.Contains(told, "\n"+name+" ") {
			t.Errorf("%s is asked for and not told", name)
		}
	}
}

func TestEveryAlertIsExplained(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "monitoring.md"))
	if err != nil {
		t.Fatal(err)
	}
	explained := regexp.MustCompile("(?m)^\\| `(Carillon[A-Za-z]+)` \\|").FindAllStringSubmatch(string(page), -1)
	known := alerts(t)
	if len(explained) != len(known) {
		t.Errorf("%d alerts are explained, there are %d", len(explained), len(known))
	}
	for _, m := range explained {
		if known[m[1]] == "" {
			t.Errorf("%s is explained and is no alert", m[1])
		}
	}
}
