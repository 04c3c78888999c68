package gate

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Hosts are the names and addresses that a server answers to, whatever the
// port. Loopback names and addresses are always among them, and so is the
// address that the connection was made to: a web page cannot have any of these
// as its own name unless it comes from there. The zero value has no others.
type Hosts struct {
	// Names are host names and addresses. One that begins with a dot stands for
	// every name below it; "*" stands for all.
	Names []string
	// Also accepts further names, in lower case; nil accepts none.
	Also func(name string) bool
}

// Accept reports whether the server answers to the host of a request. One
// without a host, as old health checks send it, comes from no browser.
func (h *Hosts) Accept(r *http.Request) bool {
	name := hostName(r.Host)
	if r.Host == "" || name == "localhost" || strings.HasSuffix(name, ".localhost") || slices.ContainsFunc(h.Names, matches(name)) {
		return true
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		addr = addr.Unmap().WithZone("")
		return addr.IsLoopback() || addr == localAddr(r)
	}
	return h.Also != nil && h.Also(name)
}

// matches tells which patterns a name fits.
func matches(name string) func(pattern string) bool {
	return func(pattern string) bool {
		pattern = strings.ToLower(pattern)
		if strings.HasPrefix(pattern, ".") {
			return len(name) > len(pattern) && strings.HasSuffix(name, pattern)
		}
		return pattern == "*" || pattern == name
	}
}

// hostName is the name or address in a Host header, in lower case, without the
// port, brackets and the dot that ends a full name.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	} else if inner, ok := strings.CutPrefix(host, "["); ok {
		host = strings.TrimSuffix(inner, "]")
	}
	return strings.TrimSuffix(strings.ToLower(host), ".")
}

// localAddr is the address that the connection of a request was made to.
func localAddr(r *http.Request) netip.Addr {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return local.AddrPort().Addr().Unmap().WithZone("")
}
