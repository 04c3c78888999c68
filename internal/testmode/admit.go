package testmode

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
)

// Admit returns h for callers of this machine's loopback interface and of the
// networks; all others are refused with 403. The caller is the TCP peer, whatever
// a header says.
func Admit(networks []netip.Prefix, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		from := peer.Addr().Unmap().WithZone("")
		if err == nil && (from.IsLoopback() || slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(from) })) {
			h.ServeHTTP(w, r)
			return
		}
		refuse(w, http.StatusForbidden, fmt.Sprintf("This server is in test mode, for callers of its own machine and of --test-networks; %s is neither.", from))
	})
}
