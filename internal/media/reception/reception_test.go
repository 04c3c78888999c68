package reception

import (
	"slices"
	"testing"
	"time"
)

var start = time.Unix(1_700_000_000, 0)

func TestNote(t *testing.T) {
	r := NewStream(90000)
	for i, tc := range []struct {
		seq      uint16
		want     Verdict
		overflow bool
	}{
		{65533, Fresh, false},
		{65534, Fresh, false},
		{65534, Duplicate, false},
		{1, Fresh, false}, // 65535 and 0 are missing
		{65535, Late, false},
		{65535, Duplicate, false},
		{0, Late, false},
		{60000, Duplicate, false}, // far too old
		{200, Fresh, true},        // a hole of 198 packets
		{100, Late, false},
		{40000, Fresh, true}, // another stream
		{40001, Fresh, false},
	} {
		v, overflow := r.Note(tc.seq, 0, start)
		if v != tc.want || overflow != tc.overflow {
			t.Errorf("%d: packet %d is %v overflow %v, want %v %v", i, tc.seq, v, overflow, tc.want, tc.overflow)
		}
	}
}

func TestDueGivesUp(t *testing.T) {
	r := NewStream(90000)
	r.Note(10, 0, start)
	r.Note(13, 0, start)
	if got := r.Due(nil, start.Add(nackDelay/2), time.Second); len(got) != 0 {
		t.Errorf("asked for %v too early", got)
	}
	asked := 0
	now := start
	for range 100 {
		now = now.Add(60 * time.Millisecond)
		due := r.Due(nil, now, 40*time.Millisecond)
		if len(due) > 0 && !slices.Equal(due, []uint16{11, 12}) {
			t.Fatalf("asked for %v", due)
		}
		asked += len(due)
	}
	if asked != 2*maxTries || r.Missing() != 0 {
		t.Errorf("asked %d times, %d still missing", asked, r.Missing())
	}
}

func TestReport(t *testing.T) {
	r := NewStream(48000)
	now := start
	for seq := range uint16(100) {
		if seq%10 != 5 {
			r.Note(seq, uint32(seq)*960, now)
		}
		now = now.Add(20 * time.Millisecond)
	}
	r.SenderReport(0x1122334455667788, 0, now)
	rr := r.Report(7, now.Add(time.Second))
	if rr.SSRC != 7 || rr.TotalLost != 10 || rr.FractionLost != 25 || rr.LastSequenceNumber != 99 {
		t.Errorf("report %+v, want 10 of 100 lost", rr)
	}
	if rr.LastSenderReport != 0x33445566 || rr.Delay != 65536 {
		t.Errorf("sender report %x %d s/65536 ago", rr.LastSenderReport, rr.Delay)
	}
	if rr.Jitter > 10 || r.Lost() < 0.09 || r.Lost() > 0.11 {
		t.Errorf("jitter %d, lost %v", rr.Jitter, r.Lost())
	}
	r.Note(100, 96000, now)
	if again := r.Report(7, now); again.FractionLost != 0 || again.TotalLost != 10 {
		t.Errorf("next report %+v, want no more losses", again)
	}
}

func TestJitterIsThatOfTheArrivals(t *testing.T) {
	r := NewStream(48000)
	now := start
	for seq := range uint16(500) {
		at := now
		if seq%2 == 1 {
			at = at.Add(10 * time.Millisecond)
		}
		r.Note(seq, uint32(seq)*960, at)
		now = now.Add(20 * time.Millisecond)
	}
	if j := r.Report(1, now).Jitter; j < 400 || j > 500 {
		t.Errorf("jitter %d, want about 480 units, 10 ms", j)
	}
}

func TestMeter(t *testing.T) {
	var m Meter
	now := start
	if got := m.PerSecond(now); got != 0 {
		t.Errorf("rate %v of nothing", got)
	}
	for range 500 { // 1000 a second in steps of 10 ms
		m.Add(10, now)
		now = now.Add(10 * time.Millisecond)
	}
	if got := m.PerSecond(now); got < 950 || got > 1050 {
		t.Errorf("rate %v, want about 1000", got)
	}
	if got := m.PerSecond(now.Add(time.Second)); got < 400 || got > 600 {
		t.Errorf("rate %v after a second's silence, want about half", got)
	}
	if got := m.PerSecond(now.Add(time.Minute)); got != 0 {
		t.Errorf("rate %v after a minute's silence", got)
	}
	m = Meter{}
	m.Add(100, start)
	m.Add(100, start.Add(500*time.Millisecond))
	if got := m.PerSecond(start.Add(500 * time.Millisecond)); got < 200 || got > 500 {
		t.Errorf("rate %v half a second after the beginning", got)
	}
}

func FuzzNote(f *testing.F) {
	f.Add([]byte{0, 1, 0, 2, 255, 255, 128, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := NewStream(90000)
		now := start
		for ; len(b) >= 2; b = b[2:] {
			r.Note(uint16(b[0])<<8|uint16(b[1]), uint32(b[0])*5000, now)
			now = now.Add(time.Duration(b[1]) * time.Millisecond)
			r.Due(nil, now, 50*time.Millisecond)
			if r.Missing() > MaxMissing {
				t.Fatalf("%d missing", r.Missing())
			}
		}
		if r.Started() {
			if rr := r.Report(1, now); rr.TotalLost > 1<<23 {
				t.Fatalf("report %+v", rr)
			}
		}
	})
}

func BenchmarkNote(b *testing.B) {
	r := NewStream(90000)
	b.ReportAllocs()
	seq := uint16(0)
	for b.Loop() {
		r.Note(seq, uint32(seq)*3000, start)
		seq++
	}
}
