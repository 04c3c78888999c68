package opus

import (
	"math"
	"testing"
)

// vowels is a signal with the make-up of speech: a gliding pitch, formants that
// move, pauses between syllables.
func vowels(frames int) []float32 {
	pcm := make([]float32, frames*FrameSamples)
	phase := 0.0
	for i := range pcm {
		t := float64(i) / SampleRate
		pitch := 120 + 25*math.Sin(2*math.Pi*0.7*t)
		phase += pitch / SampleRate
		first, second := 500+200*math.Sin(2*math.Pi*1.3*t), 1500+500*math.Sin(2*math.Pi*0.9*t)
		s := 0.0
		for h := 1.0; h*pitch < 5000; h++ {
			near := math.Exp(-math.Pow((h*pitch-first)/200, 2)) + 0.5*math.Exp(-math.Pow((h*pitch-second)/300, 2)) + 0.02
			s += near * math.Sin(2*math.Pi*h*phase)
		}
		pcm[i] = float32(0.12 * s * max(0, 0.3+math.Sin(2*math.Pi*3*t)))
	}
	return pcm
}

func frame(pcm []float32, i int) []float32 { return pcm[i*FrameSamples : (i+1)*FrameSamples] }

func energy(pcm []float32) float64 {
	e := 0.0
	for _, s := range pcm {
		e += float64(s) * float64(s)
	}
	return e
}

// similarity returns the signal-to-noise ratio in dB of got against want, at the
// best alignment (codecs delay) and gain.
func similarity(want, got []float32) float64 {
	best := math.Inf(-1)
	for lag := range 700 {
		n := len(want) - 700
		var wg, gg, ww float64
		for i := range n {
			w, g := float64(want[i]), float64(got[i+lag])
			wg, gg, ww = wg+w*g, gg+g*g, ww+w*w
		}
		if gg == 0 {
			continue
		}
		noise := ww - wg*wg/gg
		best = max(best, 10*math.Log10(ww/max(noise, 1e-12)))
	}
	return best
}

