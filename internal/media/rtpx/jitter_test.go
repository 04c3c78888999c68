package rtpx

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

const tick = 20 * time.Millisecond

// opusFrame is a syntactically valid Opus packet of 20 ms that carries a number.
func opusFrame(n int) []byte { return []byte{15 << 3, byte(n >> 8), byte(n)} }

// sender makes a simulated sender's packets: packet i is complete, and on its
// way, at i frames after the start.
type sender struct {
	seq   uint16
	ts    uint32
	frame int           // samples; 0 = 960
	drift float64       // of its clock, in parts of 1
	phase time.Duration // between its clock and the ticks
}

func (s sender) packet(i int, delay time.Duration) AudioPacket {
	frame := max(s.frame, FrameSamples*btoi(s.frame == 0))
	payload := opusFrame(i)
	if frame == 3*FrameSamples {
		payload[0] = 3 << 3
	}
	sent := time.Duration(float64(i)*float64(mediaTime(int64(frame)))*(1-s.drift)) + s.phase
	return AudioPacket{Seq: s.seq + uint16(i), TS: s.ts + uint32(i*frame), Payload: payload,
		HasLevel: true, Level: 20, Arrival: start.Add(sent + delay)}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// outcome counts what a listener got.
type outcome struct {
	kinds  map[FrameKind]int
	played []int // numbers of the frames, in order
	waited []time.Duration
}

// listen runs a buffer over packets, with a consumer that asks every 20 ms and
// shortens what it plays by at most 240 samples a frame when told to.
func listen(b *AudioBuffer, packets []AudioPacket, ticks int) outcome {
	slices.SortStableFunc(packets, func(a, c AudioPacket) int { return a.Arrival.Compare(c.Arrival) })
	o := outcome{kinds: map[FrameKind]int{}}
	pending := 0
	for i := range ticks {
		now := start.Add(time.Duration(i) * tick)
		for len(packets) > 0 && !packets[0].Arrival.After(now) {
			b.Push(packets[0])
			packets = packets[1:]
		}
		for pending < FrameSamples {
			f := b.Pop(now, pending)
			o.kinds[f.Kind]++
			if f.Kind == FrameNone {
				pending = FrameSamples
				break
			}
			if f.Kind == FramePlay {
				o.played = append(o.played, int(f.Payload[1])<<8|int(f.Payload[2]))
				o.waited = append(o.waited, b.stats.Delay)
			}
			pending += f.Samples - min(f.Excess, 240)
		}
		pending -= FrameSamples
	}
	return o
}

func (o outcome) made() int { return o.kinds[FrameFEC] + o.kinds[FrameConceal] + o.kinds[FrameWait] }

// delay returns the q-quantile of the delays of the last n frames.
func (o outcome) delay(q float64, n int) time.Duration {
	w := slices.Clone(o.waited[max(0, len(o.waited)-n):])
	slices.Sort(w)
	return w[int(q*float64(len(w)-1))]
}

func TestAudioBufferAddsLittleDelayWithoutJitter(t *testing.T) {
	for phase := time.Duration(0); phase < tick; phase += 3 * time.Millisecond {
		var b AudioBuffer
		s := sender{seq: 65500, ts: 1<<32 - 9600, phase: phase} // both wrap
		var in []AudioPacket
		for i := range 500 {
			in = append(in, s.packet(i, 0))
		}
		o := listen(&b, in, 500)
		if o.made() > 0 || len(o.played) < 495 || o.delay(1, 400) > 34*time.Millisecond {
			t.Errorf("phase %v: %d frames played, %d made up, delay %v", phase, len(o.played), o.made(), o.delay(1, 400))
		}
	}
}

func TestAudioBufferAdaptsToJitter(t *testing.T) {
	var b AudioBuffer
	rng := rand.New(rand.NewPCG(1, 2))
	s := sender{phase: 7 * time.Millisecond}
	var in []AudioPacket
	for i := range 4000 {
		jitter := time.Duration(0)
		if i >= 500 && i < 2000 {
			jitter = time.Duration(rng.IntN(60)) * time.Millisecond
		}
		in = append(in, s.packet(i, jitter))
	}
	calm := listen(&b, in[:500], 501)
	if calm.made() > 0 {
		t.Errorf("calm: %d frames made up", calm.made())
	}
	b = AudioBuffer{}
	o := listen(&b, in[:2000], 2000)
	if share := float64(o.made()) / 1500; share > 0.05 {
		t.Errorf("jitter of 60 ms: %.1f %% of the frames made up", 100*share)
	}
	if d := o.delay(0.5, 500); d < 45*time.Millisecond || d > 100*time.Millisecond {
		t.Errorf("jitter of 60 ms: delay %v", d)
	}
	b = AudioBuffer{}
	o = listen(&b, in, 4000)
	if d := o.delay(0.5, 200); d > 34*time.Millisecond {
		t.Errorf("after the jitter is over: delay %v", d)
	}
}

func TestAudioBufferOrdersAndIgnoresDuplicates(t *testing.T) {
	var b AudioBuffer
	s := sender{phase: 5 * time.Millisecond}
	var in []AudioPacket
	for i := range 300 {
		delay := 15 * time.Millisecond
		if i%10 == 3 {
			delay += 10*time.Millisecond + tick // overtaken by the next one
		}
		in = append(in, s.packet(i, delay))
		if i%7 == 0 {
			in = append(in, s.packet(i, delay+time.Millisecond))
		}
		if i%50 == 0 {
			in = append(in, s.packet(i, 400*time.Millisecond)) // a very late copy
		}
	}
	o := listen(&b, in, 310)
	if !slices.IsSorted(o.played) || len(slices.Compact(slices.Clone(o.played))) != len(o.played) {
		t.Error("frames out of order or played twice")
	}
	if st := b.Stats(); st.Duplicate < 40 || st.Received != uint64(len(in)) {
		t.Errorf("stats %+v", st)
	}
	if d := len(o.played); d < 290 {
		t.Errorf("%d of 300 frames played: %v", d, o.kinds)
	}
}

func TestAudioBufferPauses(t *testing.T) {
	var b AudioBuffer
	s := sender{phase: 5 * time.Millisecond}
	var in []AudioPacket
	for i := range 200 {
		p := s.packet(i, 0)
		if i >= 50 { // discontinuous transmission: time goes on, numbers do not
			p.TS += 100 * FrameSamples
			p.Arrival = p.Arrival.Add(100 * tick)
		}
		in = append(in, p)
	}
	o := listen(&b, in, 300)
	if len(o.played) < 198 || o.kinds[FrameFEC]+o.kinds[FrameConceal] > 0 || o.kinds[FrameWait] > maxWaits {
		t.Errorf("%d played, %v", len(o.played), o.kinds)
	}
	if d := o.delay(1, 100); d > 34*time.Millisecond {
		t.Errorf("a pause left a delay of %v", d)
	}
}

func TestAudioBufferStallAndFlood(t *testing.T) {
	var b AudioBuffer
	s := sender{phase: 5 * time.Millisecond}
	var in []AudioPacket
	for i := range 1000 {
		delay := time.Duration(0)
		if i >= 100 && i < 120 {
			delay = time.Duration(120-i) * tick // 400 ms of packets at once
		}
		in = append(in, s.packet(i, delay))
	}
	o := listen(&b, in, 1000)
	if d := o.delay(1, 300); d > 34*time.Millisecond {
		t.Errorf("delay %v long after the stall", d)
	}
	if len(o.played) < 960 {
		t.Errorf("%d of 1000 played: %v", len(o.played), o.kinds)
	}
}

func TestAudioBufferSenderStartsAnew(t *testing.T) {
	var b AudioBuffer
	var in []AudioPacket
	for i := range 100 {
		in = append(in, sender{seq: 10, ts: 5}.packet(i, 0))
	}
	for i := range 100 {
		in = append(in, sender{seq: 40000, ts: 1 << 30, phase: 100 * tick}.packet(i, 0))
	}
	o := listen(&b, in, 202)
	if len(o.played) < 196 {
		t.Errorf("%d of 200 played: %v", len(o.played), o.kinds)
	}
}

func TestAudioBufferLongFrames(t *testing.T) {
	var b AudioBuffer
	var in []AudioPacket
	for i := range 100 {
		if i != 50 {
			in = append(in, sender{frame: 3 * FrameSamples, phase: 5 * time.Millisecond}.packet(i, 0))
		}
	}
	o := listen(&b, in, 300)
	if len(o.played) < 97 || o.made() < 1 || o.made() > 3 {
		t.Errorf("%d of 99 played: %v", len(o.played), o.kinds)
	}
}

func TestAudioBufferClockDrift(t *testing.T) {
	for _, drift := range []float64{-300e-6, 300e-6} {
		var b AudioBuffer
		var in []AudioPacket
		for i := range 15000 { // five minutes
			p := sender{drift: drift, phase: 5 * time.Millisecond}.packet(i, 0)
			if i/25%2 == 0 {
				p.Level = 80 // pauses between words
			}
			in = append(in, p)
		}
		o := listen(&b, in, 15000)
		if d := o.delay(1, 10000); d > 50*time.Millisecond || o.made() > 12 {
			t.Errorf("drift %v: delay %v, %d made up", drift, d, o.made())
		}
	}
}

func TestAudioBufferStopAndBegin(t *testing.T) {
	var b AudioBuffer
	s := sender{phase: 5 * time.Millisecond}
	for i := range 100 { // nobody listens
		b.Push(s.packet(i, 0))
	}
	f := b.Pop(start.Add(100*tick), 0)
	if f.Kind != FramePlay || string(f.Payload) != string(opusFrame(99)) && string(f.Payload) != string(opusFrame(98)) {
		t.Fatalf("began with %+v", f)
	}
	if f.Prime == nil {
		t.Error("nothing to prime the decoder with")
	}
	b.Stop()
	for i := 100; i < 200; i++ {
		b.Push(s.packet(i, 0))
	}
	f = b.Pop(start.Add(200*tick), 0)
	if n := int(f.Payload[2]); f.Kind != FramePlay || n < 198 {
		t.Errorf("began again with packet %d", n)
	}
}

func TestAudioBufferIgnoresMalformedPackets(t *testing.T) {
	var b AudioBuffer
	b.Push(AudioPacket{Payload: nil, Arrival: start})
	b.Push(AudioPacket{Payload: []byte{3}, Arrival: start})
	if f := b.Pop(start.Add(time.Second), 0); f.Kind != FrameNone || b.Stats().Received != 0 {
		t.Errorf("got %+v", f)
	}
}

func FuzzAudioBuffer(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 250, 4, 77, 1})
	f.Fuzz(func(t *testing.T, ops []byte) {
		var b AudioBuffer
		now := start
		var seq uint16
		var ts uint32
		for len(ops) >= 4 {
			op := ops[:4]
			ops = ops[4:]
			now = now.Add(time.Duration(op[0]&0x3F) * time.Millisecond)
			seq += uint16(int8(op[1]))
			ts += uint32(int32(int8(op[2]))) << (op[0] >> 6 * 8)
			p := AudioPacket{Seq: seq, TS: ts, Payload: op[2:], HasLevel: op[3]&1 == 0, Level: op[3] & 0x7F, Arrival: now}
			switch op[3] >> 6 {
			case 0:
				b.PushRedundant(p)
			case 1:
				b.Stop()
			default:
				b.Push(p)
			}
			fr := b.Pop(now, int(op[1]))
			if fr.Kind == FramePlay != (fr.Payload != nil) && fr.Kind != FrameFEC {
				t.Fatalf("%+v", fr)
			}
			if fr.Kind != FrameNone && (fr.Samples <= 0 || fr.Samples > MaxOpusSamples) {
				t.Fatalf("a frame of %d samples", fr.Samples)
			}
		}
	})
}

