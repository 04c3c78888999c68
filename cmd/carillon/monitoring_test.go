package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.yaml.in/yaml/v3"

	"github.com/carillon-meetings/carillon/internal/servertest"
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
	s := startServer(t, t.TempDir(), append(h.flags(), "--transcription-vosk", "ws://127.0.0.1:1")...)
	if _, err := s.sdk(s.id.AccessKey, s.id.SecretKey, http.DefaultClient).CreateMeeting(t.Context(), &chimesdkmeetings.CreateMeetingInput{
		ClientRequestToken: aws.String("a-token"), ExternalMeetingId: aws.String("x1"), MediaRegion: aws.String("us-east-1"),
		MeetingFeatures: &types.MeetingFeaturesConfiguration{Audio: &types.AudioFeatures{EchoReduction: types.MeetingFeatureStatusAvailable}}, // without effect
	}); err != nil {
		t.Fatal(err)
	}
	h.wait(t, 1)
	if status, _ := get(t, s.ports.public.String()+"/meetings"); status != http.StatusForbidden { // so that calls are counted
		t.Fatalf("unsigned call: %d", status)
	}
	_, told := get(t, s.ports.public.String()+pathMetrics)
	told += certified(t)
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
	names := regexp.MustCompile(`\b(carillon|process|go)_[a-z_]+`).FindAllString(asked, -1)
	if len(names) < 100 {
		t.Errorf("found only %d metrics: the test reads the files wrongly", len(names))
	}
	for _, name := range names {
		if !strings.Contains(told, "\n"+name+"{") && !strings.Contains(told, "\n"+name+" ") {
			t.Errorf("%s is asked for and not told", name)
		}
	}
}

// certified returns the metrics of a server that has a certificate.
func certified(t *testing.T) (told string) {
	t.Helper()
	c := servertest.NewCertificate(t)
	s := startServer(t, t.TempDir(), "--tls-cert", c.CertFile, "--tls-key", c.KeyFile, "--metrics-listen", "127.0.0.1:0")
	_, told = get(t, s.metricsURL())
	return told
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

// Metrics are named and described as Prometheus' conventions have it, and those of
// ours begin with our name.
func TestMetricsKeepToTheConventions(t *testing.T) {
	h := newHook(t)
	s := startServer(t, t.TempDir(), h.flags()...)
	createMeeting(t, s.sdk(s.id.AccessKey, s.id.SecretKey, http.DefaultClient), "a-token")
	h.wait(t, 1)
	_, told := get(t, s.ports.public.String()+pathMetrics)
	problems, err := promlint.New(strings.NewReader(told)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "carillon_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	families := regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`).FindAllStringSubmatch(told, -1)
	ours := 0
	for _, f := range families {
		ours += one(strings.HasPrefix(f[1], "carillon_"))
		if !regexp.MustCompile("^(carillon|go|process|promhttp)_").MatchString(f[1]) {
			t.Errorf("%s has no name of ours", f[1])
		}
	}
	if ours < 60 {
		t.Errorf("found only %d metrics of ours", ours)
	}
	for _, line := range strings.Split(told, "\n") { // a label of a caller's would have no bound
		for _, label := range regexp.MustCompile(`[{,]([a-z_]+)="`).FindAllStringSubmatch(line, -1) {
			if !slices.Contains(knownLabels, label[1]) && strings.HasPrefix(line, "carillon_") {
				t.Errorf("%s has a label that is not known to be bounded: %s", line, label[1])
			}
		}
	}
}

// knownLabels are those whose values are bounded: by what is in the program, or
// by what the operator has set up.
var knownLabels = []string{"operation", "flavour", "status", "le", "member", "event", "type", "destination", "result", "account", "reason", "engine", "quantile"}

// Each alert and each metric of the dashboard belongs to a row or a group, and the
// rules are read as Prometheus reads them: nothing in them is misspelt.
func TestAlertRulesHaveNothingThatPrometheusDoesNotKnow(t *testing.T) {
	raw, err := os.ReadFile("../../packaging/monitoring/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	strict := yaml.NewDecoder(bytes.NewReader(raw))
	strict.KnownFields(true)
	if err := strict.Decode(&rules); err != nil {
		t.Fatal(err)
	}
	for _, r := range rules.Groups[0].Rules {
		if r.Expr == "" || !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) || r.Annotations["summary"] == "" {
			t.Errorf("%s: %+v", r.Alert, r)
		}
		if _, err := time.ParseDuration(cmp.Or(r.For, "0s")); err != nil {
			t.Errorf("%s: %v", r.Alert, err)
		}
	}
}
