package transport

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/carillon-meetings/carillon/internal/media/client"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
	"github.com/carillon-meetings/carillon/internal/media/sdp"
)

func TestMediaFlowsBothWays(t *testing.T) {
	l := listener(t, nil)
	p := open(t, l)
	got := make(chan string, 10)
	p.OnRTP = func(h *rtpx.Header, pkt []byte, _ time.Time) { got <- string(h.Payload(pkt)) }
	p.OnRTCP = func(pkt []byte, _ time.Time) { got <- "rtcp" }
	if p.conn.SendRTP(rtpPacket(1, 5)) || p.conn.SendRTCP([]byte{0x80, 201, 0, 1, 0, 0, 0, 5}) {
		t.Error("sent before there is a way")
	}
	if err := p.Connect(t.Context(), p.answer); err != nil {
		t.Fatal(err)
	}
	p.events.until(t, "connected", func() bool { return p.events.checked == 1 && p.events.connected == 1 })
	p.SendAudio([]byte{1, 2, 3}, 40)
	p.SendRTCP([]byte{0x80, 201, 0, 1, 0, 0, 0, 5})
	p.events.until(t, "packets", func() bool { return len(p.events.rtp) == 1 && p.events.rtcp == 1 })
	if h := p.events.rtp[0]; h.PayloadType != 111 || h.SSRC != p.AudioSSRC() {
		t.Errorf("header %+v", h)
	}
	if !p.conn.SendRTP(rtpPacket(1, 5)) || !p.conn.SendRTCP([]byte{0x80, 201, 0, 1, 0, 0, 0, 5}) {
		t.Error("cannot send")
	}
	p.conn.Flush()
	for _, want := range []string{"payload", "rtcp"} {
		select {
		case s := <-got:
			if s != want {
				t.Errorf("client got %q, want %q", s, want)
			}
		case <-time.After(patience):
			t.Fatal("the client got nothing")
		}
	}
	c := p.conn.Counters()
	if c.PacketsIn != 2 || c.PacketsOut != 2 || c.BytesIn == 0 || c.BytesOut == 0 || c.Discarded != 0 {
		t.Errorf("counters %+v", c)
	}
	if e, tcp, ok := p.conn.Remote(); !ok || tcp || !e.Addr().IsLoopback() {
		t.Errorf("remote %v %v %v", e, tcp, ok)
	}
	if l.Counters().Sent == 0 {
		t.Error("nothing counted as sent")
	}
}

// The client's port changes: it is followed as soon as it says something.
func TestTheClientMoves(t *testing.T) {
	l := listener(t, nil)
	p := connect(t, l)
	before, _, _ := p.conn.Remote()
	if err := p.Rebind(0); err != nil {
		t.Fatal(err)
	}
	p.SendAudio([]byte{1}, 40) // from an unproven address: not heard
	p.Check()
	moved := time.NewTicker(20 * time.Millisecond)
	defer moved.Stop()
	deadline := time.After(patience)
	for {
		if e, _, _ := p.conn.Remote(); e != before {
			break
		}
		select {
		case <-moved.C:
			p.SendAudio([]byte{1}, 40)
		case <-deadline:
			t.Fatal("the new way is not used")
		}
	}
}

func TestSilenceIsNoticed(t *testing.T) {
	l := listener(t, func(c *Config) { c.Timeout = 1500 * time.Millisecond })
	p := connect(t, l)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	p.events.until(t, "failure", func() bool { return p.events.failure != nil })
	if !errors.Is(p.events.failure, ErrTimeout) {
		t.Errorf("failed with %v, want ErrTimeout", p.events.failure)
	}
	if p.conn.IsConnected() || p.conn.SendRTP(rtpPacket(1, 5)) {
		t.Error("a failed connection still sends")
	}
}

func TestChecksAloneKeepTheConnection(t *testing.T) {
	l := listener(t, func(c *Config) { c.Timeout = 1500 * time.Millisecond })
	p := open(t, l)
	p.CheckEvery = 200 * time.Millisecond
	if err := p.Connect(t.Context(), p.answer); err != nil {
		t.Fatal(err)
	}
	other := connect(t, l) // its failure tells that the time has come
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	other.events.until(t, "the silent one's failure", func() bool { return other.events.failure != nil })
	if !p.conn.IsConnected() {
		t.Errorf("failed with %v despite its checks", p.events.failure)
	}
}

func TestWhoNeverComesIsGivenUp(t *testing.T) {
	l := listener(t, func(c *Config) { c.SetupTimeout = time.Second })
	p := open(t, l)
	p.events.until(t, "failure", func() bool { return p.events.failure != nil })
	if !errors.Is(p.events.failure, ErrTimeout) {
		t.Errorf("failed with %v, want ErrTimeout", p.events.failure)
	}
}

func TestFarewell(t *testing.T) {
	l := listener(t, nil)
	p := connect(t, l)
	if err := p.Shut(); err != nil {
		t.Fatal(err)
	}
	p.events.until(t, "failure", func() bool { return p.events.failure != nil })
	if !errors.Is(p.events.failure, ErrPeerClosed) {
		t.Errorf("failed with %v, want ErrPeerClosed", p.events.failure)
	}
}

