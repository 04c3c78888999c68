package testmode

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
)

// Admit returns h for callers of this machine's loopback interface and of the
// networks; all others are refused with 403. The caller is the TCP peer, whatever
// a header says. noted wraps what refuses, so that it is written down.
func Admit(networks []netip.Prefix, h http.Handler, noted func(http.Handler) http.Handler) http.Handler {
	strangers := noted(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusForbidden, fmt.Sprintf("This server is in test mode, for callers of its own machine and of --test-networks; %s is neither.", peerOf(r)))
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from := peerOf(r)
		if from.IsValid() && (from.IsLoopback() || slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(from) })) {
			h.ServeHTTP(w, r)
			return
		}
		strangers.ServeHTTP(w, r)
	})
}

// peerOf is the address of the TCP peer; the zero Addr when it has none.
func peerOf(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return peer.Addr().Unmap().WithZone("")
}
