package rtpx

// SampleRate is the RTP clock of Opus, whatever the audio bandwidth: 48 kHz
// (RFC 7587 §4.1).
const SampleRate = 48000

// FrameSamples is the length of the audio frames that Carillon sends: 20 ms.
const FrameSamples = SampleRate / 50

// What Opus can be asked for, in bit/s (RFC 7587 §6.1, maxaveragebitrate).
const (
	MinOpusBitrate = 6000
	MaxOpusBitrate = 510000
)

// MaxOpusSamples is the longest audio one Opus packet may hold: 120 ms
// (RFC 6716 §3.4, R5).
const MaxOpusSamples = SampleRate * 120 / 1000

// OpusSamples returns how much audio an Opus packet holds, in 48 kHz samples,
// from its first bytes (RFC 6716 §3.1). It is 0 if the packet is empty or
// contradicts itself.
func OpusSamples(payload []byte) int {
	if len(payload) == 0 {
		return 0
	}
	frames := 0
	switch payload[0] & 3 {
	case 0:
		frames = 1
	case 1, 2:
		frames = 2
	default:
		if len(payload) < 2 {
			return 0
		}
		frames = int(payload[1] & 0x3F)
	}
	n := frames * opusFrameSamples(payload[0]>>3)
	if n > MaxOpusSamples {
		return 0
	}
	return n
}

// OpusStereo says whether an Opus packet is coded in two channels (RFC 6716
// §3.1). An empty packet is not.
func OpusStereo(payload []byte) bool { return len(payload) > 0 && payload[0]&4 != 0 }

// opusFrameSamples returns the samples in one frame of the given TOC
// configuration (RFC 6716, table 2).
func opusFrameSamples(config byte) int {
	const ms = SampleRate / 1000
	switch {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		return [4]int{10 * ms, 20 * ms, 40 * ms, 60 * ms}[config&3]
	case config < 16: // hybrid: 10, 20 ms
		return [2]int{10 * ms, 20 * ms}[config&1]
	default: // CELT: 2.5, 5, 10, 20 ms
		return 120 << (config & 3)
	}
}
