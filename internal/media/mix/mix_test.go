package mix

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/media/opus"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

func TestEverybodyHearsTheOthersAndNotThemselves(t *testing.T) {
	s := newStage(t, Config{})
	tones := []float64{330, 550, 1250, 0, 0}
	for _, tone := range tones {
		s.join(tone)
	}
	s.run(100)
	for i, p := range s.people {
		if p.ears.frames != 100 {
			t.Errorf("member %d got %d frames", i, p.ears.frames)
		}
		for k, tone := range tones {
			switch {
			case tone == 0:
			case i == k:
				p.mustNotHear(tone, 40)
			default:
				p.mustHear(tone, 40)
			}
		}
	}
	st := s.engine.Stats()
	if st.Encodes > 4*100+12 || st.Decodes > 3*100+12 {
		t.Errorf("%d frames encoded and %d decoded for 3 talkers in 100 ticks", st.Encodes, st.Decodes)
	}
}

func TestTheOnlyTalkerHearsSilence(t *testing.T) {
	s := newStage(t, Config{})
	a, b := s.join(440), s.join(0)
	s.run(100)
	if a.ears.silent != 100 {
		t.Errorf("the talker got %d silence frames of 100", a.ears.silent)
	}
	b.mustHear(440, 40)
	if st := s.engine.Stats(); st.Encodes > 101 {
		t.Errorf("%d frames encoded for one talker and one listener", st.Encodes)
	}
}

func TestMuteSilences(t *testing.T) {
	s := newStage(t, Config{})
	a, b := s.join(440), s.join(0)
	s.run(60)
	b.mustHear(440, 30)
	a.member.SetMuted(true)
	s.run(3) // the encoder's tail
	s.run(20)
	b.mustNotHear(440, 20)
	if a.member.Level() != rtpx.LevelSilent {
		t.Errorf("level %d while muted", a.member.Level())
	}
	if b.ears.silent < 20 {
		t.Errorf("only %d silence frames", b.ears.silent)
	}
	a.member.SetMuted(false)
	s.run(60)
	b.mustHear(440, 30)
	a.member.SetSend(false)
	s.run(23)
	b.mustNotHear(440, 20)
}

func TestReceiveOffMeansSilence(t *testing.T) {
	s := newStage(t, Config{})
	s.join(440)
	b, c := s.join(0), s.join(0)
	b.member.SetReceive(false)
	s.run(60)
	c.mustHear(440, 30)
	if b.ears.silent != 60 {
		t.Errorf("%d silence frames of 60", b.ears.silent)
	}
	b.member.SetReceive(true)
	s.run(40)
	b.mustHear(440, 30)
}

func TestSilentRoomsDoNoCodecWork(t *testing.T) {
	s := newStage(t, Config{})
	for range 3 {
		p := s.join(300)
		p.volume = 0.0005 // -66 dB, a quiet microphone
	}
	s.run(200) // by then it is known to be background
	before := s.engine.Stats()
	s.run(200)
	after := s.engine.Stats()
	if after.Encodes != before.Encodes || after.Decodes != before.Decodes {
		t.Errorf("%d encodes and %d decodes in a silent room", after.Encodes-before.Encodes, after.Decodes-before.Decodes)
	}
	for _, p := range s.people {
		if p.ears.frames != 400 {
			t.Errorf("%d frames of 400", p.ears.frames)
		}
	}
}

func TestAloneNothingIsDecoded(t *testing.T) {
	s := newStage(t, Config{})
	a := s.join(440)
	s.run(100)
	if st := s.engine.Stats(); st.Decodes+st.Encodes > 0 {
		t.Errorf("%+v", st)
	}
	if a.ears.silent != 100 || a.member.Level() > 30 {
		t.Errorf("%d silence frames, level %d", a.ears.silent, a.member.Level())
	}
	b := s.join(0) // whoever joins hears at once
	s.run(40)
	b.mustHear(440, 30)
	b.member.Remove()
	before := s.engine.Stats().Decodes
	s.run(40)
	if d := s.engine.Stats().Decodes - before; d > 2 {
		t.Errorf("%d packets decoded for nobody", d)
	}
}

