package main

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	spans "go.opentelemetry.io/proto/slim/otlp/trace/v1"

	"github.com/carillon-meetings/carillon/internal/audit"
	"github.com/carillon-meetings/carillon/internal/cluster"
	"github.com/carillon-meetings/carillon/internal/console"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/servertest"
)

// What an operator sees of a cluster is the same at every node, and of all nodes.

// console decodes what the console of a node answers.
func (c *trio) console(node int, path string, into any) {
	c.Helper()
	answer := c.get(node, path)
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil || answer.StatusCode != http.StatusOK {
		c.Errorf("%s at node %d: %s, %v", path, node, answer.Status, err)
	}
}

// get asks the console of a node for an operator.
func (c *trio) get(node int, path string) *http.Response {
	c.Helper()
	if c.cookie == nil {
		c.signIn(node)
	}
	req, err := http.NewRequestWithContext(c.Context(), http.MethodGet, c.nodes[node].Endpoint+"/operator/api/"+path, nil)
	if err != nil {
		c.Fatal(err)
	}
	req.AddCookie(c.cookie)
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		c.Fatal(err)
	}
	return answer
}

// signIn signs an operator in at a node, for all nodes.
func (c *trio) signIn(node int) {
	c.Helper()
	resp, err := http.Post(c.nodes[node].Endpoint+"/operator/api/session", "application/json", strings.NewReader(fmt.Sprintf(`{"secret":%q}`, servertest.OperatorSecret)))
	if err != nil {
		c.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		c.Fatalf("signing in at node %d: %s", node, resp.Status)
	}
	c.cookie = resp.Cookies()[0]
}

// fares finds at a node how all of them fare.
func (c *trio) fares(node int) {
	c.Helper()
	var health struct{ Nodes []observe.Vitals }
	c.console(node, "health", &health)
	if len(health.Nodes) != len(c.nodes) {
		c.Errorf("node %d says how %d nodes fare", node, len(health.Nodes))
	}
	for i, v := range health.Nodes {
		if v.Here != (i == 0) || v.Fault != "" || len(v.At) == 0 || len(v.Columns["cpu"]) != len(v.At) {
			c.Errorf("of node %q, node %d says %+v", v.Node, node, v)
		}
	}
}

// logged finds at a node the lines of each one's log, and of all in one.
func (c *trio) logged(node int) {
	c.Helper()
	counts := map[string]int{}
	for i := range c.nodes {
		name := fmt.Sprint("n", i)
		var part observe.LogPart
		c.console(node, "log?text=started&node="+name, &part)
		for _, l := range part.Lines {
			if l.Node != name {
				c.Errorf("in the log of %s, as node %d has it, is a line of %s", name, node, l.Node)
			}
		}
		counts[name] = len(part.Lines)
	}
	var all observe.LogPart
	c.console(node, "log?text=started", &all)
	last := time.Time{}
	for _, l := range all.Lines {
		var line struct{ Time time.Time }
		if err := json.Unmarshal(l.Line, &line); err != nil || line.Time.Before(last) {
			c.Errorf("at node %d after %v comes %s: %v", node, last, l.Line, err)
		}
		last = line.Time
		counts[l.Node]--
	}
	if len(all.Lines) < 3 || len(all.Silent) > 0 || len(all.Last) != 3 || slices.ContainsFunc([]string{"n0", "n1", "n2"}, func(n string) bool { return counts[n] != 0 }) {
		c.Errorf("the log of all nodes, as node %d has it, is %+v; too few: %v", node, all, counts)
	}
	mark, err := json.Marshal(all.Last)
	if err != nil {
		c.Fatal(err)
	}
	var next observe.LogPart
	if c.console(node, "log?text=started&after="+url.QueryEscape(string(mark)), &next); len(next.Lines) > 0 {
		c.Errorf("who has seen all lines gets at node %d: %+v", node, next)
	}
}

// audited finds at a node, in pages of two, the entries of all nodes in the order
// of time, and among them those that are wanted, as a node and what was done.
func (c *trio) audited(node int, want ...string) {
	c.Helper()
	last, missing := time.Now().Add(time.Hour), slices.Clone(want)
	for before, pages := "", 0; ; pages++ {
		var page audit.Page
		c.console(node, "audit?limit=2&before="+before, &page)
		if len(page.Entries) > 2 || len(page.Silent) > 0 || pages > 1000 {
			c.Fatalf("a page of the audit at node %d: %+v", node, page)
		}
		for _, e := range page.Entries {
			if e.At.After(last) {
				c.Errorf("at node %d an entry of %v comes after %v", node, e.At, last)
			}
			last = e.At
			if i := slices.Index(missing, e.Node+" "+e.Action); i >= 0 {
				missing = slices.Delete(missing, i, i+1)
			}
		}
		if before = page.Next; before == "" {
			break
		}
	}
	if len(missing) > 0 {
		c.Errorf("in the audit at node %d is no %v", node, missing)
	}
	command := adminAuditCommand{operatorTarget: operatorTarget{Endpoint: c.nodes[node].Endpoint, OperatorSecret: servertest.OperatorSecret}, Limit: 500}
	var out, notes strings.Builder
	if err := command.print(c.Context(), &out, &notes); err != nil || notes.String() != "" {
		c.Errorf("carillon admin audit at node %d: %v %s", node, err, &notes)
	}
	for _, w := range want {
		name, action, _ := strings.Cut(w, " ")
		if !slices.ContainsFunc(strings.Split(out.String(), "\n"), func(line string) bool {
			return strings.Contains(line, "  "+name+"  ") && strings.Contains(line, "  "+action+"  ")
		}) {
			c.Errorf("carillon admin audit at node %d has no %q:\n%s", node, w, &out)
		}
	}
}

