package signal

import (
	"time"

	"golang.org/x/time/rate"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// Limits of data messages. Over the soft rate a message goes back to its
// sender marked as throttled; over a hard one the sender is hung up on.
const (
	maxKept      = 1024 // messages per meeting
	softRate     = 100  // per second and meeting
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
	to               audience
	ingest           int64 // ns since the epoch
}

// audience is who gets a data message: everybody in the conference, or less.
type audience struct {
	meeting  meeting.ID // only those of this meeting; zero for all
	attendee meeting.ID // only this one; zero for all
}

// has reports whether a participant is part of the audience.
func (a audience) has(key participantKey) bool {
	return (a.meeting.IsZero() || a.meeting == key.meeting) && (a.attendee.IsZero() || a.attendee == key.attendee)
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
	store.kept = append(store.kept, keptMessage{now.Add(min(m.lifetime, meeting.MaxLifetime)), m})
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

// replay returns the kept messages for a participant, oldest first.
func (store *messageStore) replay(now time.Time, to participantKey) []dataMessage {
	store.expire(now)
	var out []dataMessage
	for _, k := range store.kept {
		if k.msg.to.has(to) {
			out = append(out, k.msg)
		}
	}
	return out
}
