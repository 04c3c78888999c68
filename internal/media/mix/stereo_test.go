package mix

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/media/opus"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// musicStereo is what the best profile of the clients asks for.
var musicStereo = Format{Stereo: true, MaxBitrate: 128000}

func takes(f Format) func(*MemberConfig) { return func(c *MemberConfig) { c.Format = f } }

// joinStereo adds somebody who takes stereo and speaks a tone in each channel.
func (s *stage) joinStereo(left, right float64) *person {
	s.t.Helper()
	p := s.join(left, takes(musicStereo))
	p.right, p.volume = right, 0.5
	return p
}

// wellApart is how far the tones of two channels are apart, in dB, if the right
// one is in each.
const wellApart = 40

func (p *person) mustHearApart(left, right float64, frames int) {
	p.s.t.Helper()
	p.mustHear(left, frames) // in the left channel
	if db := p.ears.apart(left, right, frames); db < wellApart {
		p.s.t.Errorf("member %d: %v Hz left and %v Hz right are %.1f dB apart", p.member.id, left, right, db)
	}
}

// centred is how far the two channels of a tone may be apart, in dB. The codec is
// lossy, and computes in another order on another processor: 0.2 were seen.
const centred = 0.5

// mustHearCentred: the tone is as loud in both channels.
func (p *person) mustHearCentred(tone float64, frames int) {
	p.s.t.Helper()
	p.mustHear(tone, frames)
	from := len(p.ears.pcm) - frames*frameSamples
	l, r := goertzel(p.ears.pcm[from:], tone), goertzel(p.ears.right[from:], tone)
	if math.Abs(l-r) > centred {
		p.s.t.Errorf("member %d hears %v Hz at %.1f dB left and %.1f dB right", p.member.id, tone, l, r)
	}
}

// per runs so many ticks and returns the encodes of each, all and those in stereo.
func (s *stage) per(ticks int) (encodes, stereo float64) {
	s.t.Helper()
	before := s.engine.Stats()
	s.run(ticks)
	after := s.engine.Stats()
	return float64(after.Encodes-before.Encodes) / float64(ticks), float64(after.Stereo-before.Stereo) / float64(ticks)
}

func TestStereoIsHeardByThoseWhoTakeIt(t *testing.T) {
	s := newStage(t, Config{})
	talker := s.joinStereo(440, 880)
	stereo, mono := s.join(0, takes(musicStereo)), s.join(0)
	s.run(60)
	stereo.mustHearApart(440, 880, 40)
	mono.mustHearCentred(440, 40)
	mono.mustHearCentred(880, 40)
	talker.mustNotHear(440, 40)
	if encodes, inStereo := s.per(50); encodes != 2 || inStereo != 1 {
		t.Errorf("%v encodes a tick, %v of them in stereo; want one for each kind of listener", encodes, inStereo)
	}
}

func TestStereoTalkersHearEachOtherInStereo(t *testing.T) {
	s := newStage(t, Config{})
	a, b, c := s.joinStereo(400, 650), s.joinStereo(900, 1150), s.join(1500)
	listener, mono := s.join(0, takes(musicStereo)), s.join(0)
	a.volume, b.volume, c.volume = 0.28, 0.28, 0.14 // together below the soft clip
	s.run(80)
	a.mustHearApart(900, 1150, 40)
	b.mustHearApart(400, 650, 40)
	listener.mustHearApart(400, 650, 40)
	listener.mustHearApart(900, 1150, 40)
	for _, p := range []*person{a, b, listener} {
		p.mustHearCentred(1500, 40)
	}
	for _, tone := range []float64{400, 650, 900, 1150} {
		c.mustHearCentred(tone, 40)
		mono.mustHearCentred(tone, 40)
	}
	a.mustNotHear(400, 40)
	a.mustNotHear(650, 40)
}

// Those who take stereo hear mono voices in the middle and share the encoder of
// those who do not.
func TestMonoVoicesAreCentredAndCostNoStereo(t *testing.T) {
	s := newStage(t, Config{})
	s.join(440)
	browser := s.join(0, takes(Format{Stereo: true})) // as Firefox asks, always
	s.join(0)
	s.run(50)
	if encodes, stereo := s.per(50); encodes != 1 || stereo != 0 {
		t.Errorf("%v encodes a tick, %v in stereo; want one for all", encodes, stereo)
	}
	browser.mustHearCentred(440, 40)
	s.join(0, takes(musicStereo))
	s.join(0, takes(Format{MaxBitrate: 64000}))
	s.run(10)
	if encodes, stereo := s.per(50); encodes != 2 || stereo != 0 {
		t.Errorf("%v encodes a tick, %v in stereo; want one for each bitrate", encodes, stereo)
	}
}