// keyUsed finds at nodes that the key was used, whichever of them has checked it.
func (c *trio) keyUsed(at ...int) {
	c.Helper()
	c.signIn(0)
	for _, node := range at {
		var sheet console.Sheet
		c.console(node, "sheet", &sheet)
		i := slices.IndexFunc(sheet.Keys, func(k console.SheetKey) bool { return k.ID == servertest.AccessKey })
		if i < 0 || sheet.Keys[i].Used.IsZero() || len(sheet.Silent) > 0 {
			c.Errorf("node %d does not know that the key was used: %+v, without %v", node, sheet.Keys, sheet.Silent)
		}
	}
}

// silent finds that a node that is away is named by others, wherever its part
// would be, and that theirs are there.
func (c *trio) silent(gone string, through ...int) {
	c.Helper()
	for _, node := range through {
		var health struct{ Nodes []observe.Vitals }
		c.console(node, "health", &health)
		if i := slices.IndexFunc(health.Nodes, func(v observe.Vitals) bool { return v.Node == gone }); i < 0 || health.Nodes[i].Fault == "" {
			c.Errorf("node %d says how they fare: %+v", node, health)
		}
		var lines observe.LogPart
		if c.console(node, "log", &lines); !slices.Equal(lines.Silent, []string{gone}) || !ofTwo(lines.Lines, func(l observe.LogLine) string { return l.Node }) {
			c.Errorf("node %d has the log %+v", node, lines)
		}
		c.noLog(node, gone, http.StatusServiceUnavailable)
		c.noLog(node, "n9", http.StatusNotFound)
		var page audit.Page
		if c.console(node, "audit", &page); !slices.Equal(page.Silent, []string{gone}) || !ofTwo(page.Entries, func(e audit.Entry) string { return e.Node }) {
			c.Errorf("node %d has the audit %+v", node, page)
		}
		var sheet console.Sheet
		if c.console(node, "sheet", &sheet); !slices.Equal(sheet.Silent, []string{gone}) {
			c.Errorf("node %d says when keys were used without naming %s: %v", node, gone, sheet.Silent)
		}
		command := adminAuditCommand{operatorTarget: operatorTarget{Endpoint: c.nodes[node].Endpoint, OperatorSecret: servertest.OperatorSecret}, Limit: 5}
		var out, notes strings.Builder
		if err := command.print(c.Context(), &out, &notes); err != nil || !strings.Contains(notes.String(), "node "+gone+" does not answer") {
			c.Errorf("carillon admin audit at node %d says %q, %v", node, &notes, err)
		}
	}
}

// noLog finds that a node refuses the log of one that does not answer, or is none.
func (c *trio) noLog(node int, of string, want int) {
	c.Helper()
	answer := c.get(node, "log?node="+of)
	_ = answer.Body.Close()
	if answer.StatusCode != want {
		c.Errorf("asked for the log of %s, node %d answers %s", of, node, answer.Status)
	}
}

// ofTwo says whether two nodes have something in a list.
func ofTwo[E any](list []E, node func(E) string) bool {
	names := map[string]bool{}
	for _, e := range list {
		names[node(e)] = true
	}
	return len(names) == 2
}

// Whoever looks at an answer of one server sees no column for nodes.
func TestTheAuditOfOneServerNamesNoNode(t *testing.T) {
	s := startServer(t, t.TempDir())
	command := adminAuditCommand{operatorTarget: operatorTarget{Endpoint: s.ports.public.String(), OperatorSecret: s.operatorSecret()}, Limit: 5}
	var out, notes strings.Builder
	if err := command.print(t.Context(), &out, &notes); err != nil || notes.Len() > 0 {
		t.Fatal(cmp.Or(notes.String(), fmt.Sprint(err)))
	}
	head, rest, _ := strings.Cut(out.String(), "\n")
	if strings.Join(strings.Fields(head), " ") != "WHEN WHO FROM VIA ACTION TARGET OUTCOME WHY" || !strings.Contains(rest, "start") {
		t.Errorf("it prints\n%s", &out)
	}
}

// traced finds that a call which came to one node and was answered by another is
// one trace: the caller's span, that of passing it on, and the call.
func (c *trio) traced(r *otlpReceiver, slots []cluster.SlotStatus) {
	c.Helper()
	const caller = "b7ad6b7169203331"
	passed := 0
	for id, base := range c.base {
		at, ok := meeting.ParseID(id)
		if !ok {
			c.Fatalf("no id of a meeting: %s", id)
		}
		if passed++; passed > 3 {
			return
		}
		node := 0
		for slots[at.Slot()].Owner == fmt.Sprint("n", node) {
			node++
		}
		trace := fmt.Sprintf("0af7651916cd43dd8448eb211c8031%02x", passed)
		if _, err := c.at(node, base).GetMeeting(c.Context(), &chimesdkmeetings.GetMeetingInput{MeetingId: &id}, byTraceparent("00-"+trace+"-"+caller+"-01")); err != nil {
			c.Fatal(err)
		}
		until(c.T, "the trace of a call that was passed on", func() bool {
			call, forward := r.of(trace, "GetMeeting"), r.of(trace, "forward")
			if call == nil || forward == nil {
				return false
			}
			if !bytes.Equal(call.GetParentSpanId(), forward.GetSpanId()) || hex.EncodeToString(forward.GetParentSpanId()) != caller {
				c.Errorf("the call %v is not below %v", call, forward)
			}
			return true
		})
	}
}

// of returns the span of a trace with a name; nil when it has not come.
func (r *otlpReceiver) of(trace, name string) *spans.Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.spans {
		if s.GetName() == name && hex.EncodeToString(s.GetTraceId()) == trace {
			return s
		}
	}
	return nil
}
