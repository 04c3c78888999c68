package history

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// A segment is a file of ended meetings, one frame for each:
//
//	magic, length of the head, length of the body, checksum of the head and of
//	the body (CRC-32C), then the head and the body
//
// Numbers have four bytes, the most significant first. The head is the
// meeting's row as JSON, the body all of it (observe.Detail) as JSON, compressed
// by gzip unless it is small. A frame that is spoilt is passed over: reading goes on at the next
// magic.

const (
	frameMagic = "CEM\x01"
	frameHead  = len(frameMagic) + 4*4

	// maxHead and maxBody bound what a frame may have, in bytes: a row with the
	// most tags that can be allowed, and what a meeting of the highest limits
	// compresses to, both with room.
	maxHead = 4 << 20
	maxBody = 16 << 20
	// small bodies are not compressed: to begin with one costs more than to
	// write them down.
	small = 16 << 10
	// maxUnpacked bounds a body once it is decompressed.
	maxUnpacked = 256 << 20
)

// errSpoilt is what is wrong with a frame that was not written so.
var errSpoilt = errors.New("spoilt")

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// press makes frames. It keeps its compressor, which takes more to make than a
// frame does. The zero press is ready; it is not safe for concurrent use.
type press struct{ zip *gzip.Writer }

// frame returns an ended meeting as it is kept.
func (p *press) frame(d *observe.Detail) ([]byte, error) {
	head, err := json.Marshal(&d.Meeting)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	if len(body) > small {
		if body, err = p.compressed(body); err != nil {
			return nil, err
		}
	}
	if len(head) > maxHead || len(body) > maxBody {
		return nil, fmt.Errorf("a head of %d bytes and a body of %d are too large to be kept", len(head), len(body))
	}
	b := make([]byte, 0, frameHead+len(head)+len(body))
	b = append(b, frameMagic...)
	for _, n := range []uint32{uint32(len(head)), uint32(len(body)), checksum(head), checksum(body)} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return append(append(b, head...), body...), nil
}

func (p *press) compressed(b []byte) ([]byte, error) {
	if p.zip == nil {
		p.zip = gzip.NewWriter(nil)
	}
	var out bytes.Buffer
	p.zip.Reset(&out)
	_, err := p.zip.Write(b)
	err = errors.Join(err, p.zip.Close()) // before Bytes: it writes
	return out.Bytes(), err
}

// header is what a frame begins with.
type header struct {
	head, body       int // lengths
	headSum, bodySum uint32
}

// parseHeader reads the first frameHead bytes of b.
func parseHeader(b []byte) (h header, err error) {
	if len(b) < frameHead || string(b[:len(frameMagic)]) != frameMagic {
		return h, errSpoilt
	}
	at := func(i int) uint32 { return binary.BigEndian.Uint32(b[len(frameMagic)+4*i:]) }
	h = header{int(at(0)), int(at(1)), at(2), at(3)}
	if h.head > maxHead || h.body > maxBody {
		return h, errSpoilt
	}
	return h, nil
}

// scan reads the rows of a segment. bad is called for each stretch of bytes
// that is no frame, such as what a crash cut off at the end.
func scan(data []byte, found func(m *observe.Meeting, offset int, h header), bad func(offset, length int)) {
	for at := 0; at < len(data); {
		var m observe.Meeting
		h, err := readRow(data[at:], &m)
		if err == nil {
			found(&m, at, h)
			at += frameHead + h.head + h.body
			continue
		}
		next := bytes.Index(data[at+1:], []byte(frameMagic))
		if next < 0 {
			next = len(data) - at - 1
		}
		bad(at, next+1)
		at += next + 1
	}
}

func readRow(b []byte, m *observe.Meeting) (header, error) {
	h, err := parseHeader(b)
	switch {
	case err != nil:
		return h, err
	case len(b) < frameHead+h.head+h.body:
		return h, errSpoilt
	}
	head := b[frameHead : frameHead+h.head]
	if checksum(head) != h.headSum {
		return h, errSpoilt
	}
	if json.Unmarshal(head, m) != nil {
		return h, errSpoilt
	}
	return h, nil
}

// place is where an ended meeting is kept.
type place struct {
	segment *segment
	offset  int64
	header  header
}

// row reads the meeting's row.
func (p place) row() (m observe.Meeting, err error) {
	b, err := p.read(int64(frameHead), p.header.head, p.header.headSum)
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	return m, err
}

// detail reads all of it.
func (p place) detail() (d observe.Detail, err error) {
	b, err := p.read(int64(frameHead+p.header.head), p.header.body, p.header.bodySum)
	if err != nil || len(b) == 0 {
		return d, cmp.Or(err, errSpoilt)
	}
	if b[0] == '{' {
		err = json.Unmarshal(b, &d)
		return d, err
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return d, err
	}
	err = json.NewDecoder(io.LimitReader(z, maxUnpacked)).Decode(&d)
	return d, err
}

// frame reads it as it is stored.
func (p place) frame() ([]byte, error) {
	f, err := os.Open(p.segment.path)
	if err != nil {
		return nil, err
	}
	b := make([]byte, frameHead+p.header.head+p.header.body)
	_, err = f.ReadAt(b, p.offset)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if checksum(b[frameHead:frameHead+p.header.head]) != p.header.headSum || checksum(b[frameHead+p.header.head:]) != p.header.bodySum {
		return nil, fmt.Errorf("%s at byte %d: %w", p.segment.path, p.offset, errSpoilt)
	}
	return b, nil
}

func (p place) read(from int64, length int, sum uint32) ([]byte, error) {
	f, err := os.Open(p.segment.path)
	if err != nil {
		return nil, err
	}
	b := make([]byte, length)
	_, err = f.ReadAt(b, p.offset+from)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if checksum(b) != sum {
		return nil, fmt.Errorf("%s at byte %d: %w", p.segment.path, p.offset, errSpoilt)
	}
	return b, nil
}

// entry is what is in memory of an ended meeting.
type entry struct {
	place
	id       meeting.ID
	ended    observe.Time
	account  string
	external string
	tags     []observe.Tag
}

// wanted is as much of the meeting as a query looks at.
func (e *entry) wanted() observe.Meeting {
	return observe.Meeting{ID: e.id, Ended: e.ended, Account: e.account, External: e.external, Tags: e.tags}
}
