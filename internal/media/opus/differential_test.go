//go:build libopus

package opus

import (
	"encoding/binary"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// speech lets espeak-ng say something and returns it at 48 kHz.
func speech(t *testing.T) []float32 {
	t.Helper()
	file := filepath.Join(t.TempDir(), "speech.wav")
	say := exec.Command("espeak-ng", "-w", file, "-s", "150",
		"The quick brown fox jumps over the lazy dog. She sells sea shells by the sea shore. How are you today?")
	if out, err := say.CombinedOutput(); err != nil {
		t.Fatalf("espeak-ng, which this test needs: %v\n%s", err, out)
	}
	wav, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rate, samples := readWAV(t, wav)
	return resample(samples, rate)
}

// readWAV reads a mono 16-bit WAV file.
func readWAV(t *testing.T, wav []byte) (rate int, samples []float64) {
	t.Helper()
	if len(wav) < 44 || string(wav[:4]) != "RIFF" {
		t.Fatal("not a WAV file")
	}
	for at := 12; at+8 <= len(wav); {
		size := int(binary.LittleEndian.Uint32(wav[at+4:]))
		body := wav[at+8:]
		switch string(wav[at : at+4]) {
		case "fmt ":
			rate = int(binary.LittleEndian.Uint32(body[4:]))
		case "data":
			for i := 0; i+1 < min(size, len(body)); i += 2 {
				samples = append(samples, float64(int16(binary.LittleEndian.Uint16(body[i:])))/32768)
			}
			return rate, samples
		}
		at += 8 + size
	}
	t.Fatal("a WAV file without data")
	return 0, nil
}

// resample converts to 48 kHz with a windowed sinc, cut to whole frames.
func resample(in []float64, rate int) []float32 {
	const reach = 16
	step := float64(rate) / SampleRate
	n := int(float64(len(in)) / step)
	out := make([]float32, n/FrameSamples*FrameSamples)
	for i := range out {
		at, s := float64(i)*step, 0.0
		for k := int(at) - reach; k <= int(at)+reach; k++ {
			if k < 0 || k >= len(in) {
				continue
			}
			x := at - float64(k)
			w := 0.5 + 0.5*math.Cos(math.Pi*x/(reach+1))
			if x != 0 {
				w *= math.Sin(math.Pi*x) / (math.Pi * x)
			}
			s += in[k] * w
		}
		out[i] = float32(s)
	}
	return out
}

// TestPureAgainstC encodes the same speech with the pure-Go codec and with
// libopus, and decodes each with both.
func TestPureAgainstC(t *testing.T) {
	pcm := speech(t)
	if len(pcm) < 4*SampleRate {
		t.Fatalf("only %d samples of speech", len(pcm))
	}
	for _, cfg := range []EncoderConfig{{}, {Bitrate: 24000}, {Loss: 10}, {Bitrate: 24000, Loss: 10}, {Bitrate: 64000, Complexity: 9}} {
		pureEnc, err := newPureEncoder(cfg)
		if err != nil {
			t.Fatal(err)
		}
		cEnc, err := newCEncoder(cfg)
		if err != nil {
			t.Fatal(err)
		}
		encoded := [][][]byte{encodeAll(t, pureEnc, pcm), encodeAll(t, cEnc, pcm)}
		size, snr := [2]int{}, [2]float64{}
		for i, packets := range encoded {
			for _, p := range packets {
				size[i] += len(p)
			}
			snr[i] = compareDecoders(t, pcm, packets)
		}
		t.Logf("%+v: pure Go %d bytes, %.2f dB; libopus %d bytes, %.2f dB", cfg, size[0], snr[0], size[1], snr[1])
		// The pure-Go codec follows a newer libopus than distributions have, whose
		// speech modes are up to 2.5 dB better; worse is what it must not be.
		if snr[0] < snr[1]-1 || snr[0] > snr[1]+5 {
			t.Errorf("%+v: encoder quality %.2f dB in pure Go, %.2f dB in libopus", cfg, snr[0], snr[1])
		}
		if ratio := float64(size[0]) / float64(size[1]); ratio < 0.9 || ratio > 1.1 {
			t.Errorf("%+v: %d bytes from pure Go, %d from libopus", cfg, size[0], size[1])
		}
	}
}

// compareDecoders decodes packets with both decoders, which must agree, and
// returns the signal-to-noise ratio in dB against the original.
func compareDecoders(t *testing.T, pcm []float32, packets [][]byte) float64 {
	t.Helper()
	pureDec, err := newPureDecoder(Mono)
	if err != nil {
		t.Fatal(err)
	}
	cDec, err := newCDecoder(Mono)
	if err != nil {
		t.Fatal(err)
	}
	a, b := decodeAll(t, pureDec, packets), decodeAll(t, cDec, packets)
	noise := 0.0
	for i := range a {
		noise += math.Pow(float64(a[i]-b[i]), 2)
	}
	if agree := 10 * math.Log10(energy(b)/(noise+1e-12)); agree < 50 {
		t.Errorf("the decoders agree to %.1f dB only", agree)
	}
	if ratio := energy(a) / energy(pcm); ratio < 0.5 || ratio > 1.5 {
		t.Errorf("energy changed by a factor of %.2f", ratio)
	}
	return similarity(pcm, a)
}

// TestStereoAgainstC does the same with speech in one channel and a tone in the
// other.
func TestStereoAgainstC(t *testing.T) {
	voice := speech(t)
	pcm := interleave(voice, tone(880, len(voice)/FrameSamples))
	for _, cfg := range []EncoderConfig{{}, {Bitrate: 64000}, {Bitrate: 128000}, {Bitrate: 128000, Loss: 20}} {
		cfg.Channels = Stereo
		pureEnc, err := newPureEncoder(cfg)
		if err != nil {
			t.Fatal(err)
		}
		cEnc, err := newCEncoder(cfg)
		if err != nil {
			t.Fatal(err)
		}
		pure, c := encodeStereo(t, pureEnc, pcm), encodeStereo(t, cEnc, pcm)
		pureSNR, cSNR := compareStereoDecoders(t, voice, pure), compareStereoDecoders(t, voice, c)
		t.Logf("%+v: pure Go %d bit/s, %.2f dB; libopus %d bit/s, %.2f dB", cfg, bitrate(pure), pureSNR, bitrate(c), cSNR)
		if math.Abs(pureSNR-cSNR) > 1 {
			t.Errorf("%+v: encoder quality %.2f dB in pure Go, %.2f dB in libopus", cfg, pureSNR, cSNR)
		}
		if ratio := float64(bitrate(pure)) / float64(bitrate(c)); ratio < 0.9 || ratio > 1.1 {
			t.Errorf("%+v: %d bit/s from pure Go, %d from libopus", cfg, bitrate(pure), bitrate(c))
		}
	}
}

// compareStereoDecoders decodes packets with both decoders, which must agree, and
// returns the signal-to-noise ratio in dB of the left channel.
func compareStereoDecoders(t *testing.T, left []float32, packets [][]byte) float64 {
	t.Helper()
	pureDec, err := newPureDecoder(Stereo)
	if err != nil {
		t.Fatal(err)
	}
	cDec, err := newCDecoder(Stereo)
	if err != nil {
		t.Fatal(err)
	}
	a, b := decodeStereo(t, pureDec, packets), decodeStereo(t, cDec, packets)
	noise := 0.0
	for i := range a {
		noise += math.Pow(float64(a[i]-b[i]), 2)
	}
	if agree := 10 * math.Log10(energy(b)/(noise+1e-12)); agree < 50 {
		t.Errorf("the stereo decoders agree to %.1f dB only", agree)
	}
	return similarity(left, channel(a, 0))
}

// TestConcealmentAgainstC loses packets and compares how the two decoders make up
// for them, with and without redundancy.
func TestConcealmentAgainstC(t *testing.T) {
	pcm := speech(t)
	enc, err := newCEncoder(EncoderConfig{Loss: 20})
	if err != nil {
		t.Fatal(err)
	}
	packets := encodeAll(t, enc, pcm)
	pureDec, err := newPureDecoder(Mono)
	if err != nil {
		t.Fatal(err)
	}
	cDec, err := newCDecoder(Mono)
	if err != nil {
		t.Fatal(err)
	}
	for _, fec := range []bool{false, true} {
		var snr [2]float64
		for i, d := range []Decoder{pureDec, cDec} {
			d.Reset()
			snr[i] = similarity(pcm, decodeWithLoss(t, d, packets, fec))
		}
		t.Logf("redundancy %v: pure Go %.2f dB, libopus %.2f dB", fec, snr[0], snr[1])
		if math.Abs(snr[0]-snr[1]) > 1.5 {
			t.Errorf("redundancy %v: %.2f dB in pure Go, %.2f dB in libopus", fec, snr[0], snr[1])
		}
	}
}

func decodeWithLoss(t *testing.T, d Decoder, packets [][]byte, fec bool) []float32 {
	t.Helper()
	var pcm []float32
	buf := make([]float32, MaxSamples)
	for i, p := range packets {
		n, err := FrameSamples, error(nil)
		switch {
		case i%10 != 7 || i+1 == len(packets):
			n, err = d.Decode(p, buf)
		case fec:
			err = d.DecodeFEC(packets[i+1], buf[:FrameSamples])
		default:
			err = d.Conceal(buf[:FrameSamples])
		}
		if err != nil {
			t.Fatal(err)
		}
		pcm = append(pcm, buf[:n]...)
	}
	return pcm
}

func BenchmarkPureAgainstC(b *testing.B) {
	pcm := vowels(200)
	for _, loss := range []int{0, 10} {
		cfg := EncoderConfig{Loss: loss}
		pure, err := newPureEncoder(cfg)
		if err != nil {
			b.Fatal(err)
		}
		c, err := newCEncoder(cfg)
		if err != nil {
			b.Fatal(err)
		}
		buf := make([]byte, MaxPacket)
		for name, e := range map[string]Encoder{"pure": pure, "c": c} {
			b.Run(name+map[int]string{0: "", 10: "/fec"}[loss], func(b *testing.B) {
				for i := 0; b.Loop(); i++ {
					if _, err := e.Encode(frame(pcm, i%200), buf); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
