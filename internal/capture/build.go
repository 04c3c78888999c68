package capture

import (
	"encoding/binary"
	"io"
	"os"
	"slices"
	"time"

	"github.com/carillon-meetings/carillon/internal/capture/mp4"
)

// builder makes one movie of pieces: their samples go to a file, one piece after
// the other, and what the index needs is kept.
type builder struct {
	file   *os.File
	done   func() // removes it
	codec  string // of the pictures that are taken; "" for the first there is
	others []string
	begin  time.Time

	movie   mp4.Movie
	sound   int    // number of the track, -1 before there is one
	picture int    // likewise
	config  []byte // of the last pictures: what a decoder was told
	bytes   int64  // of the data so far
	head    []byte // once all is gathered
}

// add takes the tracks of the next piece.
func (b *builder) add(p Piece, tracks []mp4.ReadTrack) error {
	at := p.Start.Sub(b.begin)
	for i := range tracks {
		t := &tracks[i]
		if t.Video() && !b.takes(t) {
			continue
		}
		track := b.open(t.Track)
		if t.Video() {
			b.tellConfig(t)
		} else if err := b.fillSound(at); err != nil {
			return err
		}
		if err := b.append(track, t, at); err != nil {
			return err
		}
	}
	return nil
}

// open returns the number of the movie's track for pictures or for sound.
func (b *builder) open(t mp4.Track) int {
	track := &b.sound
	if t.Video() {
		track = &b.picture
	}
	if *track < 0 {
		*track = b.movie.Add(t)
	}
	return *track
}

// takes reports whether pictures of this codec belong into the movie, and notes
// those that do not.
func (b *builder) takes(t *mp4.ReadTrack) bool {
	name := t.Codec.String()
	if b.codec == "" {
		b.codec = name
	}
	if name != b.codec && !slices.Contains(b.others, name) {
		b.others = append(b.others, name)
	}
	return name == b.codec
}

// append adds a track's samples, which begin so long after the movie does. What
// is late is not moved back: a piece that overlaps the one before follows it.
func (b *builder) append(track int, t *mp4.ReadTrack, at time.Duration) error {
	scale := time.Duration(t.Timescale())
	begins := uint64(at * scale / time.Second)
	if so := b.movie.Duration(track); begins > so {
		b.movie.Wait(track, begins-so)
	}
	b.movie.Append(track, t.Samples, b.bytes)
	for i := range t.Samples {
		if err := b.write(t.Samples[i].Data); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) write(data []byte) error {
	n, err := b.file.Write(data)
	b.bytes += int64(n)
	return err
}

// fillSound adds silence up to a time, if sound is missing before it.
func (b *builder) fillSound(until time.Duration) error {
	if b.movie.Empty(b.sound) {
		return nil
	}
	wanted := uint64(until * mp4.AudioTimescale / time.Second)
	var samples []mp4.Sample
	const frame = 960
	for so := b.movie.Duration(b.sound); so+frame <= wanted; so += frame {
		samples = append(samples, mp4.Sample{Data: silence(), Duration: frame})
	}
	b.movie.Append(b.sound, samples, b.bytes)
	for range samples {
		if err := b.write(silence()); err != nil {
			return err
		}
	}
	return nil
}

// tellConfig puts the parameter sets of H.264 before a key frame where they
// change: the index has the first ones only.
func (b *builder) tellConfig(t *mp4.ReadTrack) {
	if t.Codec != mp4.H264 || len(t.Samples) == 0 {
		return
	}
	if b.config != nil && string(b.config) != string(t.Config) {
		t.Samples[0].Data = append(parameterSets(t.Config), t.Samples[0].Data...)
		b.movie.InBand(b.picture)
	}
	b.config = t.Config
}

// parameterSets returns the sets of an AVCDecoderConfigurationRecord (ISO/IEC
// 14496-15 §5.3.3.1), each behind four bytes of length; those of a malformed one
// as far as they go.
func parameterSets(config []byte) (sets []byte) {
	const countAt, mask = 5, 0x1F
	if len(config) <= countAt {
		return nil
	}
	rest := config[countAt:]
	for kind := range 2 {
		if len(rest) == 0 {
			return sets
		}
		n := int(rest[0])
		if kind == 0 {
			n &= mask
		}
		rest = rest[1:]
		for ; n > 0 && len(rest) >= 2; n-- {
			size := int(binary.BigEndian.Uint16(rest))
			if rest = rest[2:]; size > len(rest) {
				return sets
			}
			sets = binary.BigEndian.AppendUint32(sets, uint32(size))
			sets = append(sets, rest[:size]...)
			rest = rest[size:]
		}
	}
	return sets
}

// whole is the finished file.
func (b *builder) whole() io.ReaderAt { return headed{b.finish(), b.file} }

// size returns its length.
func (b *builder) size() int64 { return int64(len(b.finish())) + b.bytes }

func (b *builder) finish() []byte {
	if b.head == nil {
		b.head = b.movie.Head(b.bytes)
	}
	return b.head
}

// headed reads a head and then what follows it.
type headed struct {
	head []byte
	body io.ReaderAt
}

// ReadAt implements io.ReaderAt.
func (h headed) ReadAt(p []byte, at int64) (n int, err error) {
	if at < int64(len(h.head)) {
		n = copy(p, h.head[at:])
		if n == len(p) {
			return n, nil
		}
	}
	more, err := h.body.ReadAt(p[n:], at+int64(n)-int64(len(h.head)))
	return n + more, err
}
