package meeting

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coder/websocket"
	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// subprotocol is what the server answers to the two that a client offers; the
// other is its join token.
const subprotocol = "_aws_wt_session"

// door is one signaling connection. Its reader hands INDEX and answers on and
// drops the rest undecoded.
type door struct {
	ws      *websocket.Conn
	answers chan *wire.Frame // JOIN_ACK, SUBSCRIBE_ACK, LEAVE_ACK
	index   func(*wire.Index)
	ended   chan struct{}
	err     error // why it ended, once ended is closed
}

// dial opens the connection. index is called by the reading goroutine.
func dial(ctx context.Context, url, token string, index func(*wire.Index)) (*door, error) {
	ws, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{Subprotocols: []string{subprotocol, token}})
	if err != nil {
		return nil, fmt.Errorf("open socket: %w", err)
	}
	ws.SetReadLimit(wire.MaxMessage)
	d := &door{ws: ws, answers: make(chan *wire.Frame, 4), index: index, ended: make(chan struct{})}
	go d.read()
	return d, nil
}

// read ends with the connection.
func (d *door) read() {
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
func (d *door) take(msg []byte) error {
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
			return fmt.Errorf("thrown out with status %d", s)
		}
	case wire.Frame_PING_PONG:
		if p := f.GetPingPong(); p.GetType() == wire.PingPong_PING {
			return d.send(context.Background(), pingFrame(wire.PingPong_PONG, p.GetPingId()))
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

func (d *door) send(ctx context.Context, f *wire.Frame) error {
	f.TimestampMs = proto.Uint64(uint64(time.Now().UnixMilli()))
	msg, err := wire.Encode(f)
	if err != nil {
		return err
	}
	return d.ws.Write(ctx, websocket.MessageBinary, msg)
}

// ask sends a frame and waits for the answer of the given type.
func (d *door) ask(ctx context.Context, f *wire.Frame, want wire.Frame_Type) (*wire.Frame, error) {
	if err := d.send(ctx, f); err != nil {
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

// close cuts the connection and waits for the reader.
func (d *door) close() {
	_ = d.ws.CloseNow()
	<-d.ended
}

func pingFrame(kind wire.PingPong_Kind, id uint32) *wire.Frame {
	return &wire.Frame{Type: wire.Frame_PING_PONG.Enum(), PingPong: &wire.PingPong{Type: kind.Enum(), PingId: proto.Uint32(id)}}
}

func joinFrame(session uint64) *wire.Frame {
	return &wire.Frame{Type: wire.Frame_JOIN.Enum(), Join: &wire.Join{
		ProtocolVersion: proto.Uint32(2), Flags: proto.Uint32(2), AudioSessionId: proto.Uint64(session),
		ClientDetails: &wire.ClientDetails{PlatformName: proto.String("load"), ClientSource: proto.String("carillon-load")},
	}}
}

// subscribeFrame offers sdp. videos are the streams to receive, in the order of
// the offer's sections after the camera's.
func subscribeFrame(sdp string, muted, camera bool, videos []uint32) *wire.Frame {
	s := &wire.Subscribe{
		Duplex: wire.Service_RX.Enum(), SdpOffer: &sdp, AudioHost: proto.String(""), AudioMuted: &muted,
		ReceiveStreamIds: append([]uint32{0}, videos...),
		SendStreams:      []*wire.Stream{{MediaType: wire.Media_AUDIO.Enum(), StreamId: proto.Uint32(1), GroupId: proto.Uint32(1)}},
	}
	if camera {
		s.Duplex = wire.Service_DUPLEX.Enum()
		s.SendStreams = append(s.SendStreams, &wire.Stream{
			MediaType: wire.Media_VIDEO.Enum(), MaxBitrateKbps: proto.Uint32(videoKbps), Framerate: proto.Uint32(videoRate),
		})
	}
	return &wire.Frame{Type: wire.Frame_SUBSCRIBE.Enum(), Subscribe: s}
}

func leaveFrame() *wire.Frame {
	return &wire.Frame{Type: wire.Frame_LEAVE.Enum(), Leave: &wire.Leave{}}
}
