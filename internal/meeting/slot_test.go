package meeting

import "testing"

func TestSlots(t *testing.T) {
	id := ID{1, 2, 3, 4, 5, 6, 0x47, 8, 0x89, 10, 11, 12, 13, 14, 15, 0xff}
	for slot := range Slots {
		moved := id.InSlot(slot)
		if moved.Slot() != slot {
			t.Errorf("%v lies in slot %d, not %d", moved, moved.Slot(), slot)
		}
		if again := moved.InSlot(id.Slot()); again != id {
			t.Errorf("more than the slot changed: %v became %v", id, again)
		}
	}
}
