package meeting

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// The encoding of a record:
//
//	version byte, code byte, command id, time (ms, varint), actor, body, extra
//
// Numbers are varints, strings and lists are preceded by their length. An
// attendee is its id, one byte for its three capabilities, its external user
// id, and its tags if the byte's top bit is set: about 55 bytes for an
// external user id of 36.
//
// Records grow without a new version, so that two neighbouring versions can
// read each other's during a rolling restart:
//
//   - A record, a profile and a fact end in extra fields, and an attendee may:
//     a count, then a key and a string for each. A reader passes over the keys
//     it does not know, and keeps those of a profile, which the last record of
//     a meeting repeats. A body that has got fields later is grown.
//   - A record with an unknown code is passed over too (Newer), unless its
//     code byte has the top bit: then it says something that a reader who
//     cannot follow must not act without, and the meeting is refused.
//
// testdata/corpus has records as each version wrote them; every later version
// reads them.

const recordVersion = 2

// notSkipped in a code byte says that a reader must know the code.
const notSkipped = 0x80

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
	codeTimersSet
	codePipelineCreated
	codePipelineMoved
	codePipelineEnded
	codePipelineTroubled
	codeTranscriptionMoved
)

// ErrCorrupt is wrapped by every failure to decode what no version writes.
var ErrCorrupt = errors.New("not a readable record")

// ErrNewer is wrapped when a newer version wrote a record that must not be
// passed over: only a version that knows it may serve the meeting.
var ErrNewer = errors.New("record of a newer version")

func (*Created) code() recordCode              { return codeCreated }
func (*AttendeesAdded) code() recordCode       { return codeAttendeesAdded }
func (*AttendeeDeleted) code() recordCode      { return codeAttendeeDeleted }
func (*CapabilitiesSet) code() recordCode      { return codeCapabilitiesSet }
func (*TagsSet) code() recordCode              { return codeTagsSet }
func (*TranscriptionStarted) code() recordCode { return codeTranscriptionStarted }
func (*TranscriptionStopped) code() recordCode { return codeTranscriptionStopped }
func (*Ended) code() recordCode                { return codeEnded }
func (*TimersSet) code() recordCode            { return codeTimersSet }
func (*TranscriptionMoved) code() recordCode   { return codeTranscriptionMoved }

func (n *Newer) code() recordCode { return n.recordCode }

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
	case codeTimersSet:
		return new(TimersSet)
	case codePipelineCreated:
		return new(PipelineCreated)
	case codePipelineMoved:
		return new(PipelineMoved)
	case codePipelineEnded:
		return new(PipelineEnded)
	case codePipelineTroubled:
		return new(PipelineTroubled)
	case codeTranscriptionMoved:
		return new(TranscriptionMoved)
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
	if _, newer := r.Body.(*Newer); !newer {
		w.fields(r.Body, r.Extra)
	}
	return w.buf
}

// DecodeRecord reads what Encode wrote, in this version, a former one or the
// next; a record that is new to this version has the Body *Newer. It never
// panics, and allocates no more than a small multiple of len(data). The error
// wraps ErrCorrupt, or ErrNewer for a record that must not be passed over.
func DecodeRecord(data []byte) (*Record, error) {
	r := newReader(data)
	rec, err := readHead(r)
	if err != nil {
		return nil, err
	}
	rec.Body.read(r)
	if _, newer := rec.Body.(*Newer); !newer {
		rec.Extra = r.extra().take(rec.Body)
	}
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
	code := r.byte()
	rec := &Record{Body: newBody(recordCode(code &^ notSkipped))}
	if rec.Body == nil {
		if code&notSkipped != 0 {
			return nil, fmt.Errorf("%w: code %d", ErrNewer, code)
		}
		rec.Body = &Newer{recordCode: recordCode(code)}
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
func (w *writer) uvarint(n uint64) { w.buf = binary.AppendUvarint(w.buf, n) }
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

// Extra is the fields that a newer version added to a value: their count, then
// each one's key and string, as they were read. "" stands for none.
type Extra string

func (w *writer) extra(e Extra) {
	if e == "" {
		e = "\x00"
	}
	w.buf = append(w.buf, e...)
}

func (r *reader) extra() Extra {
	from := r.rest
	n := r.count(2)
	if n == 0 {
		return ""
	}
	for ; n > 0; n-- {
		r.uvarint()
		_ = r.string()
	}
	return Extra(from[:len(from)-len(r.rest)])
}

// finish returns the first failure, and one if anything is left over.
func (r *reader) finish() error {
	if r.err == nil && r.rest != "" {
		r.fail("bytes left over")
	}
	return r.err
}
