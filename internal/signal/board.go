package signal

import (
	"time"

	"golang.org/x/time/rate"
)

// Limits of data messages. Over the soft rate a message goes back to its
// sender marked as throttled; over a hard one the sender is hung up on.
const (
	maxTopic     = 36
	maxData      = 2048 // bytes
	maxKept      = 1024 // messages per meeting
	maxLifetime  = 5 * time.Minute
	softRate     = 100 // per second and meeting
	softBurst    = 200
	hardRate     = 500 // per second and meeting
	hardBurst    = 10_000
	personRate   = 200 // per second and attendee
	personBurst  = 2000
	ingestStep   = 1000 // ns between two messages at least
	reservedFrom = "aws:"
)

// dataMessage is one data message as it is delivered.
type dataMessage struct {
	topic            string
	data             []byte
	lifetime         time.Duration
	sender, external string
	ingest           int64 // ns since the epoch
}

// board is a meeting's data messages: it stamps them, limits their rate, and
// keeps those with a lifetime for whoever joins later. It is not safe for
// concurrent use.
type board struct {
	last       int64 // ingest time of the last message
	soft, hard *rate.Limiter
	kept       []keptMessage // oldest first
}

type keptMessage struct {
	until time.Time
	msg   dataMessage
}

// verdict is what becomes of a posted message.
type verdict uint8

const (
	accepted  verdict = iota
	throttled         // returned to the sender
	hungUp            // the sender is hung up on
)

func newBoard() board {
	return board{soft: rate.NewLimiter(softRate, softBurst), hard: rate.NewLimiter(hardRate, hardBurst)}
}

// post stamps a valid message and keeps it for its lifetime.
func (b *board) post(now time.Time, m *dataMessage) verdict {
	if !b.hard.AllowN(now, 1) {
		return hungUp
	}
	if !b.soft.AllowN(now, 1) {
		return throttled
	}
	m.ingest = b.stamp(now)
	if m.lifetime > 0 {
		b.keep(now, *m)
	}
	return accepted
}

// stamp returns the time of a message in ns. Times grow strictly, and by so
// much that they still differ after a client has made a double of them: many
// take a message that is not newer than the last for a repetition.
func (b *board) stamp(now time.Time) int64 {
	b.last = max(now.UnixNano(), b.last+ingestStep)
	return b.last
}

func (b *board) keep(now time.Time, m dataMessage) {
	b.expire(now)
	if len(b.kept) >= maxKept {
		b.kept = append(b.kept[:0], b.kept[len(b.kept)-maxKept+1:]...)
	}
	b.kept = append(b.kept, keptMessage{now.Add(min(m.lifetime, maxLifetime)), m})
}

// expire forgets the messages whose time is over.
func (b *board) expire(now time.Time) {
	rest := b.kept[:0]
	for _, k := range b.kept {
		if k.until.After(now) {
			rest = append(rest, k)
		}
	}
	clear(b.kept[len(rest):])
	b.kept = rest
}

// replay returns the kept messages, oldest first.
func (b *board) replay(now time.Time) []dataMessage {
	b.expire(now)
	out := make([]dataMessage, len(b.kept))
	for i, k := range b.kept {
		out[i] = k.msg
	}
	return out
}

// validTopic reports whether clients may send on the topic: letters, digits,
// "_" and "-", so that reserved topics, which hold a colon, are left out.
func validTopic(topic string) bool {
	if topic == "" || len(topic) > maxTopic {
		return false
	}
	for _, c := range []byte(topic) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && c != '_' && c != '-' {
			return false
		}
	}
	return true
}
