package clientaddr

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Proxies are the networks whose hosts are believed about whom they speak for.
// None is a ready value: then every request comes from its TCP peer.
type Proxies []netip.Prefix

// Trusts reports whether an address belongs to a trusted proxy.
func (p Proxies) Trusts(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(addr) })
}

// Of returns the address of the client that sent a request: the TCP peer's, or
// if that is a trusted proxy the last address that a trusted one reports and
// that is not itself trusted. It is the zero Addr when the peer has no address.
//
// A client can send either header through a proxy that writes only the other.
// So where both are there they must agree, or the proxy's own address is taken.
func (p Proxies) Of(r *http.Request) netip.Addr {
	peer := peerOf(r)
	if len(p) == 0 || !p.Trusts(peer) {
		return peer
	}
	forwardedFor, forwarded := r.Header["X-Forwarded-For"], r.Header["Forwarded"]
	switch {
	case forwarded == nil:
		return p.walk(peer, forwardedFor, bareAddr)
	case forwardedFor == nil:
		return p.walk(peer, forwarded, forParameter)
	}
	client := p.walk(peer, forwardedFor, bareAddr)
	if client != p.walk(peer, forwarded, forParameter) {
		return peer
	}
	return client
}

func peerOf(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

// walk goes through the hops of a header from the nearest on, as long as they
// are trusted, and returns the first that is not. At one that cannot be read it
// stops: what stands before it may be anybody's invention.
func (p Proxies) walk(nearest netip.Addr, lines []string, read func(hop string) (netip.Addr, bool)) netip.Addr {
	client := nearest
	for _, line := range slices.Backward(lines) {
		for rest, more := line, true; more; {
			var hop string
			if i := strings.LastIndexByte(rest, ','); i >= 0 {
				rest, hop = rest[:i], rest[i+1:]
			} else {
				hop, more = rest, false
			}
			addr, ok := read(strings.TrimSpace(hop))
			if !ok {
				return client
			}
			if client = addr; !p.Trusts(addr) {
				return client
			}
		}
	}
	return client
}

// bareAddr reads an element of X-Forwarded-For: an address, by some proxies
// with a port, by some in brackets.
func bareAddr(hop string) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(hop); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	if inner, ok := strings.CutPrefix(hop, "["); ok {
		hop = strings.TrimSuffix(inner, "]")
	}
	addr, err := netip.ParseAddr(hop)
	return addr.Unmap().WithZone(""), err == nil
}

// forParameter reads the for parameter of an element of Forwarded. Names that
// hide an address ("unknown", "_obfuscated") give none.
func forParameter(hop string) (netip.Addr, bool) {
	for pair := range strings.SplitSeq(hop, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if strings.EqualFold(name, "for") {
			return bareAddr(strings.Trim(value, `"`))
		}
	}
	return netip.Addr{}, false
}

// Network returns what counts as one client: an IPv4 address, or the /64 of an
// IPv6 address, which is what one customer usually holds. It is the zero Prefix
// for the zero Addr: all clients without an address count as one.
func Network(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}
