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

// messageStore is a meeting's data messages: it stamps them, limits their rate,
// and keeps those with a lifetime for whoever joins later. It is not safe for
// concurrent use.
type messageStore struct {
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

func newMessageStore() messageStore {
	return messageStore{soft: rate.NewLimiter(softRate, softBurst), hard: rate.NewLimiter(hardRate, hardBurst)}
}

// post stamps a valid message and keeps it for its lifetime.
func (store *messageStore) post(now time.Time, m *dataMessage) verdict {
	if !store.hard.AllowN(now, 1) {
		return hungUp
	}
	if !store.soft.AllowN(now, 1) {
		return throttled
	}
	m.ingest = store.stamp(now)
	if m.lifetime > 0 {
		store.keep(now, *m)
	}
	return accepted
}

// stamp returns the time of a message in ns. Times grow strictly, and by so
// much that they still differ after a client has made a double of them: many
// take a message that is not newer than the last for a repetition.
func (store *messageStore) stamp(now time.Time) int64 {
	store.last = max(now.UnixNano(), store.last+ingestStep)
	return store.last
}

func (store *messageStore) keep(now time.Time, m dataMessage) {
	store.expire(now)
	if len(store.kept) >= maxKept {
		store.kept = append(store.kept[:0], store.kept[len(store.kept)-maxKept+1:]...)
	}
	store.kept = append(store.kept, keptMessage{now.Add(min(m.lifetime, maxLifetime)), m})
}

// expire forgets the messages whose time is over.
func (store *messageStore) expire(now time.Time) {
	rest := store.kept[:0]
	for _, k := range store.kept {
		if k.until.After(now) {
			rest = append(rest, k)
		}
	}
	clear(store.kept[len(rest):])
	store.kept = rest
}

// replay returns the kept messages, oldest first.
func (store *messageStore) replay(now time.Time) []dataMessage {
	store.expire(now)
	out := make([]dataMessage, len(store.kept))
	for i, k := range store.kept {
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
