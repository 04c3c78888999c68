package config

import (
	"fmt"
	"net/netip"

	"github.com/alecthomas/kong"
)

// Networks is a list of networks; a single address stands for its own.
type Networks []netip.Prefix

// Decode reads the list from a flag or a variable, separated by commas.
func (n *Networks) Decode(ctx *kong.DecodeContext) error {
	var text string
	if err := ctx.Scan.PopValueInto("network", &text); err != nil {
		return err
	}
	for _, item := range kong.SplitEscaped(text, ',') {
		network, err := parseNetwork(item)
		if err != nil {
			return err
		}
		*n = append(*n, network)
	}
	return nil
}

func parseNetwork(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return addr.Unmap().Prefix(addr.Unmap().BitLen())
	}
	network, err := netip.ParsePrefix(s)
	if err != nil {
		return network, fmt.Errorf("%q is not an address or a network such as 10.0.0.0/8", s)
	}
	return network.Masked(), nil
}
