package mp4

import "encoding/binary"

// Codec is how the samples of a track are coded.
type Codec uint8

// The codecs of meetings.
const (
	Opus Codec = iota + 1 // RFC 6716, in packets
	H264                  // in NAL units behind four bytes of length
	VP8
	VP9
	AV1
)

// String returns the name that ffprobe has for the codec.
func (c Codec) String() string {
	if c < Opus || c > AV1 {
		return "unknown"
	}
	return [...]string{"opus", "h264", "vp8", "vp9", "av1"}[c-1]
}

// Timescales of tracks: the clocks of their RTP payload formats.
const (
	AudioTimescale = 48000
	VideoTimescale = 90000
)

// Track says how one track is coded.
type Track struct {
	Codec         Codec
	Width, Height int // of a picture, in pixels
	// Config is what the codec's configuration box holds: of H.264 the
	// AVCDecoderConfigurationRecord (ISO/IEC 14496-15), of AV1 the
	// AV1CodecConfigurationRecord. Empty for the others.
	Config []byte

	inBand bool // of H.264: parameter sets are among the samples, too
}

// Video reports whether the track has pictures.
func (t Track) Video() bool { return t.Codec != Opus }

// Timescale returns how many units of time a second has in the track.
func (t Track) Timescale() uint32 {
	if t.Video() {
		return VideoTimescale
	}
	return AudioTimescale
}

// Same reports whether samples of both can be in one track.
func (t Track) Same(u Track) bool {
	return t.Codec == u.Codec && t.Width == u.Width && t.Height == u.Height && string(t.Config) == string(u.Config)
}

// Sample is one packet of sound or one picture.
type Sample struct {
	Data     []byte
	Duration uint32 // in the track's timescale
	Sync     bool   // decoding can begin here
}

// writer appends boxes to a buffer. A box is opened, filled and closed.
type writer struct{ buf []byte }

func (w *writer) u8(v ...byte) { w.buf = append(w.buf, v...) }
func (w *writer) u16(v ...uint16) {
	for _, n := range v {
		w.buf = binary.BigEndian.AppendUint16(w.buf, n)
	}
}
func (w *writer) u32(v ...uint32) {
	for _, n := range v {
		w.buf = binary.BigEndian.AppendUint32(w.buf, n)
	}
}
func (w *writer) u64(v uint64)  { w.buf = binary.BigEndian.AppendUint64(w.buf, v) }
func (w *writer) text(s string) { w.buf = append(w.buf, s...) }
func (w *writer) zeros(n int)   { w.buf = append(w.buf, make([]byte, n)...) }

// box writes a box around what fill writes.
func (w *writer) box(kind string, fill func()) {
	at := len(w.buf)
	w.u32(0)
	w.text(kind)
	fill()
	binary.BigEndian.PutUint32(w.buf[at:], uint32(len(w.buf)-at))
}

// full writes a box that begins with a version and flags.
func (w *writer) full(kind string, version byte, flags uint32, fill func()) {
	w.box(kind, func() {
		w.u32(uint32(version)<<24 | flags)
		fill()
	})
}

// brands are what a reader must know to read the files.
func (w *writer) fileType(brand string) {
	w.box("ftyp", func() {
		w.text(brand)
		w.u32(0x200)
		w.text(brand + "isomiso6mp41")
	})
}

// movieTimescale is that of the movie's own durations.
const movieTimescale = 1000

// matrix is the identity: pictures are shown as they are.
func (w *writer) matrix() { w.u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000) }

func (w *writer) movieHeader(duration uint64, tracks int) {
	w.full("mvhd", 1, 0, func() {
		w.u64(0)
		w.u64(0)
		w.u32(movieTimescale)
		w.u64(duration)
		w.u32(0x10000)
		w.u16(0x100, 0)
		w.zeros(8)
		w.matrix()
		w.zeros(24)
		w.u32(uint32(tracks + 1))
	})
}

