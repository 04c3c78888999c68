//go:build packages

package packaging

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// statefulSet is what of a rendered StatefulSet makes its pods.
type statefulSet struct {
	Replicas    int
	ServiceName string `yaml:"serviceName"`
	Template    struct {
		Spec struct {
			Grace      int `yaml:"terminationGracePeriodSeconds"`
			Containers []container
			Volumes    []struct {
				Name      string
				ConfigMap struct{ Name string } `yaml:"configMap"`
				Secret    struct {
					SecretName string `yaml:"secretName"`
				}
			}
		}
	}
}

type container struct {
	Args []string
	Env  []struct {
		Name, Value string
		ValueFrom   struct {
			FieldRef struct {
				FieldPath string `yaml:"fieldPath"`
			} `yaml:"fieldRef"`
			SecretKeyRef struct{ Name, Key string } `yaml:"secretKeyRef"`
		} `yaml:"valueFrom"`
	}
	Ports []struct {
		Name          string
		ContainerPort int `yaml:"containerPort"`
	}
	ReadinessProbe struct {
		HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
	} `yaml:"readinessProbe"`
	Lifecycle struct {
		PreStop struct{ Sleep struct{ Seconds int } } `yaml:"preStop"`
	}
	VolumeMounts []struct {
		Name      string
		MountPath string `yaml:"mountPath"`
	} `yaml:"volumeMounts"`
}

// release is what a chart made: a StatefulSet and its ConfigMaps, and the
// Secrets that its user made.
type release struct {
	name    string
	set     statefulSet
	maps    map[string]map[string]string
	secrets map[string]map[string]string
}

func newRelease(t *testing.T, manifests string, secrets map[string]map[string]string) *release {
	t.Helper()
	r := &release{maps: map[string]map[string]string{}, secrets: secrets}
	documents := yaml.NewDecoder(strings.NewReader(manifests))
	for {
		var one struct {
			Kind     string
			Metadata struct{ Name string }
			Data     map[string]string
			Spec     yaml.Node
		}
		err := documents.Decode(&one)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch one.Kind {
		case "ConfigMap":
			r.maps[one.Metadata.Name] = one.Data
		case "StatefulSet":
			r.name, err = one.Metadata.Name, one.Spec.Decode(&r.set)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if r.name == "" || len(r.set.Template.Spec.Containers) != 1 {
		t.Fatalf("no StatefulSet of one container in\n%s", manifests)
	}
	return r
}

// pod is one of the set, run on this machine as Kubernetes would: with the root
// of the image that its user cannot write to, the volumes that the set mounts, the
// variables of image and set, and a network of its own.
type pod struct {
	*release
	container
	number  int
	name    string
	root    string
	address string
	network string // network namespace
	process *exec.Cmd
	ended   chan error
	log     strings.Builder
}

// newPod lays out the file system of a pod.
func newPod(t *testing.T, r *release, number int) *pod {
	t.Helper()
	p := &pod{release: r, container: r.set.Template.Spec.Containers[0], number: number, name: fmt.Sprintf("%s-%d", r.name, number), root: t.TempDir()}
	put(t, filepath.Join(p.root, "usr/bin/carillon"), read(t, serverBinary(t)), 0o755)
	for _, mount := range p.VolumeMounts {
		into := filepath.Join(p.root, mount.MountPath)
		if err := os.MkdirAll(into, 0o755); err != nil {
			t.Fatal(err)
		}
		switch files, mode := p.volume(mount.Name); {
		case files != nil:
			for name, content := range files {
				put(t, filepath.Join(into, name), []byte(content), mode)
			}
		default: // a claim: of root, and by fsGroup of the group
			p.own(t, into)
			if err := os.Chmod(into, 0o775|os.ModeSetgid); err != nil {
				t.Fatal(err)
			}
		}
	}
	return p
}

// volume is what is in a volume, nil for a claim.
func (p *pod) volume(name string) (files map[string]string, mode os.FileMode) {
	for _, v := range p.set.Template.Spec.Volumes {
		if v.Name == name && v.ConfigMap.Name != "" {
			return p.maps[v.ConfigMap.Name], 0o644
		} else if v.Name == name {
			return p.secrets[v.Secret.SecretName], 0o440
		}
	}
	return nil, 0
}

// user is that of the image and of the chart's security context.
const user = 65532

func (p *pod) own(t *testing.T, path string) {
	t.Helper()
	if err := os.Chown(path, 0, user); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, path string, content []byte, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, 0, user); err != nil {
		t.Fatal(err)
	}
}

// host is the name under which the cluster's DNS knows the pod.
func (p *pod) host() string { return p.name + "." + p.set.ServiceName + ".default.svc.cluster.local" }

// imageEnvironment is what the image sets by itself.
func imageEnvironment(t *testing.T) map[string]string {
	t.Helper()
	have := map[string]string{}
	for line := range strings.Lines(string(read(t, "oci/Containerfile"))) {
		if pairs, ok := strings.CutPrefix(line, "ENV "); ok {
			for _, pair := range strings.Fields(pairs) {
				name, value, _ := strings.Cut(pair, "=")
				have[name] = value
			}
		}
	}
	return have
}

// environment is what the container gets: the image's variables and the set's.
func (p *pod) environment(t *testing.T) []string {
	t.Helper()
	have := imageEnvironment(t)
	reference := regexp.MustCompile(`\$\((\w+)\)`)
	fields := map[string]string{"metadata.name": p.name, "status.hostIP": p.address}
	for _, e := range p.Env {
		switch from := e.ValueFrom; {
		case from.FieldRef.FieldPath != "":
			have[e.Name] = fields[from.FieldRef.FieldPath]
		case from.SecretKeyRef.Key != "":
			have[e.Name] = p.secrets[from.SecretKeyRef.Name][from.SecretKeyRef.Key]
		default:
			have[e.Name] = reference.ReplaceAllStringFunc(e.Value, func(ref string) string { return have[ref[2:len(ref)-1]] })
		}
	}
	var all []string
	for name, value := range have {
		all = append(all, name+"="+value)
	}
	slices.Sort(all)
	return all
}

// command is a program in the pod, as kubectl exec runs it.
func (p *pod) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	as := fmt.Sprintf("--userspec=%d:%d", user, user)
	cmd := exec.Command("/usr/sbin/ip", slices.Concat([]string{"netns", "exec", p.network, "/usr/sbin/chroot", as, "--groups=", p.root, "/usr/bin/carillon"}, args)...)
	cmd.Env = p.environment(t)
	return cmd
}

