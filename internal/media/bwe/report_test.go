package bwe

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
)

// fate is what a report says of one packet.
type fate struct {
	seq      uint16
	received bool
	delta    time.Duration
}

func fates(r report) (all []fate) {
	r.each(func(seq uint16, received bool, delta time.Duration) bool {
		all = append(all, fate{seq, received, delta})
		return true
	})
	return all
}

// head makes the beginning of a report of so many packets from 65,534 on.
func head(packets uint16, rest ...byte) []byte {
	raw := make([]byte, headSize, headSize+len(rest)+3)
	raw[0], raw[1] = 0x80|15, 205
	binary.BigEndian.PutUint16(raw[12:], 65534)
	binary.BigEndian.PutUint16(raw[14:], packets)
	raw = append(raw, rest...)
	for len(raw)%4 != 0 {
		raw = append(raw, 0)
	}
	binary.BigEndian.PutUint16(raw[2:], uint16(len(raw)/4-1))
	return raw
}

func TestReports(t *testing.T) {
	const quarter = 250 * time.Microsecond
	for _, tc := range []struct {
		name string
		raw  []byte
		want []fate
	}{
		{"a run", head(3, 0x20, 3, 1, 2, 3), []fate{{65534, true, quarter}, {65535, true, 2 * quarter}, {0, true, 3 * quarter}}},
		{"a run of losses", head(2, 0x00, 2), []fate{{65534, false, 0}, {65535, false, 0}}},
		{"bits", head(3, 0xA8, 0, 4, 5), []fate{{65534, true, 4 * quarter}, {65535, false, 0}, {0, true, 5 * quarter}}},
		{"pairs of bits, one backwards", head(3, 0xD8, 0, 8, 0xFF, 0xFE), []fate{{65534, true, 8 * quarter}, {65535, true, -2 * quarter}, {0, false, 0}}},
		{"the reserved symbol", head(1, 0x60, 1), []fate{{65534, false, 0}}},
		{"fewer deltas than packets", head(5, 0x20, 5, 1, 2), []fate{{65534, true, quarter}, {65535, true, 2 * quarter}}},
		{"an empty one", head(0), nil},
	} {
		r, err := parseReport(tc.raw)
		if got := fates(r); err != nil || !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, %v, want %v", tc.name, got, err, tc.want)
		}
	}
	whole := head(3, 0x20, 3, 1, 2, 3)
	for _, raw := range [][]byte{nil, whole[:19], whole[:len(whole)-1], head(3), head(200, 0x00, 9), append([]byte{0x81}, whole[1:]...), append([]byte{whole[0], 206}, whole[2:]...)} {
		if _, err := parseReport(raw); !errors.Is(err, ErrReport) {
			t.Errorf("% x: %v, want ErrReport", raw, err)
		}
	}
}

// A few bytes that speak of tens of thousands of packets must not cost the work
// of as many.
func TestReportsOfWhatWasNotSentAreNotRead(t *testing.T) {
	var e Estimator
	now := time.Unix(1, 0)
	for range 10 {
		e.Sent(1000, now)
	}
	huge := head(65535, slices.Repeat([]byte{0x1f, 0xff}, 9)...)
	for range 1000 {
		if err := e.Feedback(huge, now); err != nil {
			t.Fatal(err)
		}
	}
	if e.mentions > 0 || e.mentions < -1000 {
		t.Errorf("%d mentions left after 65,535,000 of 10 packets", e.mentions)
	}
	e.Sent(1000, now)
	if allocs := testing.AllocsPerRun(10, func() { _ = e.Feedback(huge, now) }); allocs != 0 {
		t.Errorf("%v allocations for a report", allocs)
	}
}

// FuzzFeedback compares what is read with what Pion reads, and feeds it to an
// estimator.
func FuzzFeedback(f *testing.F) {
	r := twcc.NewRecorder(1)
	for i := range 40 {
		r.Record(1, uint16(i*3), int64(i)*1000)
	}
	for _, p := range r.BuildFeedbackPacket() {
		raw, err := p.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add(head(3, 0xD8, 0, 8, 0xFF, 0xFE))
	f.Add(head(65535, 0x3f, 0xff, 1))
	f.Fuzz(func(t *testing.T, raw []byte) {
		compare(t, raw)
		e := &Estimator{}
		now := time.Unix(1, 0)
		for range 2000 {
			e.Sent(1000, now)
		}
		for range 3 {
			_ = e.Feedback(raw, now)
			now = now.Add(time.Second)
		}
		if bps, _ := e.Estimate(now); bps < MinBps || bps > MaxBps {
			t.Fatalf("estimate %d", bps)
		}
	})
}

// compare reads a report in both ways, if the other one can.
func compare(t *testing.T, raw []byte) {
	t.Helper()
	var other rtcp.TransportLayerCC
	if len(raw) < 1 || raw[0]>>6 != 2 || other.Unmarshal(raw) != nil {
		return
	}
	var want []fate
	deltas, left := other.RecvDeltas, int(other.PacketStatusCount)
	note := func(symbol uint16) {
		if left--; left < 0 {
			return
		}
		f := fate{seq: other.BaseSequenceNumber + uint16(len(want))}
		if symbol == smallDelta || symbol == largeDelta {
			f.received, f.delta = true, time.Duration(deltas[0].Delta)*time.Microsecond
			deltas = deltas[1:]
		}
		want = append(want, f)
	}
	for _, c := range other.PacketChunks {
		switch c := c.(type) {
		case *rtcp.RunLengthChunk:
			for range min(int(c.RunLength), left) {
				note(c.PacketStatusSymbol)
			}
		case *rtcp.StatusVectorChunk:
			for _, s := range c.SymbolList {
				note(s)
			}
		}
	}
	mine, err := parseReport(raw)
	if got := fates(mine); err != nil || mine.reference != other.ReferenceTime || !slices.Equal(got, want) {
		t.Fatalf("read %v at %d, %v; want %v at %d", got, mine.reference, err, want, other.ReferenceTime)
	}
}

func BenchmarkFeedback(b *testing.B) {
	var e Estimator
	now := time.Unix(1, 0)
	b.ReportAllocs()
	for b.Loop() { // 20 packets of a second of video at 2 Mb/s, every 100 ms
		var first uint16
		for i := range 20 {
			if seq := e.Sent(1150, now); i == 0 {
				first = seq
			}
		}
		raw := head(20, 0x20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20)
		binary.BigEndian.PutUint16(raw[12:], first)
		binary.BigEndian.PutUint32(raw[16:], uint32(now.UnixMilli()/64)<<8)
		if err := e.Feedback(raw, now); err != nil {
			b.Fatal(err)
		}
		now = now.Add(100 * time.Millisecond)
	}
}
