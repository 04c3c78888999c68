package transport

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/media/rtpx"
)

// bystander is somebody whose address an attacker writes into his packets: what
// the attacker forges is sent from here. It answers nothing.
type bystander struct {
	*net.UDPConn
	sent  int // bytes written in its name
	bytes atomic.Int64
	media atomic.Int64 // datagrams that are not STUN
}

func newBystander(t *testing.T, l *Listener) *bystander {
	t.Helper()
	b := &bystander{UDPConn: dialUDP(t, l)}
	_ = b.SetDeadline(time.Time{})
	var wg sync.WaitGroup
	wg.Go(func() {
		buf := make([]byte, 2048)
		for {
			n, err := b.Read(buf)
			if err != nil {
				return
			}
			b.bytes.Add(int64(n))
			if !isSTUN(buf[:n]) {
				b.media.Add(1)
			}
		}
	})
	t.Cleanup(func() {
		_ = b.Close()
		wg.Wait()
	})
	return b
}

// forge sends a packet in the bystander's name.
func (b *bystander) forge(t *testing.T, pkt []byte) {
	t.Helper()
	if _, err := b.Write(pkt); err != nil {
		t.Fatal(err)
	}
	b.sent += len(pkt)
}

// sound is the attacker's next packet of sound, encrypted.
func (p *party) sound(seq uint16) []byte {
	pkt := make([]byte, rtpx.HeaderSize+3)
	rtpx.PutHeader(pkt, rtpx.Header{PayloadType: 111, Seq: seq, SSRC: 77})
	return p.Seal(pkt)
}

// Whoever writes somebody else's address into checks and sound of his own does
// not make the server send there: nothing but requests, and of those about as
// much as was sent.
func TestMediaIsNotReflected(t *testing.T) {
	l := listener(t, nil)
	p := connect(t, l)
	before, _, _ := p.conn.Remote()
	victim := newBystander(t, l)
	for i := range 50 {
		victim.forge(t, p.Binding())
		victim.forge(t, p.sound(uint16(i)))
		p.events.until(t, "the forged sound", func() bool { return len(p.events.rtp) == i+1 })
		for n := range 20 {
			if !p.conn.SendRTP(rtpPacket(uint16(20*i+n), 5)) {
				t.Fatal("cannot send")
			}
		}
		p.conn.Flush()
	}
	if now, _, _ := p.conn.Remote(); now != before {
		t.Errorf("sending to %v instead of %v", now, before)
	}
	if n := victim.media.Load(); n != 0 {
		t.Errorf("the bystander got %d datagrams of media", n)
	}
	if n := int(victim.bytes.Load()); n > 2*victim.sent {
		t.Errorf("the bystander got %d bytes for %d", n, victim.sent)
	}
}

// Nor before there are keys: the handshake too waits for consent.
func TestTheHandshakeIsNotReflected(t *testing.T) {
	l := listener(t, nil)
	p := open(t, l)
	p.SetConsent(false)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := p.Connect(ctx, p.answer); err == nil {
		t.Error("connected without consent")
	}
	p.events.until(t, "a good check", func() bool { return p.events.checked == 1 })
	p.conn.mu.Lock()
	defer p.conn.mu.Unlock()
	if p.conn.selected.Load() != nil || p.conn.shaking {
		t.Errorf("sending by %v, handshake begun %v", p.conn.selected.Load(), p.conn.shaking)
	}
}

// Checks that an attacker signs for a connection of his own, in the name of
// another client's address, do not take that client's packets away.
func TestAnAddressIsNotTakenOver(t *testing.T) {
	l := listener(t, nil)
	victim, attacker := connect(t, l), connect(t, l)
	for i := range 50 {
		victim.WriteRaw(attacker.Binding()) // from the victim's address
		victim.SendAudio([]byte{1}, 30)
		victim.events.until(t, "the victim's sound", func() bool { return len(victim.events.rtp) == i+1 })
	}
	if c := victim.conn.Counters(); c.Discarded != 0 {
		t.Errorf("counters %+v", c)
	}
	if !victim.conn.SendRTP(rtpPacket(1, 5)) {
		t.Error("the victim is not sent to any more")
	}
}

