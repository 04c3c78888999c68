package transport

import (
	"net"
	"slices"
	"testing"

	"github.com/pion/stun/v4"

	"github.com/carillon-meetings/carillon/internal/media/sdp"
)

// binding builds a connectivity check.
func binding(t *testing.T, name, key string, more ...stun.Setter) []byte {
	t.Helper()
	setters := append([]stun.Setter{stun.TransactionID, stun.BindingRequest, stun.NewUsername(name)}, more...)
	if key != "" {
		setters = append(setters, stun.NewShortTermIntegrity(key), stun.Fingerprint)
	}
	m, err := stun.Build(setters...)
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}

// exchange sends a datagram and reads the answer as STUN, past the requests that
// are made as well.
func exchange(t *testing.T, c *net.UDPConn, pkt []byte) *stun.Message {
	t.Helper()
	if _, err := c.Write(pkt); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1500)
	for {
		n, err := c.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		m := &stun.Message{Raw: buf[:n]}
		if err := m.Decode(); err != nil {
			t.Fatal(err)
		}
		if m.Type != stun.BindingRequest {
			return m
		}
	}
}

func TestForgedChecksAreDropped(t *testing.T) {
	l := listener(t, nil)
	p := open(t, l)
	ufrag, pwd := p.conn.Credentials()
	idle, err := l.Open(&witness{changed: make(chan struct{}, 1)}) // has no client yet
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(idle.Close)
	idleUfrag, idlePwd := idle.Credentials()
	o, err := sdp.Parse(p.Offer(false, 0))
	if err != nil {
		t.Fatal(err)
	}
	name := ufrag + ":" + o.Ufrag
	good := binding(t, name, pwd)
	broken := slices.Clone(good)
	broken[len(broken)-1] ^= 1
	c := dialUDP(t, l)
	for _, pkt := range [][]byte{
		binding(t, name, "wrong password"),
		binding(t, "nobody:"+o.Ufrag, pwd),
		binding(t, ufrag+":another", pwd),
		binding(t, idleUfrag+":early", idlePwd),
		binding(t, name, ""),
		broken,
		good[:len(good)-8],
		{0},
		append([]byte{1, 1}, good[2:]...),        // a response
		append([]byte{0x80, 111}, good...),       // media of a stranger
		append([]byte{22, 254, 253}, good...),    // a handshake of a stranger
		append([]byte{0x80, 201, 0, 1}, good...), // a report of a stranger
	} {
		if _, err := c.Write(pkt); err != nil {
			t.Fatal(err)
		}
	}
	// The first answer must be to the good one.
	m := exchange(t, c, good)
	var mapped stun.XORMappedAddress
	if !slices.Equal(m.TransactionID[:], good[8:20]) || m.Type != stun.BindingSuccess || mapped.GetFrom(m) != nil {
		t.Fatalf("a forged check was answered: %v", m)
	}
	if mapped.Port != c.LocalAddr().(*net.UDPAddr).Port || stun.NewShortTermIntegrity(pwd).Check(m) != nil {
		t.Errorf("answer %v", m)
	}
}

// A client that believes to be controlled is told otherwise.
func TestRoleConflict(t *testing.T) {
	l := listener(t, nil)
	p := open(t, l)
	ufrag, pwd := p.conn.Credentials()
	o, err := sdp.Parse(p.Offer(false, 0))
	if err != nil {
		t.Fatal(err)
	}
	controlled := stun.RawAttribute{Type: stun.AttrICEControlled, Value: make([]byte, 8)}
	m := exchange(t, dialUDP(t, l), binding(t, ufrag+":"+o.Ufrag, pwd, controlled))
	var code stun.ErrorCodeAttribute
	if code.GetFrom(m) != nil || code.Code != stun.CodeRoleConflict {
		t.Errorf("answered %v", m)
	}
}
