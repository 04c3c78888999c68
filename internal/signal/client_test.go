package signal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// client is a scripted client.
type client struct {
	t       testing.TB
	ws      *websocket.Conn
	frames  chan *wire.Frame
	closed  chan struct{} // closed when the connection has ended
	code    websocket.StatusCode
	reason  string // of the close frame
	session uint64
	peer    *fakePeer         // the peer media gave it, once joined
	deaf    chan struct{}     // closed to have it stop reading
	stopped chan struct{}     // closed when it has
	first   []*wire.RosterRow // the first roster
}

// found returns the attendee's row in the first roster.
func (c *client) found(attendee string) *wire.RosterRow {
	c.t.Helper()
	for _, r := range c.first {
		if r.GetAttendeeId() == attendee {
			return r
		}
	}
	c.t.Fatalf("%s is not in the first roster %v", attendee, c.first)
	return nil
}

// stopReading has the client read nothing more from its connection. An answer
// is provoked so that its reader gets to know.
func (c *client) stopReading() {
	c.t.Helper()
	close(c.deaf)
	c.send(&wire.Frame{Type: wire.Frame_PING_PONG.Enum(), PingPong: &wire.PingPong{Type: wire.PingPong_PING.Enum(), PingId: proto.Uint32(1)}})
	select {
	case <-c.stopped:
	case <-time.After(patience):
		c.t.Fatal("the client reads on")
	}
}

// open connects with the user's token. The client's audio session is its own.
func (p *party) open(user string) *client { return p.v.dial(p.id, p.token(user)) }

var sessions atomic.Uint64

func (v *env) dial(id meeting.ID, token string) *client {
	v.t.Helper()
	return v.dialWith(id, token, http.Header{})
}

func (v *env) dialWith(id meeting.ID, token string, header http.Header) *client {
	v.t.Helper()
	ws, resp, err := v.tryDial(id.String(), token, header)
	if err != nil {
		v.t.Fatalf("dial: %v (%v)", err, resp)
	}
	if ws.Subprotocol() != subprotocol {
		v.t.Errorf("sub-protocol %q selected", ws.Subprotocol())
	}
	c := &client{
		t: v.t, ws: ws, frames: make(chan *wire.Frame, 4096), closed: make(chan struct{}), session: sessions.Add(1),
		deaf: make(chan struct{}), stopped: make(chan struct{}),
	}
	v.sockets.Go(c.read)
	v.t.Cleanup(func() { ws.CloseNow() })
	return c
}

func (v *env) tryDial(id, token string, header http.Header) (*websocket.Conn, *http.Response, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	url := "ws" + strings.TrimPrefix(v.http.URL, "http") + PathControl + id + "?X-Chime-Control-Protocol-Version=3"
	ws, resp, err := websocket.Dial(ctx, url, &websocket.DialOptions{Subprotocols: []string{subprotocol, token}, HTTPHeader: header})
	if err == nil {
		ws.SetReadLimit(-1)
	}
	return ws, resp, err
}

// read collects what the server sends.
func (c *client) read() {
	defer close(c.closed)
	defer close(c.frames)
	for {
		select {
		case <-c.deaf:
			close(c.stopped)
			<-c.t.Context().Done() // the connection stays open, unread
			return
		default:
		}
		_, msg, err := c.ws.Read(context.Background())
		if err != nil {
			c.code = websocket.CloseStatus(err)
			var closed websocket.CloseError
			if errors.As(err, &closed) {
				c.reason = closed.Reason
			}
			return
		}
		f, err := wire.Decode(msg)
		if err != nil {
			c.t.Errorf("the server sent garbage: %v", err)
			return
		}
		c.frames <- f
	}
}

// send sends a frame, with its timestamp set.
func (c *client) send(f *wire.Frame) {
	c.t.Helper()
	f.TimestampMs = proto.Uint64(uint64(time.Now().UnixMilli()))
	msg, err := wire.Encode(f)
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.ws.Write(ctx, websocket.MessageBinary, msg); err != nil {
		c.t.Fatalf("send %v: %v", f.GetType(), err)
	}
}

// get returns the next frame for which ok holds, skipping others.
func (c *client) get(what string, ok func(*wire.Frame) bool) *wire.Frame {
	c.t.Helper()
	deadline := time.After(patience)
	var skipped []wire.Frame_Type
	for {
		select {
		case f, open := <-c.frames:
			if !open {
				c.t.Fatalf("connection closed (%d) while waiting for %s; skipped %v", c.code, what, skipped)
			}
			if ok(f) {
				return f
			}
			skipped = append(skipped, f.GetType())
		case <-deadline:
			c.t.Fatalf("no %s; skipped %v", what, skipped)
		}
	}
}

