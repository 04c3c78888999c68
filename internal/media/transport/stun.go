package transport

import (
	"crypto/rand"
	"net"
	"strings"
	"time"

	"github.com/pion/stun/v4"

	"github.com/carillon-meetings/carillon/internal/media/netio"
)

// randText is a run of random letters and digits.
func randText() string { return rand.Text() }

const (
	attrPriority     = stun.AttrPriority
	attrUseCandidate = stun.AttrUseCandidate
	attrControlled   = stun.AttrICEControlled
	codeRoleConflict = stun.CodeRoleConflict
)

// check is a connectivity check that has proved itself.
type check struct {
	conn      *Conn
	msg       *stun.Message
	nominated bool
}

// authenticate reads a STUN message. ok is false for everything that is not a
// request to one of our connections, signed with its password: such packets are
// dropped without an answer, so that forged ones gain nothing.
func (l *Listener) authenticate(pkt []byte) (k check, ok bool) {
	m := &stun.Message{Raw: pkt}
	if m.Decode() != nil || m.Type != stun.BindingRequest {
		return k, false
	}
	var name stun.Username
	if name.GetFrom(m) != nil {
		return k, false
	}
	local, remote, _ := strings.Cut(name.String(), ":")
	l.mu.RLock()
	c := l.byName[local]
	l.mu.RUnlock()
	if c == nil || stun.NewShortTermIntegrity(c.pwd).Check(m) != nil {
		return k, false
	}
	if m.Contains(stun.AttrFingerprint) && stun.Fingerprint.Check(m) != nil {
		return k, false
	}
	c.mu.Lock()
	known := c.remote != nil && c.remote.ufrag == remote && !c.ended
	c.mu.Unlock()
	return check{c, m, m.Contains(attrUseCandidate)}, known
}

// respond writes the answer to a check into a buffer. A client that believes to
// be the controlled side is told otherwise: the lite side never controls.
func (k check) respond(from netio.Endpoint) (*netio.Buffer, error) {
	b := netio.Get()
	m := &stun.Message{Raw: b.B[:0]}
	setters := []stun.Setter{
		stun.NewTransactionIDSetter(k.msg.TransactionID), stun.BindingSuccess,
		&stun.XORMappedAddress{IP: net.IP(from.Remote.Addr().AsSlice()), Port: int(from.Remote.Port())},
		stun.NewShortTermIntegrity(k.conn.pwd), stun.Fingerprint,
	}
	if k.msg.Contains(attrControlled) {
		setters[1], setters[2] = stun.BindingError, codeRoleConflict
	}
	if err := m.Build(setters...); err != nil {
		b.Release()
		return nil, err
	}
	b.N = copy(b.B[:], m.Raw)
	return b, nil
}

// checked takes note of a good check that came by p: the first brings the
// handshake to life.
func (c *Conn) checked(p *path, nominated bool, at time.Time) {
	c.lastIn.Store(at.UnixNano())
	c.mu.Lock()
	p.lastIn = at
	current := c.selected.Load()
	switch {
	case c.ended:
		c.mu.Unlock()
		return
	case current == nil,
		nominated && !current.chosen,
		nominated && current != p && at.Sub(current.lastIn) > staleAfter:
		c.selected.Store(p)
	}
	p.chosen = p.chosen || nominated
	first := c.dtls == nil
	if first {
		c.dtls = newPipe(c)
		c.l.wg.Go(c.handshake)
	}
	c.mu.Unlock()
	if first {
		c.handler.Checked(at)
	}
}

// staleAfter is how long the way in use must have been silent before another
// one's nomination counts. Browsers nominate every way that works and then send
// by the best of them.
const staleAfter = 5 * time.Second
