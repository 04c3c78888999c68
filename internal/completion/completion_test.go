package completion

import (
	"errors"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// sample has what command lines are made of.
type sample struct {
	Config string `help:"A file." placeholder:"FILE"`
	Serve  struct {
		Level   string `help:"How much." enum:"debug,info,warn" default:"info"`
		Format  string `help:"Which form." enum:"text,json" default:"text"`
		Data    string `help:"A directory." placeholder:"DIR"`
		Name    string `help:"Any word."`
		Console bool   `help:"Pages." negatable:"" default:"true"`
		Secret  string `help:"Not to be seen." hidden:""`
	} `cmd:"" help:"Run."`
	Admin struct {
		List struct{} `cmd:"" help:"List."`
		Show struct {
			Shape string `arg:"" help:"How." enum:"short,long"`
		} `cmd:"" help:"Show."`
		Inner struct{} `cmd:"" hidden:""`
	} `cmd:"" help:"Act."`
}

// complete returns the words that may come, without what they are.
func complete(t *testing.T, words ...string) string {
	t.Helper()
	parser, err := kong.New(&sample{}, kong.Name("sample"))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := Complete(&out, parser.Model, words); err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(out.String()) {
		word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		all = append(all, word)
	}
	return strings.Join(all, " ")
}

func TestWhatMayComeNext(t *testing.T) {
	for line, want := range map[string]string{
		"":                           "serve admin",
		"s":                          "serve",
		"x":                          "",
		"serve --":                   "--help --config --level --format --data --name --console --no-console",
		"serve --no":                 "--no-console",
		"serve --se":                 "",
		"serve ":                     "",
		"admin ":                     "list show",
		"admin show ":                "short long",
		"admin show l":               "long",
		"admin --level ":             "list show", // a flag of another command has no value here
		"serve --level ":             "debug info warn",
		"serve --level d":            "debug",
		"serve --level x":            "",
		"serve --level=w":            "--level=warn",
		"serve --level = w":          "warn", // as bash says it
		"serve --level =":            "debug info warn",
		"serve --level info --f":     "--format",
		"serve --level = info --fo":  "--format",
		"serve --level=info --fo":    "--format",
		"serve --console --le":       "--level",
		"serve --no-console --le":    "--level",
		"serve --name ":              "",
		"serve --name admin --le":    "--level",
		"serve --data ":              ":files",
		"serve --data a":             ":files",
		"serve --data=":              ":files",
		"--config ":                  ":files",
		"--config a.yaml ser":        "serve",
		"serve --unknown=":           "",
		"serve --unknown --format j": "json",
	} {
		if got := complete(t, strings.Split(line, " ")...); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
	if got := complete(t); got != "serve admin" {
		t.Errorf("no word: %q", got)
	}
}

// Each word comes with what it is, for the shells that show it.
func TestWordsSayWhatTheyAre(t *testing.T) {
	parser, err := kong.New(&sample{}, kong.Name("sample"))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := Complete(&out, parser.Model, []string{"ser"}); err != nil || out.String() != "serve\tRun.\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
	if err := Complete(broken{}, parser.Model, []string{"ser"}); !errors.Is(err, errBroken) {
		t.Errorf("a broken pipe: %v", err)
	}
}

var errBroken = errors.New("broken")

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestThreeShellsHaveAScript(t *testing.T) {
	for _, shell := range []string{"bash", "fish", "zsh"} {
		script, err := Script(shell)
		if err != nil || !strings.Contains(script, Ask) || !strings.Contains(script, files) {
			t.Errorf("%s: %v\n%s", shell, err, script)
		}
	}
	for _, shell := range []string{"", "csh", "../completion"} {
		if _, err := Script(shell); err == nil || !strings.Contains(err.Error(), "bash, fish or zsh") {
			t.Errorf("%q: %v", shell, err)
		}
	}
}
