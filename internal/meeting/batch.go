package meeting

// batch places the items of one call that creates attendees.
type batch struct {
	profile *Profile
	items   []NewAttendee
	newID   func() ID

	results []AttendeeResult // one for each item
	added   []Attendee       // those that are new
}

// place fills results and added, given the attendees that are there, and how
// many of them count.
func (b *batch) place(there []member, people int) {
	b.results = make([]AttendeeResult, len(b.items))
	first := b.firstOf(there)
	room := b.profile.Capacity - people
	var full *Error
	for i := range b.items {
		switch f := first(i); {
		case f >= 0: // earlier in this batch
			b.results[i] = b.results[f]
		case !b.results[i].Attendee.ID.IsZero(): // there before
		case len(b.added) < room:
			b.results[i].Attendee = b.create(&b.items[i])
		default:
			if full == nil {
				full = Errorf(LimitExceeded, "Attendee limit of %d exceeded for meeting <%s>", b.profile.Capacity, b.profile.ID)
			}
			b.results[i].Err = full
		}
	}
}

// firstOf puts the attendees that are there already into the results of the
// items that name them. It returns a function that gives the position of an
// earlier item with the same external user id, or -1. Comparing each with each
// would be 25,000 comparisons for a full meeting, hence the map.
func (b *batch) firstOf(there []member) func(i int) int {
	if len(b.items) == 1 {
		for i := range there {
			if there[i].user == b.items[0].ExternalUserID {
				b.results[0].Attendee = there[i].attendee()
			}
		}
		return func(int) int { return -1 }
	}
	position := make(map[string]int, len(b.items))
	for i := range b.items {
		if _, seen := position[b.items[i].ExternalUserID]; !seen {
			position[b.items[i].ExternalUserID] = i
		}
	}
	for i := range there {
		if at, named := position[there[i].user]; named {
			b.results[at].Attendee = there[i].attendee()
		}
	}
	return func(i int) int {
		if at := position[b.items[i].ExternalUserID]; at < i {
			return at
		}
		return -1
	}
}

// create makes the attendee of an item.
func (b *batch) create(item *NewAttendee) Attendee {
	if b.added == nil {
		b.added = make([]Attendee, 0, len(b.items))
	}
	a := Attendee{
		ID: b.newID(), ExternalUserID: item.ExternalUserID,
		Capabilities: item.Capabilities, Tags: item.Tags,
	}
	if a.Capabilities.IsZero() {
		a.Capabilities = b.profile.features().DefaultCapabilities()
	}
	b.added = append(b.added, a)
	return a
}
