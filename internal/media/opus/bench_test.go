package opus

import "testing"

func BenchmarkEncode(b *testing.B) {
	mono, stereo := vowels(200), interleave(vowels(200), tone(880, 200))
	for _, bench := range []struct {
		name string
		cfg  EncoderConfig
	}{
		{"transform", EncoderConfig{}},
		{"speech-with-fec", EncoderConfig{Loss: 10}},
		{"mono-64k", EncoderConfig{Bitrate: 64000}},
		{"stereo-96k", EncoderConfig{Channels: Stereo}},
		{"stereo-128k", EncoderConfig{Channels: Stereo, Bitrate: 128000}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			e, buf := mustEncoder(b, bench.cfg), make([]byte, MaxPacket)
			pcm, size := mono, FrameSamples
			if bench.cfg.Channels == Stereo {
				pcm, size = stereo, 2*FrameSamples
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := e.Encode(pcm[i%200*size:][:size], buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	mono := func(cfg EncoderConfig) [][]byte { return encodeAll(b, mustEncoder(b, cfg), vowels(200)) }
	stereo := encodeStereo(b, mustEncoder(b, EncoderConfig{Channels: Stereo, Bitrate: 128000}), interleave(vowels(200), tone(880, 200)))
	for _, bench := range []struct {
		name    string
		to      Channels
		packets [][]byte
	}{
		{"transform", Mono, mono(EncoderConfig{})},
		{"speech", Mono, mono(EncoderConfig{Loss: 10})},
		{"stereo", Stereo, stereo},
		{"stereo-to-mono", Mono, stereo},
	} {
		b.Run(bench.name, func(b *testing.B) {
			d, err := NewDecoder(bench.to)
			if err != nil {
				b.Fatal(err)
			}
			pcm := make([]float32, int(bench.to)*MaxSamples)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := d.Decode(bench.packets[i%200], pcm); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