func TestTimestampsAndMarkers(t *testing.T) {
	s := newStage(t, Config{})
	s.join(0)
	s.run(7) // the engine's time has begun before b joins
	a, b := s.join(440), s.join(0)
	s.run(50)
	a.tone = 0
	s.run(100)
	a.tone = 440
	a.ts += 100 * frameSamples
	s.run(50)
	for i, ts := range b.ears.times {
		if ts != uint32(i)*frameSamples {
			t.Fatalf("frame %d has timestamp %d", i, ts)
		}
	}
	if len(b.ears.markers) != 2 || b.ears.markers[0] > 3*frameSamples {
		t.Errorf("markers at %v", b.ears.markers)
	}
	b.mustHear(440, 30)
}

func TestOwnContentIsLeftOut(t *testing.T) {
	s := newStage(t, Config{})
	owner := s.join(0, func(c *MemberConfig) { c.HearsNot = []uint32{2} })
	content := s.join(700, func(c *MemberConfig) { c.Sink = nil })
	other, third := s.join(1100), s.join(0)
	s.run(80)
	owner.mustHear(1100, 40)
	owner.mustNotHear(700, 40)
	other.mustHear(700, 40)
	third.mustHear(700, 40)
	third.mustHear(1100, 40)
	if content.ears.frames > 0 {
		t.Error("a member without a sink got frames")
	}
}

func TestLossIsConcealedAndRecovered(t *testing.T) {
	s := newStage(t, Config{})
	a, b := s.join(150), s.join(0)
	a.vowel = true
	rng := rand.New(rand.NewPCG(1, 1))
	a.lose = func(n int) bool { return n > 20 && rng.IntN(20) == 0 }
	s.run(500)
	st := a.member.Stats()
	if lost := 500 - st.Received; lost < 10 || st.Recovered < lost*2/3 || st.Recovered+st.Concealed > lost+6 {
		t.Errorf("%d lost: %+v", lost, st)
	}
	// The voice goes on through the losses: it is never away for 60 ms.
	for i := 30; i < 490; i++ {
		if l := levelOf(b.ears.pcm[i*frameSamples : (i+3)*frameSamples]); l > 26 {
			t.Errorf("at frame %d the voice is at -%d dB", i, l)
		}
	}
}

func TestRedundantAudioReplacesLostPackets(t *testing.T) {
	s := newStage(t, Config{})
	a, b := s.join(0), s.join(0)
	source := s.join(500) // only to make packets; hears and says nothing
	source.member.Remove()
	s.people = s.people[:2]
	var kept [][]byte
	for i := range 300 {
		payload, _ := source.encode()
		kept = append(kept, payload)
		if i%4 != 3 { // every fourth is lost
			var red []byte
			old := kept[max(0, i-1)]
			red = append(red, 0x80|111, frameSamples>>6, byte(frameSamples&0x3F<<2)|byte(len(old)>>8), byte(len(old)), 111)
			red = append(append(red, old...), kept[i]...)
			a.member.PushRED(rtpx.AudioPacket{Seq: uint16(i), TS: uint32(i * frameSamples), Payload: red,
				HasLevel: true, Level: 15, Arrival: s.now.Add(time.Duration(5+15*(i%2)) * time.Millisecond)})
		}
		s.run(1)
	}
	a.member.PushRED(rtpx.AudioPacket{Payload: []byte{0xFF}}) // malformed: ignored
	st := a.member.Stats()
	if st.Recovered < 60 || st.Concealed > 10 {
		t.Errorf("%+v", st)
	}
	b.mustHear(500, 100)
}

func TestLoudSumsAreNotCutOff(t *testing.T) {
	s := newStage(t, Config{})
	for _, tone := range []float64{300, 410, 530} {
		s.join(tone).volume = 0.6
	}
	listener := s.join(0)
	s.run(80)
	if p := peak(listener.ears.pcm); p > 1.15 {
		t.Errorf("peak %.2f", p)
	}
	for _, tone := range []float64{300, 410, 530} {
		listener.mustHear(tone, 40)
	}
}

