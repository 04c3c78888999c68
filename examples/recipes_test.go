package examples

import (
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/carillon-meetings/carillon/carillontest"
)

// settings returns the server's settings in a recipe: its variables whose names
// begin with CARILLON_, wherever they stand.
func settings(t *testing.T, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var recipe any
	if err := yaml.Unmarshal(text, &recipe); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	found := map[string]string{}
	var look func(any)
	look = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				look(item)
			}
		case map[string]any:
			for key, value := range v {
				if text, ok := value.(string); ok && strings.HasPrefix(key, "CARILLON_") {
					found[key] = text
				}
				look(value)
			}
		}
	}
	look(recipe)
	return found
}

// The settings of each recipe are taken together with those of the image, and the
// server that they make is in test mode for the neighbours of its container.
func TestRecipesForCI(t *testing.T) {
	files, err := filepath.Glob("ci/*.yml")
	if err != nil || len(files) != 2 {
		t.Fatalf("recipes %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			found := settings(t, file)
			for name, value := range found {
				t.Setenv(name, value)
			}
			public, err := url.Parse(found["CARILLON_PUBLIC_URL"])
			if err != nil || public.Host == "" {
				t.Fatalf("public URL %q, %v", found["CARILLON_PUBLIC_URL"], err)
			}
			image := []string{"CARILLON_LISTEN=0.0.0.0:8480", "CARILLON_DATA=" + filepath.Join(t.TempDir(), "data")}
			check := exec.CommandContext(t.Context(), carillontest.BinaryPath(t), "check", "config")
			check.Env = append(os.Environ(), image...)
			if out, err := check.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			t.Setenv("CARILLON_PUBLIC_URL", "") // clients would look for it at the port of the recipe
			os.Unsetenv("CARILLON_PUBLIC_URL")
			srv := carillontest.Start(t, carillontest.Args("--listen", "0.0.0.0:0", "--allowed-hosts", public.Hostname()))
			_, port, _ := strings.Cut(strings.TrimPrefix(srv.Endpoint, "http://"), ":")
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:"+port+"/test/v1/clock", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = public.Host
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				t.Errorf("%s of %s: %s", r.URL, r.Host, answer.Status)
			}
		})
	}
}

// recipe is what both kinds of recipes say of the job that they are for.
type recipe struct {
	commands []string
	env      map[string]string
}

// job reads a recipe as its service does: GitHub's jobs have steps, GitLab's are
// at the top and have a script.
func job(t *testing.T, file string) recipe {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	type steps struct {
		Services, Image any
		Env, Variables  map[string]string
		Script          []string
		Steps           []struct{ Uses, Run string }
	}
	var github struct {
		On   []string `yaml:"on"`
		Jobs map[string]steps
	}
	var gitlab map[string]steps
	var found steps
	if err := yaml.Unmarshal(text, &github); err == nil && len(github.Jobs) > 0 {
		found = github.Jobs["test"]
	} else if err := yaml.Unmarshal(text, &gitlab); err != nil {
		t.Fatalf("%s: %v", file, err)
	} else {
		found = gitlab["test"]
	}
	if found.Services == nil {
		t.Errorf("%s has no service", file)
	}
	out := recipe{commands: found.Script, env: found.Env}
	if out.env == nil {
		out.env = found.Variables
	}
	for i, s := range found.Steps {
		if s.Run != "" {
			out.commands = append(out.commands, s.Run)
		} else if i > 0 || !strings.HasPrefix(s.Uses, "actions/checkout@v") {
			t.Errorf("%s: step %d is %+v", file, i, s)
		}
	}
	return out
}

// The commands of each recipe pass with its variables, in a project that has the
// fixture for Vitest, against a server that is there already.
func TestCommandsOfRecipes(t *testing.T) {
	install(t, ".")
	for _, file := range []string{"ci/github-actions.yml", "ci/gitlab-ci.yml"} {
		t.Run(filepath.Base(file), func(t *testing.T) {
			j := job(t, file)
			if len(j.commands) != 2 || j.commands[0] != "npm ci" { // as install does
				t.Fatalf("commands %q", j.commands)
			}
			srv := carillontest.Start(t)
			env := []string{"TESTED_CARILLON=/nowhere"}
			for name, value := range j.env {
				if name == "AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS" {
					if !strings.HasSuffix(value, ":8480") {
						t.Errorf("the service is called at %s", value)
					}
					value = srv.Endpoint
				}
				env = append(env, name+"="+value)
			}
			if out := run(t, env, "sh", "-euc", "cd vitest && "+j.commands[1]); !strings.Contains(out, "3 passed") {
				t.Errorf("not all three tests passed:\n%s", out)
			}
		})
	}
}
