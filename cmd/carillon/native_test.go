package main

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings"
	"github.com/aws/aws-sdk-go-v2/service/chimesdkmeetings/types"
	"github.com/coder/websocket"
	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/load/door"
	"github.com/carillon-meetings/carillon/internal/media/client"
	"github.com/carillon-meetings/carillon/internal/media/rtpx"
	"github.com/carillon-meetings/carillon/internal/servertest"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// nativeLine is a connection as Amazon's native signaling client opens it: the
// token in a cookie, a sub-protocol of its own, and 0x02 before each message.
type nativeLine struct {
	*testing.T
	ws *websocket.Conn
}

func dialNative(t *testing.T, url, token string) *nativeLine {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{
		Subprotocols: []string{"Signaling-SDK"}, HTTPHeader: http.Header{"Cookie": {"_aws_wt_session=" + token}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	ws.SetReadLimit(wire.MaxMessage)
	return &nativeLine{t, ws}
}

func (l *nativeLine) send(f *wire.Frame) {
	l.Helper()
	f.TimestampMs = proto.Uint64(uint64(time.Now().UnixMilli()))
	msg, err := wire.Encode(f)
	if err != nil {
		l.Fatal(err)
	}
	msg[0] = 0x02
	if err := l.ws.Write(l.Context(), websocket.MessageBinary, msg); err != nil {
		l.Fatal(err)
	}
}

// next reads until a frame of the kind comes.
func (l *nativeLine) next(kind wire.Frame_Type) *wire.Frame {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.Context(), time.Minute)
	defer cancel()
	for {
		_, msg, err := l.ws.Read(ctx)
		if err != nil {
			l.Fatalf("waiting for %v: %v", kind, err)
		}
		f, err := wire.Decode(msg)
		if err != nil || msg[0] != 0x02 {
			l.Fatalf("a message that begins with %#x: %v", msg[0], err)
		}
		if f.GetType() == kind {
			return f
		}
	}
}

// shoot sends key frames of VP8 (RFC 7741 §4.2, RFC 6386 §9.1), each in one
// packet, until the context ends.
func shoot(ctx context.Context, to *client.Client) {
	ticker := time.NewTicker(time.Second / 30)
	defer ticker.Stop()
	for n := uint16(0); ; n++ {
		var b [600]byte
		end := rtpx.PutHeader(b[:], rtpx.Header{PayloadType: client.VP8Type, Seq: n, TS: uint32(n) * 3000, SSRC: to.VideoSSRC(), Marker: true})
		copy(b[end:], []byte{0x90, 0x80, 0x80 | byte(n>>8)&0x7F, byte(n), 0, 0, 0, 0x9D, 0x01, 0x2A, 0x00, 0x05, 0xD0, 0x02})
		to.SendRTP(b[:])
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// pictures is the client of somebody, and how many packets of pictures it had.
func pictures(t *testing.T) (*client.Client, *atomic.Int64) {
	t.Helper()
	c, seen := newClient(t), new(atomic.Int64)
	c.OnRTP = func(h *rtpx.Header, _ []byte, _ time.Time) {
		if h.PayloadType == client.VP8Type {
			seen.Add(1)
		}
	}
	return c, seen
}

// From JOIN to pictures both ways: what Amazon's C++ client does until it says
// that it has started, and what mobile clients show with it.
func TestANativeClientAndABrowserSeeEachOther(t *testing.T) {
	s := servertest.Start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	made, err := outside(s).CreateMeetingWithAttendees(ctx, &chimesdkmeetings.CreateMeetingWithAttendeesInput{
		ClientRequestToken: aws.String("token"), ExternalMeetingId: aws.String("name"), MediaRegion: aws.String("us-east-1"),
		Attendees: []types.CreateAttendeeRequestItem{{ExternalUserId: aws.String("mobile")}, {ExternalUserId: aws.String("browser")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	url := *made.Meeting.MediaPlacement.SignalingUrl
	camera := &door.Camera{Kbps: 500, Rate: 30}

	native, nativeSaw := pictures(t)
	line := dialNative(t, url, *made.Attendees[0].JoinToken)
	line.send(door.Join(7))
	if uris := line.next(wire.Frame_JOIN_ACK).GetJoinAck().GetTurnCredentials().GetUris(); len(uris) == 0 {
		t.Error("it is told no TURN server, without which it does not go on")
	}
	line.send(door.Subscribe(native.Offer(true, 0), true, camera, nil))
	ack := line.next(wire.Frame_SUBSCRIBE_ACK)
	if ack.GetError() != nil || len(ack.GetSubscribeAck().GetAllocations()) != 1 {
		t.Fatalf("answered %v", ack)
	}
	if err := native.Connect(ctx, ack.GetSubscribeAck().GetSdpAnswer()); err != nil {
		t.Fatal(err)
	}

	browser, browserSaw := pictures(t)
	sources := make(chan []uint32, 64)
	d, err := door.Dial(ctx, nil, url, *made.Attendees[1].JoinToken, func(x *wire.Index) {
		var ids []uint32
		for _, s := range x.GetSources() {
			ids = append(ids, s.GetStreamId())
		}
		sources <- ids
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	if _, err := d.Ask(ctx, door.Join(1), wire.Frame_JOIN_ACK); err != nil {
		t.Fatal(err)
	}
	answer, err := d.Ask(ctx, door.Subscribe(browser.Offer(true, 0), true, camera, nil), wire.Frame_SUBSCRIBE_ACK)
	if err != nil {
		t.Fatal(err)
	}
	if err := browser.Connect(ctx, answer.GetSubscribeAck().GetSdpAnswer()); err != nil {
		t.Fatal(err)
	}
	filming, stop := context.WithCancel(ctx)
	done := make(chan struct{}, 2)
	for _, c := range []*client.Client{native, browser} {
		go func() {
			shoot(filming, c)
			done <- struct{}{}
		}()
	}
	defer func() {
		stop()
		<-done
		<-done
	}()

	shown := <-sources
	for len(shown) == 0 {
		shown = <-sources
	}
	if _, err := d.Ask(ctx, door.Subscribe(browser.Offer(true, 1), true, camera, shown[:1]), wire.Frame_SUBSCRIBE_ACK); err != nil {
		t.Fatal(err)
	}
	listed := line.next(wire.Frame_INDEX).GetIndex().GetSources()
	for len(listed) == 0 {
		listed = line.next(wire.Frame_INDEX).GetIndex().GetSources()
	}
	line.send(door.Subscribe(native.Offer(true, 1), true, camera, []uint32{listed[0].GetStreamId()}))
	line.next(wire.Frame_SUBSCRIBE_ACK)
	until(t, "pictures both ways", func() bool { return nativeSaw.Load() > 30 && browserSaw.Load() > 30 })
	line.send(door.Leave())
	line.next(wire.Frame_LEAVE_ACK)
}
