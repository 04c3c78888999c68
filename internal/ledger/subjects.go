package ledger

import (
	"strconv"
	"strings"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// Streams and their subjects:
//
//	MT00 … MTnn   the slots whose number leaves that remainder
//	  mt.<slot>.<meeting>   a meeting's entries
//	  ev.<slot>.<meeting>   its media-side facts
//	  mt.<slot>.f           the slot's marker
//	  mt.<slot>.o           its owner's memo
const (
	streamPrefix  = "MT"
	entryPrefix   = "mt."
	factPrefix    = "ev."
	markerPart    = "f"
	memoPart      = "o"
	meetingLength = 36 // characters of an id
)

func entrySubject(id meeting.ID) string {
	return entryPrefix + strconv.Itoa(id.Slot()) + "." + id.String()
}

func factSubject(id meeting.ID) string {
	return factPrefix + strconv.Itoa(id.Slot()) + "." + id.String()
}

func markerSubject(slot int) string { return entryPrefix + strconv.Itoa(slot) + "." + markerPart }

func memoSubject(slot int) string { return entryPrefix + strconv.Itoa(slot) + "." + memoPart }

// patterns returns the subjects of a slot.
func patterns(slot int) []string {
	n := strconv.Itoa(slot)
	return []string{entryPrefix + n + ".*", factPrefix + n + ".*"}
}

// anyOf returns one pattern for all subjects of a slot: a stream is searched
// for one in half the time that it takes for two.
func anyOf(slot int) string { return "*." + strconv.Itoa(slot) + ".*" }

// subject is a subject taken apart.
type subject struct {
	slot   int
	id     meeting.ID // zero for a marker or a memo
	fact   bool
	marker bool
	memo   bool
}

func parseSubject(s string) (p subject, ok bool) {
	rest, entry := strings.CutPrefix(s, entryPrefix)
	if !entry {
		if rest, p.fact = strings.CutPrefix(s, factPrefix); !p.fact {
			return p, false
		}
	}
	number, last, ok := strings.Cut(rest, ".")
	slot, err := strconv.Atoi(number)
	if !ok || err != nil || slot < 0 || slot >= meeting.Slots {
		return p, false
	}
	p.slot = slot
	if entry && (last == markerPart || last == memoPart) {
		p.marker, p.memo = last == markerPart, last == memoPart
		return p, true
	}
	p.id, ok = meeting.ParseID(last)
	return p, ok && p.id.Slot() == slot
}
