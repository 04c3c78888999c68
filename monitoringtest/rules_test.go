// Package monitoringtest holds what packaging/monitoring has for Prometheus and
// Grafana against Prometheus itself: promtool checks the alert rules and runs
// their tests, and its parser reads every query of the dashboard. It is a module
// of its own, so that the product needs none of it.
package monitoringtest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

const folder = "../packaging/monitoring"

// promtool builds promtool from the module and returns its path. Service
// discovery is left out of it: it takes minutes to compile.
func promtool(t *testing.T) string {
	t.Helper()
	tool := filepath.Join(t.TempDir(), "promtool")
	build := exec.Command("go", "build", "-tags", "netgo,builtinassets,remove_all_sd", "-o", tool, "github.com/prometheus/prometheus/cmd/promtool")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building promtool: %v\n%s", err, out)
	}
	return tool
}

// onRules runs promtool in the folder of the rules.
func onRules(t *testing.T, args ...string) {
	t.Helper()
	run := exec.Command(promtool(t), args...)
	run.Dir = folder
	if out, err := run.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestPromtoolFindsTheAlertRulesSound(t *testing.T) {
	onRules(t, "check", "rules", "--lint=all", "--lint-fatal", "alerts.yml")
}

func TestAlertsFireWhenTheyShouldAndNotBefore(t *testing.T) {
	onRules(t, "test", "rules", "alerts_test.yml")
}

// read reads one of the YAML files.
func read(t *testing.T, name string, into any) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}

func TestEveryAlertIsTestedToFireAndToBeQuiet(t *testing.T) {
	var rules struct {
		Groups []struct{ Rules []struct{ Alert string } }
	}
	read(t, "alerts.yml", &rules)
	var tests struct {
		Tests []struct {
			Checks []struct {
				Alert string `yaml:"alertname"`
				Want  []any  `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	read(t, "alerts_test.yml", &tests)
	fires, quiet := map[string]bool{}, map[string]bool{}
	for _, test := range tests.Tests {
		for _, c := range test.Checks {
			if len(c.Want) > 0 {
				fires[c.Alert] = true
			} else {
				quiet[c.Alert] = true
			}
		}
	}
	n := 0
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			if n++; !fires[r.Alert] || !quiet[r.Alert] {
				t.Errorf("%s is tested to fire: %t, to be quiet: %t", r.Alert, fires[r.Alert], quiet[r.Alert])
			}
		}
	}
	if n < 20 {
		t.Errorf("found only %d alerts: the test reads the file wrongly", n)
	}
}

// That the names are those of metrics which the server tells is held by a test
// beside the server.
func TestPrometheusReadsEveryQueryOfTheDashboard(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(folder, "dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title, Type string
			Targets     []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(raw, &board); err != nil {
		t.Fatal(err)
	}
	var rows []string
	queries := 0
	for _, p := range board.Panels {
		if p.Type == "row" {
			rows = append(rows, p.Title)
			continue
		}
		if len(p.Targets) == 0 {
			t.Errorf("%s asks for nothing", p.Title)
		}
		for _, target := range p.Targets {
			queries++
			check(t, p.Title, target.Expr)
		}
	}
	if got := strings.Join(rows, ", "); got != "API, Meetings, Media, Delivery, Recording, Transcription, Cluster, Process" {
		t.Errorf("the rows are %s", got)
	}
	if queries < 60 {
		t.Errorf("found only %d queries: the test reads the file wrongly", queries)
	}
}

// check parses a query, with Grafana's variables filled in as Grafana does, and
// sees that it asks for this job and the chosen instances only.
func check(t *testing.T, panel, query string) {
	t.Helper()
	filled := strings.NewReplacer("$__rate_interval", "2m", "$instance", "a|b").Replace(query)
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(filled)
	if err != nil {
		t.Errorf("%s: %s: %v", panel, query, err)
		return
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if s, ok := node.(*parser.VectorSelector); ok {
			labels := map[string]bool{}
			for _, m := range s.LabelMatchers {
				labels[m.Name+m.Type.String()+m.Value] = true
			}
			if !labels["job=carillon"] || !labels["instance=~a|b"] {
				t.Errorf("%s: %s asks for others' metrics too", panel, s)
			}
		}
		return nil
	})
}
