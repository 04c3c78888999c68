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
