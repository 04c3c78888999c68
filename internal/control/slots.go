package control

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// Ledger is where slots are had from; see OnLedger. What its method promises is
// said at ledger.Log.
type Ledger interface {
	Adopt(ctx context.Context, slots []int, read func(id meeting.ID, e ledger.Entry) error) ([]Slot, error)
}

// Slot is the part of *ledger.Slot that control uses; what its methods promise
// is said there.
type Slot interface {
	Number() int
	Append(ctx context.Context, id meeting.ID, after ledger.Revision, data []byte, u ledger.Urgency) (ledger.Revision, error)
	End(ctx context.Context, id meeting.ID, after ledger.Revision, data []byte, keep time.Duration) (ledger.Revision, error)
	Load(ctx context.Context, id meeting.ID, through ledger.Revision) ([]ledger.Entry, error)
	LoadWhole(ctx context.Context, id meeting.ID) ([]ledger.Entry, error)
	AppendFact(ctx context.Context, id meeting.ID, data []byte) error
	LoadFacts(ctx context.Context, id meeting.ID) ([]ledger.Entry, error)
	Discard(ctx context.Context, id meeting.ID) error
	Release(ctx context.Context) error
}

// OnLedger is the ledger as control sees it.
func OnLedger(l *ledger.Log) Ledger { return onLedger{l} }

type onLedger struct{ log *ledger.Log }

func (l onLedger) Adopt(ctx context.Context, numbers []int, read func(meeting.ID, ledger.Entry) error) ([]Slot, error) {
	slots, err := l.log.Adopt(ctx, numbers, read)
	list := make([]Slot, len(slots))
	for i, s := range slots {
		list[i] = s
	}
	return list, err
}

// ErrElsewhere is the cause of a refusal of a call on a meeting whose slot is
// not held here. The error around it is Unavailable.
var ErrElsewhere = errors.New("the meeting's slot is held elsewhere")

func elsewhere() error {
	return &meeting.Error{Kind: meeting.Unavailable, Message: "The meeting is moving to another server", Err: ErrElsewhere}
}

// hold is one slot that is served here.
type hold struct {
	slot    Slot
	closing bool           // guarded by Control.mu; no new calls
	calls   sync.WaitGroup // Add only under Control.mu while not closing
}

// Adopt takes the slot and begins to serve its meetings.
func (c *Control) Adopt(ctx context.Context, slot int) error { return c.adopt(ctx, []int{slot}) }

// AdoptAll takes all slots, as the only server does.
func (c *Control) AdoptAll(ctx context.Context) error {
	all := make([]int, meeting.Slots)
	for i := range all {
		all[i] = i
	}
	return c.adopt(ctx, all)
}

func (c *Control) adopt(ctx context.Context, numbers []int) error {
	end, err := c.begin()
	if err != nil {
		return err
	}
	defer end()
	r := newRestored(c.cfg)
	slots, err := c.log.Adopt(ctx, numbers, r.add)
	if err == nil {
		err = r.checkFacts()
	}
	if err == nil {
		err = r.discardDamaged(ctx, slots)
	}
	if err != nil {
		for _, s := range slots {
			letGo(s)
		}
		return fmt.Errorf("control: reading the ledger: %w", err)
	}
	sorted := r.sorted()
	c.mu.Lock()
	for _, s := range slots {
		c.holds[s.Number()] = &hold{slot: s}
	}
	ended := c.restoreLocked(sorted)
	pipelines, watch := c.restorePipelinesLocked(r), c.pipelines.watch
	transcriptions := c.transcribedLocked(numbers)
	c.mu.Unlock()
	for _, g := range ended {
		c.cfg.Ended(c.shownTombstone(g))
	}
	for _, p := range pipelines {
		watch(PipelineChange{Pipeline: p})
	}
	transcriptions()
	return nil
}

// Release ends the service of a slot in order: it takes no more calls, waits
// for those that run, tells watchers that the meetings move, and gives the slot
// back. When ctx ends first, it does not wait any longer.
func (c *Control) Release(ctx context.Context, slot int) error {
	c.mu.Lock()
	h := c.holds[slot]
	if h == nil {
		c.mu.Unlock()
		return nil
	}
	h.closing = true
	c.mu.Unlock()
	done := make(chan struct{})
	go func() {
		h.calls.Wait()
		close(done)
	}()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = fmt.Errorf("control: calls on slot %d still run: %w", slot, context.Cause(ctx))
	}
	err = errors.Join(err, h.slot.Release(ctx)) // first: drop gives it back without waiting
	c.drop(h)
	return err
}

// Drop ends the service of a slot at once, because it belongs to somebody else
// already. Calls under way get the answers that they would have got.
func (c *Control) Drop(slot int) {
	c.mu.Lock()
	h := c.holds[slot]
	c.mu.Unlock()
	if h != nil {
		c.drop(h)
	}
}

// drop ends the service of a slot, and tells whether that had not happened yet.
func (c *Control) drop(h *hold) bool {
	slot := h.slot.Number()
	c.mu.Lock()
	if c.holds[slot] != h { // it may have been adopted again since
		c.mu.Unlock()
		return false
	}
	h.closing = true
	c.holds[slot] = nil
	gone, moved := c.index.dropSlot(slot), c.pipelines.dropSlot(slot)
	watch, transcriptions := c.pipelines.watch, c.transcriptionsOfLocked(gone...)
	c.mu.Unlock()
	for _, e := range gone {
		c.tell(e, Moved{})
	}
	transcriptions()
	for _, p := range moved {
		watch(PipelineChange{Pipeline: p, Moved: true})
	}
	letGo(h.slot)
	return true
}

// letGo gives a slot back, so that it can be adopted again, without waiting for
// its calls.
func letGo(s Slot) {
	now, cancel := context.WithCancel(context.Background())
	cancel()
	_ = s.Release(now) // that it did not wait is no error here
}

// lost ends the service of a slot that the ledger says is somebody else's.
func (c *Control) lost(h *hold) {
	if !c.drop(h) {
		return
	}
	slot := h.slot.Number()
	c.cfg.Logger.Warn("slot lost to another server", "slot", slot)
	if c.cfg.Lost != nil {
		c.cfg.Lost(slot)
	}
}

// enterSlot admits a call on a slot; end must be called when it is over.
func (c *Control) enterSlot(slot int) (h *hold, end func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, nil, shuttingDown()
	}
	if h = c.holds[slot]; h == nil || h.closing {
		return nil, nil, elsewhere()
	}
	c.calls.Add(1)
	h.calls.Add(1)
	return h, func() { h.calls.Done(); c.calls.Done() }, nil
}

// Held returns the slots that are served here.
func (c *Control) Held() []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.heldLocked()
}

// heldLocked returns the slots that are served here.
func (c *Control) heldLocked() []int {
	held := make([]int, 0, len(c.holds))
	for slot, h := range c.holds {
		if h != nil {
			held = append(held, slot)
		}
	}
	return held
}

// Busy returns how many attendees are connected, and the slots with somebody
// connected, in order. It waits for nothing: this node's lease hangs on it.
func (c *Control) Busy() (connected int, slots []int) { return c.index.connected() }
