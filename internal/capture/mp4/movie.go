package mp4

import "time"

// Movie gathers what the index of an ordinary file says of its samples, which
// are stored by the caller, one after the other. It is made of runs, so that the
// index of hours of sound takes little. The zero value is ready.
type Movie struct{ tracks []movieTrack }

type movieTrack struct {
	Track
	delay     uint64 // before the first sample, in the track's timescale
	duration  uint64 // of all samples
	durations []durationRun
	sizes     []uint32
	syncs     []uint32 // numbers of the samples at which decoding can begin, from 1
	chunks    []chunk
}

// durationRun is samples that follow each other and last equally long.
type durationRun struct{ count, duration uint32 }

// chunk is samples that lie side by side.
type chunk struct {
	offset  int64 // from the beginning of the data
	samples uint32
}

// Add adds a track and returns its number. Tracks without samples are left out of
// the file.
func (m *Movie) Add(t Track) int {
	m.tracks = append(m.tracks, movieTrack{Track: t})
	return len(m.tracks) - 1
}

// InBand says that the parameter sets of an H.264 track change, and stand before
// the samples where they do.
func (m *Movie) InBand(track int) { m.tracks[track].inBand = true }

// Duration returns how far a track reaches, with its delay, in its timescale.
func (m *Movie) Duration(track int) uint64 {
	return m.tracks[track].delay + m.tracks[track].duration
}

// Length returns how long the movie is: as its longest track.
func (m *Movie) Length() (length time.Duration) {
	for i := range m.tracks {
		scale := time.Duration(m.tracks[i].Timescale())
		length = max(length, time.Duration(m.Duration(i))*time.Second/scale)
	}
	return length
}

// Empty reports whether a track has no samples yet.
func (m *Movie) Empty(track int) bool { return len(m.tracks[track].sizes) == 0 }

// Wait lets time pass before the next sample of a track: its last picture stands
// for longer, or it begins later.
func (m *Movie) Wait(track int, duration uint64) {
	t := &m.tracks[track]
	n := len(t.durations)
	if n == 0 {
		t.delay += duration
		return
	}
	t.duration += duration
	if last := &t.durations[n-1]; last.count == 1 {
		last.duration += uint32(duration)
	} else {
		last.count--
		t.durations = append(t.durations, durationRun{1, last.duration + uint32(duration)})
	}
}

// Append adds samples to a track whose data lie side by side in the caller's, the
// first of them at the offset.
func (m *Movie) Append(track int, samples []Sample, offset int64) {
	if len(samples) == 0 {
		return
	}
	t := &m.tracks[track]
	t.chunks = append(t.chunks, chunk{offset, uint32(len(samples))})
	for i := range samples {
		s := &samples[i]
		t.sizes = append(t.sizes, uint32(len(s.Data)))
		t.duration += uint64(s.Duration)
		if s.Sync && t.Video() {
			t.syncs = append(t.syncs, uint32(len(t.sizes)))
		}
		if n := len(t.durations); n > 0 && t.durations[n-1].duration == s.Duration {
			t.durations[n-1].count++
		} else {
			t.durations = append(t.durations, durationRun{1, s.Duration})
		}
	}
}

// Head returns what comes before the data, whose size is in bytes.
func (m *Movie) Head(size int64) []byte {
	head := m.head(size, 0)
	return m.head(size, int64(len(head)))
}

// head returns the head of a file whose data begin at the offset. Its length
// does not depend on that.
func (m *Movie) head(size, begin int64) []byte {
	w := &writer{}
	w.fileType("isom")
	w.box("moov", func() {
		total := uint64(0)
		for i := range m.tracks {
			total = max(total, m.movieTime(i, m.Duration(i)))
		}
		w.movieHeader(total, len(m.tracks))
		for i := range m.tracks {
			t := &m.tracks[i]
			if len(t.sizes) == 0 {
				continue
			}
			w.box("trak", func() {
				w.trackHeader(i+1, t.Track, m.movieTime(i, m.Duration(i)))
				w.edits(m, i)
				w.media(t.Track, t.duration, func() { w.table(t, begin) })
			})
		}
	})
	const largeSize, headSize = 1, 16
	w.u32(largeSize)
	w.text("mdat")
	w.u64(uint64(size + headSize))
	return w.buf
}

// movieTime turns a time of a track into the movie's.
func (m *Movie) movieTime(track int, n uint64) uint64 {
	return n * movieTimescale / uint64(m.tracks[track].Timescale())
}

// edits says that a track begins later than the movie.
func (w *writer) edits(m *Movie, i int) {
	t := &m.tracks[i]
	if t.delay == 0 {
		return
	}
	const nothing = 1<<64 - 1
	w.box("edts", func() {
		w.full("elst", 1, 0, func() {
			w.u32(2)
			w.u64(m.movieTime(i, t.delay))
			w.u64(nothing)
			w.u16(1, 0)
			w.u64(m.movieTime(i, t.duration))
			w.u64(0)
			w.u16(1, 0)
		})
	})
}

// table writes the sample table.
func (w *writer) table(t *movieTrack, begin int64) {
	w.full("stts", 0, 0, func() {
		w.u32(uint32(len(t.durations)))
		for _, r := range t.durations {
			w.u32(r.count, r.duration)
		}
	})
	if t.Video() {
		w.full("stss", 0, 0, func() {
			w.u32(uint32(len(t.syncs)))
			w.u32(t.syncs...)
		})
	}
	w.full("stsc", 0, 0, func() { w.chunkRuns(t.chunks) })
	w.full("stsz", 0, 0, func() {
		w.u32(0, uint32(len(t.sizes)))
		w.u32(t.sizes...)
	})
	w.full("co64", 0, 0, func() {
		w.u32(uint32(len(t.chunks)))
		for _, c := range t.chunks {
			w.u64(uint64(begin + c.offset))
		}
	})
}

// chunkRuns writes how many samples chunks have, where that changes.
func (w *writer) chunkRuns(chunks []chunk) {
	var runs []uint32
	for i, c := range chunks {
		if i == 0 || chunks[i-1].samples != c.samples {
			runs = append(runs, uint32(i+1), c.samples, 1)
		}
	}
	w.u32(uint32(len(runs) / 3))
	w.u32(runs...)
}
