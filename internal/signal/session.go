package signal

import (
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"golang.org/x/time/rate"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/history"
	"github.com/carillon-meetings/carillon/internal/media"
	"github.com/carillon-meetings/carillon/internal/observe"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// state is where a session is in its life; it only ever grows.
type state uint8

const (
	opened  state = iota // the socket is open, JOIN has not come
	joining              // JOIN is being answered
	joined               // JOIN was answered, media is not up
	live                 // media is up; the attendee is present
	ending               // told to go, or has said LEAVE
	over                 // replaced or closed
)

// What one connection may send, beside what meter counts.
const (
	subscribeRate, subscribeBurst = 10, 60
	muteRate, muteBurst           = 10, 100 // each is told to everybody
	maxMalformed                  = 10
)

// session is one signaling connection with a valid token. Its reader goroutine
// is the HTTP handler, in run.
type session struct {
	server     *Server
	conn       *conn
	conference *conference
	meeting    *openMeeting
	key        participantKey
	log        *slog.Logger
	native     bool      // Amazon's native signaling client
	from       allowance // what the network it is in lets it join
	limits     limits
	inflate    *wire.Inflater // reader goroutine only
	deflate    *wire.Deflater // reader goroutine only; nil unless agreed on
	ended      chan struct{}  // closed when the reader has ended and everything is known of it

	// The rest is guarded by conference.mu.

	state       state
	grant       control.Grant // kept up to date with the attendee's capabilities
	refused     cause         // why JOIN will be refused, or 0; set before it comes
	participant *participant  // nil before JOIN and after being replaced
	rec         *history.Connection
	trace       *joinTrace  // nil unless the join is traced
	timer       *time.Timer // what the current state waits for

	audioSession uint64 // the client's, the same across its reconnects
	audioID      uint32
	peer         Peer
	socketLost   bool
	muted        bool
	video        bool   // own video is live
	audio        bool   // own audio has arrived
	full         bool   // video layers are chosen by the server
	concealed    uint64 // of the last sample
	level        uint8
	loudest      uint8 // since the last sample
	signal       uint8

	index sessionIndex
	pings uint32    // pings sent to the client
	asked time.Time // when the last one was
}

// limits are the budgets of one connection; used by its reader only.
type limits struct {
	subscribes, mutes, data *rate.Limiter
	malformed               int
}

func newLimits() limits {
	return limits{
		subscribes: rate.NewLimiter(subscribeRate, subscribeBurst), mutes: rate.NewLimiter(muteRate, muteBurst),
		data: rate.NewLimiter(personRate, personBurst),
	}
}

// maxSocketsEach is how many connections an attendee may have open at a time:
// one that is used, some that are being replaced, one opened early.
const maxSocketsEach = 10

// socketsLocked counts the connections of an attendee.
func (meet *openMeeting) socketsLocked(key participantKey) int {
	n := 0
	for s := range meet.sessions {
		if s.key == key {
			n++
		}
	}
	return n
}

// opener is who opened a connection: from which address, and by which request.
type opener struct {
	from    netip.Addr
	request string
}

// newSession adds a connection with a valid token to its meeting.
func newSession(srv *Server, c *conn, meet *openMeeting, grant control.Grant, by opener, tokenAt time.Time) *session {
	key := participantKey{meet.id, grant.Attendee.ID, grant.Content}
	s := &session{
		server: srv, conn: c, conference: meet.conference, meeting: meet, key: key, grant: grant,
		log: meet.logOf(key.attendee, key.content).With("from", by.from, "request_id", by.request), limits: newLimits(), inflate: srv.sdp.NewInflater(),
		signal: goodSignal, level: silence, loudest: silence, ended: make(chan struct{}),
	}
	s.conference.update(func() {
		s.rec = meet.history.Open(history.Start{
			Attendee: key.attendee, External: grant.Attendee.ExternalUserID, Content: key.content, Remote: by.from, At: tokenAt,
		})
		s.rec.Step(observe.StepSocket, s.conference.now())
		s.refused = meet.over
		meet.sessions[s] = struct{}{}
		s.armLocked(srv.cfg.Timers.Idle, func() { s.finishLocked(neverUsed) })
		switch {
		case srv.draining.Load():
			s.keepOutLocked(stopping)
		case meet.socketsLocked(key) > maxSocketsEach:
			s.keepOutLocked(tooManySockets)
		}
	})
	return s
}

// run serves the connection until it is closed.
func (s *session) run() {
	err := s.serve()
	s.conference.update(func() { s.lostLocked(err) })
	close(s.ended)
}

// errMisuse ends a connection whose client breaks the protocol or exceeds its
// budget.
var errMisuse = errors.New("signal: misuse")

func (s *session) serve() error {
	for {
		msg, err := s.conn.read()
		switch {
		case errors.Is(err, errOverBudget):
			return s.hangUp(overBudget, "too many messages")
		case errors.Is(err, errTooLarge):
			return s.hangUp(overBudget, "message too large")
		case err != nil:
			return err
		}
		if err := s.handle(msg); err != nil {
			return err
		}
	}
}

// handle reads one message.
func (s *session) handle(msg []byte) error {
	typ, err := wire.TypeOf(msg)
	if err == nil && typ == wire.Frame_CLIENT_METRIC {
		return nil // one a second from every client, and media knows better
	}
	var f *wire.Frame
	if err == nil {
		f, err = wire.Decode(msg)
	}
	if err != nil {
		if s.limits.malformed++; s.limits.malformed > maxMalformed {
			return s.hangUp(badFrames, "malformed messages")
		}
		s.log.Debug("malformed message", "err", err)
		return nil
	}
	return s.dispatch(f)
}

// dispatch acts on one frame. Types that clients do not send are ignored, as
// clients ignore what they do not know.
func (s *session) dispatch(f *wire.Frame) error {
	switch f.GetType() {
	case wire.Frame_PING_PONG:
		s.pingPong(f.GetPingPong())
	case wire.Frame_JOIN:
		return s.join(f.GetJoin())
	case wire.Frame_SUBSCRIBE:
		return s.subscribe(f.GetSubscribe())
	case wire.Frame_LEAVE:
		s.leave()
	case wire.Frame_AUDIO_CONTROL:
		return s.mute(f.GetAudioControl().GetMuted())
	case wire.Frame_DATA_MESSAGE:
		return s.post(f.GetData().GetMessages())
	case wire.Frame_REMOTE_VIDEO_UPDATE:
		s.updateVideo(f.GetVideoUpdate())
	case wire.Frame_PAUSE:
		s.withPeer(func(p Peer) { p.Pause(f.GetPause().GetStreamIds()) })
	case wire.Frame_RESUME:
		s.withPeer(func(p Peer) { p.Resume(f.GetPause().GetStreamIds()) })
	case wire.Frame_MEETING_SESSION_TIMING:
		s.rec.Timing(clientTiming(f.GetTiming()))
	case wire.Frame_PRIMARY_MEETING_JOIN:
		s.promote(f.GetPrimaryJoin().GetCredentials())
	case wire.Frame_PRIMARY_MEETING_LEAVE:
		s.conference.update(s.demoteLocked)
	}
	return nil
}

// mute takes over the client's mute state.
func (s *session) mute(muted bool) error {
	if !s.limits.mutes.AllowN(time.Now(), 1) {
		return s.hangUp(overBudget, "muted and unmuted too often")
	}
	s.conference.update(func() { s.setMutedLocked(muted) })
	return nil
}

// pingPong answers a ping, and takes the time of an answered one.
func (s *session) pingPong(p *wire.PingPong) {
	s.server.answerPing(s.conn, p)
	if p.GetType() != wire.PingPong_PONG {
		return
	}
	s.conference.update(func() {
		if p.GetPingId() == s.pings && !s.asked.IsZero() {
			s.rec.RoundTrip(s.conference.now().Sub(s.asked))
			s.asked = time.Time{}
		}
	})
}

// pingLocked measures the way to the client and back.
func (s *session) pingLocked() {
	s.pings++
	s.asked = s.conference.now()
	s.conn.send(ping(s.asked, s.pings))
}

// withPeer calls fn with the session's peer, if it has one.
func (s *session) withPeer(fn func(Peer)) {
	var p Peer
	s.conference.update(func() { p = s.peer })
	if p != nil {
		fn(p)
	}
}

// armLocked sets the session's timer, in place of what it was set to: after d,
// fn is called with the conference locked, if the session is still in the same
// state.
func (s *session) armLocked(d time.Duration, fn func()) {
	if s.timer != nil {
		s.timer.Stop()
	}
	at := s.state
	s.timer = time.AfterFunc(d, func() {
		s.conference.update(func() {
			if s.state == at && !s.socketLost {
				fn()
			}
		})
	})
}

// permissionsLocked are what media lets the session do: the attendee's
// capabilities, except that a replica's attendees take no part until promoted.
func (s *session) permissionsLocked() media.Permissions {
	caps := s.grant.Attendee.Capabilities
	if s.key.content {
		may := s.mayShareLocked()
		return media.Permissions{AudioSend: may, VideoSend: may}
	}
	p := media.Permissions{
		AudioSend: caps.Audio.MaySend(), AudioReceive: caps.Audio.MayReceive(),
		VideoSend: caps.Video.MaySend(), VideoReceive: caps.Video.MayReceive(),
		ContentReceive: caps.Video.MayReceive() && caps.Content.MayReceive(),
	}
	if s.meeting.replica && s.participant != nil {
		speaks := s.participant.promoted
		p.AudioSend = p.AudioSend && speaks != nil && speaks.caps.Audio.MaySend()
		p.VideoSend = p.VideoSend && speaks != nil && speaks.caps.Video.MaySend()
	}
	return p
}
