package mp4

import "encoding/binary"

// Flags of samples (ISO/IEC 14496-12 §8.8.3.1).
const (
	syncSample    = 0x02000000
	nonSyncSample = 0x01010000
)

// Piece returns a fragmented file. samples are those of each track; the first
// video sample of a track should be a key frame.
func Piece(tracks []Track, samples [][]Sample) []byte {
	size := 2048
	for _, list := range samples {
		for i := range list {
			size += len(list[i].Data) + 16
		}
	}
	w := &writer{buf: make([]byte, 0, size)}
	w.fileType("iso5")
	w.box("moov", func() {
		w.movieHeader(0, len(tracks))
		for i, t := range tracks {
			w.box("trak", func() {
				w.trackHeader(i+1, t, 0)
				w.media(t, 0, w.emptyTable)
			})
		}
		w.box("mvex", func() {
			w.full("mehd", 1, 0, func() { w.u64(longest(tracks, samples)) })
			for i := range tracks {
				w.full("trex", 0, 0, func() { w.u32(uint32(i+1), 1, 0, 0, 0) })
			}
		})
	})
	w.fragment(samples)
	return w.buf
}

// longest returns the duration of the longest track in movieTimescale.
func longest(tracks []Track, samples [][]Sample) (most uint64) {
	for i, list := range samples {
		n := uint64(0)
		for j := range list {
			n += uint64(list[j].Duration)
		}
		most = max(most, n*movieTimescale/uint64(tracks[i].Timescale()))
	}
	return most
}

// emptyTable is the sample table of a track whose samples are in fragments.
func (w *writer) emptyTable() {
	for _, kind := range []string{"stts", "stsc", "stco"} {
		w.full(kind, 0, 0, func() { w.u32(0) })
	}
	w.full("stsz", 0, 0, func() { w.u32(0, 0) })
}

// fragment writes all samples and where they are.
func (w *writer) fragment(samples [][]Sample) {
	begin := len(w.buf)
	offsets := make([]int, len(samples)) // where each track's data offset stands
	w.box("moof", func() {
		w.full("mfhd", 0, 0, func() { w.u32(1) })
		for i, list := range samples {
			w.box("traf", func() {
				const baseIsMoof = 0x020000
				w.full("tfhd", 0, baseIsMoof, func() { w.u32(uint32(i + 1)) })
				w.full("tfdt", 1, 0, func() { w.u64(0) })
				const offset, duration, size, flags = 0x1, 0x100, 0x200, 0x400
				w.full("trun", 0, offset|duration|size|flags, func() {
					w.u32(uint32(len(list)))
					offsets[i] = len(w.buf)
					w.u32(0)
					for _, s := range list {
						kind := uint32(nonSyncSample)
						if s.Sync {
							kind = syncSample
						}
						w.u32(s.Duration, uint32(len(s.Data)), kind)
					}
				})
			})
		}
	})
	w.box("mdat", func() {
		for i, list := range samples {
			binary.BigEndian.PutUint32(w.buf[offsets[i]:], uint32(len(w.buf)-begin))
			for _, s := range list {
				w.buf = append(w.buf, s.Data...)
			}
		}
	})
}
