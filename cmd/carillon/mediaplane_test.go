package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"

	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/media/client"
)

// The TURN server relays to the addresses that stand in the answers, found by
// the media node's rules, and to no other address of this machine.
func TestTheRelayReachesWhatTheAnswersName(t *testing.T) {
	s := startServer(t, t.TempDir(), "--media-udp", "localhost:0", "--turn-udp", "127.0.0.1:0")
	relay := allocate(t, s)
	announced := netip.MustParseAddr("127.0.0.1")
	for _, a := range s.media.node.Announced() {
		if a.Addr() != announced {
			t.Errorf("announced %v, want only what localhost is", a)
		}
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil || !prefix.Addr().Is4() {
			continue
		}
		peer := net.UDPAddrFromAddrPort(netip.AddrPortFrom(prefix.Addr(), 9))
		if err := relay.CreatePermission(peer); (err == nil) != (prefix.Addr() == announced) {
			t.Errorf("permission for %v: %v", prefix.Addr(), err)
		}
	}
}

// allocate opens a relay on the server's TURN server.
func allocate(t *testing.T, s *server) *turn.Client {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := s.media.turn.Credentials("attendee")
	uri, err := stun.ParseURI(c.URIs[0])
	if err != nil {
		t.Fatal(err)
	}
	addr := net.JoinHostPort(uri.Host, fmt.Sprint(uri.Port))
	tc, err := turn.NewClient(&turn.ClientConfig{
		STUNServerAddr: addr, TURNServerAddr: addr, Conn: conn, Username: c.Username, Password: c.Password,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tc.Close)
	if err := tc.Listen(); err != nil {
		t.Fatal(err)
	}
	relayed, err := tc.Allocate()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { relayed.Close() })
	return tc
}

// listener is a peer's owner that waits for its end.
type listener struct {
	media.PeerEvents
	failed chan error
}

func (l listener) Connected()                                    {}
func (l listener) StepDone(string, time.Time)                    {}
func (l listener) SourcesChanged()                               {}
func (l listener) Bitrates(streams []media.StreamBitrate, n int) {}
func (l listener) Failed(err error)                              { l.failed <- err }

// One flag says when somebody counts as dropped, for media as for signaling.
func TestSilentMediaIsGivenUpAfterTheDroppedTimer(t *testing.T) {
	s := startServer(t, t.TempDir(), "--timer-dropped", "1s")
	events := listener{failed: make(chan error, 1)}
	peer, err := s.media.node.Room("m").Join(media.PeerConfig{
		AttendeeID: "a", Owner: "a", AudioStreamID: 1, Permissions: media.Permissions{AudioSend: true}, Events: events,
	})
	if err != nil {
		t.Fatal(err)
	}
	cert, err := client.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(cert)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := peer.Subscribe(t.Context(), media.Offer{SDP: c.Offer(false, 0)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.Connect(ctx, answer.SDP); err != nil {
		t.Fatal(err)
	}
	silent := time.Now()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-events.failed:
		if !errors.Is(err, media.ErrTimeout) || !strings.Contains(err.Error(), "nothing received") {
			t.Errorf("failed with %v, want ErrTimeout", err)
		}
	case <-ctx.Done():
		t.Fatalf("a silent client is still there after %v", time.Since(silent))
	}
}
