package bwe

import (
	"encoding/binary"
	"errors"
	"time"
)

// ErrReport says that a report is malformed.
var ErrReport = errors.New("bwe: malformed transport-wide report")

// Parts of a report (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).
const (
	// headSize is what comes before the chunks, chunkSize a chunk, in bytes.
	headSize, chunkSize = 20, 2
	// referenceUnit and deltaUnit are those of arrival times.
	referenceUnit = 64 * time.Millisecond
	deltaUnit     = 250 * time.Microsecond
)

// Symbols say what became of a packet. The fourth one, 3, is reserved and taken for
// not received.
const (
	smallDelta = 1 // received; a delta of one byte
	largeDelta = 2 // received; a signed delta of two bytes
)

// report is a receiver's report on the arrival of numbered packets, as it
// stands in the RTCP packet. Reading it costs no allocation: the sizes in
// it are the receiver's word, and a few bytes can speak of 65,535 packets.
type report struct {
	base, count uint16 // the packets reported on
	reference   uint32 // 24 bits, in referenceUnit
	chunks      []byte
	deltas      []byte
}

// parseReport reads one RTCP packet (type 205, format 15).
func parseReport(raw []byte) (r report, err error) {
	if len(raw) < headSize || raw[0]>>6 != 2 || raw[0]&0x1f != 15 || raw[1] != 205 {
		return r, ErrReport
	}
	size := 4 * (int(binary.BigEndian.Uint16(raw[2:])) + 1)
	if size < headSize || size > len(raw) {
		return r, ErrReport
	}
	r = report{
		base: binary.BigEndian.Uint16(raw[12:]), count: binary.BigEndian.Uint16(raw[14:]),
		reference: binary.BigEndian.Uint32(raw[16:]) >> 8,
	}
	rest := raw[headSize:size]
	at := 0
	for left := int(r.count); left > 0; at += chunkSize {
		if len(rest) < at+chunkSize {
			return r, ErrReport
		}
		n, _ := symbols(binary.BigEndian.Uint16(rest[at:]))
		left -= n
	}
	r.chunks, r.deltas = rest[:at], rest[at:]
	return r, nil
}

// symbols returns how many symbols a chunk has, and one of them by its index.
func symbols(chunk uint16) (n int, symbol func(chunk uint16, i int) uint16) {
	switch chunk >> 14 {
	case 2: // a vector of bits
		return 14, func(c uint16, i int) uint16 { return c >> (13 - i) & 1 }
	case 3: // a vector of two bits each
		return 7, func(c uint16, i int) uint16 { return c >> (12 - 2*i) & 3 }
	}
	return int(chunk & 0x1fff), func(c uint16, _ int) uint16 { return c >> 13 & 3 }
}

// each calls fn for the packets in their order, until it returns false or the
// deltas do not suffice: received ones with how long after the one before they
// came, the first after the reference time.
func (r *report) each(fn func(seq uint16, received bool, delta time.Duration) bool) {
	seq, left, deltas := r.base, int(r.count), r.deltas
	for at := 0; at < len(r.chunks); at += chunkSize {
		chunk := binary.BigEndian.Uint16(r.chunks[at:])
		n, symbol := symbols(chunk)
		for i := range min(n, left) {
			delta, size, received := time.Duration(0), 0, true
			switch symbol(chunk, i) {
			case smallDelta:
				if size = 1; len(deltas) >= size {
					delta = deltaUnit * time.Duration(deltas[0])
				}
			case largeDelta:
				if size = 2; len(deltas) >= size {
					delta = deltaUnit * time.Duration(int16(binary.BigEndian.Uint16(deltas)))
				}
			default:
				received = false
			}
			if len(deltas) < size {
				return
			}
			deltas = deltas[size:]
			if !fn(seq, received, delta) {
				return
			}
			seq++
		}
		left -= n
	}
}
