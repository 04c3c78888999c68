//go:build unfenced

package cluster

// lapses says that a lease lasts for ever. The cluster's tests build a server
// so, to see that they find out.
const lapses = false