// A microphone in a stereo packet is still mono.
func TestEqualChannelsAreMono(t *testing.T) {
	s := newStage(t, Config{})
	talker, listener := s.joinStereo(440, 440), s.join(0, takes(musicStereo))
	s.run(50)
	if _, stereo := s.per(50); stereo != 0 {
		t.Errorf("%v encodes a tick in stereo for one voice in the middle", stereo)
	}
	listener.mustHearCentred(440, 40)
	talker.right = 880
	s.run(60)
	listener.mustHearApart(440, 880, 40)
}

func TestStereoIsNotDecodedForNobody(t *testing.T) {
	s := newStage(t, Config{})
	talker, listener := s.joinStereo(440, 880), s.join(0)
	s.run(50)
	if v := talker.member.voice; v == nil || v.side != nil || s.room.stereo != nil {
		t.Error("decoded in stereo although the only one who takes it is the talker")
	}
	listener.mustHear(440, 40)
	listener.mustHear(880, 40)
}

// residueOf is the worst share of the energy, in any two frames of those given,
// that is not the tone.
func residueOf(pcm []float32, from, to int, tone float64) float64 {
	worst := 0.0
	for i := from; i < to; i++ {
		worst = max(worst, residue(pcm[i*frameSamples:(i+2)*frameSamples], tone))
	}
	return worst
}

// Nobody hears a click when the mix becomes stereo, and when it is mono again: not
// who only listens, alone or with others who take mono, and not who talks.
func TestChangesBetweenMonoAndStereoAreNotHeard(t *testing.T) {
	for _, others := range []bool{false, true} {
		s := newStage(t, Config{})
		s.join(300)
		listener := s.join(0, takes(musicStereo))
		if others {
			s.join(0)
		}
		talker := s.join(0, takes(musicStereo))
		talker.tone, talker.volume, talker.level = 500, 1e-9, 40 // talks, but of it nothing is heard
		faint := s.join(0)
		faint.volume, faint.level = 0.003, 40
		s.run(40)
		faint.tone, faint.right = 440, 880
		s.run(40)
		if s.engine.Stats().Stereo == 0 {
			t.Fatal("the mix did not become stereo")
		}
		faint.tone = 0
		s.run(stereoHold + 50)
		if _, stereo := s.per(10); stereo != 0 {
			t.Fatal("the mix did not become mono again")
		}
		for name, pcm := range map[string][]float32{
			"listener, left": listener.ears.pcm, "listener, right": listener.ears.right,
			"talker, left": talker.ears.pcm, "talker, right": talker.ears.right,
		} {
			if r := residueOf(pcm, 20, stereoHold+138, 300); r > 0.01 {
				t.Errorf("others %v, %s: in some frame %.2f %% of the energy is not the tone", others, name, 100*r)
			}
		}
	}
}

func TestStereoListenerWhoComesLater(t *testing.T) {
	s := newStage(t, Config{})
	talker, mono := s.joinStereo(440, 0), s.join(0)
	talker.right = 440.0001 // the two channels are equal for long enough
	s.run(60)
	talker.right = 880
	s.run(60)
	if talker.member.voice.side != nil {
		t.Fatal("decoded in stereo before anybody takes it")
	}
	late := s.join(0, takes(musicStereo))
	s.run(60)
	late.mustHearApart(440, 880, 40)
	mono.mustHear(440, 40)
	late.member.Remove()
	s.people = s.people[:2]
	s.run(stereoHold + 10)
	if _, stereo := s.per(50); stereo != 0 || s.room.stereo != nil {
		t.Errorf("%v encodes a tick in stereo for nobody", stereo)
	}
	mono.mustHear(880, 40)
}

// While the mono decoder hands over to the stereo one, mono listeners hear no click.
func TestChangeOfDecoderIsNotHeard(t *testing.T) {
	s := newStage(t, Config{})
	talker, mono := s.joinStereo(300, 300), s.join(0)
	s.run(60)
	s.join(0, takes(musicStereo))
	s.run(60)
	if v := talker.member.voice; v.side == nil || !v.side.live {
		t.Fatal("the stereo decoder did not take over")
	}
	if r := residueOf(mono.ears.pcm, 30, 118, 300); r > 0.01 {
		t.Errorf("in some frame %.2f %% of the energy is not the tone", 100*r)
	}
}

