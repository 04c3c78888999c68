package gather_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/audit"
	"github.com/carillon-meetings/carillon/internal/keyuse"
	"github.com/carillon-meetings/carillon/internal/observe"
)

func TestAllNodesSayHowTheyFare(t *testing.T) {
	nodes := three(t, 0)
	for _, day := range []bool{false, true} {
		list := nodes[1].Vitals(t.Context(), day)
		if list[0].Node != "n1" {
			t.Errorf("the first is %s, not the one that is asked", list[0].Node)
		}
		var names []string
		for _, v := range list {
			names = append(names, v.Node)
			if v.Here != day {
				t.Errorf("%s was asked for another span", v.Node)
			}
		}
		slices.Sort(names)
		if fmt.Sprint(names) != "[n0 n1 n2]" {
			t.Errorf("they are %v", names)
		}
	}
	nodes[0].web.Close()
	if list := nodes[1].Vitals(t.Context(), false); len(list) != 2 {
		t.Errorf("with one away %d answer", len(list))
	}
}

func TestAllNodesSayWhenKeysWereUsed(t *testing.T) {
	nodes := three(t, 0)
	if parts := nodes[0].KeyUse(t.Context()); len(parts) != 3 || parts[0].Node != "n0" || keyuse.Latest("AKIA", parts).Unix() != 102 {
		t.Errorf("%+v", parts)
	}
	nodes[2].web.Close()
	if parts := nodes[0].KeyUse(t.Context()); len(parts) != 2 || keyuse.Latest("AKIA", parts).Unix() != 101 {
		t.Errorf("with one away: %+v", parts)
	}
}

func TestANodesLogIsHadFromTheOthers(t *testing.T) {
	nodes := three(t, 0)
	address := strings.TrimPrefix(nodes[2].web.URL, "http://")
	part, err := nodes[0].Log(t.Context(), address, observe.LogQuery{After: observe.LogMark{"n0": 7, "n2": 41}, Text: "found"})
	if err != nil || part.Last["n2"] != 42 || len(part.Lines) != 1 || part.Lines[0].Node != "n2" || string(part.Lines[0].Line) != `{"msg":"found"}` {
		t.Errorf("%+v, %v", part, err)
	}
	nodes[2].web.Close()
	if _, err := nodes[0].Log(t.Context(), address, observe.LogQuery{}); err == nil {
		t.Error("a node that is away has a log")
	}
}

// saying are the nodes that said something, the one that is asked first.
func saying(t *testing.T, n *node, text string) (inLogs, inAudits string) {
	t.Helper()
	for _, part := range n.Logs(t.Context(), observe.LogQuery{Text: text}) {
		inLogs += part.Lines[0].Node + " "
	}
	parts, err := n.Audit(t.Context(), audit.Query{Text: text})
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range parts {
		if part.Entries[0].Action != text || part.Places[0].File != 1 || !part.Whole {
			t.Errorf("%+v", part)
		}
		inAudits += part.Node + " "
	}
	return inLogs, inAudits
}

func TestLogsAndAuditsOfAllNodesAreHad(t *testing.T) {
	nodes := three(t, 0)
	if logs, audits := saying(t, nodes[1], "found"); logs != "n1 n0 n2 " || audits != "n1 n0 n2 " {
		t.Errorf("logs of %s, audits of %s", logs, audits)
	}
	if logs, audits := saying(t, nodes[1], "broken n2"); logs != "n1 n0 n2 " || audits != "n1 n0 " {
		t.Errorf("logs of %s, audits of %s", logs, audits)
	}
	if _, err := nodes[1].Audit(t.Context(), audit.Query{Text: "broken n1"}); err == nil || !strings.Contains(err.Error(), "this disk is broken") {
		t.Errorf("its own account cannot be read: %v", err)
	}
	nodes[0].web.Close()
	if logs, audits := saying(t, nodes[1], "found"); logs != "n1 n2 " || audits != "n1 n2 " {
		t.Errorf("with one away logs of %s, audits of %s", logs, audits)
	}
}
