package transport

import (
	"crypto/rand"
	"net"
	"strings"

	"github.com/pion/stun/v4"

	"github.com/carillon-meetings/carillon/internal/media/netio"
)

const (
	attrPriority     = stun.AttrPriority
	attrUseCandidate = stun.AttrUseCandidate
	attrControlled   = stun.AttrICEControlled
	codeRoleConflict = stun.CodeRoleConflict
)

// authenticate finds the Conn that a connectivity check is for. It is nil for
// everything that is not signed with that Conn's password: such packets are
// dropped without an answer, so that forged ones gain nothing.
func (l *Listener) authenticate(m *stun.Message) *Conn {
	var name stun.Username
	if name.GetFrom(m) != nil {
		return nil
	}
	local, peer, _ := strings.Cut(name.String(), ":")
	l.mu.RLock()
	c := l.byName[local]
	l.mu.RUnlock()
	if c == nil || !signed(m, c.pwd) {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.remote == nil || c.remote.ufrag != peer || c.ended {
		return nil
	}
	return c
}

// signed says whether a message carries the signature of a password, and its
// fingerprint, if there is one, is right.
func signed(m *stun.Message, pwd string) bool {
	return stun.NewShortTermIntegrity(pwd).Check(m) == nil &&
		(!m.Contains(stun.AttrFingerprint) || stun.Fingerprint.Check(m) == nil)
}

// respond writes the answer to a check into a buffer. A client that believes to
// be the controlled side is told otherwise: the lite side never controls.
func respond(m *stun.Message, pwd string, from netio.Pair) (*netio.Buffer, error) {
	id := stun.NewTransactionIDSetter(m.TransactionID)
	if m.Contains(attrControlled) {
		return build(pwd, id, stun.BindingError, codeRoleConflict)
	}
	mapped := &stun.XORMappedAddress{IP: net.IP(from.Remote.Addr().AsSlice()), Port: int(from.Remote.Port())}
	return build(pwd, id, stun.BindingSuccess, mapped)
}

// request writes a check of our own. Its priority is that of a peer-reflexive
// candidate (RFC 8445 §5.1.2.2), which nobody here compares; nor does anybody
// the tie breaker of the controlled side.
func request(id [stun.TransactionIDSize]byte, ufrag string, client remote) (*netio.Buffer, error) {
	return build(client.pwd, stun.NewTransactionIDSetter(id), stun.BindingRequest,
		stun.NewUsername(client.ufrag+":"+ufrag),
		stun.RawAttribute{Type: attrPriority, Value: []byte{110, 0xff, 0xff, 0xff}},
		stun.RawAttribute{Type: attrControlled, Value: make([]byte, 8)})
}

// build writes a signed message into a buffer.
func build(pwd string, setters ...stun.Setter) (*netio.Buffer, error) {
	b := netio.Get()
	m := &stun.Message{Raw: b.B[:0]}
	if err := m.Build(append(setters, stun.NewShortTermIntegrity(pwd), stun.Fingerprint)...); err != nil {
		b.Release()
		return nil, err
	}
	b.N = copy(b.B[:], m.Raw)
	return b, nil
}

// randomToken makes ICE credentials of n characters.
func randomToken(n int) string {
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(rand.Text())
	}
	return b.String()[:n]
}
