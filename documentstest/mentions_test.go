package documentstest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// mention is a command that stands within a line of text, and what is typed for
// it: itself, unless names in it stand for something.
type mention struct{ command, typed string }

// mentioned returns those that are about one running server, in the order in
// which they make sense. Nodes of a cluster are sorted out by clustertest.
func mentioned() []mention {
	return []mention{
		{"carillon serve --help", ""},
		{"carillon check config", ""},
		{"carillon check health", ""},
		{"carillon env", ""},
		{"carillon admin list", ""},
		{"carillon admin show MEETING", `carillon admin show "$MEETING"`},
		{"carillon admin mute MEETING ATTENDEE", `carillon admin mute "$MEETING" "$ATTENDEE"`},
		{"carillon admin end MEETING", `carillon admin end "$MEETING"`},
		{"carillon admin audit", ""},
		{"carillon events secret --pair", ""},
		{"carillon events status", ""},
		{"carillon events dead", ""},
		{"carillon events replay", ""},
		{"carillon events resume", "carillon events resume webhook:default"},
		{"carillon token-key add", "carillon token-key add --data carillon-data"},
		{"carillon token-key show", "carillon token-key show --data carillon-data"},
		{"carillon token-key use", "carillon token-key use --data carillon-data"},
		{"carillon token-key drop", "carillon token-key drop --data carillon-data"},
		{"openssl rand -hex 32", `carillon check config --app-keys "000000000000=$(openssl rand -hex 32)"`},
		{`printf %s "$SECRET" | carillon operators hash`, `SECRET=twelve-letters; printf %s "$SECRET" | carillon operators hash`},
	}
}

// TestCommandsWithinTheText types those that the pages mention.
func TestCommandsWithinTheText(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for _, page := range texts(t) {
		all.WriteString(page)
	}
	s := begin(t)
	fmt.Fprintf(&s.script, "%s\n", `carillon events secret >hook.secret
carillon serve --webhook http://127.0.0.1:1/ --webhook-secret-file hook.secret --webhook-allow-private
`+meeting+`ATTENDEE=$(curl --silent --fail-with-body --aws-sigv4 aws:amz:us-east-1:chime --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
  --data '{"ExternalUserId": "ada"}' "$AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS/meetings/$MEETING/attendees" | sed 's/.*"AttendeeId":"\([^"]*\)".*/\1/')`)
	for i, m := range mentioned() {
		if !strings.Contains(all.String(), m.command) {
			t.Errorf("%s is mentioned nowhere any more", m.command)
		}
		text := m.typed
		if text == "" {
			text = m.command
		}
		s.add(i, step{}, block{text: text + "\n"})
	}
	said, err := s.run()
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range mentioned() {
		if strings.Contains(m.command, " show") && strings.TrimSpace(said[i]) == "" {
			t.Errorf("%s says nothing", m.command)
		}
	}
}

// tests returns the names of all tests and benchmarks of the repository, with
// whatever build tags.
func tests(t *testing.T) (names []string) {
	t.Helper()
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz)\w+)\(`)
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		for _, m := range declared.FindAllSubmatch(text, -1) {
			names = append(names, string(m[1]))
		}
		return err
	})
	if err != nil || len(names) < 1000 {
		t.Fatalf("%d tests, %v", len(names), err)
	}
	return names
}

// What the pages have go test run by name is there: most of it measures for
// minutes, and is not run here.
func TestTheDocumentsNameTestsAndBenchmarksThereAre(t *testing.T) {
	names := strings.Join(tests(t), "\n")
	commands, chosen := regexp.MustCompile("go test [^`\n]*"), regexp.MustCompile("-(run|bench) '?([^'\\s`]+)")
	found := 0
	for page, text := range texts(t) {
		for _, command := range commands.FindAllString(text, -1) {
			for _, m := range chosen.FindAllStringSubmatch(command, -1) {
				top, _, _ := strings.Cut(m[2], "/")
				for one := range strings.SplitSeq(top, "|") {
					if one == "^$" || one == "xxx" {
						continue
					}
					kind := map[string]string{"run": "(?:Test|Fuzz)", "bench": "Benchmark"}[m[1]]
					if found++; !regexp.MustCompile("(?m)^" + kind + `\w*` + strings.Trim(strings.TrimPrefix(one, "Test"), "^$")).MatchString(names) {
						t.Errorf("%s: %s: nothing is called %s", page, command, one)
					}
				}
			}
		}
	}
	if found < 12 {
		t.Errorf("only %d were found", found)
	}
}
