package publicaddr

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"
)

func TestWhichAddressesArePublic(t *testing.T) {
	for text, want := range map[string]bool{
		"93.184.216.34": true, "2606:2800:220:1::1": true,
		"127.0.0.1": false, "::1": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false, "fe80::1": false,
		"fd00::1": false, "0.0.0.0": false, "::": false, "100.64.1.1": false, "224.0.0.1": false, "255.255.255.255": false, "198.18.0.1": false,
		"64:ff9b::7f00:1": false, "2002:7f00:1::": false, "::ffff:127.0.0.1": false, "0.1.2.3": false,
	} {
		if got := Public(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: public %t, want %t", text, got, want)
		}
	}
}

func TestNoNameLeadsToAPrivateAddress(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for _, host := range []string{"127.0.0.1", "localhost"} {
		if _, err := Dialer(false, time.Minute).DialContext(context.Background(), "tcp", net.JoinHostPort(host, port)); !errors.Is(err, ErrPrivate) {
			t.Errorf("%s: %v", host, err)
		}
		c, err := Dialer(true, time.Minute).DialContext(context.Background(), "tcp", net.JoinHostPort(host, port))
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
	}
}
