package turn

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"errors"
	"io"
	"log/slog"
	"net"
	"testing"
	"testing/iotest"
	"time"

	"github.com/pion/stun/v4"

	"github.com/carillon-meetings/carillon/internal/logtest"
)

// eventually waits until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.After(30 * time.Second); !so(); {
		select {
		case <-time.After(time.Millisecond):
		case <-deadline:
			t.Fatal("not so: ", what)
		}
	}
}

// openConns returns how many TCP connections are open.
func openConns(s *Server) int {
	s.conns[0].mu.Lock()
	defer s.conns[0].mu.Unlock()
	return len(s.conns[0].open)
}

// A client may give any port of a media address as a peer; the server does not
// remember them all.
func TestAnAllocationHasFewChannels(t *testing.T) {
	var log logtest.Buffer
	s := start(t, func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	conn := allocate(t, client(t, s, "udp", s.Credentials("a")))
	for port := 2000; allocations(s) > 0; port++ {
		if port > 2000+4*maxChannels {
			t.Fatal("an allocation has any number of channels")
		}
		_, _ = conn.WriteTo([]byte("x"), &net.UDPAddr{IP: announcedIP.AsSlice(), Port: port}) // fails once the relay is gone
		time.Sleep(time.Millisecond)                                                          // bindings are asked for beside it
	}
	waitLines(t, &log, `operation=ChannelBind error=LimitExceededException reason="the relay has too many channels" from=127.0.0.1`, 1)
	allocate(t, client(t, s, "udp", s.Credentials("a")))
}

// Channels that have ended do not count.
func TestChannelsThatEndMakeRoom(t *testing.T) {
	s := start(t, nil)
	relayed := allocate(t, client(t, s, "udp", s.Credentials("a"))).LocalAddr()
	for range 3 * maxChannels {
		s.bound(relayed, nil, "", "", "", relayed, nil, 0)
		s.unbound(relayed, nil, "", "", "", relayed, nil, 0)
	}
	if allocations(s) != 1 {
		t.Error("the relay was closed")
	}
}

// An attendee's allocations are counted, so a connection must not outlive its own
// for long: it would be had for nothing.
func TestAConnectionWithoutItsAllocationEnds(t *testing.T) {
	s := start(t, func(c *Config) { c.ProveTimeout = 2 * time.Second })
	kept := allocate(t, client(t, s, "tcp", s.Credentials("a")))
	s.conns[0].mu.Lock()
	var ends *boundedConn
	for _, ends = range s.conns[0].open {
	}
	s.conns[0].mu.Unlock()
	one, err := client(t, s, "tcp", s.Credentials("a")).Allocate()
	if err != nil {
		t.Fatal(err)
	}
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	tcp := ends.RemoteAddr().(*net.TCPAddr)
	s.freed(&net.UDPAddr{IP: tcp.IP, Port: tcp.Port}, ends.LocalAddr(), "", "", "") // a UDP client at the same port
	eventually(t, "the connection without an allocation has ended", func() bool { return openConns(s) == 1 })
	if _, err := kept.WriteTo([]byte("x"), net.UDPAddrFromAddrPort(s.cfg.Announced[0])); err != nil {
		t.Error(err)
	}
	_ = kept.SetReadDeadline(time.Now().Add(30 * time.Second))
	if _, _, err := kept.ReadFrom(make([]byte, 1500)); err != nil {
		t.Errorf("a client with an allocation had to go: %v", err)
	}
}

// A message is read as a whole or not at all, in whatever pieces it comes, and
// nothing is kept of one that is longer than any client's.
func TestMessagesAreReadAsAWhole(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   []byte
		size int
	}{
		{"STUN", append([]byte{0, 1, 0, 4}, make([]byte, 40)...), 24},
		{"channel data", append([]byte{0x40, 0, 0, 5}, make([]byte, 40)...), 12},
		{"as long as may be", append([]byte{0x40, 0, 0x06, 0x3c}, make([]byte, 1700)...), maxFrame},
	} {
		in := bufio.NewReader(iotest.OneByteReader(bytes.NewReader(tt.in)))
		if n, err := readFrame(in, make([]byte, maxFrame)); n != tt.size || err != nil {
			t.Errorf("%s: read %d, %v; want %d", tt.name, n, err, tt.size)
		}
	}
	for _, head := range [][]byte{{0x40, 0, 0x06, 0x3d}, {0, 1, 0xff, 0xfc}, {0x80, 0, 0, 4}, {0xff, 0xff, 0, 0}} {
		s := start(t, nil)
		conn := dial(t, address(t, s, "tcp"))
		defer conn.Close()
		if _, err := conn.Write(head); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(s.cfg.ProveTimeout - time.Second))
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("%x: Read = %v, want the end", head, err)
		}
	}
}

// Even ports, which the protocol server remembers, are not given out.
func TestEvenPortsRefused(t *testing.T) {
	s := start(t, nil)
	conn := dialUDP(t, address(t, s, "udp"))
	ask := func(setters ...stun.Setter) *stun.Message {
		t.Helper()
		setters = append([]stun.Setter{
			stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest),
			stun.RawAttribute{Type: stun.AttrRequestedTransport, Value: []byte{17, 0, 0, 0}},
		}, setters...)
		if _, err := conn.Write(stun.MustBuild(setters...).Raw); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
		answer := &stun.Message{Raw: make([]byte, maxFrame)}
		if _, err := answer.ReadFrom(conn); err != nil {
			t.Fatal(err)
		}
		return answer
	}
	c := s.Credentials("a")
	var nonce stun.Nonce
	if err := nonce.GetFrom(ask()); err != nil {
		t.Fatal(err)
	}
	key := md5.Sum([]byte(c.Username + ":" + realm + ":" + c.Password))
	answer := ask(stun.RawAttribute{Type: stun.AttrEvenPort, Value: []byte{0x80}},
		stun.NewUsername(c.Username), stun.NewRealm(realm), nonce, stun.MessageIntegrity(key[:]))
	var code stun.ErrorCodeAttribute
	if err := code.GetFrom(answer); err != nil || code.Code != stun.CodeInsufficientCapacity {
		t.Errorf("answered %v with %v", answer.Type, code)
	}
}

func dialUDP(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}
