package clustertest

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// digest reads what tests write, and tells in the end once more what those said
// that failed, without what their nodes wrote: of a long log it is mostly the end
// that is kept and read.
type digest struct {
	rest   []byte // of a line that has not ended
	test   string // whose lines come
	said   map[string][]string
	failed []string
}

// saidMost is how many lines of a test are told, the last ones.
const saidMost = 80

var (
	// begins matches the line after which a test's own lines come.
	begins = regexp.MustCompile(`^=== (?:RUN|CONT|NAME) +(\S+)`)
	// ends matches a test's last line; without -v its own come after it.
	ends = regexp.MustCompile(`^ *--- (FAIL|PASS|SKIP): (\S+)`)
	// wrote matches what a node wrote, see Node.tail, and what stands above it.
	wrote = regexp.MustCompile(`^ *n\d+ \| |: node n\d+ wrote:$|^=== `)
)

// Write reads a part of the output. It returns no error.
func (d *digest) Write(p []byte) (int, error) {
	d.rest = append(d.rest, p...)
	for {
		line, rest, whole := bytes.Cut(d.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		d.read(strings.TrimRight(string(line), "\r"))
		d.rest = rest
	}
}

func (d *digest) read(line string) {
	if m := begins.FindStringSubmatch(line); m != nil {
		d.test = m[1]
		return
	}
	if m := ends.FindStringSubmatch(line); m != nil {
		if d.test = m[2]; m[1] == "FAIL" {
			d.failed = append(d.failed, d.test)
		}
		return
	}
	if strings.HasPrefix(line, "panic: ") { // the test binary ends without a line for what ran
		d.failed = append(d.failed, d.test)
	}
	if wrote.MatchString(line) {
		return
	}
	if d.said == nil {
		d.said = map[string][]string{}
	}
	lines := append(d.said[d.test], line)
	d.said[d.test] = lines[max(0, len(lines)-saidMost):]
}

// tell writes what is to be read first when something failed.
func (d *digest) tell(w io.Writer) {
	for i, test := range d.failed {
		if i == 0 {
			_, _ = fmt.Fprintln(w, "\nWhat failed, without the lines of its nodes:")
		}
		_, _ = fmt.Fprintf(w, "\n%s\n%s\n", test, strings.Join(d.said[test], "\n"))
	}
}
