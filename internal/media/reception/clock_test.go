package reception

import (
	"testing"
	"time"
)

// ntpOf is a time as RTCP writes it.
func ntpOf(t time.Time) uint64 {
	return uint64(t.Unix()+2208988800)<<32 | uint64(t.Nanosecond())<<32/1e9
}

// reporting is a sender whose clock is ahead of ours by so much.
type reporting struct {
	ahead  time.Duration
	clock  Clock
	stream *Stream
}

// report sends one when its stream is at ts; it is on its way for so long.
func (s *reporting) report(at time.Time, ts uint32, way time.Duration) {
	ntp := ntpOf(at.Add(s.ahead))
	s.clock.Note(ntp, at.Add(way))
	s.stream.SenderReport(ntp, ts, at.Add(way))
}

func TestReportsTellWhenSomethingWasCaptured(t *testing.T) {
	for _, ahead := range []time.Duration{0, 2 * time.Hour, -40 * 365 * 24 * time.Hour} {
		s := &reporting{ahead: ahead, stream: NewStream(90000)}
		if _, ok := s.stream.Captured(7, &s.clock); ok {
			t.Error("known before the first report")
		}
		ts := uint32(0xFFFF0000) // runs over soon
		for i := range 60 {
			way := 10*time.Millisecond + time.Duration(i%7)*30*time.Millisecond
			s.report(start.Add(time.Duration(i)*time.Second), ts+uint32(i)*90000, way)
			for _, before := range []time.Duration{0, 300 * time.Millisecond, -300 * time.Millisecond} {
				want := start.Add(time.Duration(i)*time.Second - before + 10*time.Millisecond)
				got, ok := s.stream.Captured(ts+uint32(i)*90000-uint32(before/time.Millisecond*90), &s.clock)
				if !ok || got.Sub(want).Abs() > time.Millisecond {
					t.Fatalf("%s ahead, report %d: off by %s", ahead, i, got.Sub(want))
				}
			}
		}
	}
}

func TestAClockThatIsSetIsFollowed(t *testing.T) {
	s := &reporting{stream: NewStream(90000)}
	s.report(start, 0, 0)
	s.ahead = -time.Hour // its reports seem to be on their way for an hour
	s.report(start.Add(time.Second), 90000, 5*time.Millisecond)
	if got, _ := s.stream.Captured(90000, &s.clock); got.Sub(start.Add(time.Second)) != 5*time.Millisecond {
		t.Errorf("off by %s", got.Sub(start.Add(time.Second)))
	}
}

func TestASlowClockDoesNotFallBehind(t *testing.T) {
	s := &reporting{stream: NewStream(90000)}
	for i := range 3600 {
		s.ahead -= 100 * time.Microsecond // 100 ppm
		at := start.Add(time.Duration(i) * time.Second)
		s.report(at, uint32(i)*90000, 5*time.Millisecond)
		if got, _ := s.stream.Captured(uint32(i)*90000, &s.clock); got.Sub(at).Abs() > 10*time.Millisecond {
			t.Fatalf("after %d s: off by %s", i, got.Sub(at))
		}
	}
}