// exec runs a command of the notes in the pod.
func (p *pod) exec(t *testing.T, args ...string) string {
	t.Helper()
	out, err := p.command(t, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %q: %v\n%s\nthe server said:\n%s", p.name, args, err, out, p.log.String())
	}
	return string(out)
}

func (p *pod) start(t *testing.T) {
	t.Helper()
	p.log.Reset()
	p.process, p.ended = p.command(t, p.Args...), make(chan error, 1)
	p.process.Stdout, p.process.Stderr = &p.log, &p.log
	if err := p.process.Start(); err != nil {
		t.Fatal(err)
	}
	go func(cmd *exec.Cmd, ended chan error) { ended <- cmd.Wait() }(p.process, p.ended)
}

// port is the number of a container's named port.
func (p *pod) port(name string) int {
	for _, port := range p.Ports {
		if port.Name == name {
			return port.ContainerPort
		}
	}
	return 0
}

// url is the address of a named port of the pod.
func (p *pod) url(port string) string { return fmt.Sprintf("http://%s:%d", p.address, p.port(port)) }

// waitReady waits until the probe that the set describes succeeds.
func (p *pod) waitReady(t *testing.T) {
	t.Helper()
	probe, deadline := p.ReadinessProbe.HTTPGet, time.After(2*patience)
	for said := ""; ; {
		if answer, err := http.Get(p.url(probe.Port) + probe.Path); err == nil {
			body, _ := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			if said = answer.Status + " " + string(body); answer.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case err := <-p.ended:
			t.Fatalf("%s ended: %v\n%s", p.name, err, p.log.String())
		case <-deadline:
			t.Fatalf("%s is not ready: %s", p.name, said)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// serverBinary is the server that is tested: that of the archive unless
// TESTED_CARILLON names one.
func serverBinary(t *testing.T) string {
	t.Helper()
	if given := os.Getenv("TESTED_CARILLON"); given != "" {
		return given
	}
	return filepath.Join(unpacked(t, runtime.GOARCH), "carillon")
}
