package webhook

import (
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// dialTimeout bounds a connection to one address.
const dialTimeout = 5 * time.Second

// dialer returns a dialer that, unless private addresses are allowed, connects
// to none. It looks at the address of each connection, after names were
// resolved, so that no name can lead it astray.
func dialer(allowPrivate bool) *net.Dialer {
	d := &net.Dialer{Timeout: dialTimeout}
	if !allowPrivate {
		d.Control = func(_, address string, _ syscall.RawConn) error {
			addr, err := netip.ParseAddrPort(address)
			if err != nil {
				return err
			}
			if !public(addr.Addr().Unmap()) {
				return fmt.Errorf("%w: %s", errPrivate, addr.Addr())
			}
			return nil
		}
	}
	return d
}

// reserved are networks that are not private by their own right, and lead to
// nobody's public server either (RFC 6890 and its updates).
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // shared by carriers, RFC 6598; some clouds' metadata
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), // benchmarks, RFC 2544
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), // may lead to any IPv4 address, RFC 6052
	netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("2002::/16"), // likewise, RFC 3056
}

// public tells whether an address may belong to somebody else's server.
func public(addr netip.Addr) bool {
	if !addr.IsGlobalUnicast() || addr.IsPrivate() {
		return false
	}
	for _, network := range reserved {
		if network.Contains(addr) {
			return false
		}
	}
	return true
}
