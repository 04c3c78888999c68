package observe

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
)

// said is what a node says whose last lines are of these seconds.
func said(node string, last uint64, seconds ...int) LogPart {
	part := LogPart{Last: LogMark{node: last}}
	for i, s := range seconds {
		line := fmt.Sprintf(`{"time":"2026-05-01T12:00:%02d.5Z","msg":"%s%d"}`, s, node, s)
		part.Lines = append(part.Lines, LogLine{Node: node, N: last - uint64(len(seconds)-1-i), Line: json.RawMessage(line)})
	}
	return part
}

func messages(part LogPart) string {
	var all []string
	for _, l := range part.Lines {
		var line struct{ Msg string }
		if json.Unmarshal(l.Line, &line) != nil {
			line.Msg = string(l.Line)
		}
		all = append(all, line.Msg)
	}
	return strings.Join(all, " ")
}

func TestLinesOfAllNodesAreInTheOrderOfTime(t *testing.T) {
	q := LogQuery{Limit: 10, After: LogMark{"b": 3, "c": 90}}
	part := q.Merge(said("a", 7, 1, 5, 6), said("b", 4, 3))
	if got := messages(part); got != "a1 b3 a5 a6" || part.Cut {
		t.Errorf("%s, cut %v", got, part.Cut)
	}
	if want := (LogMark{"a": 7, "b": 4, "c": 90}); !maps.Equal(part.Last, want) { // c said nothing
		t.Errorf("it goes on after %v, want %v", part.Last, want)
	}
	if !maps.Equal(q.After, LogMark{"b": 3, "c": 90}) {
		t.Errorf("the question has become %v", q.After)
	}
}

func TestTheLatestLinesOfAllNodesStay(t *testing.T) {
	part := LogQuery{Limit: 3}.Merge(said("a", 7, 1, 5, 6), said("b", 4, 3, 4))
	if got := messages(part); got != "b4 a5 a6" || !part.Cut {
		t.Errorf("%s, cut %v", got, part.Cut)
	}
	if part = (LogQuery{Limit: 3}).Merge(LogPart{Cut: true}); !part.Cut || part.Lines == nil {
		t.Errorf("a node that has left lines off: %+v", part)
	}
}

func TestLinesOfOneMomentKeepTheirOrder(t *testing.T) {
	odd := LogPart{Lines: []LogLine{{Node: "c", N: 1, Line: json.RawMessage(`[]`)}}}
	part := LogQuery{Limit: 10}.Merge(said("b", 2, 4, 4), said("a", 9, 4), odd)
	got := ""
	for _, l := range part.Lines {
		got += fmt.Sprint(l.Node, l.N, " ")
	}
	if got != "c1 b1 b2 a9 " {
		t.Error(got)
	}
}
