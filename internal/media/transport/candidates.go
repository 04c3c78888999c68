package transport

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
)

// maxAddrs bounds the announced addresses: every one costs each client a check.
const maxAddrs = 8

// announced lists the addresses to offer clients: the public ones if there are
// any, else the one that is bound, else those of the machine's interfaces.
func announced(cfg Config, bound netip.Addr) ([]netip.Addr, error) {
	var out []netip.Addr
	add := func(a netip.Addr) {
		a = a.Unmap().WithZone("")
		if len(out) < maxAddrs && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	for _, a := range cfg.PublicIPs {
		add(a)
	}
	if !bound.IsUnspecified() {
		if len(out) == 0 || cfg.Loopback && bound.IsLoopback() {
			add(bound)
		}
		return out, nil
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("transport: list addresses: %w", err)
	}
	for _, a := range addrs {
		ip, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		addr := ip.Addr().Unmap()
		usable := addr.IsGlobalUnicast() && len(cfg.PublicIPs) == 0 || addr.IsLoopback() && cfg.Loopback
		if usable && (addr.Is4() || bound.Is6()) {
			add(addr)
		}
	}
	return out, nil
}

// candidateLines writes a host candidate for each address and transport. UDP
// goes before TCP, and among equals the order of addrs counts (RFC 8445
// §5.1.2).
func candidateLines(addrs []netip.Addr, udpPort, tcpPort int) []string {
	var out []string
	line := func(network string, typePreference, i, port int, suffix string) {
		priority := typePreference<<24 | (65535-i)<<8 | 255
		out = append(out, fmt.Sprintf("%d 1 %s %d %s %s typ host%s",
			len(out)+1, network, priority, addrs[i], strconv.Itoa(port), suffix))
	}
	for i := range addrs {
		line("udp", 126, i, udpPort, "")
	}
	if tcpPort != 0 {
		for i := range addrs {
			line("tcp", 90, i, tcpPort, " tcptype passive")
		}
	}
	return out
}
