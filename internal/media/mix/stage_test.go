package mix

import (
	"log/slog"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/media/opus"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

var epoch = time.Unix(1_700_000_000, 0)

// stage is a room on an engine whose time the test controls, with people who
// speak tones and record what they hear.
type stage struct {
	t      testing.TB
	engine *Engine
	room   *Room
	now    time.Time
	people []*person
	queue  []arrival // packets on their way
}

// arrival is a packet that has not come yet.
type arrival struct {
	at time.Time
	do func(at time.Time)
}

func newStage(t testing.TB, cfg Config) *stage {
	t.Helper()
	s := &stage{t: t, now: epoch}
	cfg.Manual = true
	cfg.Now = func() time.Time { return s.now }
	cfg.Logger = slog.New(slog.DiscardHandler)
	e, err := NewEngine(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	s.engine, s.room = e, e.NewRoom()
	return s
}

// person is a member with a mouth and ears.
type person struct {
	s      *stage
	member *Member
	ears   *ears

	tone    float64 // Hz; 0 = says nothing and sends nothing
	right   float64 // Hz of the right channel; 0 = mono
	volume  float64
	phase   float64
	beside  float64 // phase of the right channel
	vowel   bool    // with harmonics and vibrato, instead of a pure tone
	enc     opus.Encoder
	both    opus.Encoder // for stereo
	seq     uint16
	ts      uint32
	noLevel bool
	level   uint8            // reported, if not 0; else measured
	lose    func(n int) bool // loses the n-th packet
	late    time.Duration    // how far behind the tick the packets come
	jitter  func() time.Duration
	sent    int
}

// ears is a Sink that decodes.
type ears struct {
	t       testing.TB
	dec     opus.Decoder // makes both channels, whatever the packets have
	pcm     []float32    // the left channel
	right   []float32
	bytes   int
	frames  int
	silent  int // frames that were the silence frame
	markers []uint32
	times   []uint32
	buf     []float32
}

func (e *ears) WriteFrame(payload []byte, ts uint32, marker bool) {
	e.frames++
	e.times = append(e.times, ts)
	if marker {
		e.markers = append(e.markers, ts)
	}
	if string(payload) == string(opus.Silence()) {
		e.silent++
	}
	n, err := e.dec.Decode(payload, e.buf)
	if err != nil || n != frameSamples {
		e.t.Errorf("frame of %d bytes decoded to %d samples: %v", len(payload), n, err)
	}
	e.bytes += len(payload)
	for i := range n {
		e.pcm, e.right = append(e.pcm, e.buf[2*i]), append(e.right, e.buf[2*i+1])
	}
}

func newEars(t testing.TB) *ears {
	t.Helper()
	dec, err := opus.NewDecoder(opus.Stereo)
	if err != nil {
		t.Fatal(err)
	}
	return &ears{t: t, dec: dec, buf: make([]float32, 2*opus.MaxSamples)}
}

// join adds somebody who speaks a tone of the given frequency, or nothing if it
// is 0.
func (s *stage) join(tone float64, change ...func(*MemberConfig)) *person {
	s.t.Helper()
	enc, err := opus.NewEncoder(opus.EncoderConfig{Loss: 10, Complexity: 1}) // speech mode, as browsers use
	if err != nil {
		s.t.Fatal(err)
	}
	both, err := opus.NewEncoder(opus.EncoderConfig{Channels: opus.Stereo, Bitrate: MaxBitrate})
	if err != nil {
		s.t.Fatal(err)
	}
	p := &person{s: s, ears: newEars(s.t), tone: tone, volume: 0.25, enc: enc, both: both, late: 5 * time.Millisecond}
	cfg := MemberConfig{ID: uint32(len(s.people) + 1), Sink: p.ears}
	for _, c := range change {
		c(&cfg)
	}
	p.member = s.room.AddMember(cfg)
	s.people = append(s.people, p)
	return p
}

// run lets the given number of ticks pass. In each, everybody speaks 20 ms.
func (s *stage) run(ticks int) {
	s.t.Helper()
	for range ticks {
		for _, p := range s.people {
			p.speak()
		}
		s.now = s.now.Add(Period)
		s.deliver()
		s.engine.Tick(s.now)
	}
}

// deliver hands over the packets that have arrived by now, in order of arrival.
func (s *stage) deliver() {
	slices.SortStableFunc(s.queue, func(a, b arrival) int { return a.at.Compare(b.at) })
	for len(s.queue) > 0 && !s.queue[0].at.After(s.now) {
		s.queue[0].do(s.queue[0].at)
		s.queue = s.queue[1:]
	}
}

// speak sends one packet, if the person has a tone.
func (p *person) speak() {
	p.s.t.Helper()
	if p.tone == 0 {
		return
	}
	p.send(p.encode())
}

// encode returns the next packet of the person's tone, and its level.
func (p *person) encode() ([]byte, uint8) {
	var pcm [frameSamples]float32
	for i := range pcm {
		v := math.Sin(2 * math.Pi * p.phase)
		if p.vowel {
			for h := 2.0; h < 12; h++ {
				v += math.Sin(2*math.Pi*h*p.phase) / h
			}
		}
		pcm[i] = float32(p.volume * v)
		p.phase += p.tone / opus.SampleRate * (1 + 0.03*math.Sin(p.phase/9)*float64(btoi(p.vowel)))
	}
	buf := make([]byte, opus.MaxPacket)
	encode, in := p.enc, pcm[:]
	if p.right > 0 {
		encode, in = p.both, p.withRight(pcm[:])
	}
	n, err := encode.Encode(in, buf)
	if err != nil {
		p.s.t.Fatal(err)
	}
	return buf[:n], levelOf(pcm[:])
}

// withRight puts the tone of the right channel beside what is in the left one.
func (p *person) withRight(left []float32) []float32 {
	pcm := make([]float32, 0, 2*len(left))
	for _, s := range left {
		pcm = append(pcm, s, float32(p.volume*math.Sin(2*math.Pi*p.beside)))
		p.beside += p.right / opus.SampleRate
	}
	return pcm
}

func (p *person) send(payload []byte, level uint8) {
	p.sent++
	p.seq++
	p.ts += frameSamples
	if p.level != 0 {
		level = p.level
	}
	if p.lose != nil && p.lose(p.sent) {
		return
	}
	late := p.late
	if p.jitter != nil {
		late += p.jitter()
	}
	packet := rtpx.AudioPacket{Seq: p.seq, TS: p.ts, Payload: payload, Level: level, HasLevel: !p.noLevel}
	p.s.queue = append(p.s.queue, arrival{at: p.s.now.Add(late), do: func(at time.Time) {
		packet.Arrival = at
		p.member.Push(packet)
	}})
}

// apart returns how far the given tones are apart in what was heard in the last
// frames, in dB: the left one in the left channel against the right one there, and
// the other way round, whichever is less.
func (e *ears) apart(left, right float64, frames int) float64 {
	from := max(0, len(e.pcm)-frames*frameSamples)
	l, r := e.pcm[from:], e.right[from:]
	return min(goertzel(l, left)-goertzel(l, right), goertzel(r, right)-goertzel(r, left))
}

// hears returns the strength of a tone, in dB below full scale (negative), in the
// last frames heard.
func (e *ears) hears(tone float64, frames int) float64 {
	pcm := e.pcm[max(0, len(e.pcm)-frames*frameSamples):]
	return goertzel(pcm, tone)
}

// goertzel measures one frequency in pcm, windowed against leakage.
func goertzel(pcm []float32, tone float64) float64 {
	var re, im, sum float64
	for i, s := range pcm {
		w := 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(len(pcm)))
		a := 2 * math.Pi * tone * float64(i) / opus.SampleRate
		re += w * float64(s) * math.Cos(a)
		im += w * float64(s) * math.Sin(a)
		sum += w
	}
	return 20 * math.Log10(2*math.Hypot(re, im)/sum+1e-9)
}

// Thresholds for tones spoken at -12 dB.
const (
	heard    = -18.0
	notHeard = -45.0
)

func (p *person) mustHear(tone float64, frames int) {
	p.s.t.Helper()
	if db := p.ears.hears(tone, frames); db < heard {
		p.s.t.Errorf("member %d hears %v Hz at %.1f dB only", p.member.id, tone, db)
	}
}

func (p *person) mustNotHear(tone float64, frames int) {
	p.s.t.Helper()
	if db := p.ears.hears(tone, frames); db > notHeard {
		p.s.t.Errorf("member %d hears %v Hz at %.1f dB", p.member.id, tone, db)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
