package logtail

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/observe"
)

// messages returns those of the lines, which must be JSON objects.
func messages(t *testing.T, part observe.LogPart) (list []string) {
	t.Helper()
	for _, l := range part.Lines {
		var line struct{ Msg string }
		if err := json.Unmarshal(l.Line, &line); err != nil {
			t.Fatalf("%s: %v", l.Line, err)
		}
		list = append(list, line.Msg)
	}
	return list
}

func opened(limit int) (*Tail, *slog.Logger) {
	tail := New(limit)
	return tail, slog.New(tail.Handler(slog.LevelInfo))
}

func TestLinesAreFoundByLevelAndText(t *testing.T) {
	tail, log := opened(Kept)
	log.Debug("not written")
	log.Info("started", "url", "http://meet.example.org")
	log.Warn("refused", "reason", `say "Friend" & <enter>`)
	log.With("part", "api").Error("failed", "err", "disk full")
	for _, c := range []struct {
		query observe.LogQuery
		want  string
	}{
		{observe.LogQuery{}, "[started refused failed]"},
		{observe.LogQuery{Level: "INFO"}, "[started refused failed]"},
		{observe.LogQuery{Level: "WARN"}, "[refused failed]"},
		{observe.LogQuery{Level: "ERROR"}, "[failed]"},
		{observe.LogQuery{Level: "nonsense"}, "[started refused failed]"},
		{observe.LogQuery{Text: "EXAMPLE"}, "[started]"},
		{observe.LogQuery{Text: `"friend" & <ENTER>`}, "[refused]"},
		{observe.LogQuery{Text: `"`}, "[refused]"},
		{observe.LogQuery{Text: "part", Level: "ERROR"}, "[failed]"},
		{observe.LogQuery{Text: "nobody said this"}, "[]"},
	} {
		c.query.Limit = 10
		part := tail.Lines("a", c.query)
		if got := fmt.Sprint(messages(t, part)); got != c.want || part.Cut {
			t.Errorf("%+v: %s, cut %v; want %s", c.query, got, part.Cut, c.want)
		}
	}
}

func TestLengthsOfTimeSayTheirUnit(t *testing.T) {
	tail, log := opened(Kept)
	log.With("for", 90*time.Second).Info("answered", "took", 1500*time.Microsecond)
	line := string(tail.Lines("a", observe.LogQuery{Limit: 1}).Lines[0].Line)
	if !strings.Contains(line, `"for":"1m30s"`) || !strings.Contains(line, `"took":"1.5ms"`) {
		t.Errorf("the line is %s", line)
	}
}

func TestWhoFollowsGetsWhatIsNew(t *testing.T) {
	tail, log := opened(Kept)
	for i := range 5 {
		log.Info(fmt.Sprint(i))
	}
	first := tail.Lines("a", observe.LogQuery{Limit: 3})
	if got := fmt.Sprint(messages(t, first)); got != "[2 3 4]" || !first.Cut {
		t.Errorf("the last three are %s, cut %v", got, first.Cut)
	}
	again := tail.Lines("a", observe.LogQuery{After: first.Last, Limit: 3})
	if len(again.Lines) != 0 || again.Cut || again.Last["a"] != first.Last["a"] {
		t.Errorf("nothing is new: %+v", again)
	}
	log.Info("5")
	next := tail.Lines("a", observe.LogQuery{After: first.Last, Limit: 3})
	if got := fmt.Sprint(messages(t, next)); got != "[5]" || next.Cut || next.Lines[0].N != first.Last["a"]+1 {
		t.Errorf("new are %s: %+v", got, next)
	}
}

func TestTheNumbersOfANewProcessAreAboveThose(t *testing.T) {
	before, log := opened(Kept)
	log.Info("the end")
	after, log := opened(Kept)
	log.Info("the beginning")
	last := before.Lines("a", observe.LogQuery{Limit: 1}).Last
	if got := after.Lines("a", observe.LogQuery{After: last, Limit: 1}); len(got.Lines) != 1 {
		t.Errorf("who follows since before a restart is told %+v", got)
	}
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	const limit = 4000
	tail, log := opened(limit)
	for i := range 1000 {
		log.Info("a line", "number", i)
	}
	part := tail.Lines("a", observe.LogQuery{Limit: 1000})
	size := 0
	for _, c := range tail.chunks {
		size += cap(c)
	}
	if size > limit || size < limit/2 {
		t.Errorf("%d bytes are kept, of %d", size, limit)
	}
	if last := string(part.Lines[len(part.Lines)-1].Line); !strings.Contains(last, `"number":999`) || !part.Cut {
		t.Errorf("the last line is %s, cut %v", last, part.Cut)
	}
	if gone := tail.Lines("a", observe.LogQuery{After: observe.LogMark{"a": part.Last["a"] - 900}, Limit: 1000}); !gone.Cut {
		t.Error("who asks for lines that have gone is not told so")
	}
}

