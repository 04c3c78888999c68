package opus

import (
	"math"
	"testing"

	"github.com/thesyncim/gopus"

	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// interleave makes stereo of two channels.
func interleave(left, right []float32) []float32 {
	pcm := make([]float32, 2*len(left))
	for i := range left {
		pcm[2*i], pcm[2*i+1] = left[i], right[i]
	}
	return pcm
}

// channel takes one channel, 0 for left, out of stereo.
func channel(pcm []float32, n int) []float32 {
	out := make([]float32, len(pcm)/2)
	for i := range out {
		out[i] = pcm[2*i+n]
	}
	return out
}

func tone(hz float64, frames int) []float32 {
	pcm := make([]float32, frames*FrameSamples)
	for i := range pcm {
		pcm[i] = float32(0.3 * math.Sin(2*math.Pi*hz*float64(i)/SampleRate))
	}
	return pcm
}

// strength is how loud a tone is in pcm, in dB of a full-scale tone.
func strength(pcm []float32, hz float64) float64 {
	var re, im, weight float64
	for i, s := range pcm {
		w := 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(len(pcm)))
		phase := 2 * math.Pi * hz * float64(i) / SampleRate
		re += w * float64(s) * math.Cos(phase)
		im += w * float64(s) * math.Sin(phase)
		weight += w
	}
	return 20 * math.Log10(2*math.Hypot(re, im)/weight+1e-9)
}

// encodeStereo encodes interleaved pcm.
func encodeStereo(t testing.TB, e Encoder, pcm []float32) [][]byte {
	t.Helper()
	var packets [][]byte
	for ; len(pcm) >= 2*FrameSamples; pcm = pcm[2*FrameSamples:] {
		buf := make([]byte, MaxPacket)
		n, err := e.Encode(pcm[:2*FrameSamples], buf)
		if err != nil {
			t.Fatal(err)
		}
		packets = append(packets, buf[:n])
	}
	return packets
}

// decodeStereo returns interleaved pcm.
func decodeStereo(t testing.TB, d Decoder, packets [][]byte) []float32 {
	t.Helper()
	var pcm []float32
	buf := make([]float32, 2*MaxSamples)
	for _, p := range packets {
		n, err := d.Decode(p, buf)
		if err != nil {
			t.Fatal(err)
		}
		pcm = append(pcm, buf[:2*n]...)
	}
	return pcm
}

