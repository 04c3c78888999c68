// Package logtail keeps the end of the log in memory, for operators who look at
// it in the console. What is kept is bounded in bytes; the oldest lines go
// first.
//
// Its handler stands beside the one that writes the log itself
// (slog.NewMultiHandler). So a line is there as the logger was given it, and
// nothing is in it that the log would not have. Lines are written far more often
// than looked at: what becomes JSON is made so for who looks.
package logtail

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/observe"
)

const (
	// Kept is how much is kept, in bytes: some two thousand lines.
	Kept = 512 << 10

	// parts is in how many pieces that is: the oldest goes as a whole.
	parts = 16

	// maxLine is how long a line may be, in bytes; of a longer one its time,
	// level and message are kept.
	maxLine = 8 << 10
)

// Tail is the end of a log. Its methods may be called from any goroutine.
type Tail struct {
	limit int

	mu     sync.Mutex
	chunks []chunk // oldest first; guarded by mu
	last   uint64  // the number of the last line; guarded by mu
	size   int     // of all chunks; guarded by mu
	lost   bool    // lines have gone; guarded by mu
}

// chunk is lines, each after its length. Bytes that are there do not change any more: who looks at
// them needs no lock.
type chunk []byte

// New returns a Tail that keeps limit bytes of lines. Lines are counted from
// the microsecond of its making, so that the numbers of a process are above
// those of the one before it.
func New(limit int) *Tail {
	return &Tail{limit: limit, last: uint64(time.Now().UnixMicro())}
}

// Handler returns what keeps records of a level and above.
func (t *Tail) Handler(level slog.Leveler) slog.Handler {
	return &handler{tail: t, plain: true, json: slog.NewJSONHandler(t, &slog.HandlerOptions{Level: level, ReplaceAttr: readable})}
}

// readable writes a length of time as the log itself has it, such as 1.5ms: JSON
// would have it in nanoseconds, without saying so.
func readable(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

// Write keeps one line, as slog.JSONHandler writes it.
func (t *Tail) Write(line []byte) (int, error) {
	kept := bytes.TrimSuffix(line, []byte("\n"))
	if len(kept) > maxLine {
		kept = shortened(kept)
	}
	t.keep(kept)
	return len(line), nil
}

// keep adds a copy of a line: an object of JSON, or a record as appendRecord
// writes it.
func (t *Tail) keep(line []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	need := binary.MaxVarintLen32 + len(line)
	if i := len(t.chunks) - 1; i < 0 || cap(t.chunks[i])-len(t.chunks[i]) < need {
		t.growLocked(max(need, t.limit/parts))
	}
	c := &t.chunks[len(t.chunks)-1]
	*c = append(binary.AppendUvarint(*c, uint64(len(line))), line...)
	t.last++
}

// growLocked adds room for lines, at the cost of the oldest ones.
func (t *Tail) growLocked(room int) {
	gone := 0
	for ; gone < len(t.chunks) && t.size+room > t.limit; gone++ {
		t.size -= cap(t.chunks[gone])
		t.lost = true
	}
	added := make(chunk, 0, room)
	t.chunks = append(slices.Delete(t.chunks, 0, gone), added)
	t.size += cap(added)
}

// shortened returns what every line has of one that is too long.
func shortened(line []byte) []byte {
	var head struct {
		Time  time.Time `json:"time"`
		Level string    `json:"level"`
		Msg   string    `json:"msg"`
		Left  string    `json:"left_off"`
	}
	if json.Unmarshal(line, &head) != nil { // cannot happen: slog writes objects
		head.Msg = "a line that cannot be read"
	}
	head.Left = fmt.Sprintf("the fields of this line, which is %d bytes long", len(line))
	if len(head.Msg) > maxLine/2 {
		head.Msg = strings.ToValidUTF8(head.Msg[:maxLine/2], "") + "…"
	}
	short, err := json.Marshal(head)
	if err != nil {
		return []byte(`{"msg":"a line that cannot be read"}`)
	}
	return short
}

// Lines answers a query with what is kept, as the lines of a node.
func (t *Tail) Lines(node string, q observe.LogQuery) observe.LogPart {
	after := q.After[node]
	least, text := levelOf(q.Level), wanted(q.Text)
	t.mu.Lock()
	chunks, last, lost := slices.Clone(t.chunks), t.last, t.lost // whoever logs does not wait for the search
	t.mu.Unlock()
	lines := linesOf(chunks)
	first := last - uint64(len(lines)) + 1
	part := observe.LogPart{Last: observe.LogMark{node: last}, Cut: lost && after+1 < first, Lines: []observe.LogLine{}}
	for i := len(lines) - 1; i >= 0; i-- {
		n := first + uint64(i)
		if n <= after {
			break
		}
		if level(lines[i]) < least {
			continue
		}
		line := asJSON(lines[i])
		if !bytes.Contains(bytes.ToLower(line), text) {
			continue
		}
		if len(part.Lines) >= q.Limit {
			part.Cut = true
			break
		}
		part.Lines = append(part.Lines, observe.LogLine{Node: node, N: n, Line: line})
	}
	slices.Reverse(part.Lines)
	return part
}

// linesOf returns the lines of chunks, oldest first.
func linesOf(chunks []chunk) (lines [][]byte) {
	for _, c := range chunks {
		for rest := []byte(c); len(rest) > 0; {
			size, n := binary.Uvarint(rest)
			lines = append(lines, rest[n:n+int(size)])
			rest = rest[n+int(size):]
		}
	}
	return lines
}

// wanted is how a text stands in a line of JSON, without capitals.
func wanted(text string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // as slog.JSONHandler
	if e.Encode(strings.ToLower(text)) != nil {
		return []byte(text)
	}
	quoted := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	return quoted[1 : len(quoted)-1]
}

// level returns that of a line. slog writes it second, after the time.
func level(line []byte) slog.Level {
	if line[0] == plainRecord {
		level, _ := binary.Varint(line[1:])
		return slog.Level(level)
	}
	_, rest, _ := bytes.Cut(line, []byte(`"level":"`))
	name, _, _ := bytes.Cut(rest, []byte(`"`))
	return levelOf(string(name))
}

// levelOf returns the level with the name; the lowest for a name that is none.
func levelOf(name string) (level slog.Level) {
	if level.UnmarshalText([]byte(name)) != nil {
		return slog.LevelDebug - 1000
	}
	return level
}