func BenchmarkAudioBuffer(b *testing.B) {
	var buf AudioBuffer
	s := sender{}
	p := s.packet(0, 0)
	p.Payload = make([]byte, 80)
	p.Payload[0] = 15 << 3
	b.ReportAllocs()
	for b.Loop() {
		buf.Push(p)
		buf.Pop(p.Arrival.Add(5*time.Millisecond), 0)
		p.Seq++
		p.TS += FrameSamples
		p.Arrival = p.Arrival.Add(tick)
	}
}

func TestMediaTimeDoesNotOverflow(t *testing.T) {
	const year = SampleRate * 3600 * 24 * 365
	if got := mediaTime(year); got != 365*24*time.Hour {
		t.Errorf("a year of samples lasts %v", got)
	}
}

func TestHeldIsHowLongTheFastestPacketsWait(t *testing.T) {
	var b AudioBuffer
	if b.Held() != 0 {
		t.Error("held before the first packet")
	}
	s := sender{phase: 7 * time.Millisecond}
	var in []AudioPacket
	for i := range 600 {
		in = append(in, s.packet(i, time.Duration(i*7919%30)*time.Millisecond))
	}
	o := listen(&b, in, 600)
	// Delays are counted from when the fastest packets come, so the longest of the
	// last second is that of a fast one.
	if want := o.delay(1, 50); (b.Held() - want).Abs() > 2*time.Millisecond {
		t.Errorf("held for %s, want %s", b.Held(), want)
	}
}