func (c *client) expect(typ wire.Frame_Type) *wire.Frame {
	c.t.Helper()
	return c.get(typ.String(), func(f *wire.Frame) bool { return f.GetType() == typ })
}

func (c *client) status(want uint32) {
	c.t.Helper()
	if got := c.expect(wire.Frame_AUDIO_STATUS).GetAudioStatus().GetAudioStatus(); got != want {
		c.t.Fatalf("audio status %d, want %d", got, want)
	}
}

// row waits for a roster row for which ok holds.
func (c *client) row(what string, ok func(*wire.RosterRow) bool) *wire.RosterRow {
	c.t.Helper()
	var found *wire.RosterRow
	c.get("roster row: "+what, func(f *wire.Frame) bool {
		for _, r := range f.GetRoster().GetStreams() {
			if ok(r) {
				found = r
				return true
			}
		}
		return false
	})
	return found
}

func (c *client) sees(attendee string) *wire.RosterRow {
	c.t.Helper()
	return c.row(attendee+" present", func(r *wire.RosterRow) bool { return r.GetAttendeeId() == attendee })
}

// seesGone waits for the audio stream to be taken away.
func (c *client) seesGone(id uint32) *wire.RosterRow {
	c.t.Helper()
	return c.row(fmt.Sprint(id, " gone"), func(r *wire.RosterRow) bool {
		return r.GetAudioStreamId() == id && r.AttendeeId == nil && r.Muted == nil
	})
}

// ended waits for the connection to end and returns its close code.
func (c *client) ended() websocket.StatusCode {
	c.t.Helper()
	select {
	case <-c.closed:
		return c.code
	case <-time.After(patience):
		c.t.Fatal("the connection stays open")
		return 0
	}
}

func joinFrame(session uint64) *wire.Frame {
	return &wire.Frame{Type: wire.Frame_JOIN.Enum(), Join: &wire.Join{
		ProtocolVersion: proto.Uint32(2), Flags: proto.Uint32(2), AudioSessionId: proto.Uint64(session),
		ClientDetails: &wire.ClientDetails{PlatformName: proto.String("chrome"), PlatformVersion: proto.String("156"), ClientSource: proto.String("test")},
	}}
}

func subscribeFrame(sdp string) *wire.Frame {
	return &wire.Frame{Type: wire.Frame_SUBSCRIBE.Enum(), Subscribe: &wire.Subscribe{
		Duplex: wire.Service_RX.Enum(), SdpOffer: proto.String(sdp), AudioHost: proto.String("host"), AudioMuted: proto.Bool(false),
		ReceiveStreamIds: []uint32{0},
		SendStreams:      []*wire.Stream{{MediaType: wire.Media_AUDIO.Enum(), StreamId: proto.Uint32(1), GroupId: proto.Uint32(1)}},
	}}
}

func leaveFrame() *wire.Frame {
	return &wire.Frame{Type: wire.Frame_LEAVE.Enum(), Leave: &wire.Leave{}}
}

// joinOnly sends JOIN and returns the answer, past the first INDEX.
func (c *client) joinOnly(v *env) *wire.Frame {
	c.t.Helper()
	before := v.media.count()
	c.send(joinFrame(c.session))
	ack := c.expect(wire.Frame_JOIN_ACK)
	if ack.GetError() != nil {
		c.t.Fatalf("refused: %v", ack.GetError())
	}
	c.expect(wire.Frame_INDEX)
	c.peer = v.media.after(c.t, before)
	return ack
}

// join opens a connection and goes through everything until the user is in.
func (p *party) join(user string) *client {
	p.v.t.Helper()
	c := p.open(user)
	p.joinWith(c, user)
	return c
}

func (p *party) joinWith(c *client, user string) *wire.Frame {
	p.v.t.Helper()
	c.joinOnly(p.v)
	c.send(subscribeFrame("offer"))
	if ack := c.expect(wire.Frame_SUBSCRIBE_ACK); ack.GetError() != nil {
		c.t.Fatalf("offer refused: %v", ack.GetError())
	}
	c.peer.up()
	roster := c.expect(wire.Frame_AUDIO_STREAM_ID_INFO)
	c.first = roster.GetRoster().GetStreams()
	mine := p.wire(user)
	for _, r := range roster.GetRoster().GetStreams() {
		if r.GetAttendeeId() == mine {
			return roster
		}
	}
	c.t.Fatalf("own row missing from the first roster: %v", roster)
	return nil
}

func (c *client) sendRaw(msg []byte) {
	c.t.Helper()
	if err := c.trySendRaw(msg); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) trySendRaw(msg []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return c.ws.Write(ctx, websocket.MessageBinary, msg)
}

func (c *client) sendText(text string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.ws.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}
