package signal

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// Opcodes of RFC 6455, section 5.2.
const (
	opPiece, opText, opBinary, opClose, opPing = 0, 1, 2, 8, 9
	final                                      = 0x80
)

// frameBytes is a client's WebSocket frame, masked with nothing.
func frameBytes(first byte, payload []byte) []byte {
	b := []byte{first, masked}
	switch n := len(payload); {
	case n < length16:
		b[1] |= byte(n)
	case n < 1<<16:
		b[1] |= length16
		b = binary.BigEndian.AppendUint16(b, uint16(n))
	default:
		b[1] |= length64
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	b = append(b, 0, 0, 0, 0)
	return append(b, payload...)
}

// rawSocket is a WebSocket without a library that would keep to the rules.
func rawSocket(t *testing.T, v *env, id meeting.ID, token string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", v.http.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	request := "GET " + PathControl + id.String() + " HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: " + subprotocol + ", " + token + "\r\n\r\n"
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	answer, err := http.ReadResponse(r, nil)
	if err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v, %v", answer, err)
	}
	return conn, r
}

// TestEverythingCounts: no kind of frame is free, whether the token is good or
// not.
func TestEverythingCounts(t *testing.T) {
	small := frameBytes(opPing|final, nil)
	for name, flood := range map[string][]byte{
		"pings":         small,
		"text":          frameBytes(opText|final, []byte("hello")),
		"large text":    frameBytes(opText|final, bytes.Repeat([]byte("x"), 1<<16)),
		"pieces":        frameBytes(opPiece, []byte("x")),
		"empty pieces":  frameBytes(opPiece, nil),
		"large message": frameBytes(opBinary|final, make([]byte, 1<<20)),
	} {
		for _, good := range []bool{true, false} {
			t.Run(name+map[bool]string{true: "", false: " with a bad token"}[good], func(t *testing.T) {
				v := newEnv(t, func(c *Config) {
					c.Timers.Farewell, c.Timers.KeepAlive, c.Timers.Close = time.Minute, time.Minute, 200*time.Millisecond
				})
				p := v.meet("ada")
				token := p.token("ada")
				if !good {
					token = strings.ToLower(token)
				}
				conn, r := rawSocket(t, v, p.id, token)
				if strings.Contains(name, "pieces") {
					write(t, conn, frameBytes(opBinary, []byte{wire.Prefix}))
				}
				v.sockets.Go(func() {
					for { // until the server has had enough
						if _, err := conn.Write(flood); err != nil {
							return
						}
					}
				})
				if code, last := readToClose(t, r); good && (code != int(closeMisuse) || last.GetError().GetStatus() != statusTooMany) {
					t.Errorf("closed with %d after %v", code, last)
				} else if !good && code != int(closeForbidden) && code != 0 {
					t.Errorf("closed with %d", code)
				}
			})
		}
	}
}

func write(t *testing.T, conn net.Conn, b []byte) {
	t.Helper()
	if _, err := conn.Write(b); err != nil {
		t.Fatal(err)
	}
}

// readToClose reads what the server sends and returns the code of its close
// frame, 0 if the connection just ended, and the last message before.
func readToClose(t *testing.T, r *bufio.Reader) (code int, last *wire.Frame) {
	t.Helper()
	for {
		var header [2]byte
		if _, err := io.ReadFull(r, header[:]); err != nil {
			if nerr, ok := err.(net.Error); ok && nerr.Timeout() {
				t.Fatal("the flood goes on")
			}
			return 0, last
		}
		payload := make([]byte, header[1]&shortLength)
		if len(payload) >= length16 {
			t.Fatalf("a frame of more than %d bytes", length16)
		}
		if _, err := io.ReadFull(r, payload); err != nil {
			return 0, last
		}
		switch header[0] &^ final {
		case opClose:
			return int(binary.BigEndian.Uint16(payload)), last
		case opBinary:
			f, err := wire.Decode(payload)
			if err != nil {
				t.Fatal(err)
			}
			last = f
		}
	}
}

// TestTooLargeForAJoinedClient: it is told by a frame, as of every ending.
func TestTooLargeForAJoinedClient(t *testing.T) {
	v := newEnv(t, nil)
	c := v.meet("ada").join("ada")
	c.sendRaw(make([]byte, wire.MaxMessage+1))
	c.get("error 429", func(f *wire.Frame) bool { return f.GetError().GetStatus() == statusTooMany })
	if code := c.ended(); code != closeMisuse {
		t.Errorf("closed with %d", code)
	}
}

// TestOrdinaryClientsAreWithinBudget: the largest messages, as many as a client
// may send at once, and pings between them.
func TestOrdinaryClientsAreWithinBudget(t *testing.T) {
	v := newEnv(t, nil)
	c := v.meet("ada").join("ada")
	metric := mustEncode(&wire.Frame{TimestampMs: proto.Uint64(1), Type: wire.Frame_CLIENT_METRIC.Enum()})
	for range frameBurst * 9 / 10 {
		c.sendRaw(metric)
	}
	c.send(&wire.Frame{Type: wire.Frame_PING_PONG.Enum(), PingPong: &wire.PingPong{Type: wire.PingPong_PING.Enum(), PingId: proto.Uint32(3)}})
	c.get("pong", func(f *wire.Frame) bool { return f.GetPingPong().GetPingId() == 3 })
}

// FuzzFrameCounter: frames are counted alike however their bytes are cut.
func FuzzFrameCounter(f *testing.F) {
	f.Add([]byte("xyz"), 2, uint16(7))
	f.Add(make([]byte, 200), 5, uint16(1))
	f.Add(make([]byte, 1<<16), 1, uint16(999))
	f.Fuzz(func(t *testing.T, payload []byte, n int, cut uint16) {
		n = min(max(n, 0), 20)
		var stream []byte
		for range n {
			stream = append(stream, frameBytes(opPiece, payload)...)
		}
		var c frameCounter
		got := 0
		for rest := stream; len(rest) > 0; {
			piece := rest[:min(int(cut)+1, len(rest))]
			got += c.count(piece)
			rest = rest[len(piece):]
		}
		if got != n || c.skip != 0 || c.have != 0 {
			t.Errorf("%d frames of %d bytes counted as %d; %+v", n, len(payload), got, c)
		}
		// Anything at all is counted without harm.
		c = frameCounter{}
		if got := c.count(payload); got > len(payload) || got < 0 {
			t.Errorf("%d frames in %d bytes", got, len(payload))
		}
	})
}
