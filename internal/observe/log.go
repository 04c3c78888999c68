package observe

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// LogQuery asks for lines of the log of a node, or of all nodes.
type LogQuery struct {
	Node  string  // its name; empty for all
	After LogMark // those that follow these lines; of a node that is not named all that are kept
	Level string  // of this level and above: "DEBUG", "INFO", "WARN" or "ERROR"; empty for all
	Text  string  // that have this text, in capitals or not; empty for all
	Limit int     // the most lines of an answer, the latest ones; at least 1
}

// LogMark is a line of each node by the node's name, and there by its number.
type LogMark map[string]uint64

// LogPart is what answers a LogQuery.
type LogPart struct {
	Last   LogMark   `json:"last"` // the latest lines that were looked at: where to go on
	Cut    bool      `json:"cut"`  // lines that were asked for are left off, or are not kept any more
	Lines  []LogLine `json:"lines"`
	Silent []string  `json:"silent,omitempty"` // nodes that did not answer, by name: their lines come later
}

// LogLine is one line of a log.
type LogLine struct {
	Node string          `json:"node"` // whose log it is in
	N    uint64          `json:"id"`   // grows from line to line of a node, and over restarts
	Line json.RawMessage `json:"line"` // an object with time, level, msg and the line's fields
}

// Merge makes one answer of what nodes said, in the order of time. Of a node that
// said nothing the mark stays where it was.
func (q LogQuery) Merge(parts ...LogPart) LogPart {
	type timed struct {
		LogLine
		at time.Time
	}
	all := LogPart{Last: LogMark{}, Lines: []LogLine{}}
	maps.Copy(all.Last, q.After)
	var lines []timed
	for _, p := range parts {
		maps.Copy(all.Last, p.Last)
		all.Cut = all.Cut || p.Cut
		for _, l := range p.Lines {
			lines = append(lines, timed{l, l.time()})
		}
	}
	slices.SortStableFunc(lines, func(a, b timed) int { return a.at.Compare(b.at) })
	if over := len(lines) - q.Limit; over > 0 {
		lines, all.Cut = lines[over:], true
	}
	for _, l := range lines {
		all.Lines = append(all.Lines, l.LogLine)
	}
	return all
}

// time is when the line was written; the zero time for one that does not say so.
func (l LogLine) time() time.Time {
	var line struct{ Time time.Time }
	_ = json.Unmarshal(l.Line, &line) // a line that cannot be read is the oldest
	return line.Time
}
