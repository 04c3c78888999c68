package ledger

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

func cpuTime() time.Duration {
	var ru syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &ru)
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
}

// BenchmarkAppend stores 8 KB entries, two to a meeting, from several writers
// at once.
func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			l := openTB(b, Config{})
			data := make([]byte, 8<<10)
			_, _ = rand.Read(data)
			b.ReportAllocs()
			b.ResetTimer()
			cpu := cpuTime()
			var next atomic.Int64
			var wg sync.WaitGroup
			for range writers {
				wg.Go(func() {
					for next.Add(1) <= int64(b.N) {
						id := randomID(b)
						rev, err := l.Append(b.Context(), id, Revision{}, data, Ordinary)
						if err == nil && next.Add(1) <= int64(b.N) {
							_, err = l.Append(b.Context(), id, rev, data, Ordinary)
						}
						if err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64((cpuTime()-cpu).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}

// fill stores meetings of two entries, as large as those of a meeting of ten,
// and returns their ids.
func fill(b *testing.B, l *rig, meetings int) []meeting.ID {
	b.Helper()
	return fillWhere(b, l, meetings, func(meeting.ID) bool { return true })
}

// fillWhere is fill for ids of a kind.
func fillWhere(b *testing.B, l *rig, meetings int, kind func(meeting.ID) bool) []meeting.ID {
	b.Helper()
	ids := make([]meeting.ID, meetings)
	created, added := make([]byte, 300), make([]byte, 800)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for n := next.Add(1) - 1; n < int64(meetings); n = next.Add(1) - 1 {
				for ids[n] = randomID(b); !kind(ids[n]); ids[n] = randomID(b) {
				}
				rev, err := l.Append(b.Context(), ids[n], Revision{}, created, Ordinary)
				if err == nil {
					_, err = l.Append(b.Context(), ids[n], rev, added, Ordinary)
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return ids
}

// BenchmarkAdopt adopts all slots, with 10,000 meetings.
func BenchmarkAdopt(b *testing.B) {
	const meetings = 10_000
	l := openTB(b, Config{})
	fill(b, l, meetings)
	b.ReportAllocs()
	for b.Loop() {
		for _, s := range l.held {
			if err := s.Release(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		var n atomic.Int64
		var err error
		if l.held, err = l.Adopt(b.Context(), everySlot(), func(meeting.ID, Entry) error { n.Add(1); return nil }); err != nil {
			b.Fatal(err)
		}
		if n.Load() != 2*meetings {
			b.Fatalf("%d entries", n.Load())
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(2*meetings), "ns/entry")
}

// BenchmarkTakeOver adopts the slots of one node of three, each by itself and
// in turn on the two others as a cluster does, with 100,000 meetings in them.
func BenchmarkTakeOver(b *testing.B) {
	const meetings = 100_000
	w := threeNodes(b)
	fillWhere(b, w.rig, meetings, func(id meeting.ID) bool { return id.Slot()%3 == 0 })
	var took []time.Duration
	for b.Loop() {
		begun := time.Now()
		var wg sync.WaitGroup
		for slot := 0; slot < meeting.Slots; slot += 3 {
			wg.Go(func() {
				if _, err := w.nodes[slot%2].Adopt(b.Context(), []int{slot}, func(meeting.ID, Entry) error { return nil }); err != nil {
					b.Error(err)
				}
			})
		}
		wg.Wait()
		took = append(took, time.Since(begun))
		for _, l := range w.nodes {
			for _, s := range l.owned() {
				_ = s.Release(b.Context())
			}
		}
	}
	b.Logf("took %v", took)
}

// BenchmarkLoad reads the entries of one meeting out of 2,000.
func BenchmarkLoad(b *testing.B) {
	l := openTB(b, Config{})
	ids := fill(b, l, 2000)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if got, err := l.Load(b.Context(), ids[n*7919%len(ids)]); err != nil || len(got) != 2 {
			b.Fatalf("%d entries, %v", len(got), err)
		}
	}
}

// BenchmarkEnd ends meetings of two entries.
func BenchmarkEnd(b *testing.B) {
	l, data := openTB(b, Config{}), make([]byte, 200)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		id := fill(b, l, 1)[0]
		entries, err := l.Load(b.Context(), id)
		b.StartTimer()
		if err == nil {
			_, err = l.End(b.Context(), id, entries[1].Revision, data, time.Hour)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen opens an empty directory and adopts all slots.
func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		l, err := open(b.Context(), Config{Dir: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// BenchmarkDisk is what the disk itself does: depth entries of 8 KB appended
// to a file, then one fdatasync.
func BenchmarkDisk(b *testing.B) {
	for _, depth := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("depth=%d", depth), func(b *testing.B) {
			f, err := os.Create(filepath.Join(b.TempDir(), "f"))
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			data := make([]byte, 8<<10*depth)
			_, _ = rand.Read(data)
			for n := 0; n < b.N; n += depth {
				if _, err := f.Write(data); err != nil {
					b.Fatal(err)
				}
				if err := unix.Fdatasync(int(f.Fd())); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What a node reads of ended meetings when it starts: 2.5 KiB each, as a meeting
// of a few people has.
func BenchmarkPreserved(b *testing.B) {
	const meetings = 2000
	l := openTB(b, Config{})
	if err := l.OpenKept(b.Context()); err != nil {
		b.Fatal(err)
	}
	data := make([]byte, 2560)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range meetings / 16 {
				if err := l.Preserve(b.Context(), randomID(b), data); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.SetBytes(meetings * int64(len(data)))
	for b.Loop() {
		n := 0
		if err := l.Preserved(b.Context(), 0, func(uint64, meeting.ID, []byte) error { n++; return nil }); err != nil || n != meetings {
			b.Fatal(n, err)
		}
	}
}