// An address that changes hands for real does so at once: the new client
// answers.
func TestAnAddressIsUsedAgain(t *testing.T) {
	l := listener(t, nil)
	old := connect(t, l)
	old.SendAudio([]byte{1}, 30) // authentic just now
	old.events.until(t, "sound", func() bool { return len(old.events.rtp) == 1 })
	port := old.LocalPort()
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	next := open(t, l)
	if err := next.Rebind(port); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := next.Connect(ctx, next.answer); err != nil {
		t.Fatal(err)
	}
	next.events.until(t, "connected", func() bool { return next.events.connected == 1 })
	next.SendAudio([]byte{1}, 30)
	next.events.until(t, "sound", func() bool { return len(next.events.rtp) == 1 })
	if took := time.Since(begun); took > staleAfter {
		t.Errorf("the address's new client waited %v", took)
	}
}

// A client whose address changes is followed with the first packet that comes
// after the answer to one request.
func TestAMoveTakesOneRoundTrip(t *testing.T) {
	l := listener(t, nil)
	p := connect(t, l)
	if err := p.Rebind(0); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	p.Check()
	sent := 0
	for {
		if now, _, _ := p.conn.Remote(); int(now.Port()) == p.LocalPort() {
			break
		}
		p.SendAudio([]byte{1}, 40)
		sent++
		time.Sleep(20 * time.Millisecond)
		if time.Since(begun) > patience {
			t.Fatalf("not followed after %d packets", sent)
		}
	}
	t.Logf("followed after %d packets, %v", sent, time.Since(begun))
}

// Consent expires unless it is renewed, whatever else the client sends.
func TestConsentExpires(t *testing.T) {
	l := listener(t, func(c *Config) { c.Timeout = time.Hour })
	p := connect(t, l)
	given := func() time.Time {
		p.conn.mu.Lock()
		defer p.conn.mu.Unlock()
		return p.conn.selected.Load().consent.given
	}
	first := given()
	p.conn.check(first.Add(consentInterval))
	l.Flush()
	for deadline := time.Now().Add(patience); given().Equal(first); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("consent is not renewed")
		}
	}
	p.SetConsent(false)
	last := given()
	p.SendAudio([]byte{1}, 30)
	p.conn.check(last.Add(consentExpiry - time.Second))
	if !p.conn.IsConnected() {
		t.Fatal("ended before consent has expired")
	}
	p.conn.check(last.Add(consentExpiry))
	if !errors.Is(p.events.failure, ErrTimeout) || p.conn.SendRTP(rtpPacket(1, 5)) {
		t.Errorf("failed with %v, want ErrTimeout and no more sending", p.events.failure)
	}
}

// What is remembered of requests goes with the connections they were made for.
func TestRequestsAreForgotten(t *testing.T) {
	l := listener(t, nil)
	p := connect(t, l)
	for range 3 * maxPairs { // as many addresses, none of which answers
		victim := newBystander(t, l)
		victim.forge(t, p.Binding())
		victim.forge(t, p.sound(0))
	}
	p.SendAudio([]byte{1}, 30)
	p.events.until(t, "sound", func() bool { return len(p.events.rtp) > 0 && p.events.rtp[len(p.events.rtp)-1].SSRC == p.AudioSSRC() })
	l.mu.RLock()
	pairs, asked := len(l.pairs), len(l.asked)
	l.mu.RUnlock()
	if pairs > maxPairs || asked > maxPairs {
		t.Errorf("%d pairs and %d requests of one connection, want at most %d", pairs, asked, maxPairs)
	}
	p.conn.Close()
	l.mu.RLock()
	defer l.mu.RUnlock()
	if len(l.pairs)+len(l.asked) != 0 {
		t.Errorf("%d pairs and %d requests left", len(l.pairs), len(l.asked))
	}
}
