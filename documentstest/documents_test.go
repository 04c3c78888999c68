package documentstest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// line says where something is.
func line(number int, what string) string { return fmt.Sprintf("line %d: %s", number, what) }

// arrange gives each block that somebody has to run the step that the plan has
// for it, and an ordinary one where the plan says nothing. It returns what is
// wrong with plan and page.
func arrange(p plan, blocks []block) (steps []step, typed []block, problems []string) {
	used := make([]bool, len(p.steps))
	for _, b := range blocks {
		at := slices.IndexFunc(p.steps, func(st step) bool { return strings.HasPrefix(b.text, st.begins) })
		for at >= 0 && used[at] {
			next := slices.IndexFunc(p.steps[at+1:], func(st step) bool { return strings.HasPrefix(b.text, st.begins) })
			if at += 1 + next; next < 0 {
				at = -1
			}
		}
		st := step{}
		if at >= 0 {
			st, used[at] = p.steps[at], true
		}
		if problem := unfit(b, st); problem != "" {
			problems = append(problems, line(b.line, problem))
		} else if b.commands() || at >= 0 {
			steps, typed = append(steps, st), append(typed, b)
		}
	}
	for i, st := range p.steps {
		if !used[i] {
			problems = append(problems, fmt.Sprintf("no block begins with %q any more", st.begins))
		}
	}
	return steps, typed, problems
}

// unfit tells why a block cannot be left at what is done with it.
func unfit(b block, st step) string {
	switch b.language {
	case "text", "sh":
		return ""
	case "json":
		return malformed(json.Unmarshal([]byte(elided.ReplaceAllString(b.text, "$1$2")), new(any)))
	case "yaml":
		return malformed(yaml.Unmarshal([]byte(b.text), new(any)))
	case "go", "js", "python", "ini", "nginx":
		if st.by == "" && st.not == "" {
			return "no test runs this"
		}
		return ""
	}
	return fmt.Sprintf("nobody knows what to do with %q", b.language)
}

// elided is what JSON has in the place of more members.
var elided = regexp.MustCompile(`([{\[])…([}\]])`)

func malformed(err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}

// TestEveryCommandIsRun types each page from its first block to its last.
func TestEveryCommandIsRun(t *testing.T) {
	all, shown := plans(), pages(t)
	for page := range all {
		if _, there := shown[page]; !there {
			t.Errorf("there is a plan for %s, which there is not", page)
		}
	}
	for page, blocks := range shown {
		steps, typed, problems := arrange(all[page], blocks)
		for _, problem := range problems {
			t.Errorf("%s: %s (what to do about it stands in docs/testing.md under Commands in documents)", page, problem)
		}
		if len(typed) == 0 {
			continue
		}
		t.Run(strings.TrimSuffix(page, ".md"), func(t *testing.T) {
			t.Parallel()
			typePage(t, all[page], steps, typed)
		})
	}
}

// typePage runs the blocks of a page that are to be run here.
func typePage(t *testing.T, p plan, steps []step, typed []block) {
	here := func(st step) bool { return st.not == "" && (st.by == "" || st.slow) && (!st.slow || *asWritten) }
	for _, st := range steps {
		elsewhere(t, st.by)
	}
	if !slices.ContainsFunc(steps, here) {
		return
	}
	s := begin(t)
	if p.checkout {
		checkout(t, s.dir)
	}
	fmt.Fprintf(&s.script, "%s\n", p.before)
	for i, st := range steps {
		if here(st) {
			s.add(i, st, typed[i])
		}
	}
	said, err := s.run()
	if err != nil {
		t.Error(err)
	}
	for i, st := range steps {
		if out, ran := said[i]; ran && st.like != "" {
			if err := alike(typed[i].text, out, st.optional); err != nil {
				t.Errorf("%s: %v", line(typed[i].line, st.like), err)
			}
		}
		for _, want := range st.says {
			if out, ran := said[i]; ran && !regexp.MustCompile(want).MatchString(out) {
				t.Errorf("%s: nothing in its output is %q:\n%s", line(typed[i].line, typed[i].first()), want, out)
			}
		}
	}
}

// elsewhere looks for those who are said to run a block, such as
// "clients: func TestName(" or "scripts/lint: npm run check".
func elsewhere(t *testing.T, by string) {
	t.Helper()
	if by == "" {
		return
	}
	for _, one := range strings.Split(by, "; ") {
		place, name, _ := strings.Cut(one, ": ")
		files := []string{filepath.Join("..", place)}
		if info, err := os.Stat(files[0]); err == nil && info.IsDir() {
			files, _ = filepath.Glob(filepath.Join("..", place, "*.go"))
		}
		if name == "" || !slices.ContainsFunc(files, func(file string) bool {
			text, err := os.ReadFile(file)
			return err == nil && strings.Contains(string(text), name)
		}) {
			t.Errorf("%q is to be run by what is not there", one)
		}
	}
}

