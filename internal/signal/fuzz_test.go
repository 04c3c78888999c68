package signal

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// FuzzSession sends a joined client's connection whatever it likes, and then a
// ping: it is answered, or the client has been hung up on.
func FuzzSession(f *testing.F) {
	for _, frame := range []*wire.Frame{
		joinFrame(1), subscribeFrame("offer"), leaveFrame(), muteFrame(true), dataFrameOf("chat", "x", 5000),
		{Type: wire.Frame_PAUSE.Enum()}, {Type: wire.Frame_PRIMARY_MEETING_JOIN.Enum()}, {Type: wire.Frame_PRIMARY_MEETING_LEAVE.Enum()},
		{Type: wire.Frame_REMOTE_VIDEO_UPDATE.Enum()}, {Type: wire.Frame_MEETING_SESSION_TIMING.Enum()},
	} {
		frame.TimestampMs = proto.Uint64(1)
		f.Add(mustEncode(frame), true)
	}
	f.Add([]byte{wire.Prefix}, false)
	m := newFakeMedia()
	f.Cleanup(m.stop)
	s, err := New(Config{Control: fakeControl{}, Room: m.Room, Timers: Timers{Dropped: time.Millisecond, Farewell: time.Millisecond}})
	if err != nil {
		f.Fatal(err)
	}
	door := httptest.NewServer(s)
	f.Cleanup(door.Close)
	url := "ws" + strings.TrimPrefix(door.URL, "http") + PathControl + meeting.ID{7}.String()
	pingFrame := &wire.Frame{
		TimestampMs: proto.Uint64(1), Type: wire.Frame_PING_PONG.Enum(),
		PingPong: &wire.PingPong{Type: wire.PingPong_PING.Enum(), PingId: proto.Uint32(0xfffffff0)},
	}
	f.Fuzz(func(t *testing.T, msg []byte, join bool) {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		ws, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{Subprotocols: []string{subprotocol, "token"}})
		if err != nil {
			t.Fatal(err)
		}
		defer ws.CloseNow()
		var out [][]byte
		if join {
			j := joinFrame(1)
			j.TimestampMs = proto.Uint64(1)
			out = append(out, mustEncode(j))
		}
		for _, b := range append(out, msg, mustEncode(pingFrame)) {
			if ws.Write(ctx, websocket.MessageBinary, b) != nil {
				return // hung up on
			}
		}
		for {
			_, b, err := ws.Read(ctx)
			if ctx.Err() != nil {
				t.Fatal("neither answered nor hung up on")
			}
			if err != nil {
				return
			}
			if f, err := wire.Decode(b); err != nil {
				t.Fatalf("the server sent garbage: %v", err)
			} else if f.GetPingPong().GetPingId() == 0xfffffff0 {
				return
			}
		}
	})
}

// FuzzOfferedToken reads the header of an upgrade.
func FuzzOfferedToken(f *testing.F) {
	f.Add(subprotocol+", token#content", "")
	f.Add(", ,", "")
	f.Add(nativeSubprotocol, subprotocol+"=token")
	f.Fuzz(func(t *testing.T, value, cookie string) {
		o, ok := offered(&http.Request{Header: http.Header{"Sec-Websocket-Protocol": {value}, "Cookie": {cookie}}})
		switch {
		case !ok:
		case o.native() && (o.token == "" || !strings.Contains(cookie, o.token)):
			t.Errorf("token %q of cookie %q", o.token, cookie)
		case !o.native() && (o.token == "" || o.token == subprotocol && strings.Count(value, subprotocol) < 2 || !strings.Contains(value, o.token)):
			t.Errorf("token %q of %q", o.token, value)
		}
	})
}
