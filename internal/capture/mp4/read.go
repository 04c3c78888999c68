package mp4

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
)

// ErrFormat is wrapped by every failure to read a file that is no piece of
// ours.
var ErrFormat = errors.New("not a recorded piece")

// maxSamples bounds the samples of a track: a piece has about 500.
const maxSamples = 1 << 16

// ReadTrack is one track of a piece with its samples, whose data are parts of
// what was read.
type ReadTrack struct {
	Track
	Samples []Sample
}

// Read takes a file apart that Piece has made. The error wraps ErrFormat.
func Read(data []byte) ([]ReadTrack, error) {
	r := reader{data: data}
	at := 0
	for b := range r.boxes(data) {
		switch b.kind {
		case "moov":
			r.movie(b.body)
		case "moof":
			r.fragment(b.body, at)
		}
		at += b.size
	}
	if r.err == nil && len(r.tracks) == 0 {
		r.fail("no tracks")
	}
	return r.tracks, r.err
}

type reader struct {
	data   []byte
	tracks []ReadTrack
	err    error
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrFormat, what)
	}
}

// box is a box as it stands in the file.
type box struct {
	kind string
	body []byte
	size int // with its head
}

// boxes yields the boxes one after the other, up to the first that is cut short.
func (r *reader) boxes(data []byte) iter.Seq[box] {
	return func(yield func(box) bool) {
		for len(data) > 0 && r.err == nil {
			if len(data) < 8 {
				r.fail("box cut short")
				return
			}
			size := int(binary.BigEndian.Uint32(data))
			if size < 8 || size > len(data) {
				r.fail("box of a wrong size")
				return
			}
			if !yield(box{string(data[4:8]), data[8:size], size}) {
				return
			}
			data = data[size:]
		}
	}
}

// take returns the first n bytes and the rest; nothing but zeros when there are
// not so many.
func (r *reader) take(data []byte, n int) (head, rest []byte) {
	if len(data) < n {
		r.fail("box too short")
		return make([]byte, n), nil
	}
	return data[:n], data[n:]
}

// within calls fn with each box on the path.
func (r *reader) within(data []byte, path []string, fn func([]byte)) {
	for b := range r.boxes(data) {
		switch {
		case b.kind != path[0]:
		case len(path) == 1:
			fn(b.body)
		default:
			r.within(b.body, path[1:], fn)
		}
	}
}

func (r *reader) movie(data []byte) {
	r.within(data, []string{"trak", "mdia", "minf", "stbl", "stsd"}, func(entries []byte) {
		_, entries = r.take(entries, 8)
		for b := range r.boxes(entries) {
			r.tracks = append(r.tracks, ReadTrack{Track: r.entry(b)})
			return
		}
		r.fail("no sample entry")
	})
}

// entry reads a sample entry.
func (r *reader) entry(b box) (t Track) {
	const audioHead, visualHead = 28, 78
	config := ""
	switch b.kind {
	case "Opus":
		r.take(b.body, audioHead)
		t.Codec = Opus
		return t
	case "avc1":
		t.Codec, config = H264, "avcC"
	case "av01":
		t.Codec, config = AV1, "av1C"
	case "vp08":
		t.Codec = VP8
	case "vp09":
		t.Codec = VP9
	default:
		r.fail("unknown sample entry")
		return t
	}
	head, rest := r.take(b.body, visualHead)
	t.Width, t.Height = int(binary.BigEndian.Uint16(head[24:])), int(binary.BigEndian.Uint16(head[26:]))
	for inner := range r.boxes(rest) {
		if inner.kind == config {
			t.Config = inner.body
		}
	}
	return t
}

// fragment reads a moof box, which begins at the offset.
func (r *reader) fragment(data []byte, at int) {
	for b := range r.boxes(data) {
		if b.kind != "traf" {
			continue
		}
		id := 0
		r.within(b.body, []string{"tfhd"}, func(head []byte) {
			head, _ = r.take(head, 8)
			id = int(binary.BigEndian.Uint32(head[4:]))
		})
		if id < 1 || id > len(r.tracks) {
			r.fail("fragment of no track")
			return
		}
		r.within(b.body, []string{"trun"}, func(run []byte) { r.run(&r.tracks[id-1], run, at) })
	}
}

// run reads a trun box of the kind that Piece writes.
func (r *reader) run(t *ReadTrack, data []byte, at int) {
	const entrySize = 12
	head, data := r.take(data, 12)
	n, offset := int(binary.BigEndian.Uint32(head[4:])), at+int(int32(binary.BigEndian.Uint32(head[8:])))
	if binary.BigEndian.Uint32(head) != 0x701 || n > maxSamples || n*entrySize > len(data) || len(t.Samples)+n > maxSamples {
		r.fail("samples not as expected")
		return
	}
	for ; n > 0; n-- {
		size := int(binary.BigEndian.Uint32(data[4:]))
		if offset < 0 || size > len(r.data) || offset > len(r.data)-size {
			r.fail("sample outside of the file")
			return
		}
		t.Samples = append(t.Samples, Sample{
			Data: r.data[offset : offset+size : offset+size], Duration: binary.BigEndian.Uint32(data),
			Sync: binary.BigEndian.Uint32(data[8:])&nonSyncSample&0x10000 == 0,
		})
		offset += size
		data = data[entrySize:]
	}
}
