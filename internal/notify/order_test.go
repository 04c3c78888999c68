package notify

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/carillon-meetings/carillon/internal/ledger"
)

// However writes of a meeting overlap, and in whatever order their outcomes
// become known, what comes out is in the order of the log, and all of it.
func TestOrderIsThatOfTheLog(t *testing.T) {
	for seed := range uint64(2000) {
		random := rand.New(rand.NewPCG(seed, 1))
		var o order
		type write struct {
			ticket *ticket
			seq    uint64 // 0 until it is stored
			failed bool
		}
		var under []*write
		var out []uint64
		var stored, top, begun uint64
		take := func(free []entry) {
			for _, e := range free {
				out = append(out, e.Revision.Seq)
			}
		}
		for begun < 30 || len(under) > 0 {
			switch random.IntN(3) {
			case 0: // a write begins
				if begun < 30 && len(under) < 5 {
					begun++
					under = append(under, &write{ticket: o.begin(top)})
				}
			case 1: // the ledger stores one, or refuses it
				if len(under) == 0 {
					continue
				}
				if w := under[random.IntN(len(under))]; w.seq == 0 && !w.failed {
					if w.failed = random.IntN(5) == 0; !w.failed {
						stored++
						w.seq = stored
					}
				}
			case 2: // an outcome becomes known
				if len(under) == 0 {
					continue
				}
				i := random.IntN(len(under))
				if w := under[i]; w.seq != 0 || w.failed {
					under = slices.Delete(under, i, i+1)
					top = max(top, w.seq)
					take(o.end(w.ticket, entry{Entry: ledger.Entry{Revision: ledger.Revision{Seq: w.seq}}}))
				}
			}
			floor := o.floor(top)
			for _, w := range under {
				if w.seq != 0 && w.seq <= floor {
					t.Fatalf("seed %d: the floor is %d, but %d is not known yet", seed, floor, w.seq)
				}
			}
			if uint64(len(out)) < floor {
				t.Fatalf("seed %d: the floor is %d, but only %v came out", seed, floor, out)
			}
		}
		if !slices.IsSorted(out) || uint64(len(out)) != stored || !o.settled() {
			t.Fatalf("seed %d: %d were stored, and %v came out", seed, stored, out)
		}
	}
}
