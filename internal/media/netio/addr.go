package netio

import "net/netip"

// unmap writes IPv4 addresses that arrived on a socket of both families in
// their own form, so that one client has one address.
func unmap(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
