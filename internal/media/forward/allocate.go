package forward

import (
	"cmp"
	"slices"
)

// paused is the choice of no layer at all.
const paused = -1

// demand is one subscription that wants bandwidth.
type demand struct {
	// priority: the higher, the later it is degraded.
	priority uint32
	// target is as much as is wanted, in kbit/s; 0 means the best there is.
	target int
	// rates of the layers that flow, from the lowest up, in kbit/s: as measured.
	rates []int
	// nominal are the same layers' rates as announced, 0 where unknown. They tell
	// small pictures from large ones, which the measured rates of a quiet scene
	// do not.
	nominal []int
	// current is the layer in use, an index of rates, or paused.
	current int
	// options are what the rates belong to.
	options []option
}

// best is the highest layer within the target; the lowest if none is.
func (d *demand) best() int {
	best := 0
	for i, rate := range d.rates {
		if i < len(d.nominal) && d.nominal[i] > 0 {
			rate = d.nominal[i]
		}
		if d.target == 0 || rate <= d.target {
			best = i
		}
	}
	return best
}

// allocate divides a budget in kbit/s: first everybody gets his lowest layer, by
// priority, as far as it goes; then what is left lifts them, again by priority.
// Among equals, who has more keeps it: otherwise they would take it from each other.
// The result has the layer for each demand, or paused. Demands without layers
// are paused too and cost nothing.
func allocate(budget int, demands []demand) []int {
	order := make([]int, len(demands))
	out := make([]int, len(demands))
	for i := range demands {
		order[i], out[i] = i, paused
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(demands[b].priority, demands[a].priority), cmp.Compare(demands[b].current, demands[a].current))
	})
	for _, i := range order {
		if d := &demands[i]; len(d.rates) > 0 && d.rates[0] <= budget {
			out[i] = 0
			budget -= d.rates[0]
		}
	}
	for _, i := range order {
		d := &demands[i]
		if out[i] == paused {
			continue
		}
		for layer := d.best(); layer > 0; layer-- {
			if extra := d.rates[layer] - d.rates[0]; extra <= budget {
				out[i] = layer
				budget -= extra
				break
			}
		}
	}
	return out
}

// allocateUp divides a budget in kbit/s among demands that may get more. As long as
// there is room for nothing but lowest layers, they may take all of it.
func allocateUp(budget float64, demands []demand) []int {
	up := allocate(int(budget*headroom), demands)
	if slices.ContainsFunc(up, func(layer int) bool { return layer > 0 }) {
		return up
	}
	for i, layer := range allocate(int(budget), demands) {
		up[i] = min(layer, 0)
	}
	return up
}

// missing is how much more bandwidth, in kbit/s, the next step up would take
// for the most important demand that has less than it wants, 0 if none; first
// says that the step is from pause to the lowest layer.
func missing(demands []demand) (step int, first bool) {
	priority := int64(-1)
	for i := range demands {
		d := &demands[i]
		if len(d.rates) == 0 || d.current >= d.best() || int64(d.priority) <= priority {
			continue
		}
		priority = int64(d.priority)
		step, first = d.rates[0], d.current < 0
		if !first {
			step = d.rates[d.current+1] - d.rates[d.current]
		}
	}
	return step, first
}
