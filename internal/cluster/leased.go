//go:build !unfenced

package cluster

// lapses says that a lease ends with its time.
const lapses = true
