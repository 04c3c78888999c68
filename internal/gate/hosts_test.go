package gate_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/carillon-meetings/carillon/internal/gate"
)

func TestHostsTheServerAnswersTo(t *testing.T) {
	local := context.WithValue(context.Background(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.ParseIP("192.0.2.10"), Port: 8480})
	hosts := gate.Hosts{
		Names: []string{"meet.example.org", "198.51.100.7", ".Sub.example.org", "2001:db8::7"},
		Also:  func(name string) bool { return name == "meetings-chime.us-east-1.amazonaws.com" },
	}
	for host, want := range map[string]bool{
		"meet.example.org": true, "meet.example.org:8480": true, "MEET.Example.ORG.": true, "a.sub.example.org": true, "a.b.sub.example.org:1": true,
		"localhost": true, "LocalHost:99": true, "x.localhost": true, "127.0.0.1": true, "127.9.9.9:8480": true, "[::1]": true, "[::1]:8480": true, "::1": true,
		"[::ffff:127.0.0.1]": true, "198.51.100.7": true, "198.51.100.7:80": true, "[2001:db8::7]:80": true, "[2001:db8::7]": true,
		"192.0.2.10": true, "192.0.2.10:8480": true, // where the connection leads
		"meetings-chime.us-east-1.amazonaws.com:443": true, "": true,

		"evil.example": false, "evil.example:8480": false, "meet.example.org.evil.example": false, "xmeet.example.org": false, "sub.example.org": false,
		"localhost.evil.example": false, "notlocalhost": false, "192.0.2.11": false, "127.0.0.1.evil.example": false, "127.1": false, "2130706433": false,
		"[::2]": false, ":80": false, ".": false, "0.0.0.0": false, "meet.example.org@evil.example": false, "*": false, ".sub.example.org": false, "meetings-chime.evil.example": false,
	} {
		r := (&http.Request{Host: host}).WithContext(local)
		if got := hosts.Accept(r); got != want {
			t.Errorf("%q: %t", host, got)
		}
	}
	all := gate.Hosts{Names: []string{"*"}}
	if !all.Accept(&http.Request{Host: "evil.example"}) {
		t.Error("* does not stand for all")
	}
	var none gate.Hosts
	if none.Accept(&http.Request{Host: "evil.example"}) || none.Accept(&http.Request{Host: "192.0.2.10"}) || !none.Accept(&http.Request{Host: "localhost"}) {
		t.Error("the zero Hosts are not the loopback ones")
	}
}

func FuzzHosts(f *testing.F) {
	for _, host := range []string{"localhost", "[::1]:1", "a:b:c", "[", ".", "..", "evil.example."} {
		f.Add(host)
	}
	hosts := gate.Hosts{Names: []string{"meet.example.org"}}
	f.Fuzz(func(t *testing.T, host string) {
		if !hosts.Accept(&http.Request{Host: host}) {
			return
		}
		lower := strings.ToLower(host)
		for _, part := range []string{"localhost", "meet.example.org", "127.", "::1", "::ffff:"} {
			if strings.Contains(lower, part) {
				return
			}
		}
		if strings.Trim(lower, "[].:0123456789abcdef%") != "" {
			t.Errorf("%q is answered", host)
		}
	})
}
