package reception

import "time"

const (
	meterSlots = 8
	meterSlot  = 250 * time.Millisecond
)

// Meter measures a rate over the last two seconds. The zero value is ready. It
// is not safe for concurrent use.
type Meter struct {
	slots [meterSlots]int
	slot  int64 // number of the current slot since the Unix epoch
	first int64 // slot of the first value after a pause
}

// Add counts n at a time.
func (m *Meter) Add(n int, at time.Time) {
	m.advance(at)
	m.slots[m.slot%meterSlots] += n
}

func (m *Meter) advance(at time.Time) {
	now := at.UnixNano() / int64(meterSlot)
	if now <= m.slot {
		return
	}
	if now-m.slot >= meterSlots {
		m.slots = [meterSlots]int{}
		m.first = now
	} else {
		for s := m.slot + 1; s <= now; s++ {
			m.slots[s%meterSlots] = 0
		}
	}
	m.slot = now
}

// PerSecond is the average over the window, or since counting began if that is
// shorter.
func (m *Meter) PerSecond(at time.Time) float64 {
	m.advance(at)
	sum := 0
	for _, n := range m.slots {
		sum += n
	}
	span := min(m.slot-m.first+1, meterSlots)
	elapsed := time.Duration(span-1)*meterSlot + time.Duration(at.UnixNano()%int64(meterSlot))
	if elapsed < meterSlot {
		elapsed = meterSlot
	}
	return float64(sum) / elapsed.Seconds()
}
