package rtpx

// SeqLess reports whether sequence number a comes before b, modulo 2^16
// (RFC 1982). Numbers exactly half the circle apart are not ordered.
func SeqLess(a, b uint16) bool { return SeqDiff(a, b) < 0 && a-b != 0x8000 }

// SeqDiff returns a-b by the shorter way round the circle, -32768..32767.
func SeqDiff(a, b uint16) int { return int(int16(a - b)) }

// TSDiff returns a-b by the shorter way round the circle of RTP timestamps.
func TSDiff(a, b uint32) int { return int(int32(a - b)) }

// SeqUnwrapper turns 16-bit sequence numbers into numbers that do not wrap. The
// zero value is ready; the first number is returned as it is.
type SeqUnwrapper struct {
	last    int64
	started bool
}

// Unwrap returns seq on the unwrapped line, as near to the highest number seen
// as the circle allows. A late number gives a smaller result.
func (u *SeqUnwrapper) Unwrap(seq uint16) int64 {
	if !u.started {
		u.started = true
		u.last = int64(seq)
		return u.last
	}
	n := u.last + int64(SeqDiff(seq, uint16(u.last)))
	if n > u.last {
		u.last = n
	}
	return n
}

// TSUnwrapper turns 32-bit RTP timestamps into numbers that do not wrap. The
// zero value is ready; the first timestamp is returned as it is.
type TSUnwrapper struct {
	last    int64
	started bool
}

// Unwrap returns ts on the unwrapped line, as near to the highest timestamp
// seen as the circle allows.
func (u *TSUnwrapper) Unwrap(ts uint32) int64 {
	if !u.started {
		u.started = true
		u.last = int64(ts)
		return u.last
	}
	n := u.last + int64(TSDiff(ts, uint32(u.last)))
	if n > u.last {
		u.last = n
	}
	return n
}
