// Package gauge is what both load generators measure with: the CPU time and
// memory of a process of this machine, as /proc tells them, and percentiles.
package gauge
