package rtpx

// SeqLess reports whether sequence number a comes before b, modulo 2^16
// (RFC 1982). Numbers exactly half the circle apart are not ordered.
func SeqLess(a, b uint16) bool { return SeqDiff(a, b) < 0 && a-b != 0x8000 }

// SeqDiff returns a-b by the shorter way round the circle, -32768..32767.
func SeqDiff(a, b uint16) int { return int(int16(a - b)) }

// TSDiff returns a-b by the shorter way round the circle of RTP timestamps.
func TSDiff(a, b uint32) int { return int(int32(a - b)) }

// Unwrapper turns wrapping counters, RTP sequence numbers (uint16) or timestamps
// (uint32), into numbers that do not wrap. The zero value is ready; the first
// number is returned as it is.
type Unwrapper[T uint16 | uint32] struct {
	last    int64
	started bool
}

// Unwrap returns n on the unwrapped line, as near to the highest number seen as
// the circle allows. A late number gives a smaller result.
func (u *Unwrapper[T]) Unwrap(n T) int64 {
	if !u.started {
		u.started = true
		u.last = int64(n)
		return u.last
	}
	half := int64(^T(0)>>1) + 1
	ahead := int64(n - T(u.last)) // modulo the circle
	if ahead >= half {
		ahead -= 2 * half
	}
	line := u.last + ahead
	u.last = max(u.last, line)
	return line
}
