package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/notify/event"
	"github.com/carillon-meetings/carillon/internal/notify/outbox"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// letter is an event that was given up, as it lies on the ledger's shelf.
type letter struct {
	outbox.Letter
	key string
	at  time.Time // when it was put there
}

// shown is what operators see of it.
func (l *letter) shown() observe.Letter {
	e := l.Event
	return observe.Letter{
		Key: l.key, Destination: l.Destination, Event: e.ID, Type: e.Type, Meeting: e.Meeting.ID, Account: e.Meeting.Owner.Account,
		Sequence: e.Sequence, At: observe.At(e.Time), First: observe.At(l.First), Last: observe.At(l.Last), Given: observe.At(l.at),
		Attempts: l.Attempts, Reason: l.Reason,
	}
}

// keyOf is the letter's place on the shelf: the same event to the same
// destination lies there once.
func keyOf(destination string, id meeting.ID) string {
	sum := sha256.Sum256([]byte(destination))
	return hex.EncodeToString(sum[:8]) + "." + id.String()
}

// bury puts a letter on the shelf.
func (n *Notifier) bury(ctx context.Context, l outbox.Letter) error {
	data, err := json.Marshal(l)
	if err != nil {
		return err
	}
	err = n.store.Shelve(ctx, keyOf(l.Destination, l.Event.ID), data)
	if err == nil || errors.Is(err, ledger.ErrFull) {
		n.pass(l)
	}
	if errors.Is(err, ledger.ErrFull) {
		return fmt.Errorf("%w: %w", outbox.ErrNoRoom, err)
	}
	return err
}

// errEnough ends a reading of the shelf.
var errEnough = errors.New("enough")

// Letters returns up to limit letters that the filter takes, the ones given up
// first.
func (n *Notifier) Letters(ctx context.Context, f observe.LetterFilter, limit int) (list []observe.Letter, err error) {
	err = n.read(ctx, f, func(l letter) error {
		if list = append(list, l.shown()); len(list) >= limit {
			return errEnough
		}
		return nil
	})
	return list, err
}

// read calls fn for every letter that the filter takes.
func (n *Notifier) read(ctx context.Context, f observe.LetterFilter, fn func(letter) error) error {
	err := n.store.Shelved(ctx, func(key string, at time.Time, data []byte) error {
		l := letter{key: key, at: at}
		if err := json.Unmarshal(data, &l.Letter); err != nil || l.Event == nil || l.Event.Meeting == nil {
			n.cfg.Logger.Warn("a dead letter cannot be read", "key", key, "err", err)
			return nil
		}
		if !f.Takes(l.shown()) {
			return nil
		}
		return fn(l)
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// lettersAtOnce bounds the letters that are in memory at a time: some tens of
// megabytes.
const lettersAtOnce = 50_000

// some returns the first letters that the filter takes and somebody wants, up to
// lettersAtOnce. They are all read before something is done about them, which
// may put further ones on the shelf.
func (n *Notifier) some(ctx context.Context, f observe.LetterFilter, wanted func(letter) bool) (list []letter, err error) {
	err = n.read(ctx, f, func(l letter) error {
		if wanted(l) {
			list = append(list, l)
		}
		if len(list) == lettersAtOnce {
			return errEnough
		}
		return nil
	})
	return list, err
}

// Drop takes the letters that the filter takes off the shelf, for ever, and
// returns how many those were.
func (n *Notifier) Drop(ctx context.Context, f observe.LetterFilter) (int, error) {
	for count := 0; ; {
		list, err := n.some(ctx, f, func(letter) bool { return true })
		if err != nil {
			return count, err
		}
		for _, l := range list {
			if err := n.store.Unshelve(ctx, l.key); err != nil {
				return count, err
			}
			count++
		}
		if len(list) < lettersAtOnce {
			return count, nil
		}
	}
}

// Replay sends the letters that the filter takes once more, in the order of
// each meeting, and returns how many those are. A letter stays on the shelf
// until its receiver has taken the event, which keeps its id, its sequence and
// its time. Letters of destinations that are not configured are passed over,
// those for which a destination has no room now, and those beyond lettersAtOnce.
func (n *Notifier) Replay(ctx context.Context, f observe.LetterFilter) (count int, err error) {
	list, err := n.some(ctx, f, func(l letter) bool { return n.channelOf(l.Destination) != nil })
	if err != nil {
		return 0, err
	}
	lanes, full := map[laneKey]*outbox.Lane{}, map[string]bool{}
	for _, l := range list {
		if full[l.Destination] {
			continue // none after one that was passed over: the order stays
		}
		key := laneKey{l.Event.Meeting.ID, l.Destination}
		if lanes[key] == nil {
			d := n.take(n.channelOf(l.Destination), l.Destination)
			defer n.give(d)
			lanes[key] = d.Lane(n.ctx, key.meeting, event.Position{}, n.replayed(d))
		}
		d := n.take(n.channelOf(l.Destination), l.Destination) // until the event is settled
		if !lanes[key].PutAgain(l.Event) {
			n.give(d)
			full[l.Destination] = true
			continue
		}
		count++
	}
	return count, nil
}

// replayed takes a letter off the shelf when its receiver has it.
func (n *Notifier) replayed(d *outbox.Destination) func(*event.Event, bool) {
	return func(e *event.Event, taken bool) {
		n.later(func() {
			n.give(d)
			if !taken {
				return
			}
			if err := n.store.Unshelve(n.ctx, keyOf(d.Name(), e.ID)); err != nil {
				n.cfg.Logger.Warn("a dead letter was taken, and stays on the shelf", "event", e.ID.String(), "err", err)
			}
		})
	}
}

// channelOf returns the channel that leads to the destination; nil for none.
func (n *Notifier) channelOf(destination string) *Channel {
	name, _, _ := strings.Cut(destination, " ")
	for i := range n.cfg.Channels {
		if n.cfg.Channels[i].Name == name {
			return &n.cfg.Channels[i]
		}
	}
	return nil
}
