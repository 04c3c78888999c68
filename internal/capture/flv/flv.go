// Package flv takes a Flash Video stream apart as an encoder writes it (Adobe
// Flash Video File Format Specification 10.1, annex E). The bodies of its tags are
// what RTMP carries, byte for byte; those with pictures hold H.264 as MP4 files do.
package flv

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// Kind says what a tag holds. RTMP has the same numbers for its messages.
type Kind uint8

// The kinds of tags (E.4.1).
const (
	Audio  Kind = 8
	Video  Kind = 9
	Script Kind = 18
)

// Tag is one packet of sound, one picture, or what is said about them.
type Tag struct {
	Kind Kind
	At   time.Duration // decoding time since the stream began, in milliseconds
	Body []byte
}

// Bytes of a tag's body (E.4.2.1, E.4.3.1).
const (
	codecMask  = 0x0F
	codecAVC   = 7
	frameKey   = 1
	soundAAC   = 10
	isHeader   = 0
	videoHead  = 5 // bytes before the picture
	headerSize = 9
	tagHead    = 11
	// maxBody bounds a tag: a key frame of 1080p has some hundred kilobytes.
	maxBody = 8 << 20
)

// ErrFormat is wrapped when a stream is none of Flash Video.
var ErrFormat = errors.New("not a Flash Video stream")

// Reader reads tags.
type Reader struct {
	from  *bufio.Reader
	begun bool
}

// NewReader returns a Reader of a stream from its beginning.
func NewReader(r io.Reader) *Reader { return &Reader{from: bufio.NewReaderSize(r, 1<<16)} }

// Next returns the next tag; io.EOF after the last. The error for malformed input
// wraps ErrFormat. The body belongs to the caller.
func (r *Reader) Next() (t Tag, err error) {
	if !r.begun {
		if err := r.begin(); err != nil {
			return t, err
		}
	}
	var head [tagHead]byte
	if _, err := io.ReadFull(r.from, head[:]); err != nil {
		return t, err // io.EOF between two tags is the end
	}
	size := int(head[1])<<16 | int(head[2])<<8 | int(head[3])
	if size > maxBody {
		return t, fmt.Errorf("%w: a tag of %d bytes", ErrFormat, size)
	}
	ms := uint32(head[7])<<24 | uint32(head[4])<<16 | uint32(head[5])<<8 | uint32(head[6])
	t = Tag{Kind: Kind(head[0] & 0x1F), At: time.Duration(ms) * time.Millisecond, Body: make([]byte, size)}
	if _, err := io.ReadFull(r.from, t.Body); err != nil {
		return t, unexpected(err)
	}
	var before [4]byte // the size of the tag again
	_, err = io.ReadFull(r.from, before[:])
	return t, unexpected(err)
}

func (r *Reader) begin() error {
	var head [headerSize + 4]byte
	if _, err := io.ReadFull(r.from, head[:]); err != nil {
		return err
	}
	if string(head[:3]) != "FLV" || binary.BigEndian.Uint32(head[5:]) != headerSize {
		return ErrFormat
	}
	r.begun = true
	return nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Header reports whether the tag says how the H.264 or AAC that follows is coded.
func (t *Tag) Header() bool {
	switch {
	case len(t.Body) < 2:
		return false
	case t.Kind == Video:
		return t.Body[0]&codecMask == codecAVC && t.Body[1] == isHeader
	}
	return t.Kind == Audio && t.Body[0]>>4 == soundAAC && t.Body[1] == isHeader
}

// Key reports whether the tag is a picture from which decoding can begin.
func (t *Tag) Key() bool {
	return t.Kind == Video && len(t.Body) > videoHead && t.Body[0]>>4 == frameKey && !t.Header()
}

// Picture returns what is behind the head of a tag of pictures: NAL units behind
// four bytes of length, or of a header the AVCDecoderConfigurationRecord (ISO/IEC
// 14496-15 §5.3.3.1). It is empty for other tags.
func (t *Tag) Picture() []byte {
	if t.Kind != Video || len(t.Body) <= videoHead {
		return nil
	}
	return t.Body[videoHead:]
}
