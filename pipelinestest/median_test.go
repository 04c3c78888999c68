//go:build figures

package pipelinestest

import "slices"

// median is the middle of a list, which stays as it is.
func median(list []float64) float64 {
	list = slices.Clone(list)
	slices.Sort(list)
	return list[len(list)/2]
}