func TestJitterIsAbsorbed(t *testing.T) {
	s := newStage(t, Config{})
	a, b := s.join(300), s.join(0)
	rng := rand.New(rand.NewPCG(5, 5))
	a.jitter = func() time.Duration { return time.Duration(rng.IntN(50)) * time.Millisecond }
	s.run(600)
	st := a.member.Stats()
	if st.Concealed > 30 || st.Received < 590 {
		t.Errorf("%+v", st)
	}
	if st.Delay < 30*time.Millisecond || st.Delay > 90*time.Millisecond {
		t.Errorf("delay %v with 50 ms of jitter", st.Delay)
	}
	for i := 100; i < 590; i += 5 {
		if db := goertzel(b.ears.pcm[i*frameSamples:(i+5)*frameSamples], 300); db < heard {
			t.Errorf("at frame %d the tone is at %.1f dB", i, db)
		}
	}
	a.jitter = nil
	s.run(600)
	if d := a.member.Stats().Delay; d > 45*time.Millisecond {
		t.Errorf("delay %v after the jitter is over", d)
	}
}

func TestChangingEncodersIsNotHeard(t *testing.T) {
	s := newStage(t, Config{})
	a := s.join(300)
	b := s.join(0)
	s.run(60)
	b.tone = 1700 // b begins to talk and gets an encoder of its own
	s.run(30)
	b.tone = 0 // and gives it back
	s.run(120)
	if b.member.Stats().Talking || b.member.own != nil {
		t.Fatal("still on its own encoder")
	}
	_ = a
	worst := 0.0
	for i := 20; i < 205; i++ {
		pcm := b.ears.pcm[i*frameSamples : (i+2)*frameSamples]
		worst = max(worst, residue(pcm, 300))
	}
	// The codec itself leaves 3 %. Without the preparations of stream.go it is 6 %.
	if worst > 0.05 {
		t.Errorf("in some frame %.1f %% of the energy is not the tone", 100*worst)
	}
}

// residue returns the share of the energy of pcm that is not the given tone.
func residue(pcm []float32, tone float64) float64 {
	var re, im, total float64
	for i, s := range pcm {
		a := 2 * math.Pi * tone * float64(i) / opus.SampleRate
		re += float64(s) * math.Cos(a)
		im += float64(s) * math.Sin(a)
		total += float64(s) * float64(s)
	}
	n := float64(len(pcm))
	return 1 - 2*(re*re+im*im)/n/total
}

func TestOnlyTheLoudestAreHeard(t *testing.T) {
	s := newStage(t, Config{MaxTalkers: 2})
	for i, tone := range []float64{310, 470, 730, 1130} {
		s.join(tone).volume = []float64{0.3, 0.03, 0.25, 0.02}[i]
	}
	listener := s.join(0)
	s.run(100)
	listener.mustHear(310, 40)
	listener.mustHear(730, 40)
	listener.mustNotHear(470, 40)
	listener.mustNotHear(1130, 40)
	s.people[1].volume = 0.3 // no louder than the others: does not take over
	s.run(100)
	listener.mustNotHear(470, 40)
	s.people[1].volume, s.people[0].volume = 0.5, 0.1
	s.run(150)
	listener.mustHear(470, 40)
	listener.mustNotHear(310, 40)
}

func TestSendersWithoutLevelsAreMeasured(t *testing.T) {
	s := newStage(t, Config{})
	a, quiet, b := s.join(440), s.join(600), s.join(0)
	a.noLevel, quiet.noLevel, quiet.volume = true, true, 0.00001
	s.run(150)
	b.mustHear(440, 40)
	if l := a.member.Level(); l < 10 || l > 25 {
		t.Errorf("level %d of a tone at -15 dB", l)
	}
	before := s.engine.Stats().Decodes
	a.tone = 0
	s.run(200)
	if d := s.engine.Stats().Decodes - before; d > 140 {
		t.Errorf("a silent sender without levels was decoded %d times in 200 ticks", d)
	}
}

