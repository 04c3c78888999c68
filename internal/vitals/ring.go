package vitals

import "github.com/carillon-meetings/carillon/internal/observe"

// ring is the latest of a series of moments.
type ring struct {
	kept []moment
	next int // where the next one goes, once all places are taken
}

func newRing(size int) ring { return ring{kept: make([]moment, 0, size)} }

func (r *ring) add(m moment) {
	if len(r.kept) < cap(r.kept) {
		r.kept = append(r.kept, m)
		return
	}
	r.kept[r.next] = m
	r.next = (r.next + 1) % len(r.kept)
}

// columns returns the moments, oldest first, as columns.
func (r *ring) columns() observe.Vitals {
	n := len(r.kept)
	v := observe.Vitals{At: make([]observe.Time, n), Columns: make(map[string][]observe.Measure, columns)}
	for c, name := range names() {
		column := make([]observe.Measure, n)
		for i := range n {
			column[i] = r.kept[(r.next+i)%n].values[c]
		}
		v.Columns[name] = column
	}
	for i := range n {
		v.At[i] = observe.At(r.kept[(r.next+i)%n].at)
	}
	return v
}

// take adds moments that columns has returned.
func (r *ring) take(v observe.Vitals) {
	for i, at := range v.At {
		m := moment{at: at.Time}
		for c, name := range names() {
			m.values[c] = unknown() // a column that an older version did not have
			if column := v.Columns[name]; i < len(column) {
				m.values[c] = column[i]
			}
		}
		r.add(m)
	}
}
