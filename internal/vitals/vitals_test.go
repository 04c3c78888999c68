package vitals

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carillon-meetings/carillon/internal/observe"
)

// node is what a Keeper reads: a hundred calls, three of them refused and two
// failed, and fifty frames of sound, with each second.
type node struct {
	mu    sync.Mutex
	start time.Time
	now   Reading
}

func (n *node) read() Reading {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := uint64(time.Since(n.start) / time.Second)
	r := n.now
	r.Calls, r.Refused, r.Failed, r.Ticks, r.Late, r.Skipped = 100*s, 3*s, 2*s, 49*s, s, s
	r.Host.CPU, r.Host.Cores, r.Host.Busy, r.Host.All = time.Duration(s)*time.Second, 4, 30*s, 400*s
	return r
}

// keep runs a Keeper of the node for so long.
func keep(t *testing.T, n *node, file string, during time.Duration) *Keeper {
	t.Helper()
	k := New(Config{Read: n.read, File: file})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { k.Run(ctx); close(done) }()
	time.Sleep(during)
	synctest.Wait()
	cancel()
	<-done
	return k
}

// last returns the newest figure of a column.
func last(t *testing.T, v observe.Vitals, column string) observe.Measure {
	t.Helper()
	all := v.Columns[column]
	if len(all) == 0 || len(all) != len(v.At) {
		t.Fatalf("%s has %d figures at %d moments", column, len(all), len(v.At))
	}
	return all[len(all)-1]
}

func TestAnHourAndADayAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &node{start: time.Now()}
		n.now.Host = Host{Resident: 80 << 20, Heap: 20 << 20, Free: 1 << 30, Memory: 4 << 30, DiskUsed: 5 << 30, DiskFree: 7 << 30}
		n.now.People, n.now.Meetings = 17, 3
		k := keep(t, n, "", 25*time.Hour)
		hour, day := k.Vitals(false), k.Vitals(true)
		if len(hour.At) != 360 || len(day.At) != 1440 {
			t.Fatalf("%d moments of an hour, %d of a day", len(hour.At), len(day.At))
		}
		for _, v := range []observe.Vitals{hour, day} {
			step := time.Duration(v.Step)
			for i := 1; i < len(v.At); i++ {
				if got := v.At[i].Sub(v.At[i-1].Time); got != step {
					t.Fatalf("%v after moment %d comes the next, at a step of %v", got, i, step)
				}
			}
			if age := time.Since(v.At[len(v.At)-1].Time); age > step {
				t.Errorf("the newest moment is %v old", age)
			}
			for column, want := range map[string]observe.Measure{
				"cpu": 25, "machine": 7.5, "resident": 80 << 20, "heap": 20 << 20, "free": 1 << 30, "diskUsed": 5 << 30, "diskFree": 7 << 30,
				"late": 2, "skipped": 2, "unsent": 0, "calls": 100, "refused": 3, "failed": 2, "people": 17, "meetings": 3,
			} {
				if got := last(t, v, column); got != want {
					t.Errorf("%s is %v, want %v", column, got, want)
				}
			}
			if len(v.Columns) != columns || v.Cores != 4 || v.Memory != 4<<30 {
				t.Errorf("%d columns, %d cores, memory %d", len(v.Columns), v.Cores, v.Memory)
			}
		}
	})
}

func TestWhatCannotBeReadIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := New(Config{Read: func() Reading {
			return Reading{Host: Host{Cores: 2, Resident: -1, Free: -1, Memory: -1, DiskUsed: -1, DiskFree: -1}}
		}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { k.Run(ctx); close(done) }()
		time.Sleep(first + Fine/2)
		cancel()
		<-done
		v := k.Vitals(false)
		for _, column := range []string{"machine", "resident", "free", "diskUsed", "diskFree"} {
			if got := last(t, v, column); got.Known() {
				t.Errorf("%s is %v", column, got)
			}
		}
		if got := last(t, v, "late"); got != 0 {
			t.Errorf("late is %v where nobody speaks", got)
		}
		text, err := json.Marshal(v)
		if err != nil || !strings.Contains(string(text), `"diskFree":[null]`) || !strings.Contains(string(text), `"cpu":[0]`) {
			t.Errorf("%s, %v", text, err)
		}
		var back observe.Vitals
		if err := json.Unmarshal(text, &back); err != nil || last(t, back, "machine").Known() || last(t, back, "cpu") != 0 {
			t.Errorf("read back: %+v, %v", back, err)
		}
	})
}

func TestADayOutlastsARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), FileName)
		n := &node{start: time.Now()}
		n.now.People = 5
		keep(t, n, file, 3*time.Hour+Fine/2)
		time.Sleep(time.Hour) // nothing runs
		n.now.People = 9
		k := keep(t, n, file, 2*time.Hour+Fine/2)
		day := k.Vitals(true)
		if len(day.At) != 300 || len(k.Vitals(false).At) != 360 {
			t.Fatalf("%d moments of a day, %d of an hour", len(day.At), len(k.Vitals(false).At))
		}
		if before, after := day.Columns["people"][179], day.Columns["people"][180]; before != 5 || after != 9 {
			t.Errorf("around the restart there were %v and %v people", before, after)
		}
		if gap := day.At[180].Sub(day.At[179].Time); gap < time.Hour {
			t.Errorf("the gap is %v", gap)
		}
		time.Sleep(23 * time.Hour)
		if left := New(Config{Read: n.read, File: file}).Vitals(true); len(left.At) != 60 {
			t.Errorf("a day later %d moments are kept", len(left.At))
		}
	})
}

func TestAnUnreadableFileIsNoReasonToStop(t *testing.T) {
	file := filepath.Join(t.TempDir(), FileName)
	for _, text := range []string{"", "{", `{"at":[5,"x"]}`, `{"at":[1,2,3],"columns":{"cpu":[1]}}`, `{"at":[99999999999999],"columns":null}`} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		k := New(Config{Read: func() Reading { return Reading{} }, File: file})
		if v := k.Vitals(true); len(v.At) != 0 {
			t.Errorf("%q: %d moments", text, len(v.At))
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(`{"at":[1,2,3],"columns":{"cpu":[1,null],"other":[1,2,3,4]}}`))
	file := filepath.Join(f.TempDir(), FileName)
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		k := New(Config{Read: func() Reading { return Reading{} }})
		k.cfg.File = file
		_ = k.load(time.UnixMilli(2)) // an error is as good as an answer
		v := k.Vitals(true)
		for name, column := range v.Columns {
			if len(column) != len(v.At) || len(column) > coarseKept {
				t.Fatalf("%s has %d figures at %d moments", name, len(column), len(v.At))
			}
		}
		if _, err := json.Marshal(v); err != nil {
			t.Fatal(err)
		}
	})
}

func TestTheHostIsReadAsTheKernelWritesIt(t *testing.T) {
	h := Host{Memory: -1, Free: -1, Resident: -1}
	h.readStat(strings.NewReader("cpu  100 20 30 400 50 6 7 8 90 10\ncpu0 1 2 3 4\n"))
	if h.All != 621 || h.Busy != 171 {
		t.Errorf("busy %d of %d", h.Busy, h.All)
	}
	h.readStatm(strings.NewReader("20000 3000 1000 1 0 2 0\n"))
	if h.Resident != int64(3000*os.Getpagesize()) {
		t.Errorf("resident %d", h.Resident)
	}
	h.readMeminfo(strings.NewReader("MemTotal:       8000 kB\nMemFree:  1 kB\nMemAvailable:    2000 kB\n"))
	if h.Memory != 8000<<10 || h.Free != 2000<<10 {
		t.Errorf("memory %d, free %d", h.Memory, h.Free)
	}
	odd := Host{Memory: -1, Free: -1, Resident: -1}
	for _, text := range []string{"", "cpu", "cpu a b c d e", "MemTotal: many kB", "x\n"} {
		odd.readStat(strings.NewReader(text))
		odd.readStatm(strings.NewReader(text))
		odd.readMeminfo(strings.NewReader(text))
	}
	if odd.All != 0 || odd.Memory != -1 || odd.Resident != -1 {
		t.Errorf("of nonsense: %+v", odd)
	}
}

func TestThisMachineIsRead(t *testing.T) {
	h := ReadHost(t.TempDir())
	if h.CPU <= 0 || h.Cores < 1 || h.All == 0 || h.Busy > h.All || h.Resident < 1<<20 || h.Heap <= 0 || h.Memory < h.Free || h.DiskUsed <= 0 || h.DiskFree < 0 {
		t.Errorf("%+v", h)
	}
	if h := ReadHost(filepath.Join(t.TempDir(), "none")); h.DiskFree != -1 || h.DiskUsed != -1 {
		t.Errorf("of no directory: %+v", h)
	}
}

func TestPercent(t *testing.T) {
	for _, c := range []struct{ part, whole, want float64 }{{1, 3, 33.33}, {5, 4, 100}, {0, 1, 0}} {
		if got := percent(c.part, c.whole); got != observe.Measure(c.want) {
			t.Errorf("%v of %v is %v %%", c.part, c.whole, got)
		}
	}
	for _, c := range [][2]float64{{1, 0}, {-1, 2}, {math.NaN(), 1}} {
		if got := percent(c[0], c[1]); got.Known() {
			t.Errorf("%v of %v is %v %%", c[0], c[1], got)
		}
	}
}

func BenchmarkReadHost(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		ReadHost(dir)
	}
}
