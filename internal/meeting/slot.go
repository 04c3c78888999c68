package meeting

// Slots is how many parts all meetings fall into. A slot has one owner at a
// time, which runs its meetings. The number is part of every data directory.
const Slots = 64

// Slot returns the slot that the meeting lies in.
func (id ID) Slot() int { return int(id[len(id)-1] % Slots) }

// InSlot returns the id, changed so that it lies in the slot.
func (id ID) InSlot(slot int) ID {
	last := &id[len(id)-1]
	*last = *last&^(Slots-1) | byte(slot)
	return id
}
