package observe

import "encoding/json"

// LogQuery asks for lines of a node's log.
type LogQuery struct {
	Node  string // its name; empty for the one that is asked
	After uint64 // those that follow this line; 0 for all that are kept
	Level string // of this level and above: "DEBUG", "INFO", "WARN" or "ERROR"; empty for all
	Text  string // that have this text, in capitals or not; empty for all
	Limit int    // the most lines of an answer, the latest ones; at least 1
}

// LogPart is what answers a LogQuery.
type LogPart struct {
	Node  string    `json:"node"` // whose lines these are
	Last  uint64    `json:"last"` // the latest line that was looked at: where to go on
	Cut   bool      `json:"cut"`  // lines that were asked for are left off, or are not kept any more
	Lines []LogLine `json:"lines"`
}

// LogLine is one line of a log.
type LogLine struct {
	N    uint64          `json:"id"`   // grows from line to line, and over restarts
	Line json.RawMessage `json:"line"` // an object with time, level, msg and the line's fields
}