// Records that anybody could have written must not end a connection.
func TestForgedRecordsChangeNothing(t *testing.T) {
	l := listener(t, nil)
	p := connect(t, l)
	closeNotify := []byte{21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 99, 0, 2, 1, 0}
	data := []byte{23, 254, 253, 0, 0, 0, 0, 0, 0, 0, 98, 0, 1, 0}
	for range 3 {
		p.WriteRaw(closeNotify)
		p.WriteRaw(data)
		p.WriteRaw([]byte{20, 1})
	}
	p.SendAudio([]byte{1}, 30)
	p.events.until(t, "sound", func() bool { return len(p.events.rtp) > 0 })
	if !p.conn.IsConnected() || p.events.failure != nil {
		t.Errorf("ended by forged records: %v", p.events.failure)
	}
}

func TestForgedMediaIsDiscarded(t *testing.T) {
	l := listener(t, nil)
	p := connect(t, l)
	forged := make([]byte, 60)
	rtpx.PutHeader(forged, rtpx.Header{PayloadType: 111, SSRC: 9})
	p.WriteRaw(forged)
	p.WriteRaw(append([]byte{0x80, 201, 0, 1}, forged[:40]...))
	p.WriteRaw([]byte{0x80, 111, 0})
	p.SendAudio([]byte{1}, 30)
	p.events.until(t, "sound", func() bool { return len(p.events.rtp) > 0 })
	if c := p.conn.Counters(); c.Discarded != 2 || c.PacketsIn != 1 {
		t.Errorf("counters %+v, want 2 discarded", c)
	}
}

// A replayed packet is discarded, so it cannot move the connection either.
func TestReplaysAreDiscarded(t *testing.T) {
	l := listener(t, nil)
	p := connect(t, l)
	p.SendAudio([]byte{1}, 30)
	p.events.until(t, "sound", func() bool { return len(p.events.rtp) == 1 })
	pkt := make([]byte, 30)
	n := rtpx.PutHeader(pkt, rtpx.Header{PayloadType: 111, Seq: 77, SSRC: 1234})
	p.SendRTP(pkt[:n+4])
	p.SendRTP(pkt[:n+4])
	p.SendAudio([]byte{1}, 30)
	p.events.until(t, "sound", func() bool { return len(p.events.rtp) == 3 })
	if c := p.conn.Counters(); c.Discarded != 1 {
		t.Errorf("counters %+v, want 1 discarded", c)
	}
}

func TestManyStreamsAreBounded(t *testing.T) {
	l := listener(t, nil)
	p := connect(t, l)
	for i := range uint32(200) {
		pkt := make([]byte, 20)
		rtpx.PutHeader(pkt, rtpx.Header{PayloadType: 111, SSRC: 100 + i})
		p.SendRTP(pkt)
	}
	p.SendRTCP([]byte{0x80, 201, 0, 1, 0, 0, 0, 5})
	p.events.until(t, "the report behind them", func() bool { return p.events.rtcp == 1 })
	if c := p.conn.Counters(); len(p.events.rtp) != maxSources || c.Discarded != 200-maxSources {
		t.Errorf("%d packets taken and %d not, want one of each of %d streams", len(p.events.rtp), c.Discarded, maxSources)
	}
}

func TestManyReportersAreBounded(t *testing.T) {
	l := listener(t, nil)
	p := connect(t, l)
	for i := range uint32(200) {
		p.SendRTCP(binary.BigEndian.AppendUint32([]byte{0x80, 201, 0, 1}, 100+i))
	}
	p.SendAudio([]byte{1}, 30)
	p.events.until(t, "the sound behind them", func() bool { return len(p.events.rtp) == 1 })
	if c := p.conn.Counters(); p.events.rtcp != maxSources || c.Discarded != 200-maxSources {
		t.Errorf("%d reports taken and %d not, want one of each of %d sources", p.events.rtcp, c.Discarded, maxSources)
	}
}

func TestACertificateMustMatchTheOffer(t *testing.T) {
	l := listener(t, nil)
	p := open(t, l)
	other, err := client.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	mallory, err := client.New(other)
	if err != nil {
		t.Fatal(err)
	}
	defer mallory.Close()
	conn, err := l.Open(p.events)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// Mallory's checks with somebody else's fingerprint in the offer.
	offer := mallory.Offer(false, 0)
	text := strings.Replace(offer, client.Fingerprint(other), strings.TrimSuffix(strings.Repeat("00:", 32), ":"), 1)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := mallory.Connect(ctx, answer(t, l, conn, text)); err == nil {
		// The client's side of the handshake may be through; ours is not.
		p.events.until(t, "failure", func() bool { return p.events.failure != nil })
	}
	p.events.until(t, "failure", func() bool { return errors.Is(p.events.failure, ErrHandshake) })
	if conn.IsConnected() {
		t.Error("connected to a foreign certificate")
	}
}

func TestSetRemoteMustNotChange(t *testing.T) {
	l := listener(t, nil)
	p := open(t, l)
	o, err := sdp.Parse(p.Offer(false, 0))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.conn.SetRemote(o); err != nil {
		t.Errorf("the same again: %v", err)
	}
	changed := *o
	changed.Ufrag = "other"
	if err := p.conn.SetRemote(&changed); !errors.Is(err, sdp.ErrSyntax) {
		t.Errorf("other credentials: %v", err)
	}
	changed = *o
	changed.Fingerprints = []sdp.Fingerprint{{Algorithm: "sha-512", Value: "AA"}}
	if err := p.conn.SetRemote(&changed); !errors.Is(err, sdp.ErrSyntax) {
		t.Errorf("another fingerprint: %v", err)
	}
	changed.Fingerprints = []sdp.Fingerprint{{Algorithm: "md5", Value: "AA"}}
	if err := p.conn.SetRemote(&changed); !errors.Is(err, sdp.ErrSyntax) {
		t.Errorf("an unknown hash: %v", err)
	}
}
