package gather_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

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

func TestANodesLogIsHadFromTheOthers(t *testing.T) {
	nodes := three(t, 0)
	address := strings.TrimPrefix(nodes[2].web.URL, "http://")
	part, err := nodes[0].Log(t.Context(), address, observe.LogQuery{After: 41, Text: "found"})
	if err != nil || part.Node != "n2" || part.Last != 42 || len(part.Lines) != 1 || string(part.Lines[0].Line) != `{"msg":"found"}` {
		t.Errorf("%+v, %v", part, err)
	}
	nodes[2].web.Close()
	if _, err := nodes[0].Log(t.Context(), address, observe.LogQuery{}); err == nil {
		t.Error("a node that is away has a log")
	}
}