func TestLossOfListenersSwitchesRedundancyOn(t *testing.T) {
	s := newStage(t, Config{})
	s.join(300)
	b := s.join(0)
	rec := &recorder{}
	s.room.AddMember(MemberConfig{ID: 77, Sink: rec})
	s.run(60)
	if rec.last[0]>>3 < 16 {
		t.Errorf("configuration %d without loss", rec.last[0]>>3)
	}
	b.member.SetLoss(9)
	s.run(60)
	if rec.last[0]>>3 >= 16 {
		t.Errorf("configuration %d, which has no redundancy, with loss", rec.last[0]>>3)
	}
	for range 10 {
		b.member.SetLoss(0)
	}
	s.run(60)
	if rec.last[0]>>3 < 16 {
		t.Errorf("configuration %d after the loss is over", rec.last[0]>>3)
	}
	b.mustHear(300, 40)
}

// recorder is a Sink that keeps the last payload.
type recorder struct{ last []byte }

func (r *recorder) WriteFrame(payload []byte, _ uint32, _ bool) {
	r.last = append(r.last[:0], payload...)
}

func TestRemoveAndClose(t *testing.T) {
	s := newStage(t, Config{})
	a, b, c := s.join(300), s.join(500), s.join(0)
	s.run(40)
	a.member.Remove()
	a.member.Remove() // twice is harmless
	heardBy := a.ears.frames
	s.run(20)
	if a.ears.frames != heardBy {
		t.Error("frames after Remove")
	}
	c.mustNotHear(300, 15)
	c.mustHear(500, 15)
	s.room.Close()
	s.room.Close()
	s.run(5)
	if b.ears.frames != 60 || s.engine.Stats().Rooms != 0 {
		t.Errorf("%d frames, %+v", b.ears.frames, s.engine.Stats())
	}
	late := s.room.AddMember(MemberConfig{ID: 9, Sink: &recorder{}})
	late.Push(rtpx.AudioPacket{Payload: opus.Silence()})
	late.Remove()
	if s.engine.Stats().Rooms != 0 {
		t.Error("a closed room came back")
	}
}

func TestDelayIsSmall(t *testing.T) {
	for late := time.Millisecond; late < Period; late += 4 * time.Millisecond {
		s := newStage(t, Config{})
		a, b := s.join(0), s.join(0)
		var delays []time.Duration
		silent, click := make([]float32, frameSamples), make([]float32, frameSamples)
		for i := range silent {
			silent[i] = float32(0.02 * math.Sin(float64(i)*2*math.Pi*500/48000))
			click[i] = silent[i]
			if i < 96 {
				click[i] = 0.9 * float32(math.Sin(float64(i)*2*math.Pi*2000/48000))
			}
		}
		buf := make([]byte, opus.MaxPacket)
		var sentAt time.Time
		a.late = late
		for i := range 300 {
			pcm := silent
			if i%50 == 40 {
				pcm, sentAt = click, s.now.Add(late)
			}
			n, err := a.enc.Encode(pcm, buf)
			if err != nil {
				t.Fatal(err)
			}
			a.send(buf[:n], 20)
			from := len(b.ears.pcm)
			s.run(1)
			for k, v := range b.ears.pcm[from:] {
				if !sentAt.IsZero() && v > 0.25 {
					// The packet holding sample k leaves the server in this tick.
					delays = append(delays, s.now.Sub(sentAt)+time.Duration(k)*time.Second/48000)
					sentAt = time.Time{}
				}
			}
		}
		slices.Sort(delays)
		if len(delays) < 5 || delays[len(delays)-1] > 50*time.Millisecond {
			t.Errorf("packets %v after the tick: %d clicks heard, delays %v", late, len(delays), delays)
		}
	}
}
