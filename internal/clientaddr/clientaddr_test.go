package clientaddr_test

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/carillon-meetings/carillon/internal/clientaddr"
)

func proxies(t testing.TB, networks ...string) (p clientaddr.Proxies) {
	t.Helper()
	for _, n := range networks {
		p = append(p, netip.MustParsePrefix(n))
	}
	return p
}

func TestWhereARequestComesFrom(t *testing.T) {
	two := proxies(t, "10.0.0.0/8", "2001:db8::/32")
	for name, c := range map[string]struct {
		trusted              clientaddr.Proxies
		peer                 string
		forwardedFor, others []string // X-Forwarded-For, Forwarded
		want                 string
	}{
		"no proxy":                       {two, "192.0.2.7:1234", nil, nil, "192.0.2.7"},
		"no proxy is trusted":            {nil, "10.0.0.1:1234", []string{"192.0.2.9"}, []string{"for=192.0.2.9"}, "10.0.0.1"},
		"a stranger's header":            {two, "192.0.2.7:1234", []string{"192.0.2.9"}, []string{"for=192.0.2.9"}, "192.0.2.7"},
		"a proxy's header":               {two, "10.0.0.1:1234", []string{"192.0.2.9"}, nil, "192.0.2.9"},
		"behind what the client claimed": {two, "10.0.0.1:1234", []string{"127.0.0.1, 198.51.100.1, 192.0.2.9"}, nil, "192.0.2.9"},
		"through two proxies":            {two, "10.0.0.1:1234", []string{"127.0.0.1, 192.0.2.9,10.9.9.9"}, nil, "192.0.2.9"},
		"in two lines":                   {two, "10.0.0.1:1234", []string{"127.0.0.1", "192.0.2.9", "10.9.9.9"}, nil, "192.0.2.9"},
		"all hops trusted":               {two, "10.0.0.1:1234", []string{"10.1.1.1, 10.2.2.2"}, nil, "10.1.1.1"},
		"a proxy without a header":       {two, "10.0.0.1:1234", nil, nil, "10.0.0.1"},
		"an empty header":                {two, "10.0.0.1:1234", []string{""}, nil, "10.0.0.1"},
		"garbage":                        {two, "10.0.0.1:1234", []string{"192.0.2.1, nonsense"}, nil, "10.0.0.1"},
		"garbage behind a proxy":         {two, "10.0.0.1:1234", []string{"192.0.2.1, nonsense, 10.2.2.2"}, nil, "10.2.2.2"},
		"with a port":                    {two, "10.0.0.1:1234", []string{"192.0.2.9:4711"}, nil, "192.0.2.9"},
		"IPv6":                           {two, "[2001:db8::1]:1234", []string{"2001:db9::5"}, nil, "2001:db9::5"},
		"IPv6 in brackets":               {two, "[2001:db8::1]:1234", []string{"[2001:db9::5]"}, nil, "2001:db9::5"},
		"IPv6 with a port":               {two, "[2001:db8::1]:1234", []string{"[2001:db9::5]:4711"}, nil, "2001:db9::5"},
		"IPv4 in IPv6":                   {two, "[::ffff:10.0.0.1]:1234", []string{"::ffff:192.0.2.9"}, nil, "192.0.2.9"},
		"a zone":                         {two, "[fe80::1%eth0]:1234", nil, nil, "fe80::1"},
		"Forwarded":                      {two, "10.0.0.1:1234", nil, []string{`for=192.0.2.9;proto=https;by=10.0.0.1`}, "192.0.2.9"},
		"Forwarded, quoted":              {two, "10.0.0.1:1234", nil, []string{`proto=https; For="[2001:db9::5]:4711"`}, "2001:db9::5"},
		"Forwarded, several":             {two, "10.0.0.1:1234", nil, []string{`for=127.0.0.1, for=192.0.2.9`, `for=10.1.1.1`}, "192.0.2.9"},
		"Forwarded, hidden":              {two, "10.0.0.1:1234", nil, []string{`for=127.0.0.1, for=unknown`}, "10.0.0.1"},
		"Forwarded, without for":         {two, "10.0.0.1:1234", nil, []string{`proto=https`}, "10.0.0.1"},
		"both, agreeing":                 {two, "10.0.0.1:1234", []string{"192.0.2.9"}, []string{"for=192.0.2.9"}, "192.0.2.9"},
		"both, one of them smuggled in":  {two, "10.0.0.1:1234", []string{"192.0.2.9"}, []string{"for=127.0.0.1"}, "10.0.0.1"},
		"a pipe inside the process":      {two, "pipe", []string{"192.0.2.9"}, nil, "invalid IP"},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{}}
		if c.forwardedFor != nil {
			r.Header["X-Forwarded-For"] = c.forwardedFor
		}
		if c.others != nil {
			r.Header["Forwarded"] = c.others
		}
		if got := c.trusted.Of(r).String(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestWhatCountsAsOneClient(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1": "192.0.2.1/32", "::ffff:192.0.2.1": "192.0.2.1/32", "2001:db8:1:2:3::4": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := clientaddr.Network(netip.MustParseAddr(in)).String(); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	if clientaddr.Network(netip.Addr{}) != (netip.Prefix{}) {
		t.Error("no address is not one client")
	}
}

// FuzzForwarded throws anything at the headers: the answer is always an
// address, and never a panic.
func FuzzForwarded(f *testing.F) {
	f.Add("192.0.2.9, 10.0.0.2", `for="[2001:db8::1]:1";by=x`)
	f.Add(",,", ";=;for=,")
	trusted := proxies(f, "10.0.0.0/8")
	f.Fuzz(func(t *testing.T, forwardedFor, forwarded string) {
		for _, h := range []http.Header{{"X-Forwarded-For": {forwardedFor}}, {"Forwarded": {forwarded}}, {"X-Forwarded-For": {forwardedFor}, "Forwarded": {forwarded}}} {
			got := trusted.Of(&http.Request{RemoteAddr: "10.0.0.1:1", Header: h})
			if !got.IsValid() || got.Zone() != "" {
				t.Errorf("%q: %v", h, got)
			}
		}
	})
}
