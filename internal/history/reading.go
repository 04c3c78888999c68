package history

import (
	"context"
	"slices"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/observe"
)

// Meeting returns the row of an ended meeting; ok is false when it is not kept,
// or cannot be read, which is logged. The error is always nil: what one server
// keeps is all there is.
func (a *Archive) Meeting(_ context.Context, id meeting.ID) (m observe.Meeting, ok bool, err error) {
	a.mu.Lock()
	e := a.keptLocked(id)
	a.mu.Unlock()
	if e == nil {
		return m, false, nil
	}
	m, err = e.row()
	return m, a.readable(e, err), nil
}

// Detail returns all that is kept of an ended meeting; ok and the error are as
// those of Meeting.
func (a *Archive) Detail(_ context.Context, id meeting.ID) (d observe.Detail, ok bool, err error) {
	a.mu.Lock()
	e := a.keptLocked(id)
	a.mu.Unlock()
	if e == nil {
		return d, false, nil
	}
	d, err = e.detail()
	return d, a.readable(e, err), nil
}

func (a *Archive) readable(e *entry, err error) bool {
	if err != nil {
		a.log.Warn("an ended meeting cannot be read from the archive", "meeting", e.id.String(), "err", err)
	}
	return err == nil
}

// List returns a page of the ended meetings of an account. Of the active ones it
// has none. Its error is always nil.
func (a *Archive) List(_ context.Context, q observe.Query) (page observe.Page, err error) {
	if !q.Ended {
		return page, nil
	}
	found, next := a.find(q)
	page.Next = next
	for _, e := range found {
		if m, err := e.row(); a.readable(e, err) {
			page.Meetings = append(page.Meetings, m)
		}
	}
	return page, nil
}

// find returns the entries of a page, and how far it has looked.
func (a *Archive) find(q observe.Query) (found []*entry, next observe.Place) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := len(a.order) - 1; i >= 0; i-- {
		e := a.order[i]
		m := e.wanted()
		if at := q.Place(&m); !q.After.IsZero() && q.Compare(at, q.After) <= 0 {
			continue
		}
		if len(found) == q.Limit {
			return found, next
		}
		if q.Wants(&m) && a.keptLocked(e.id) == e {
			found = append(found, e)
		}
		next = q.Place(&m)
	}
	return found, observe.Place{}
}

// maxLatest is how many meetings Latest returns.
const maxLatest = 500

// Latest returns the rows of the meetings of all accounts that ended last, the
// latest first. The caller must not change them. The error is always nil.
func (a *Archive) Latest(context.Context) ([]observe.Meeting, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.latest != nil {
		return a.latest, nil
	}
	list := []observe.Meeting{}
	for i := len(a.order) - 1; i >= 0 && len(list) < maxLatest; i-- {
		e := a.order[i]
		if a.keptLocked(e.id) != e {
			break // too old, and so are the others
		}
		if m, err := e.row(); a.readable(e, err) {
			list = append(list, m)
		}
	}
	a.latest = list
	return list, nil
}

// frames calls fn for each meeting that is kept and not among others, the first
// to have ended first, with the bytes that take takes, until fn fails. What
// cannot be read is passed over, and logged.
func (a *Archive) frames(others map[meeting.ID]bool, fn func(id meeting.ID, frame []byte) error) error {
	a.mu.Lock()
	all := slices.DeleteFunc(slices.Clone(a.order), func(e *entry) bool { return others[e.id] || a.keptLocked(e.id) != e })
	a.mu.Unlock()
	for _, e := range all {
		frame, err := e.frame()
		if !a.readable(e, err) {
			continue
		}
		if err := fn(e.id, frame); err != nil {
			return err
		}
	}
	return nil
}
