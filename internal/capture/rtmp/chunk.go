package rtmp

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Types of messages (§5.4, §7.1).
const (
	typeChunkSize   = 1
	typeAcknowledge = 3
	typeControl     = 4
	typeWindow      = 5
	typeData        = 18
	typeCommand     = 20
)

// message is one message, whole.
type message struct {
	kind   byte
	stream uint32
	at     uint32 // milliseconds
	body   []byte
}

// Chunk streams on which messages go (§5.3.1.1): 2 is for control.
const (
	chunksControl = 2
	chunksCommand = 3
	chunksAudio   = 4
	chunksVideo   = 6
)

const (
	// firstChunk is how large chunks are until somebody says otherwise (§5.4.1).
	firstChunk = 128
	// sentChunk is how large those are that are sent. It is what OBS sends, which
	// every server takes.
	sentChunk = 4096
	// maxMessage bounds what a server sends: commands, of a few hundred bytes.
	maxMessage = 64 << 10
	// maxStreams bounds the chunk streams a server uses.
	maxStreams = 16
	extended   = 0xFFFFFF // in place of times that do not fit into 24 bits
)

// errMalformed is wrapped when a server sends what is no RTMP.
var errMalformed = errors.New("malformed message of the server")

// chunkStream is what is known of one of the server's chunk streams.
type chunkStream struct {
	message
	size int
	long bool   // the time is an extended one
	gap  uint32 // as of the last header that had one
}

// chunkReader puts the server's messages together.
type chunkReader struct {
	from    *bufio.Reader
	size    int
	streams map[int]*chunkStream
	bytes   uint32 // read so far
}

func newChunkReader(r io.Reader) *chunkReader {
	return &chunkReader{from: bufio.NewReader(r), size: firstChunk, streams: make(map[int]*chunkStream)}
}

func (r *chunkReader) take(n int) ([]byte, error) {
	b := make([]byte, n)
	n, err := io.ReadFull(r.from, b)
	r.bytes += uint32(n)
	return b, err
}

// next returns the next message, once it is whole.
func (r *chunkReader) next() (m message, err error) {
	for {
		s, err := r.head()
		if err != nil {
			return m, err
		}
		part, err := r.take(min(r.size, s.size-len(s.body)))
		if err != nil {
			return m, err
		}
		s.body = append(s.body, part...)
		if len(s.body) < s.size {
			continue
		}
		m = s.message
		s.body = nil
		if m.kind == typeChunkSize {
			if len(m.body) < 4 || binary.BigEndian.Uint32(m.body) == 0 || m.body[0] > 0x7F {
				return m, fmt.Errorf("%w: chunk size", errMalformed)
			}
			r.size = int(min(binary.BigEndian.Uint32(m.body), maxMessage))
			continue
		}
		return m, nil
	}
}

// head reads the header of a chunk (§5.3.1).
func (r *chunkReader) head() (*chunkStream, error) {
	basic, err := r.take(1)
	if err != nil {
		return nil, err
	}
	format, id := basic[0]>>6, int(basic[0]&0x3F)
	if id < 2 { // in one or two further bytes
		more, err := r.take(id + 1)
		if err != nil {
			return nil, err
		}
		id = 64 + int(more[0])
		if len(more) == 2 {
			id += int(more[1]) << 8
		}
	}
	s := r.streams[id]
	if s == nil {
		if format != 0 || len(r.streams) == maxStreams {
			return nil, fmt.Errorf("%w: chunk stream", errMalformed)
		}
		s = new(chunkStream)
		r.streams[id] = s
	}
	return s, r.fill(s, format)
}

// fill reads what the format of a header says it has.
func (r *chunkReader) fill(s *chunkStream, format byte) error {
	head, err := r.take([4]int{11, 7, 3, 0}[format])
	if err != nil {
		return err
	}
	begins := len(s.body) == 0
	if format < 3 {
		if !begins {
			return fmt.Errorf("%w: a message within another", errMalformed)
		}
		s.gap = uint24(head)
		s.long = s.gap == extended
	}
	if format < 2 {
		s.size, s.kind = int(uint24(head[3:])), head[6]
	}
	if format < 1 {
		s.stream = binary.LittleEndian.Uint32(head[7:])
	}
	if s.size > maxMessage {
		return fmt.Errorf("%w: %d bytes", errMalformed, s.size)
	}
	at := s.gap
	if s.long {
		late, err := r.take(4)
		if err != nil {
			return err
		}
		at = binary.BigEndian.Uint32(late)
	}
	switch {
	case format == 0:
		s.at = at
	case begins:
		s.at += at
	}
	return nil
}

func uint24(b []byte) uint32 { return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]) }

func putUint24(b []byte, n uint32) []byte { return append(b, byte(n>>16), byte(n>>8), byte(n)) }

// appendChunks appends a message, cut into chunks of the size.
func appendChunks(b []byte, chunks byte, size int, m message) []byte {
	b = append(b, chunks)
	b = putUint24(b, min(m.at, extended))
	b = putUint24(b, uint32(len(m.body)))
	b = append(b, m.kind)
	b = binary.LittleEndian.AppendUint32(b, m.stream)
	if m.at >= extended {
		b = binary.BigEndian.AppendUint32(b, m.at)
	}
	for rest := m.body; ; {
		n := min(size, len(rest))
		b = append(b, rest[:n]...)
		if rest = rest[n:]; len(rest) == 0 {
			return b
		}
		b = append(b, 0xC0|chunks)
		if m.at >= extended {
			b = binary.BigEndian.AppendUint32(b, m.at)
		}
	}
}