func mustStereoDecoder(t testing.TB) Decoder {
	t.Helper()
	d, err := NewDecoder(Stereo)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func bitrate(packets [][]byte) int {
	bytes := 0
	for _, p := range packets {
		bytes += len(p)
	}
	return bytes * 8 * 50 / len(packets)
}

func TestStereoKeepsItsChannelsApart(t *testing.T) {
	pcm := interleave(tone(440, 100), tone(880, 100))
	for _, rate := range []int{64000, 0, 128000} {
		packets := encodeStereo(t, mustEncoder(t, EncoderConfig{Channels: Stereo, Bitrate: rate}), pcm)
		want := rate
		if want == 0 {
			want = 2 * DefaultBitrate
		}
		if got := bitrate(packets); math.Abs(float64(got-want)) > 0.1*float64(want) {
			t.Errorf("%d bit/s instead of %d", got, want)
		}
		got := decodeStereo(t, mustStereoDecoder(t), packets)
		if len(got) != len(pcm) {
			t.Fatalf("%d samples in, %d out", len(pcm), len(got))
		}
		left, right := channel(got, 0)[20*FrameSamples:], channel(got, 1)[20*FrameSamples:]
		if l, r := strength(left, 440), strength(right, 880); l < -12 || r < -12 {
			t.Errorf("%d bit/s: the tones at %.1f and %.1f dB", rate, l, r)
		}
		if l, r := strength(left, 880), strength(right, 440); l > -60 || r > -60 {
			t.Errorf("%d bit/s: the tones in the wrong channels at %.1f and %.1f dB", rate, l, r)
		}
	}
}

// The same in both channels must come out the same: the mixer tells by the
// difference whether somebody is stereo.
func TestEqualChannelsStayEqual(t *testing.T) {
	pcm := vowels(100)
	for _, rate := range []int{32000, 64000, 128000} {
		packets := encodeStereo(t, mustEncoder(t, EncoderConfig{Channels: Stereo, Bitrate: rate}), interleave(pcm, pcm))
		got := decodeStereo(t, mustStereoDecoder(t), packets)
		left, right := channel(got, 0), channel(got, 1)
		for i := range left {
			if math.Abs(float64(left[i]-right[i])) > 1e-4 {
				t.Fatalf("%d bit/s: sample %d is %v and %v", rate, i, left[i], right[i])
			}
		}
		if snr := similarity(pcm, left); snr < 8 {
			t.Errorf("%d bit/s: signal to noise %.1f dB", rate, snr)
		}
	}
}

func TestDecodersTakeBothKindsOfPackets(t *testing.T) {
	mono := vowels(60)
	both := decodeStereo(t, mustStereoDecoder(t), encodeAll(t, mustEncoder(t, EncoderConfig{}), mono))
	left, right := channel(both, 0), channel(both, 1)
	for i := range left {
		if left[i] != right[i] {
			t.Fatalf("a mono packet: sample %d is %v and %v", i, left[i], right[i])
		}
	}
	if snr := similarity(mono, left); snr < 8 {
		t.Errorf("a mono packet in stereo: signal to noise %.1f dB", snr)
	}
	packets := encodeStereo(t, mustEncoder(t, EncoderConfig{Channels: Stereo}), interleave(tone(440, 60), tone(880, 60)))
	mean := decodeAll(t, mustDecoder(t), packets)
	for _, hz := range []float64{440, 880} {
		if s := strength(mean[20*FrameSamples:], hz); s < -18 || s > -15 {
			t.Errorf("a stereo packet in mono: the tone of %v Hz at %.1f dB, want half of it", hz, s)
		}
	}
	if !rtpx.OpusStereo(packets[10]) || rtpx.OpusStereo(Silence()) || rtpx.OpusStereo(nil) {
		t.Error("packets are taken for what they are not")
	}
}

// Between packets of two channels come those of one, silence too.
func TestStereoAfterMonoAndSilence(t *testing.T) {
	left, right := tone(440, 120), tone(880, 120)
	stereo := encodeStereo(t, mustEncoder(t, EncoderConfig{Channels: Stereo}), interleave(left, right))
	mono := encodeAll(t, mustEncoder(t, EncoderConfig{}), left)
	var packets [][]byte
	packets = append(packets, stereo[:30]...)
	packets = append(packets, Silence(), Silence(), Silence())
	packets = append(packets, mono[33:60]...)
	packets = append(packets, stereo[60:]...)
	got := decodeStereo(t, mustStereoDecoder(t), packets)
	part := func(n, from, to int) []float32 { return channel(got, n)[from*FrameSamples : to*FrameSamples] }
	if e := energy(part(0, 32, 33)) + energy(part(1, 32, 33)); e > 1e-6 {
		t.Errorf("silence has the energy %g", e)
	}
	if l, r := strength(part(0, 40, 60), 440), strength(part(1, 40, 60), 440); l < -12 || math.Abs(l-r) > 0.1 {
		t.Errorf("mono at %.1f dB left and %.1f dB right", l, r)
	}
	if l, r := strength(part(1, 70, 120), 440), strength(part(0, 70, 120), 880); l > -50 || r > -50 {
		t.Errorf("the tones in the wrong channels at %.1f and %.1f dB", l, r)
	}
}

// With loss a stereo encoder stays in the transform mode, and decodable.
func TestStereoWithLoss(t *testing.T) {
	voice, other := vowels(100), tone(880, 100)
	packets := encodeStereo(t, mustEncoder(t, EncoderConfig{Channels: Stereo, Loss: 20}), interleave(voice, other))
	for i, p := range packets {
		if !transform(p) || !rtpx.OpusStereo(p) {
			t.Fatalf("packet %d has configuration %d, stereo %v", i, p[0]>>3, rtpx.OpusStereo(p))
		}
	}
	d := mustStereoDecoder(t)
	if snr := similarity(voice, channel(decodeStereo(t, d, packets), 0)); snr < 8 {
		t.Errorf("signal to noise %.1f dB", snr)
	}
	d.Reset()
	decodeStereo(t, d, packets[:60])
	out := make([]float32, 2*FrameSamples)
	if err := d.Conceal(out); err != nil {
		t.Fatal(err)
	}
	if r := strength(channel(out, 1), 880); r < -20 {
		t.Errorf("concealed, the tone is at %.1f dB", r)
	}
}

// Browsers may send stereo in the speech modes, with redundancy. The encoder here
// does not, so these packets come from the library itself.
func TestRedundancyOfStereoPackets(t *testing.T) {
	voice := vowels(150)
	quiet := make([]float32, len(voice))
	enc, err := gopus.NewEncoder(gopus.EncoderConfig{SampleRate: SampleRate, Channels: 2, Application: gopus.ApplicationVoIP})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{enc.SetBitrate(48000), enc.SetSignal(gopus.SignalVoice), enc.SetPacketLoss(20), enc.SetMaxBandwidth(gopus.BandwidthWideband)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	enc.SetFEC(true)
	var packets [][]byte
	pcm := interleave(voice, quiet)
	for ; len(pcm) > 0; pcm = pcm[2*FrameSamples:] {
		packet := make([]byte, MaxPacket)
		n, err := enc.Encode(pcm[:2*FrameSamples], packet)
		if err != nil {
			t.Fatal(err)
		}
		packets = append(packets, packet[:n])
	}
	var got []float32
	d, buf := mustStereoDecoder(t), make([]float32, 2*MaxSamples)
	for i, p := range packets {
		n, err := FrameSamples, error(nil)
		if lost := i%10 == 7; lost {
			err = d.DecodeFEC(packets[i+1], buf[:2*FrameSamples])
		} else {
			n, err = d.Decode(p, buf)
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, buf[:2*n]...)
	}
	left, right := channel(got, 0), channel(got, 1)
	if snr := similarity(voice, left); snr < 6 {
		t.Errorf("left: signal to noise %.1f dB", snr)
	}
	if e := energy(right) / energy(left); e > 0.05 {
		t.Errorf("the silent channel has %.0f %% of the other's energy", 100*e)
	}
}

func TestBitrateChangesWhileRunning(t *testing.T) {
	pcm := vowels(150)
	for _, channels := range []Channels{Mono, Stereo} {
		e := mustEncoder(t, EncoderConfig{Channels: channels, Bitrate: 64000})
		encode := func(from, to int) [][]byte {
			part := pcm[from*FrameSamples : to*FrameSamples]
			if channels == Mono {
				return encodeAll(t, e, part)
			}
			return encodeStereo(t, e, interleave(part, part))
		}
		first := encode(0, 50)
		e.SetBitrate(128000)
		second := encode(50, 100)
		e.SetBitrate(1) // out of range, so the least there is
		third := encode(100, 150)
		if a, b, c := bitrate(first), bitrate(second), bitrate(third[10:]); a > 75000 || b < 110000 || c > 12000 {
			t.Errorf("%d channels: %d, %d and %d bit/s", channels, a, b, c)
		}
	}
}

func TestLowBitratesUseTheSpeechModes(t *testing.T) {
	for rate, want := range map[int]bool{16000: false, 24000: false, 32000: true, 48000: true} {
		packets := encodeAll(t, mustEncoder(t, EncoderConfig{Bitrate: rate}), vowels(20))
		if got := transform(packets[10]); got != want {
			t.Errorf("%d bit/s: configuration %d", rate, packets[10][0]>>3)
		}
	}
}

func TestStereoDoesNotAllocate(t *testing.T) {
	pcm := interleave(vowels(10), tone(880, 10))
	e, d := mustEncoder(t, EncoderConfig{Channels: Stereo}), mustStereoDecoder(t)
	buf, out, i := make([]byte, MaxPacket), make([]float32, 2*MaxSamples), 0
	run := func() {
		n, err := e.Encode(pcm[i%10*2*FrameSamples:][:2*FrameSamples], buf)
		if err == nil {
			_, err = d.Decode(buf[:n], out)
		}
		if err != nil {
			t.Fatal(err)
		}
		i++
	}
	for range 30 {
		run()
	}
	if n := testing.AllocsPerRun(100, run); n > 0 {
		t.Errorf("%v allocations per frame", n)
	}
}

func TestImpossibleChannels(t *testing.T) {
	if _, err := NewEncoder(EncoderConfig{Channels: 3}); err == nil {
		t.Error("made an encoder for three channels")
	}
	for _, channels := range []Channels{0, 3} {
		if _, err := NewDecoder(channels); err == nil {
			t.Errorf("made a decoder for %d channels", channels)
		}
	}
	if _, err := mustEncoder(t, EncoderConfig{Channels: Stereo}).Encode(make([]float32, FrameSamples), make([]byte, MaxPacket)); err == nil {
		t.Error("encoded a stereo frame of half the length")
	}
}