func TestALongLineIsShortened(t *testing.T) {
	tail, log := opened(Kept)
	log.Warn("fields", "long", strings.Repeat("ä", maxLine))
	log.Warn(strings.Repeat("ö", maxLine))
	part := tail.Lines("a", observe.LogQuery{Level: "WARN", Limit: 10})
	if len(part.Lines) != 2 {
		t.Fatalf("%d lines", len(part.Lines))
	}
	for i, l := range part.Lines {
		var line struct {
			Time, Level, Msg string
			Left             string `json:"left_off"`
		}
		if err := json.Unmarshal(l.Line, &line); err != nil || line.Time == "" || line.Msg == "" || line.Left == "" || len(l.Line) > maxLine {
			t.Errorf("line %d: %d bytes, %v, %.200s", i, len(l.Line), err, l.Line)
		}
	}
}

func TestManyWriteAndRead(t *testing.T) {
	tail, log := opened(2000)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 200 {
				log.Info("written")
			}
		})
		all.Go(func() {
			for range 50 {
				if got := tail.Lines("a", observe.LogQuery{Text: "written", Limit: 5}); len(got.Lines) > 5 {
					t.Errorf("%d lines", len(got.Lines))
				}
			}
		})
	}
	all.Wait()
}

// What is made into JSON for who looks is what slog makes of it at once.
func TestALineIsAsSlogWritesIt(t *testing.T) {
	var want bytes.Buffer
	tail := New(Kept)
	level := slog.LevelDebug
	both := slog.New(slog.NewMultiHandler(slog.NewJSONHandler(&want, &slog.HandlerOptions{Level: level, ReplaceAttr: readable}), tail.Handler(level)))
	both.Info("nothing more")
	both.Debug("ends\nof \x00 \"lines\"", "text", "ä<&>\xff", "", "no name", "number", -1<<63, "for", -time.Second, "status", 1<<62)
	both.Log(t.Context(), slog.LevelWarn+1, "another level", "one", 1)
	both.Error("failed", "err", errors.New("disk full"), "is", true, "list", []string{"a"}, "at", time.Now(), "nothing", nil, "part", 0.5, "more", uint64(1<<63))
	both.With("part", "media", "took", time.Minute).With("n", 1).Info("said beforehand", "here", "too")
	both.With("part", "media", "on", true).Info("said beforehand", "here", "too")
	both.WithGroup("group").Info("in a group", "n", 1)
	both.With("n", 1).WithGroup("group").With("m", 2).Info("in a group", "n", 1)
	both.Info("a group", slog.Group("group", "n", 1))
	both.Info("valued", "level", slog.LevelWarn, "secret", hidden("x"))
	for _, at := range []time.Time{{}, time.Now().UTC(), time.Unix(1, 2)} {
		r := slog.NewRecord(at, slog.LevelInfo, "at another time", 0)
		r.AddAttrs(slog.Int("n", 1))
		if err := both.Handler().Handle(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, l := range tail.Lines("a", observe.LogQuery{Limit: 100}).Lines {
		got = append(got, string(l.Line))
	}
	if lines := strings.Join(got, "\n") + "\n"; lines != want.String() {
		t.Errorf("kept is\n%s, slog writes\n%s", lines, want.String())
	}
}

// hidden is a text that no log shows.
type hidden string

func (hidden) LogValue() slog.Value { return slog.StringValue("hidden") }

func TestALineThatJSONMakesLongIsShortened(t *testing.T) {
	tail, log := opened(Kept)
	log.Info("bytes", "text", strings.Repeat("\x00", maxLine/2))
	if l := tail.Lines("a", observe.LogQuery{Limit: 1}).Lines[0].Line; !json.Valid(l) || len(l) > maxLine || !strings.Contains(string(l), "left_off") {
		t.Errorf("%d bytes: %.200s", len(l), l)
	}
}

func BenchmarkAKeptLine(b *testing.B) {
	b.ReportAllocs()
	_, log := opened(Kept)
	for b.Loop() {
		log.Info("api request", "operation", "CreateMeeting", "flavour", "meetings", "status", 201, "from", "192.0.2.1", "request_id", "0123456789")
	}
}