func mustEncoder(t testing.TB, cfg EncoderConfig) Encoder {
	t.Helper()
	e, err := NewEncoder(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func mustDecoder(t testing.TB) Decoder {
	t.Helper()
	d, err := NewDecoder(Mono)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func encodeAll(t testing.TB, e Encoder, pcm []float32) [][]byte {
	t.Helper()
	var packets [][]byte
	for i := range len(pcm) / FrameSamples {
		buf := make([]byte, MaxPacket)
		n, err := e.Encode(frame(pcm, i), buf)
		if err != nil {
			t.Fatal(err)
		}
		packets = append(packets, buf[:n])
	}
	return packets
}

func decodeAll(t testing.TB, d Decoder, packets [][]byte) []float32 {
	t.Helper()
	var pcm []float32
	buf := make([]float32, MaxSamples)
	for _, p := range packets {
		n, err := d.Decode(p, buf)
		if err != nil {
			t.Fatal(err)
		}
		pcm = append(pcm, buf[:n]...)
	}
	return pcm
}

// transform reports whether a packet is in Opus' transform (CELT) mode.
func transform(packet []byte) bool { return packet[0]>>3 >= 16 }

func TestRoundTrip(t *testing.T) {
	pcm := vowels(100)
	for _, loss := range []int{0, 10} {
		packets := encodeAll(t, mustEncoder(t, EncoderConfig{Loss: loss}), pcm)
		bytes := 0
		for i, p := range packets {
			bytes += len(p)
			if i > 2 && transform(p) != (loss == 0) {
				t.Fatalf("loss %d: packet %d has configuration %d", loss, i, p[0]>>3)
			}
		}
		if rate := bytes * 8 * 50 / len(packets); rate < DefaultBitrate/3 || rate > DefaultBitrate*5/4 {
			t.Errorf("loss %d: %d bit/s", loss, rate)
		}
		got := decodeAll(t, mustDecoder(t), packets)
		if len(got) != len(pcm) {
			t.Fatalf("%d samples in, %d out", len(pcm), len(got))
		}
		if snr := similarity(pcm, got); snr < 8 {
			t.Errorf("loss %d: signal to noise %.1f dB", loss, snr)
		}
	}
}

func TestSilenceIsSilent(t *testing.T) {
	d := mustDecoder(t)
	packets := encodeAll(t, mustEncoder(t, EncoderConfig{}), vowels(10))
	decodeAll(t, d, packets)
	got := decodeAll(t, d, [][]byte{Silence(), Silence(), Silence()})
	if len(got) != 3*FrameSamples || energy(got[2*FrameSamples:]) > 1e-6 {
		t.Errorf("%d samples with energy %g", len(got), energy(got[2*FrameSamples:]))
	}
}

func TestResetForgets(t *testing.T) {
	pcm := vowels(40)
	for _, loss := range []int{0, 5} {
		e := mustEncoder(t, EncoderConfig{Bitrate: 24000, Loss: loss})
		first := encodeAll(t, e, pcm)
		encodeAll(t, e, pcm[7*FrameSamples:20*FrameSamples])
		e.Reset()
		second := encodeAll(t, e, pcm)
		d := mustDecoder(t)
		a := decodeAll(t, d, first)
		decodeAll(t, d, first[7:20])
		d.Reset()
		b := decodeAll(t, d, first)
		for i := range a {
			if a[i] != b[i] {
				t.Fatalf("sample %d differs after the decoder's Reset", i)
			}
		}
		d.Reset()
		// The encoder may differ in its dither, not in what it makes of the signal.
		if s := similarity(a, decodeAll(t, d, second)); s < 12 {
			t.Errorf("loss %d: after Reset the encoder's output resembles the first by %.1f dB", loss, s)
		}
	}
}

func TestLossChangesTheModeWhileRunning(t *testing.T) {
	pcm := vowels(150)
	e := mustEncoder(t, EncoderConfig{})
	packets := encodeAll(t, e, pcm[:50*FrameSamples])
	e.SetLoss(10)
	packets = append(packets, encodeAll(t, e, pcm[50*FrameSamples:100*FrameSamples])...)
	e.SetLoss(0)
	packets = append(packets, encodeAll(t, e, pcm[100*FrameSamples:])...)
	if !transform(packets[49]) || transform(packets[99]) || !transform(packets[149]) {
		t.Errorf("configurations %d, %d, %d", packets[49][0]>>3, packets[99][0]>>3, packets[149][0]>>3)
	}
	got := decodeAll(t, mustDecoder(t), packets)
	if snr := similarity(pcm, got); snr < 8 {
		t.Errorf("signal to noise %.1f dB over the changes", snr)
	}
}

func TestRedundancyBeatsConcealment(t *testing.T) {
	pcm := vowels(200)
	packets := encodeAll(t, mustEncoder(t, EncoderConfig{Loss: 20}), pcm)
	whole := decodeAll(t, mustDecoder(t), packets)
	play := func(recover func(d Decoder, next []byte, out []float32) error) float64 {
		d, noise := mustDecoder(t), 0.0
		buf, out := make([]float32, MaxSamples), make([]float32, FrameSamples)
		for i, p := range packets {
			if i > 5 && i%10 == 7 {
				if err := recover(d, packets[i+1], out); err != nil {
					t.Fatal(err)
				}
				for k := range out {
					noise += math.Pow(float64(out[k]-frame(whole, i)[k]), 2)
				}
			} else if _, err := d.Decode(p, buf); err != nil {
				t.Fatal(err)
			}
		}
		return noise
	}
	concealed := play(func(d Decoder, _ []byte, out []float32) error { return d.Conceal(out) })
	recovered := play(func(d Decoder, next []byte, out []float32) error { return d.DecodeFEC(next, out) })
	if recovered > 0.6*concealed {
		t.Errorf("error %g with redundancy, %g by concealment", recovered, concealed)
	}
}

func TestWrongInput(t *testing.T) {
	e, d := mustEncoder(t, EncoderConfig{}), mustDecoder(t)
	buf, pcm := make([]byte, MaxPacket), make([]float32, MaxSamples)
	if _, err := e.Encode(pcm[:100], buf); err == nil {
		t.Error("encoded a frame of 100 samples")
	}
	if _, err := e.Encode(pcm[:FrameSamples], nil); err == nil {
		t.Error("encoded into nothing")
	}
	for name, packet := range map[string][]byte{"empty": nil, "count missing": {0xFB}, "odd pair": {0xF9, 1}} {
		if n, err := d.Decode(packet, pcm); err == nil {
			t.Errorf("%s: decoded to %d samples", name, n)
		}
	}
	if _, err := d.Decode(Silence(), pcm[:100]); err == nil {
		t.Error("decoded 20 ms into 100 samples")
	}
	if err := d.DecodeFEC(nil, pcm[:FrameSamples]); err == nil {
		t.Error("recovered a frame from nothing")
	}
	if n, err := d.Decode(Silence(), pcm); err != nil || n != FrameSamples {
		t.Errorf("after malformed packets: %d, %v", n, err)
	}
	for _, cfg := range []EncoderConfig{{Bitrate: -5}, {Complexity: 99}} {
		if _, err := NewEncoder(cfg); err == nil {
			t.Errorf("made an encoder with %+v", cfg)
		}
	}
}

func TestAllocationsPerFrame(t *testing.T) {
	pcm := vowels(10)
	for loss, limit := range map[int]float64{0: 0, 10: 8} {
		e, d := mustEncoder(t, EncoderConfig{Loss: loss}), mustDecoder(t)
		buf, out := make([]byte, MaxPacket), make([]float32, MaxSamples)
		i := 0
		run := func() {
			n, err := e.Encode(frame(pcm, i%10), buf)
			if err != nil {
				t.Fatal(err)
			}
			if i++; i%5 == 0 {
				err = d.Conceal(out[:FrameSamples])
			} else {
				_, err = d.Decode(buf[:n], out)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		for range 30 {
			run()
		}
		if n := testing.AllocsPerRun(100, run); n > limit {
			t.Errorf("loss %d: %v allocations per frame", loss, n)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, p := range encodeAll(f, mustEncoder(f, EncoderConfig{}), vowels(3)) {
		f.Add(p, Silence())
	}
	for _, p := range encodeAll(f, mustEncoder(f, EncoderConfig{Loss: 10}), vowels(3)) {
		f.Add(p, p)
	}
	for _, p := range encodeStereo(f, mustEncoder(f, EncoderConfig{Channels: Stereo}), interleave(vowels(3), tone(880, 3))) {
		f.Add(p, Silence())
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		for _, channels := range []Channels{Mono, Stereo} {
			d, err := NewDecoder(channels)
			if err != nil {
				t.Fatal(err)
			}
			decodeHostile(t, d, int(channels), first, second)
		}
	})
}

func decodeHostile(t *testing.T, d Decoder, channels int, packets ...[]byte) {
	t.Helper()
	pcm := make([]float32, MaxSamples*channels)
	frame := pcm[:FrameSamples*channels]
	for _, p := range packets {
		n, err := d.Decode(p, pcm)
		if err == nil && (n <= 0 || n > MaxSamples) {
			t.Fatalf("%d samples", n)
		}
		checkBounds(t, pcm[:n*channels])
		if err := d.DecodeFEC(p, frame); err != nil && len(p) == 0 {
			continue
		}
		if err := d.Conceal(frame); err != nil {
			t.Fatal(err)
		}
	}
	checkBounds(t, frame)
}

func checkBounds(t *testing.T, pcm []float32) {
	t.Helper()
	for i, s := range pcm {
		if !(s >= -overshoot && s <= overshoot) {
			t.Fatalf("sample %d is %v", i, s)
		}
	}
}

func TestLimit(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	pcm := []float32{0, 0.5, -1, 2, 3, -1e20, inf, -inf, nan}
	limit(pcm)
	for i, want := range []float32{0, 0.5, -1, 2, 2, -2, 2, -2, 0} {
		if pcm[i] != want {
			t.Errorf("sample %d became %v, want %v", i, pcm[i], want)
		}
	}
}
