package signal

import (
	"testing"

	"github.com/carillon-meetings/carillon/internal/jointoken"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// Who came with a token of a key that goes is thrown out, with what the attendee
// shares, and so is who has not joined yet; a promotion with one ends.
func TestTokensOfADroppedKeyEndWhatTheyOpened(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada", "bob", "guest")
	r := p.replicaOf("fan")
	ada, share, waiting := p.join("ada"), p.open("ada#content"), p.open("bob")
	p.joinWith(share, "ada#content")
	fan := r.open("fan")
	r.joinWith(fan, "fan")
	if ack := fan.promote(p, "guest", p.token("guest")); ack.GetError() != nil {
		t.Fatal(ack)
	}
	all := func(jointoken.KeyID) bool { return true }
	v.server.DropTokenKeys(all)
	ada.send(dataFrameOf("chat", "still here", 0))
	if m := fan.message(); string(m.GetData()) != "still here" {
		t.Errorf("after a key that nobody came with: %v", m)
	}
	v.server.DropTokenKeys(func(jointoken.KeyID) bool { return false })
	for _, c := range []*client{share, ada} {
		c.status(statusRemoved)
		if c.ended() != closeForbidden {
			t.Errorf("closed with %d", c.code)
		}
	}
	fan.expect(wire.Frame_PRIMARY_MEETING_LEAVE)
	fan.status(statusRemoved)
	if waiting.ended() != closeForbidden || waiting.reason != attendeeUnavailable {
		t.Errorf("who had not joined: %d %s", waiting.code, waiting.reason)
	}
}
