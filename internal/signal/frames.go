package signal

import (
	"time"

	"github.com/coder/websocket"
	"google.golang.org/protobuf/proto"

	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// Statuses, as in AUDIO_STATUS and in the error of a frame. They look like
// HTTP's, and clients treat them alike in both places, except where noted.
const (
	statusViewOnly    = 206 // error only: no video from this client, the rest goes on
	statusElsewhere   = 301 // AUDIO_STATUS only: the same attendee joined from another device
	statusBadRequest  = 400
	statusForbidden   = 403
	statusFull        = 409
	statusEnded       = 410 // AUDIO_STATUS only: the meeting is over
	statusRemoved     = 411 // AUDIO_STATUS only: the attendee was removed
	statusTooMany     = 429
	statusFault       = 500 // the client reconnects
	statusUnavailable = 503 // the client reconnects
)

// Close codes. Once connected, clients act on 4500 to 4599 and on lost
// connections only, and ignore every other code: whoever is to leave has to be
// told by a frame first.
const (
	closeDone      websocket.StatusCode = 1000
	closeForbidden websocket.StatusCode = 4403
	closeEnded     websocket.StatusCode = 4410
	closeMisuse    websocket.StatusCode = 4429
	closeRetry     websocket.StatusCode = 4500 // something failed: come back at once
	closeDrain     websocket.StatusCode = 4503 // the server is going away: come back
)

// newFrame returns a frame of the type without a body.
func newFrame(typ wire.Frame_Type, now time.Time) *wire.Frame {
	return &wire.Frame{TimestampMs: proto.Uint64(uint64(now.UnixMilli())), Type: typ.Enum()}
}

// errorOf returns the error part of a frame.
func errorOf(status uint32) *wire.Error { return &wire.Error{Status: proto.Uint32(status)} }

// mustEncode encodes a frame of our own making. Those have their required
// fields, so failing is a programming mistake.
func mustEncode(f *wire.Frame) []byte {
	msg, err := wire.Encode(f)
	if err != nil {
		panic(err)
	}
	return msg
}

// pong answers a ping.
func pong(now time.Time, id uint32) []byte {
	f := newFrame(wire.Frame_PING_PONG, now)
	f.PingPong = &wire.PingPong{Type: wire.PingPong_PONG.Enum(), PingId: proto.Uint32(id)}
	return mustEncode(f)
}

// ping asks for a pong with the same id.
func ping(now time.Time, id uint32) []byte {
	f := newFrame(wire.Frame_PING_PONG, now)
	f.PingPong = &wire.PingPong{Type: wire.PingPong_PING.Enum(), PingId: proto.Uint32(id)}
	return mustEncode(f)
}

// pauseGroups says that the server stopped, or took up again, sending videos
// for lack of bandwidth.
func pauseGroups(now time.Time, typ wire.Frame_Type, groups []uint32) []byte {
	f := newFrame(typ, now)
	f.Pause = &wire.PauseResume{GroupIds: groups}
	return mustEncode(f)
}

// bitrates tells a client what each listed video takes, and how much the way
// to it carries.
func bitrates(now time.Time, streams []media.StreamBitrate, availableKbps int) []byte {
	body := &wire.Bitrates{Bitrates: make([]*wire.Bitrate, len(streams))}
	for i, s := range streams {
		body.Bitrates[i] = &wire.Bitrate{StreamId: proto.Uint32(s.StreamID), AvgBitrateBps: proto.Uint32(s.AvgBps)}
	}
	if availableKbps > 0 {
		body.AvailableKbps = proto.Uint32(uint32(availableKbps))
	}
	f := newFrame(wire.Frame_BITRATES, now)
	f.Bitrates = body
	return mustEncode(f)
}
