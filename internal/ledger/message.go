package ledger

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"time"
)

// Every stored message starts with a head of ours:
//
//	byte 0      kind; its top bit says that a reader must know the kind
//	byte 1      length of the head
//	bytes 2-9   nonce, random: tells whether a write whose answer got lost is
//	            the one that is stored
//	bytes 10-17 when it was written, Unix nanoseconds
//	bytes 18-21 checksum of the meeting's entry before this one, 0 for none
//	bytes 22-29 kindEnd only: when the entry may vanish, Unix milliseconds
//
// Numbers are big endian. The caller's data follows.
//
// Heads grow at their end: a reader passes over what lies between the bytes it
// knows and the length. It passes over a kind it does not know, too, unless
// that has the top bit. testdata/corpus has messages as each version wrote
// them; every later version reads them.
const (
	kindEntry  byte = 1 // an ordinary entry, or a fact
	kindEnd    byte = 2 // the last entry of a meeting; what came before may go
	kindMarker byte = 3 // who owns the slot from here on

	mustKnow = 0x80

	headSize    = 22
	endHeadSize = headSize + 8
)

// errMessage is wrapped by every failure to read what no version writes.
var errMessage = errors.New("not a message of this ledger")

// ErrNewer says that a newer version has written what this one must not pass
// over.
var ErrNewer = errors.New("ledger: written by a newer version")

// message is a stored message taken apart. data points into it.
type message struct {
	kind    byte
	nonce   uint64
	time    time.Time
	before  uint32    // checksum of the meeting's entry before this one
	expires time.Time // zero unless kind is kindEnd
	data    []byte
}

// seal returns the bytes to store for m.
func (m message) seal() []byte {
	b := make([]byte, 0, endHeadSize+len(m.data))
	b = append(b, m.kind, headSize)
	b = binary.BigEndian.AppendUint64(b, m.nonce)
	b = binary.BigEndian.AppendUint64(b, uint64(m.time.UnixNano()))
	b = binary.BigEndian.AppendUint32(b, m.before)
	if m.kind == kindEnd {
		b[1] = endHeadSize
		b = binary.BigEndian.AppendUint64(b, uint64(m.expires.UnixMilli()))
	}
	return append(b, m.data...)
}

// unseal takes a stored message apart without copying it. known is false for a
// message that is to be passed over.
func unseal(b []byte) (m message, known bool, err error) {
	if len(b) < headSize || int(b[1]) < headSize || int(b[1]) > len(b) {
		return m, false, fmt.Errorf("%w: %d bytes", errMessage, len(b))
	}
	m = message{
		kind:   b[0],
		nonce:  binary.BigEndian.Uint64(b[2:]),
		time:   time.Unix(0, int64(binary.BigEndian.Uint64(b[10:]))),
		before: binary.BigEndian.Uint32(b[18:]),
		data:   b[b[1]:],
	}
	switch {
	case m.kind == kindEnd && b[1] >= endHeadSize:
		m.expires = time.UnixMilli(int64(binary.BigEndian.Uint64(b[headSize:])))
		return m, true, nil
	case m.kind == kindEntry || m.kind == kindMarker:
		return m, true, nil
	case m.kind == kindEnd:
		return m, false, fmt.Errorf("%w: an end of %d bytes", errMessage, len(b))
	case m.kind&mustKnow != 0:
		return m, false, fmt.Errorf("%w: a message of kind %d", ErrNewer, m.kind)
	}
	return m, false, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sumOf returns the checksum by which the next entry of a meeting refers to
// this one. It is never 0, which stands for none.
func sumOf(stored []byte) uint32 {
	return max(crc32.Checksum(stored, castagnoli), 1)
}

// marker is what the marker of a slot says. It is stored as JSON, so that it
// can grow.
type marker struct {
	Epoch uint64 `json:"epoch"` // one more than the owner's before
	Node  string `json:"node"`
}

func (m marker) seal(nonce uint64, now time.Time) ([]byte, error) {
	data, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	return message{kind: kindMarker, nonce: nonce, time: now, data: data}.seal(), nil
}

// placed is a marker where it is stored.
type placed struct {
	marker
	seq   uint64 // 0 when there is none
	nonce uint64
}

// unsealMarker reads a stored marker.
func unsealMarker(seq uint64, raw []byte) (placed, error) {
	m, known, err := unseal(raw)
	if err != nil || !known || m.kind != kindMarker {
		return placed{}, fmt.Errorf("%w: marker: %w", errMessage, err)
	}
	return parseMarker(stored{message: m, seq: seq})
}

// parseMarker reads what a message of kindMarker says.
func parseMarker(m stored) (placed, error) {
	p := placed{seq: m.seq, nonce: m.nonce}
	if err := json.Unmarshal(m.data, &p.marker); err != nil {
		return placed{}, fmt.Errorf("%w: marker: %w", errMessage, err)
	}
	return p, nil
}
