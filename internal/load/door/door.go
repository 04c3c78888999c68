// Package door is the client's side of a signaling connection, for load
// generators and tests: it opens the WebSocket with a join token, asks and waits
// for answers, and says why the connection ended. Media is package client's.
package door

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/coder/websocket"
	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// subprotocol is what the server answers to the two that a client offers; the
// other is its join token.
const subprotocol = "_aws_wt_session"

// Door is one signaling connection. Its reader hands INDEX and answers on and
// drops the rest undecoded. Its methods may be called from any goroutine, Ask
// by one at a time.
type Door struct {
	ws      *websocket.Conn
	answers chan *wire.Frame // JOIN_ACK, SUBSCRIBE_ACK, LEAVE_ACK
	index   func(*wire.Index)
	ended   chan struct{}
	err     error // why it ended, once ended is closed
}

// Refused is the HTTP status with which the server did not open the socket.
type Refused struct{ Status int }

// Error names the status.
func (r Refused) Error() string { return fmt.Sprintf("refused with %d", r.Status) }

// Ended is why the server threw the client out: the status of an AUDIO_STATUS
// frame, 410 for an ended meeting and 411 for a removed attendee.
type Ended struct{ Status uint32 }

// Error names the status.
func (e Ended) Error() string { return fmt.Sprintf("thrown out with status %d", e.Status) }

// Dial opens the connection. through is what the handshake goes through, nil for
// http.DefaultClient. index is called by the reading goroutine.
func Dial(ctx context.Context, through *http.Client, url, token string, index func(*wire.Index)) (*Door, error) {
	ws, resp, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: through, Subprotocols: []string{subprotocol, token}})
	if err != nil && resp != nil {
		return nil, fmt.Errorf("open socket: %w: %w", Refused{resp.StatusCode}, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open socket: %w", err)
	}
	ws.SetReadLimit(wire.MaxMessage)
	d := &Door{ws: ws, answers: make(chan *wire.Frame, 4), index: index, ended: make(chan struct{})}
	go d.read()
	return d, nil
}

// read ends with the connection.
func (d *Door) read() {
	defer close(d.ended)
	for {
		_, msg, err := d.ws.Read(context.Background())
		if err != nil {
			d.err = err
			return
		}
		if err := d.take(msg); err != nil {
			d.err = err
			_ = d.ws.CloseNow()
			return
		}
	}
}

// take handles one message. Its error ends the connection.
func (d *Door) take(msg []byte) error {
	kind, err := wire.TypeOf(msg)
	if err != nil {
		return err
	}
	switch kind {
	case wire.Frame_JOIN_ACK, wire.Frame_SUBSCRIBE_ACK, wire.Frame_LEAVE_ACK, wire.Frame_INDEX, wire.Frame_AUDIO_STATUS, wire.Frame_PING_PONG:
	default:
		return nil
	}
	f, err := wire.Decode(msg)
	if err != nil {
		return err
	}
	switch kind {
	case wire.Frame_INDEX:
		d.index(f.GetIndex())
	case wire.Frame_AUDIO_STATUS:
		if s := f.GetAudioStatus().GetAudioStatus(); s >= 300 {
			return Ended{s}
		}
	case wire.Frame_PING_PONG:
		if p := f.GetPingPong(); p.GetType() == wire.PingPong_PING {
			return d.Send(context.Background(), Ping(wire.PingPong_PONG, p.GetPingId()))
		}
	default:
		select {
		case d.answers <- f:
		default:
			return errors.New("answers to nothing")
		}
	}
	return nil
}

// Send sends a frame, with the time of now in it.
func (d *Door) Send(ctx context.Context, f *wire.Frame) error {
	f.TimestampMs = proto.Uint64(uint64(time.Now().UnixMilli()))
	msg, err := wire.Encode(f)
	if err != nil {
		return err
	}
	return d.ws.Write(ctx, websocket.MessageBinary, msg)
}