func TestSendersMayChangeBetweenMonoAndStereo(t *testing.T) {
	s := newStage(t, Config{})
	talker, listener := s.join(440), s.join(0, takes(musicStereo))
	s.run(60)
	listener.mustHearCentred(440, 40)
	talker.right = 880
	s.run(60)
	listener.mustHearApart(440, 880, 40)
	talker.right = 0
	s.run(60)
	listener.mustHearCentred(440, 40)
}

func TestStereoWithLossAndJitter(t *testing.T) {
	s := newStage(t, Config{})
	a, b := s.joinStereo(440, 880), s.join(0, takes(musicStereo))
	rng := rand.New(rand.NewPCG(1, 1))
	a.lose = func(n int) bool { return n > 50 && rng.IntN(20) == 0 }
	a.jitter = func() time.Duration { return time.Duration(rng.IntN(40)) * time.Millisecond }
	s.run(250)
	if st := a.member.Stats(); st.Received > 245 || st.Recovered+st.Concealed == 0 {
		t.Errorf("nothing was lost: %+v", st)
	}
	for i := 60; i < 240; i += 5 {
		l, r := b.ears.pcm[i*frameSamples:(i+5)*frameSamples], b.ears.right[i*frameSamples:(i+5)*frameSamples]
		if ll, rr, lr, rl := goertzel(l, 440), goertzel(r, 880), goertzel(l, 880), goertzel(r, 440); ll < heard || rr < heard || lr > ll-12 || rl > rr-12 {
			t.Errorf("at frame %d: left %.1f and %.1f dB, right %.1f and %.1f dB", i, ll, lr, rr, rl)
		}
	}
	// The delay that jitter needed is cut out again, from both channels alike.
	a.jitter, a.lose = nil, nil
	s.run(450)
	if d := a.member.Stats().Delay; d > 45*time.Millisecond {
		t.Errorf("delay %v after the jitter is over", d)
	}
	b.mustHearApart(440, 880, 40)
}

func TestStereoRedundancyReplacesLostPackets(t *testing.T) {
	s := newStage(t, Config{})
	a, b := s.join(0), s.join(0, takes(musicStereo))
	source := s.joinStereo(440, 880) // only to make packets
	source.member.Remove()
	s.people = s.people[:2]
	var last []byte
	for i := range 200 {
		payload, _ := source.encode()
		if i%4 != 3 && i > 0 { // every fourth is lost
			red := []byte{0x80 | 111, frameSamples >> 6, byte(frameSamples&0x3F<<2) | byte(len(last)>>8), byte(len(last)), 111}
			red = append(append(red, last...), payload...)
			a.member.PushRED(rtpx.AudioPacket{Seq: uint16(i), TS: uint32(i * frameSamples), Payload: red,
				HasLevel: true, Level: 15, Arrival: s.now.Add(5 * time.Millisecond)})
		}
		last = payload
		s.run(1)
	}
	if st := a.member.Stats(); st.Recovered < 40 || st.Concealed > 10 {
		t.Errorf("%+v", st)
	}
	b.mustHearApart(440, 880, 80)
}

// A stereo sender's silence costs nothing and its listeners get the silence frame.
func TestStereoSilence(t *testing.T) {
	s := newStage(t, Config{})
	a, b := s.joinStereo(440, 880), s.join(0, takes(musicStereo))
	s.run(60)
	a.tone = 0
	for range 150 { // as a browser sends it
		a.send([]byte{0xFC, 0xFF, 0xFE}, rtpx.LevelSilent)
		s.run(1)
	}
	silent := b.ears.silent
	if encodes, _ := s.per(20); encodes != 0 || b.ears.silent != silent+20 || s.room.stereo != nil {
		t.Errorf("%v encodes a tick, %d of 20 frames silent", encodes, b.ears.silent-silent)
	}
	a.tone = 440
	s.run(60)
	b.mustHearApart(440, 880, 40)
	if n := len(b.ears.markers); n != 2 {
		t.Errorf("%d talk spurts marked", n)
	}
}

func TestStereoSendersWithoutLevelsAreMeasured(t *testing.T) {
	s := newStage(t, Config{})
	a, b := s.joinStereo(440, 880), s.join(0, takes(musicStereo))
	a.noLevel = true
	s.run(100)
	b.mustHearApart(440, 880, 40)
	if l := a.member.Level(); l < 5 || l > 15 {
		t.Errorf("level %d of two tones at -9 dB", l)
	}
}

