//go:build !unfenced

package ledger

import (
	"strconv"

	"github.com/nats-io/nats.go"
)

// expects is the fence: a write is refused unless the slot's last marker has the
// sequence.
func (s *Slot) expects(marker uint64) nats.Header {
	return nats.Header{
		expectedSequence: {strconv.FormatUint(marker, 10)},
		expectedSubject:  {markerSubject(s.number)},
	}
}
