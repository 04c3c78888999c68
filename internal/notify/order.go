package notify

import (
	"slices"

	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// entry is what is stored of a meeting: a record or fact of its own, or a record
// of one of its media pipelines.
type entry struct {
	ledger.Entry
	pipeline meeting.ID // zero for the meeting's own
}

// arrival is an entry that is stored.
type arrival struct {
	entry entry
	tick  uint64 // when it became known
}

// ticket is a write that is under way.
type ticket struct {
	tick uint64 // when it began
	base uint64 // every sequence known then: its own will be above
}

// order brings what is stored of one meeting into the order of the log. Answers
// to writes may overtake each other: something stored is let go only when no
// write is under way that may turn out to lie before it.
type order struct {
	clock   uint64
	running []*ticket
	held    []arrival // by sequence
}

func (o *order) begin(base uint64) *ticket {
	t := &ticket{tick: o.clock, base: base}
	o.running = append(o.running, t)
	return t
}

// end takes note of what became of a write, with a zero sequence of nothing, and
// returns what may go now.
func (o *order) end(t *ticket, e entry) (free []entry) {
	o.running = slices.DeleteFunc(o.running, func(other *ticket) bool { return other == t })
	if e.Revision.Seq != 0 {
		o.clock++
		at, _ := slices.BinarySearchFunc(o.held, e.Revision.Seq, func(a arrival, seq uint64) int {
			if a.entry.Revision.Seq < seq {
				return -1
			}
			return 1
		})
		o.held = slices.Insert(o.held, at, arrival{e, o.clock})
	}
	// A write that began after something was known lies above it, and above all
	// that lies below that.
	earliest := o.clock
	for _, r := range o.running {
		earliest = min(earliest, r.tick)
	}
	n := 0
	for i := range o.held {
		if o.held[i].tick <= earliest {
			n = i + 1
		}
	}
	for _, a := range o.held[:n] {
		free = append(free, a.entry)
	}
	o.held = slices.Delete(o.held, 0, n)
	return free
}

// floor returns the highest sequence below which nothing is missing, if that is
// below top.
func (o *order) floor(top uint64) uint64 {
	for _, r := range o.running {
		top = min(top, r.base)
	}
	if len(o.held) > 0 {
		top = min(top, o.held[0].entry.Revision.Seq-1)
	}
	return top
}

// settled reports whether nothing is under way.
func (o *order) settled() bool { return len(o.running) == 0 && len(o.held) == 0 }
