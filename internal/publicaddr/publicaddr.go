// Package publicaddr keeps connections that others ask for out of the operator's
// own network: those of web hooks and of streams.
package publicaddr

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// ErrPrivate is wrapped when an address must not be connected to.
var ErrPrivate = errors.New("the address is private, and private addresses are not allowed")

// Dialer returns a dialer that, unless private addresses are allowed, connects
// to none. The timeout bounds a connection to one address. It looks at the address of each connection, after names were
// resolved, so that no name can lead it astray.
func Dialer(allowPrivate bool, timeout time.Duration) *net.Dialer {
	d := &net.Dialer{Timeout: timeout}
	if !allowPrivate {
		d.Control = func(_, address string, _ syscall.RawConn) error {
			addr, err := netip.ParseAddrPort(address)
			if err != nil {
				return err
			}
			if !Public(addr.Addr()) {
				return fmt.Errorf("%w: %s", ErrPrivate, addr.Addr())
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

// Public tells whether an address may belong to somebody else's server.
func Public(addr netip.Addr) bool {
	addr = addr.Unmap()
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
