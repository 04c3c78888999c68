//go:build packages

package packaging

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// project is what of a compose project is looked at.
type project struct {
	Services map[string]struct {
		Image       string
		Environment map[string]string
		ReadOnly    bool `json:"read_only"`
		Ports       []struct {
			Target    int
			Published string
			Protocol  string
		}
		Networks map[string]*struct {
			IPv4 string `json:"ipv4_address"`
		}
		DependsOn   map[string]struct{ Condition string } `json:"depends_on"`
		Healthcheck struct{ Test []string }
		Volumes     []struct{ Target string }
	}
}

// composed loads compose files as docker compose does.
func composed(t *testing.T, env []string, files ...string) *project {
	t.Helper()
	args := []string{"-C", "packaging/tools", "run", "./composed"}
	for _, file := range files {
		args = append(args, "../compose/"+file)
	}
	var p project
	if err := json.Unmarshal([]byte(command(t, env, "go", args...)), &p); err != nil {
		t.Fatal(err)
	}
	return &p
}

// settings are what the server in a project gets: the image's variables and the
// project's.
func (p *project) settings(t *testing.T) []string {
	t.Helper()
	var all []string
	for name, value := range imageEnvironment(t) {
		all = append(all, name+"="+value)
	}
	for name, value := range p.Services["carillon"].Environment {
		all = append(all, name+"="+value)
	}
	return append(all, "CARILLON_DATA="+filepath.Join(t.TempDir(), "data"))
}

// published holds that a service's ports are those, with their numbers unchanged.
func (p *project) published(t *testing.T, service string, want ...string) {
	t.Helper()
	var have []string
	for _, port := range p.Services[service].Ports {
		if port.Published != strconv.Itoa(port.Target) {
			t.Errorf("%s: port %d is published as %s", service, port.Target, port.Published)
		}
		have = append(have, fmt.Sprintf("%d/%s", port.Target, port.Protocol))
	}
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("%s publishes %q, want %q", service, have, want)
	}
}

// The compose files make projects whose settings the server takes, whose ports
// are those that it listens at, and whose front is the proxy that it trusts.
func TestComposeFilesMakeAServer(t *testing.T) {
	public := []string{"CARILLON_HOST=meet.example.org", "CARILLON_IP=203.0.113.7"}
	for name, c := range map[string]struct {
		env, files, ports, in []string
	}{
		"here":   {nil, []string{"compose.yaml"}, []string{"8480/udp", "8481/tcp"}, []string{`public-url: "https://localhost"`, "media-public-ip: [127.0.0.1]"}},
		"public": {public, []string{"compose.yaml"}, []string{"8480/udp", "8481/tcp"}, []string{`public-url: "https://meet.example.org"`, "media-public-ip: [203.0.113.7]"}},
		"turn":   {public, []string{"compose.yaml", "turn.yaml"}, []string{"8480/udp", "8481/tcp", "3478/udp", "3478/tcp"}, []string{`turn-public: "203.0.113.7"`, `turn-udp: "0.0.0.0:3478"`}},
		"tests":  {nil, []string{"tests.yaml"}, nil, []string{"test-mode: true", `public-url: "http://carillon:8480"`}},
	} {
		t.Run(name, func(t *testing.T) {
			p := composed(t, c.env, c.files...)
			cmd := exec.CommandContext(t.Context(), serverBinary(t), "check", "config")
			cmd.Env = p.settings(t)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, line := range c.in {
				if !strings.Contains(string(out), line) {
					t.Errorf("no %s in\n%s", line, out)
				}
			}
			server := p.Services["carillon"]
			p.published(t, "carillon", c.ports...)
			if server.Image != "carillon:"+version(t) || strings.Join(server.Healthcheck.Test, " ") != "CMD /usr/bin/carillon check health" {
				t.Errorf("image %s, health check %q", server.Image, server.Healthcheck.Test)
			}
			if name == "tests" {
				return
			}
			p.published(t, "front", "80/tcp", "443/tcp")
			front := p.Services["front"]
			if trusted := server.Environment["CARILLON_TRUSTED_PROXIES"]; front.Networks["default"] == nil || front.Networks["default"].IPv4 != trusted {
				t.Errorf("the server trusts %s, the front is %+v", trusted, front.Networks["default"])
			}
			if !server.ReadOnly || len(server.Volumes) != 1 || server.Volumes[0].Target != "/var/lib/carillon" || front.DependsOn["carillon"].Condition != "service_healthy" {
				t.Errorf("server %+v, front %+v", server, front)
			}
		})
	}
}

// What the specification does not know is refused, so that a slip in a compose
// file is found here.
func TestAComposeFileWithASlipIsFound(t *testing.T) {
	slip := filepath.Join(t.TempDir(), "compose.yaml")
	text := strings.Replace(string(read(t, "compose/compose.yaml")), "read_only:", "readonly:", 1)
	if err := os.WriteFile(slip, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "-C", "tools", "run", "./composed", slip).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "readonly") {
		t.Errorf("%v, %s", err, out)
	}
}