func TestOwnStereoContentIsLeftOut(t *testing.T) {
	s := newStage(t, Config{})
	owner := s.join(0, takes(musicStereo), func(c *MemberConfig) { c.HearsNot = []uint32{2} })
	content := s.join(440, func(c *MemberConfig) { c.Sink = nil })
	content.right = 880
	other := s.join(0, takes(musicStereo))
	s.run(60)
	other.mustHearApart(440, 880, 40)
	owner.mustNotHear(440, 40)
	owner.mustNotHear(880, 40)
}

func TestFormatChangesDuringTheCall(t *testing.T) {
	s := newStage(t, Config{})
	s.joinStereo(440, 880)
	talker, b := s.join(300), s.join(0)
	for _, step := range []struct {
		format  Format
		stereo  bool
		bitrate int
	}{
		{Format{}, false, 48000}, {musicStereo, true, 128000}, {Format{MaxBitrate: 64000}, false, 64000},
		{Format{Stereo: true}, true, 96000}, {Format{}, false, 48000},
	} {
		b.member.SetFormat(step.format)
		talker.member.SetFormat(step.format)
		s.run(20)
		from := b.ears.bytes
		s.run(60)
		for _, p := range []*person{b, talker} {
			if apart := p.ears.apart(440, 880, 40); apart > wellApart != step.stereo {
				t.Errorf("%+v: member %d hears the channels %.1f dB apart", step.format, p.member.id, apart)
			}
		}
		if got := (b.ears.bytes - from) * 8 * 50 / 60; math.Abs(float64(got-step.bitrate)) > 0.15*float64(step.bitrate) {
			t.Errorf("%+v: %d bit/s, want about %d", step.format, got, step.bitrate)
		}
	}
	b.member.Remove()
	b.member.SetFormat(musicStereo) // of one who has left: nothing happens
	talker.member.Remove()
	s.people[0].member.Remove()
	if s.room.stereoEars != 0 {
		t.Errorf("%d members take stereo in an empty room", s.room.stereoEars)
	}
}

func TestCodings(t *testing.T) {
	mono := func(rate int) coding { return coding{opus.Mono, rate} }
	stereo := func(rate int) coding { return coding{opus.Stereo, rate} }
	for _, tc := range []struct {
		format Format
		want   codings
	}{
		{Format{}, codings{mono(48000), mono(48000)}},
		{Format{MaxBitrate: 40000}, codings{mono(40000), mono(40000)}}, // the client's speech profile
		{Format{MaxBitrate: 64000}, codings{mono(64000), mono(64000)}}, // its music profile
		{Format{MaxBitrate: 510000}, codings{mono(128000), mono(128000)}},
		{Format{MaxBitrate: 47999}, codings{mono(40000), mono(40000)}},
		{Format{MaxBitrate: 1}, codings{mono(6000), mono(6000)}},
		{Format{MaxBitrate: -1}, codings{mono(48000), mono(48000)}},
		{musicStereo, codings{mono(64000), stereo(128000)}},
		{Format{Stereo: true}, codings{mono(48000), stereo(96000)}},
		{Format{Stereo: true, MaxBitrate: 64000}, codings{mono(48000), stereo(64000)}},
		{Format{Stereo: true, MaxBitrate: 40000}, codings{mono(40000), stereo(40000)}},
		{Format{Stereo: true, MaxBitrate: 16000}, codings{mono(16000), mono(16000)}},
	} {
		if got := tc.format.codings(48000); got != tc.want {
			t.Errorf("%+v: %+v, want %+v", tc.format, got, tc.want)
		}
	}
}

// Nobody can make the mixer encode for each listener apart.
func TestBitratesAreFew(t *testing.T) {
	s := newStage(t, Config{})
	s.joinStereo(440, 880)
	for i := range 200 {
		s.room.AddMember(MemberConfig{ID: uint32(100 + i), Sink: &nobody{}, Format: Format{Stereo: i%2 == 0, MaxBitrate: 6000 + 700*i}})
	}
	s.run(15)
	if encodes, _ := s.per(5); encodes > 2*float64(len(bitrateSteps)) {
		t.Errorf("%v encodes a tick for 200 listeners who ask for 200 bitrates", encodes)
	}
}