func (w *writer) trackHeader(id int, t Track, duration uint64) {
	const enabledInMovie = 3
	w.full("tkhd", 1, enabledInMovie, func() {
		w.u64(0)
		w.u64(0)
		w.u32(uint32(id), 0)
		w.u64(duration)
		w.zeros(8)
		w.u16(0, 0)
		if t.Video() {
			w.u16(0, 0)
		} else {
			w.u16(0x100, 0)
		}
		w.matrix()
		w.u32(uint32(t.Width)<<16, uint32(t.Height)<<16)
	})
}

// media writes the mdia box; table writes what is in stbl after stsd.
func (w *writer) media(t Track, duration uint64, table func()) {
	w.box("mdia", func() {
		w.full("mdhd", 1, 0, func() {
			w.u64(0)
			w.u64(0)
			w.u32(t.Timescale())
			w.u64(duration)
			w.u16(0x55C4, 0) // language "und"
		})
		handler, name := "soun", "Sound"
		if t.Video() {
			handler, name = "vide", "Video"
		}
		w.full("hdlr", 0, 0, func() {
			w.u32(0)
			w.text(handler)
			w.zeros(12)
			w.text(name + "\x00")
		})
		w.box("minf", func() {
			if t.Video() {
				w.full("vmhd", 0, 1, func() { w.zeros(8) })
			} else {
				w.full("smhd", 0, 0, func() { w.zeros(4) })
			}
			w.box("dinf", func() {
				w.full("dref", 0, 0, func() {
					w.u32(1)
					w.full("url ", 0, 1, func() {})
				})
			})
			w.box("stbl", func() {
				w.full("stsd", 0, 0, func() {
					w.u32(1)
					w.sampleEntry(t)
				})
				table()
			})
		})
	})
}

// sampleEntry says how the samples are coded.
func (w *writer) sampleEntry(t Track) {
	switch t.Codec {
	case Opus:
		w.opusEntry()
	case H264:
		kind := "avc1"
		if t.inBand {
			kind = "avc3"
		}
		w.visualEntry(kind, t, func() { w.box("avcC", func() { w.buf = append(w.buf, t.Config...) }) })
	case AV1:
		w.visualEntry("av01", t, func() { w.box("av1C", func() { w.buf = append(w.buf, t.Config...) }) })
	case VP8:
		w.visualEntry("vp08", t, w.vpConfig)
	case VP9:
		w.visualEntry("vp09", t, w.vpConfig)
	}
}

// opusEntry is that of "Encapsulation of Opus in ISO Base Media File Format",
// §4.3. A meeting's mix is mono; a decoder makes stereo of it if it is told to.
func (w *writer) opusEntry() {
	w.box("Opus", func() {
		w.zeros(6)
		w.u16(1)
		w.zeros(8)
		w.u16(1, 16, 0, 0)
		w.u32(AudioTimescale << 16)
		w.box("dOps", func() {
			w.u8(0, 1) // version, channels
			w.u16(0)   // samples to skip at the beginning
			w.u32(AudioTimescale)
			w.u16(0)
			w.u8(0)
		})
	})
}

func (w *writer) visualEntry(kind string, t Track, config func()) {
	w.box(kind, func() {
		w.zeros(6)
		w.u16(1)
		w.zeros(16)
		w.u16(uint16(t.Width), uint16(t.Height))
		w.u32(0x480000, 0x480000, 0)
		w.u16(1)
		w.zeros(32)
		w.u16(24, 0xFFFF)
		config()
	})
}

// vpConfig is that of "VP Codec ISO Media File Format Binding". The colours are
// "unspecified": Chromium shows no picture for those that are reserved.
func (w *writer) vpConfig() {
	const profile, level, depthAndSubsampling, unspecified = 0, 10, 8<<4 | 1<<1, 2
	w.full("vpcC", 1, 0, func() {
		w.u8(profile, level, depthAndSubsampling, unspecified, unspecified, unspecified)
		w.u16(0)
	})
}
