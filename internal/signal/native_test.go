package signal

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// dialNative opens a connection as Amazon's native signaling client does.
func (v *env) dialNative(id, cookie string) (*websocket.Conn, *http.Response, error) {
	ctx, cancel := context.WithTimeout(v.t.Context(), patience)
	defer cancel()
	header := http.Header{}
	if cookie != "" {
		header.Set("Cookie", cookie)
	}
	return websocket.Dial(ctx, "ws"+strings.TrimPrefix(v.http.URL, "http")+PathControl+id,
		&websocket.DialOptions{Subprotocols: []string{nativeSubprotocol}, HTTPHeader: header})
}

// The native client has its token in a cookie, marks its messages with another
// byte and wants to be told a TURN server.
func TestANativeClientJoins(t *testing.T) {
	for _, turn := range []bool{true, false} {
		v := newEnv(t, func(c *Config) {
			c.MediaHost = "192.0.2.1:3478"
			if turn {
				c.TURN = func(string) TURN { return TURN{URIs: []string{"turn:turn.example.org:3478"}} }
			}
		})
		p := v.meet("ada")
		ws, _, err := v.dialNative(p.id.String(), "_aws_wt_session="+p.token("ada"))
		if err != nil {
			t.Fatal(err)
		}
		defer ws.CloseNow()
		if ws.Subprotocol() != nativeSubprotocol {
			t.Errorf("sub-protocol %q selected", ws.Subprotocol())
		}
		join, err := wire.Encode(&wire.Frame{
			TimestampMs: proto.Uint64(1), Type: wire.Frame_JOIN.Enum(),
			Join: &wire.Join{ProtocolVersion: proto.Uint32(2), AudioSessionId: proto.Uint64(7), Flags: proto.Uint32(2)},
		})
		if err != nil {
			t.Fatal(err)
		}
		join[0] = wire.NativePrefix
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := ws.Write(ctx, websocket.MessageBinary, join); err != nil {
			t.Fatal(err)
		}
		_, answer, err := ws.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		f, err := wire.Decode(answer)
		if err != nil || answer[0] != wire.NativePrefix || f.GetType() != wire.Frame_JOIN_ACK {
			t.Fatalf("answered %#x %v, %v", answer[0], f, err)
		}
		want := "turn:192.0.2.1:3478?transport=udp"
		if turn {
			want = "turn:turn.example.org:3478"
		}
		if uris := f.GetJoinAck().GetTurnCredentials().GetUris(); len(uris) != 1 || uris[0] != want {
			t.Errorf("TURN URIs %v, want %s", uris, want)
		}
	}
}

func TestANativeClientWithoutATokenIsRefused(t *testing.T) {
	v := newEnv(t, nil)
	p := v.meet("ada")
	for _, cookie := range []string{"", "_aws_wt_session=", "session=" + p.token("ada")} {
		_, resp, err := v.dialNative(p.id.String(), cookie)
		if err == nil || resp == nil || resp.StatusCode != noToken.outcome().http {
			t.Errorf("cookie %q: %v, %v", cookie, resp, err)
		}
	}
}
