package meeting

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// The encoding of a record, version 1:
//
//	version byte, code byte, command id, time (ms, varint), actor, body
//
// Numbers are varints, strings and lists are preceded by their length. An
// attendee is its id, one byte for its three capabilities, its external user
// id, and its tags if the byte's top bit is set: about 55 bytes for an
// external user id of 36. A body may grow fields at its end under a new
// version only; a reader refuses what it does not know.

const recordVersion = 1

type recordCode byte

const (
	codeCreated recordCode = iota + 1
	codeAttendeesAdded
	codeAttendeeDeleted
	codeCapabilitiesSet
	codeTagsSet
	codeTranscriptionStarted
	codeTranscriptionStopped
	codeEnded
)

// ErrCorrupt is wrapped by every failure to decode.
var ErrCorrupt = errors.New("not a readable record")

func (*Created) code() recordCode              { return codeCreated }
func (*AttendeesAdded) code() recordCode       { return codeAttendeesAdded }
func (*AttendeeDeleted) code() recordCode      { return codeAttendeeDeleted }
func (*CapabilitiesSet) code() recordCode      { return codeCapabilitiesSet }
func (*TagsSet) code() recordCode              { return codeTagsSet }
func (*TranscriptionStarted) code() recordCode { return codeTranscriptionStarted }
func (*TranscriptionStopped) code() recordCode { return codeTranscriptionStopped }
func (*Ended) code() recordCode                { return codeEnded }

func newBody(c recordCode) Body {
	switch c {
	case codeCreated:
		return new(Created)
	case codeAttendeesAdded:
		return new(AttendeesAdded)
	case codeAttendeeDeleted:
		return new(AttendeeDeleted)
	case codeCapabilitiesSet:
		return new(CapabilitiesSet)
	case codeTagsSet:
		return new(TagsSet)
	case codeTranscriptionStarted:
		return new(TranscriptionStarted)
	case codeTranscriptionStopped:
		return new(TranscriptionStopped)
	case codeEnded:
		return new(Ended)
	}
	return nil
}

// Encode returns the record as bytes for the ledger.
func (r *Record) Encode() []byte {
	size := 64 + len(r.Actor)
	switch b := r.Body.(type) {
	case *AttendeesAdded:
		size += 64 * len(b.Attendees)
	case *Created:
		size += 256 + 64*len(b.Attendees)
	}
	w := &writer{buf: make([]byte, 0, size)}
	w.byte(recordVersion)
	w.byte(byte(r.Body.code()))
	w.id(r.Command)
	w.time(r.Time)
	w.string(r.Actor)
	r.Body.write(w)
	return w.buf
}

// DecodeRecord reads what Encode wrote. It never panics, and allocates no more
// than a small multiple of len(data). The error wraps ErrCorrupt.
func DecodeRecord(data []byte) (*Record, error) {
	r := newReader(data)
	rec, err := readHead(r)
	if err != nil {
		return nil, err
	}
	rec.Body.read(r)
	if err := r.finish(); err != nil {
		return nil, fmt.Errorf("%s: %w", rec.Body.Kind(), err)
	}
	return rec, nil
}

// readHead reads the part before the body and makes an empty body.
func readHead(r *reader) (*Record, error) {
	if v := r.byte(); v != recordVersion {
		return nil, fmt.Errorf("%w: version %d", ErrCorrupt, v)
	}
	code := recordCode(r.byte())
	rec := &Record{Body: newBody(code)}
	if rec.Body == nil {
		return nil, fmt.Errorf("%w: code %d", ErrCorrupt, code)
	}
	rec.Command = r.id()
	rec.Time = r.time()
	rec.Actor = r.string()
	return rec, nil
}

// writer appends to a buffer.
type writer struct{ buf []byte }

func (w *writer) byte(b byte)      { w.buf = append(w.buf, b) }
func (w *writer) id(id ID)         { w.buf = append(w.buf, id[:]...) }
func (w *writer) uint(n int)       { w.buf = binary.AppendUvarint(w.buf, uint64(max(n, 0))) }
func (w *writer) time(t time.Time) { w.buf = binary.AppendVarint(w.buf, t.UnixMilli()) }

func (w *writer) string(s string) {
	w.uint(len(s))
	w.buf = append(w.buf, s...)
}

func (w *writer) strings(list []string) {
	w.uint(len(list))
	for _, s := range list {
		w.string(s)
	}
}

// reader takes values off the front of a string. After the first failure all
// further reads give zero values and finish tells the failure. Strings it
// gives are parts of the one string it holds.
type reader struct {
	rest string
	err  error
}

func newReader(data []byte) *reader { return &reader{rest: string(data)} }

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrCorrupt, what)
	}
	r.rest = ""
}

// take returns the next n bytes.
func (r *reader) take(n int) string {
	if n > len(r.rest) {
		r.fail("cut short")
		return ""
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

func (r *reader) byte() byte {
	s := r.take(1)
	if s == "" {
		return 0
	}
	return s[0]
}

func (r *reader) id() (id ID) {
	copy(id[:], r.take(len(id)))
	return id
}

func (r *reader) uvarint() uint64 {
	var n uint64
	for shift := 0; shift < 64; shift += 7 {
		b := r.byte()
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return n
		}
	}
	r.fail("number too long")
	return 0
}

// uint returns a number of at most limit.
func (r *reader) uint(limit int) int {
	n := r.uvarint()
	if n > uint64(limit) {
		r.fail("number too large")
		return 0
	}
	return int(n)
}

// count returns the length of a list whose elements take at least size bytes.
func (r *reader) count(size int) int { return r.uint(len(r.rest) / size) }

func (r *reader) time() time.Time {
	n := r.uvarint()
	ms := int64(n >> 1)
	if n&1 != 0 {
		ms = ^ms
	}
	return time.UnixMilli(ms).UTC()
}

func (r *reader) string() string { return r.take(r.count(1)) }

func (r *reader) strings() []string {
	var list []string
	for n := r.count(1); n > 0; n-- {
		list = append(list, r.string())
	}
	return list
}

// finish returns the first failure, and one if anything is left over.
func (r *reader) finish() error {
	if r.err == nil && r.rest != "" {
		r.fail("bytes left over")
	}
	return r.err
}