// Ask sends a frame and waits for the answer of the given type.
func (d *Door) Ask(ctx context.Context, f *wire.Frame, want wire.Frame_Type) (*wire.Frame, error) {
	if err := d.Send(ctx, f); err != nil {
		return nil, fmt.Errorf("%v: %w", f.GetType(), err)
	}
	for {
		select {
		case got := <-d.answers:
			if got.GetType() != want {
				continue
			}
			if e := got.GetError(); e != nil && e.GetStatus() != 206 { // 206: goes on without a camera
				return nil, fmt.Errorf("%v: refused with %d: %s", f.GetType(), e.GetStatus(), e.GetDescription())
			}
			return got, nil
		case <-d.ended:
			return nil, fmt.Errorf("%v: connection ended: %w", f.GetType(), d.err)
		case <-ctx.Done():
			return nil, fmt.Errorf("%v: no answer: %w", f.GetType(), ctx.Err())
		}
	}
}

// Done is closed when the connection has ended.
func (d *Door) Done() <-chan struct{} { return d.ended }

// Err returns why the connection has ended; nil while it has not.
func (d *Door) Err() error {
	select {
	case <-d.ended:
		return d.err
	default:
		return nil
	}
}

// Close cuts the connection and waits for the reader.
func (d *Door) Close() {
	_ = d.ws.CloseNow()
	<-d.ended
}

// Ping is a PING_PONG frame.
func Ping(kind wire.PingPong_Kind, id uint32) *wire.Frame {
	return &wire.Frame{Type: wire.Frame_PING_PONG.Enum(), PingPong: &wire.PingPong{Type: kind.Enum(), PingId: proto.Uint32(id)}}
}

// Enter has the client join with the audio session and offer its media, without
// a camera. It returns the answer to the offer, which is for client.Connect.
func (d *Door) Enter(ctx context.Context, session uint64, offer string, muted bool) (answer string, err error) {
	if _, err := d.Ask(ctx, Join(session), wire.Frame_JOIN_ACK); err != nil {
		return "", err
	}
	ack, err := d.Ask(ctx, Subscribe(offer, muted, nil, nil), wire.Frame_SUBSCRIBE_ACK)
	if err != nil {
		return "", err
	}
	return ack.GetSubscribeAck().GetSdpAnswer(), nil
}

// Join is the JOIN frame of a client with the audio session.
func Join(session uint64) *wire.Frame {
	return &wire.Frame{Type: wire.Frame_JOIN.Enum(), Join: &wire.Join{
		ProtocolVersion: proto.Uint32(2), Flags: proto.Uint32(2), AudioSessionId: proto.Uint64(session),
		ClientDetails: &wire.ClientDetails{PlatformName: proto.String("load"), ClientSource: proto.String("carillon-load")},
	}}
}

// Camera is what a client that films announces.
type Camera struct{ Kbps, Rate uint32 }

// Subscribe offers sdp. camera is nil for none; videos are the streams to
// receive, in the order of the offer's sections after the camera's.
func Subscribe(sdp string, muted bool, camera *Camera, videos []uint32) *wire.Frame {
	s := &wire.Subscribe{
		Duplex: wire.Service_RX.Enum(), SdpOffer: &sdp, AudioHost: proto.String(""), AudioMuted: &muted,
		ReceiveStreamIds: append([]uint32{0}, videos...),
		SendStreams:      []*wire.Stream{{MediaType: wire.Media_AUDIO.Enum(), StreamId: proto.Uint32(1), GroupId: proto.Uint32(1)}},
	}
	if camera != nil {
		s.Duplex = wire.Service_DUPLEX.Enum()
		s.SendStreams = append(s.SendStreams, &wire.Stream{
			MediaType: wire.Media_VIDEO.Enum(), MaxBitrateKbps: &camera.Kbps, Framerate: &camera.Rate,
		})
	}
	return &wire.Frame{Type: wire.Frame_SUBSCRIBE.Enum(), Subscribe: s}
}

// Leave is a LEAVE frame.
func Leave() *wire.Frame {
	return &wire.Frame{Type: wire.Frame_LEAVE.Enum(), Leave: &wire.Leave{}}
}
