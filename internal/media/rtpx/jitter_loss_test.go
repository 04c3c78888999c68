package rtpx

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestAudioBufferLoss(t *testing.T) {
	tests := []struct {
		name string
		lost []int
	}{
		{"one", []int{100}},
		{"three in a row", []int{100, 101, 102}},
		{"every other one", []int{100, 102, 104}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b AudioBuffer
			var in []AudioPacket
			for i := range 800 {
				if !slices.Contains(tt.lost, i) {
					in = append(in, sender{phase: 5 * time.Millisecond}.packet(i, 0))
				}
			}
			o := listen(&b, in, 800)
			// One more than was lost may be made up, to gain time for the next copy.
			if got := o.made(); got < len(tt.lost) || got > len(tt.lost)+1 {
				t.Errorf("%d frames made up for %d lost: %v", got, len(tt.lost), o.kinds)
			}
			if d := o.delay(1, 100); d > 34*time.Millisecond {
				t.Errorf("loss left a delay of %v", d)
			}
		})
	}
}

func TestAudioBufferWaitsForCopiesWhileThereIsLoss(t *testing.T) {
	for _, redundant := range []int{0, 2} { // in-band copies, and RED with its distance
		var b AudioBuffer
		kinds := map[FrameKind]int{}
		lost := 0
		s := sender{phase: 5 * time.Millisecond}
		for i := range 2000 {
			if i > 100 && i%12 == 5 {
				lost++
			} else {
				b.Push(s.packet(i, 0))
				if redundant > 0 && i >= redundant {
					b.PushRedundant(s.packet(i-redundant, 0))
				}
			}
			for pending := 0; pending < FrameSamples; { // excess is ignored: longest delay
				f := b.Pop(start.Add(time.Duration(i+1)*tick), pending)
				kinds[f.Kind]++
				pending += max(f.Samples, FrameSamples*btoi(f.Kind == FrameNone))
			}
		}
		if got := int(b.Stats().Recovered); got < lost*9/10 {
			t.Errorf("copies after %d packets: %d of %d recovered, %v", redundant, got, lost, kinds)
		}
		if d := b.Stats().Delay; d > 34*time.Millisecond+tick*time.Duration(max(redundant, 1)) {
			t.Errorf("copies after %d packets: delay %v", redundant, d)
		}
	}
}

func TestAudioBufferUsesFECWhenTheNextPacketIsThere(t *testing.T) {
	var b AudioBuffer
	rng := rand.New(rand.NewPCG(3, 4))
	var in []AudioPacket
	lost := 0
	for i := range 3000 {
		if i > 200 && rng.IntN(20) == 0 {
			lost++
			continue
		}
		in = append(in, sender{phase: 5 * time.Millisecond}.packet(i, time.Duration(rng.IntN(35))*time.Millisecond))
	}
	o := listen(&b, in, 3000)
	// A copy can only be used if its packet has come by the time it is needed.
	if fec := o.kinds[FrameFEC]; fec < lost*2/3 {
		t.Errorf("%d of %d lost frames recovered: %v", fec, lost, o.kinds)
	}
}

func TestAudioBufferRedundantCopies(t *testing.T) {
	var b AudioBuffer
	s := sender{phase: 5 * time.Millisecond}
	b.PushRedundant(s.packet(0, 0)) // before anything: ignored
	o := outcome{kinds: map[FrameKind]int{}}
	for i := range 300 {
		if i%10 != 5 && i%10 != 6 { // two of ten lost
			b.Push(s.packet(i, 25*time.Millisecond*time.Duration(i%2)))
			for _, back := range []int{1, 2, 40} {
				if i >= back {
					b.PushRedundant(s.packet(i-back, 0))
				}
			}
		}
		if i < 4 {
			continue // a delay that copies can beat
		}
		f := b.Pop(start.Add(time.Duration(i-2)*tick), 0)
		o.kinds[f.Kind]++
	}
	st := b.Stats()
	if st.Recovered < 50 || o.kinds[FramePlay] < 280 {
		t.Errorf("%v, %+v", o.kinds, st)
	}
}
