//go:build packages

package packaging

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// helm is the pinned helm, kubeconform and the schemas it reads.
type helm struct{ bin, schemas string }

func newHelm(t *testing.T) *helm {
	t.Helper()
	cache, err := filepath.Abs("../.cache/packaging") // go build leaves alone what is new enough
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	h := &helm{cache, t.TempDir()}
	// As helm's own makefile, which tells it the newest Kubernetes that it knows.
	command(t, nil, "go", "-C", "packaging/tools", "build", "-ldflags", "-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=34",
		"-o", h.bin, "./kubeschemas", "helm.sh/helm/v3/cmd/helm", "github.com/yannh/kubeconform/cmd/kubeconform")
	command(t, nil, filepath.Join(h.bin, "kubeschemas"), "-into", h.schemas)
	return h
}

// render makes the manifests of a chart, or the error that helm ends with.
func (h *helm) render(t *testing.T, chart string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(h.bin, "helm"), append([]string{"template", "meet", chart}, args...)...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// mustRender makes the manifests of the chart with the values of a file in ci.
func (h *helm) mustRender(t *testing.T, values string, args ...string) string {
	t.Helper()
	out, err := h.render(t, "chart", append([]string{"-f", "chart/ci/" + values + "-values.yaml"}, args...)...)
	if err != nil {
		t.Fatalf("%s: %v\n%s", values, err, out)
	}
	return out
}

// conform says what kubeconform finds in manifests.
func (h *helm) conform(t *testing.T, manifests string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(h.bin, "kubeconform"), "-strict", "-summary",
		"-schema-location", h.schemas+"/{{.ResourceKind}}{{.KindSuffix}}.json")
	cmd.Stdin = strings.NewReader(manifests)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// chartValues are the files in ci, each a way to run the chart.
var chartValues = []string{"one", "three", "balanced"}

func TestTheChartMakesWhatKubernetesTakes(t *testing.T) {
	h := newHelm(t)
	for _, values := range chartValues {
		command(t, nil, filepath.Join(h.bin, "helm"), "lint", "--strict", "packaging/chart", "-f", "packaging/chart/ci/"+values+"-values.yaml")
		manifests := h.mustRender(t, values)
		if out, err := h.conform(t, manifests); err != nil {
			t.Errorf("%s: %v\n%s\n%s", values, err, out, manifests)
		}
		if !strings.Contains(manifests, `image: "carillon:`+version(t)+`"`) {
			t.Errorf("%s: not the image of this version:\n%s", values, manifests)
		}
	}
	manifests := h.mustRender(t, "three")
	for name, damaged := range map[string]string{
		"unknown field": strings.Replace(manifests, "terminationGracePeriodSeconds", "terminationGraceSeconds", 1),
		"another type":  strings.Replace(manifests, "maxUnavailable: 1", "maxUnavailable: [1]", 1),
		"a lack":        strings.Replace(manifests, "containerPort: 9480, ", "", 1),
	} {
		if out, err := h.conform(t, damaged); err == nil {
			t.Errorf("%s went through: %s", name, out)
		}
	}
}

// The policy lets clients to all that they use, and to the nodes' own ports nobody
// but the nodes; every port that it names is one of the container's.
func TestTheChartsPolicyIsForItsPorts(t *testing.T) {
	manifests := newHelm(t).mustRender(t, "three", "--set", "turn.enabled=true")
	var policy struct {
		Spec struct {
			Ingress []struct {
				Ports []struct{ Port string }
				From  []map[string]any
			}
		}
	}
	_, rest, _ := strings.Cut(manifests, "kind: NetworkPolicy\n")
	text, _, _ := strings.Cut(rest, "\n---\n")
	if err := yaml.Unmarshal([]byte(text), &policy); err != nil {
		t.Fatalf("%v\n%s", err, manifests)
	}
	peers := map[string]string{}
	for _, rule := range policy.Spec.Ingress {
		for _, port := range rule.Ports {
			peers[port.Port] = "all"
			for _, from := range rule.From {
				for kind := range from {
					peers[port.Port] = kind
				}
			}
		}
	}
	want := map[string]string{
		"web": "all", "media-udp": "all", "media-tcp": "all", "turn-udp": "all", "turn-tcp": "all",
		"metrics": "namespaceSelector", "cluster": "podSelector", "cluster-http": "podSelector",
	}
	if !maps.Equal(peers, want) {
		t.Errorf("%v, want %v\n%s", peers, want, text)
	}
	for _, port := range newRelease(t, manifests, nil).set.Template.Spec.Containers[0].Ports {
		if want[port.Name] == "" {
			t.Errorf("port %s is in no rule", port.Name)
		}
	}
	if strings.Contains(newHelm(t).mustRender(t, "one"), "NetworkPolicy") {
		t.Error("a policy that nobody asked for")
	}
}

// What cannot work is refused before anything is installed, with a line that
// says what is wrong.
func TestTheChartRefuses(t *testing.T) {
	h := newHelm(t)
	for set, says := range map[string]string{
		"publicUrl=":                           "/publicUrl",
		"publicUrl=meet.example.org":           "/publicUrl",
		"publicUrl=https://meet.example.org/a": "/publicUrl",
		"nodes=2,secret.name=a":                "/nodes",
		"nodes=3":                              "/secret/name",
		"replicas=3":                           "replicas",
		"settings.listen=0.0.0.0:80":           "'listen'",
		"media.expose=nodePort":                "/media/expose",
		"media.expose=loadBalancer":            "one for each of the nodes",
		"ingress.enabled=true":                 "/ingress/host",
		"shutdownSeconds=0":                    "/shutdownSeconds",
		"turn.enabled=true,media.expose=loadBalancer,media.loadBalancers[0].address=192.0.2.1": "/media/expose",
	} {
		all := "publicUrl=https://meet.example.org," + set
		if out, err := h.render(t, "chart", "--set", all); err == nil || !strings.Contains(out, says) {
			t.Errorf("%s: %v, and says nothing of %s:\n%s", set, err, says, out)
		}
	}
}

// A release says how to go on: where it is, how to get keys, and by which way
// sound and pictures come.
func TestTheChartSaysHowToGoOn(t *testing.T) {
	h, chart := newHelm(t), filepath.Join(t.TempDir(), "chart")
	if err := os.CopyFS(chart, os.DirFS("chart")); err != nil {
		t.Fatal(err)
	}
	// helm prints the notes of what it installs into a cluster only.
	page := "text: |\n  {{- tpl (.Files.Get \"notes\") . | nindent 2 }}\n"
	for path, content := range map[string]string{"templates/page.yaml": page, "notes": string(read(t, "chart/templates/NOTES.txt"))} {
		if err := os.WriteFile(filepath.Join(chart, path), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for values, wants := range map[string][]string{
		"one":      {"one node", "https://meet.example.org/operator/", "logs meet-carillon-0", "8480/udp"},
		"three":    {"3 nodes", "exec meet-carillon-0 -- /usr/bin/carillon env", "carillon cluster status", "media.expose=loadBalancer"},
		"balanced": {"203.0.113.10, 203.0.113.11, 203.0.113.12", "from the cluster's secret"},
	} {
		out, err := h.render(t, chart, "-f", "chart/ci/"+values+"-values.yaml", "--show-only", "templates/page.yaml")
		var notes struct{ Text string }
		if err != nil || yaml.Unmarshal([]byte(out), &notes) != nil {
			t.Fatalf("%s: %v\n%s", values, err, out)
		}
		for _, want := range wants {
			if !strings.Contains(notes.Text, want) {
				t.Errorf("%s: no %q in\n%s", values, want, notes.Text)
			}
		}
	}
}

// The chart, the server and its documents are of one version.
func TestTheChartIsOfThisVersion(t *testing.T) {
	var about struct {
		Version    string
		AppVersion string `yaml:"appVersion"`
	}
	if err := yaml.Unmarshal(read(t, "chart/Chart.yaml"), &about); err != nil {
		t.Fatal(err)
	}
	if about.Version != version(t) || about.AppVersion != version(t) {
		t.Errorf("the chart is %+v, the server %s", about, version(t))
	}
}
