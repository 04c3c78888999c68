package signal

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/carillon-meetings/carillon/internal/clientaddr"
	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/tracing"
)

// Control is the part of the control plane the signaling door uses.
// *control.Control satisfies it.
type Control interface {
	// Authorize checks a join token; see control.Control.Authorize.
	Authorize(ctx context.Context, meetingID meeting.ID, token string) (control.Grant, error)
	// Watch calls fn for each committed change of the meeting, until cancel.
	Watch(meetingID meeting.ID, fn func(control.Change)) (cancel func())
	// RecordFact writes down what an attendee was seen to do.
	RecordFact(ctx context.Context, meetingID meeting.ID, fact meeting.Fact) error
	// Awaited returns who may be back in a moment; see control.Control.Awaited.
	// It is called with locks held and must not block.
	Awaited(meetingID meeting.ID) []control.Awaited
	// Attended returns how long those were there who had come before this process
	// had the meeting; see control.Control.Attended.
	Attended(meetingID meeting.ID) time.Duration
	// SetConnected tells how many attendees are connected now. It is called
	// with locks held and must not block.
	SetConnected(meetingID meeting.ID, attendees int)
}

// Room is the media of one conference. RoomsOf makes them from a media node.
type Room interface {
	Join(cfg media.PeerConfig) (Peer, error)
	Levels(to []media.Level) []media.Level
	Hear(sink media.VoiceSink)
	Close()
}

// Peer is one client connection's media. *media.Peer satisfies it.
type Peer interface {
	Subscribe(ctx context.Context, offer media.Offer) (media.Answer, error)
	Index() media.Index
	UpdateVideo(updates []media.VideoSubscription, removedMids []string)
	Pause(streamIDs []uint32)
	Resume(streamIDs []uint32)
	SetMuted(muted bool)
	SetPermissions(permissions media.Permissions)
	Stats() media.PeerStats
	Close()
}

// TURN is what a client is told about TURN servers. Without URIs it connects
// to the media address directly; with them it uses nothing else.
type TURN struct {
	Username, Password string
	TTL                time.Duration
	URIs               []string
}

// Config says how to run the signaling door. Control and Room are required;
// any other field may be zero.
type Config struct {
	Control Control
	// Room opens the media of a conference, by the id of its primary meeting.
	Room func(id string) Room
	// TURN gives a client its TURN credentials; nil when there is no server.
	TURN func(attendeeID string) TURN
	// MediaHost is the host and port of media. Without a TURN server native
	// clients, which do not begin without one, are told this instead; empty
	// tells them nothing.
	MediaHost string

	// Host is what operators see this node as.
	Host string
	// Origins are the web origins that may connect, as "https://host[:port]".
	// Empty accepts any, which is right for development. Clients that send no
	// origin are not browsers and are always accepted.
	Origins []string
	// AppKeys are the keys by which the proxies of networks know the accounts, each
	// 64 lower-case hexadecimal digits; an account may have none.
	AppKeys map[string]string
	// ClientAddr tells where a request comes from, for the console; nil takes
	// the address of the TCP peer.
	ClientAddr func(*http.Request) netip.Addr
	// VideoSubscriptions is how many videos a client is told that it may watch,
	// 0 leaves it to the client; the media node is to be given the same number.
	VideoSubscriptions int
	// MaxSockets bounds the open connections; 0 does not.
	MaxSockets int

	Timers Timers

	Tracer *tracing.Tracer  // of joins; nil traces nothing
	Logger *slog.Logger     // nil discards
	Now    func() time.Time // nil is time.Now
	// AfterFunc waits for Timers.Dropped by the same clock as Now; nil is
	// time.AfterFunc.
	AfterFunc func(d time.Duration, f func()) (stop func() bool)
}

// Timers are the times the door waits for things. A zero field takes the
// default given with it.
type Timers struct {
	// Dropped: how long a lost attendee may take to come back unnoticed. 0: not
	// at all.
	Dropped time.Duration
	// Idle: how long a socket may be open without joining. Clients open one
	// early to save time later. 10 min.
	Idle time.Duration
	// Connect: from JOIN until media must flow. 45 s.
	Connect time.Duration
	// Farewell: how long a client that was told to go may take to say LEAVE.
	// 2 s.
	Farewell time.Duration
	// Close: how long it may take to answer a close frame. 5 s.
	Close time.Duration
	// KeepAlive: a socket silent for so long is pinged. 25 s.
	KeepAlive time.Duration
	// Pong: how long the answer to that may take. 10 s.
	Pong time.Duration
	// Write: how long a client may take to accept one message. 10 s.
	Write time.Duration
	// Levels: between two frames with the volumes. 200 ms.
	Levels time.Duration
	// Index: how long changes of the list of videos are gathered in a small
	// meeting; in large ones it grows with the number of clients. 25 ms.
	Index time.Duration
}

func (c Config) withDefaults() (Config, error) {
	if c.Control == nil || c.Room == nil {
		return c, errors.New("signal: Control and Room are required")
	}
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	if c.ClientAddr == nil {
		c.ClientAddr = clientaddr.Proxies(nil).Of
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.AfterFunc == nil {
		c.AfterFunc = func(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }
	}
	t := &c.Timers
	t.Idle = cmp.Or(t.Idle, 10*time.Minute)
	t.Connect = cmp.Or(t.Connect, 45*time.Second)
	t.Farewell = cmp.Or(t.Farewell, 2*time.Second)
	t.Close = cmp.Or(t.Close, 5*time.Second)
	t.KeepAlive = cmp.Or(t.KeepAlive, 25*time.Second)
	t.Pong = cmp.Or(t.Pong, 10*time.Second)
	t.Write = cmp.Or(t.Write, 10*time.Second)
	t.Levels = cmp.Or(t.Levels, 200*time.Millisecond)
	t.Index = cmp.Or(t.Index, 25*time.Millisecond)
	return c, nil
}

// RoomsOf makes the rooms of a media node usable as Config.Room.
func RoomsOf(n *media.Node) func(id string) Room {
	return func(id string) Room { return room{n.Room(id)} }
}

// room is a media room whose peers are seen through the interface.
type room struct{ *media.Room }

func (r room) Join(cfg media.PeerConfig) (Peer, error) {
	p, err := r.Room.Join(cfg)
	if err != nil {
		return nil, err // and not a Peer that holds a nil
	}
	return p, nil
}