// checkout copies what the repository has, and the pages that were built, into a
// folder. What npm has fetched is linked: there is no network to fetch it by. Of
// files that are not committed only the server's go along: other suites, which may
// run meanwhile, make and remove some in their own folders.
func checkout(t *testing.T, dir string) {
	t.Helper()
	copying := exec.Command("bash", "-eu", "-o", "pipefail", "-c", `
list() { git ls-files -z; git ls-files -z --others --exclude-standard -- cmd internal conform carillontest; find internal/console/pages/dist web/.built -type f -print0; }
list | while IFS= read -r -d '' f; do [ ! -f "$f" ] || printf '%s\0' "$f"; done | tar --create --null --files-from - | tar --extract --directory "$1"
for folder in web examples examples/react; do [ ! -d $folder/node_modules ] || ln -s "$PWD/$folder/node_modules" "$1/$folder/node_modules"; done`, "copy", dir)
	copying.Dir = ".."
	if out, err := copying.CombinedOutput(); err != nil {
		t.Fatalf("copying the repository: %v\n%s", err, out)
	}
}

// A block that nobody has thought of is run, or the suite fails: nothing is left
// out in silence.
func TestWhatNobodyRunsIsFound(t *testing.T) {
	blocks, _ := read("```sh\nnew\n```\n```sh\nold\n```\n```text\nseen\n```\n```json\n{\"a\": {…}, \"b\": [\"…\"]}\n```\n")
	steps, typed, problems := arrange(plan{steps: []step{{begins: "old", not: "for a reason"}}}, blocks)
	if len(problems) > 0 || len(typed) != 2 || steps[0].not != "" || steps[1].not == "" {
		t.Errorf("steps %+v, problems %q", steps, problems)
	}
	for page, want := range map[string]string{
		"```js\nrun()\n```\n":      "line 1: no test runs this",
		"```yaml\na: [\n```\n":     "line 1: yaml: ",
		"```json\n{\n```\n":        "line 1: unexpected end",
		"```bash\nls\n```\n":       `line 1: nobody knows what to do with "bash"`,
		"```text\nnewer\n```\n":    `no block begins with "old" any more`,
		"```sh\nold\nolder\n```\n": "",
	} {
		blocks, _ := read(page)
		_, _, problems := arrange(plan{steps: []step{{begins: "old", not: "for a reason"}}}, blocks)
		if want != "" && (len(problems) == 0 || !strings.HasPrefix(problems[0], want)) || want == "" && len(problems) > 0 {
			t.Errorf("%s: problems %q, want %q", page, problems, want)
		}
	}
}

// A command that fails, output that is not what the plan wants and a server that
// does not start are told.
func TestASessionTellsWhatFails(t *testing.T) {
	for commands, want := range map[string]string{
		"true\nfalse\ntrue\n":                       "exit status 1",
		"echo $UNSET_BY_ANYBODY\n":                  "unbound variable",
		"carillon serve --no-such\n":                "unknown flag --no-such",
		"false | true\n":                            "exit status 1",
		"curl --silent --fail http://127.0.0.1:1\n": "exit status 7",
	} {
		s := begin(t)
		s.add(0, step{}, block{text: "echo begun\n" + commands})
		said, err := s.run()
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(said[0], "begun\n") {
			t.Errorf("%q: %v, want %q; said %q", commands, err, want, said[0])
		}
	}
	s := begin(t)
	s.add(0, step{serves: "http://127.0.0.1:1/"}, block{text: "echo begun\nfalse\n"})
	if _, err := s.run(); err == nil || !strings.Contains(err.Error(), "http://127.0.0.1:1/ does not answer") || strings.Contains(err.Error(), "deadline") {
		t.Errorf("what is to serve and does not: %v", err)
	}
}

// Archives, packages and images are named by the version that is built.
func TestTheDocumentsNameThisVersion(t *testing.T) {
	version, err := os.ReadFile("../cmd/carillon/VERSION")
	if err != nil {
		t.Fatal(err)
	}
	named, found := regexp.MustCompile(`carillon[_:](\d+\.\d+\.\d+)`), 0
	for _, pattern := range []string{"../*.md", "../docs/*.md", "../examples/*.md", "../examples/ci/*", "../packaging/compose/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if filepath.Base(file) == "runbook.md" {
				continue // goes back to an older one
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range named.FindAllStringSubmatch(string(text), -1) {
				if found++; m[1] != strings.TrimSpace(string(version)) {
					t.Errorf("%s names %s, and this is %s", file, m[0], version)
				}
			}
		}
	}
	if found < 8 {
		t.Errorf("only %d versions were found", found)
	}
}
