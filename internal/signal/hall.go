package signal

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/history"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/serial"
)

// hall is everything that happens around one primary meeting: its own
// attendees, and those of its replicas, who hear and see it without being
// seen. A meeting without replicas is the common case of one branch.
//
// mu guards all of the hall's fields, those of its branches and members, the
// and the fields of its sessions that say so. It is held briefly,
// and never while calling media: a media call may wait for one of our event
// handlers, which wait for mu. What has to be called is left in after, and
// update runs it once mu is free.
type hall struct {
	server *Server
	id     meeting.ID // of the primary meeting
	room   Room

	mu        sync.Mutex // guards what follows
	branches  map[meeting.ID]*branch
	members   map[memberKey]*member
	audio     map[uint32]*member // present members by audio stream id
	aliases   map[string]*member // promoted members by the id media knows
	nextAudio uint32
	board     board
	renames   uint64 // promotions begun and ended, which change whose a video is
	index     indexer
	levels    levelState
	after     []func()
}

// branch is one meeting of a hall: the primary or a replica.
type branch struct {
	hall     *hall
	id       meeting.ID
	replica  bool
	ready    chan struct{} // closed once the meeting is watched
	unwatch  func()        // valid after ready
	changes  *serial.Queue // committed changes, acted on in order
	facts    *serial.Queue // facts, written in order
	sessions map[*session]struct{}
	joins    map[memberKey]*rate.Limiter
	counted  int    // what SetConnected was told last
	over     bool   // the meeting has ended
	applied  uint64 // committed changes acted on
	history  *history.Meeting
}

// memberKey tells apart the attendees of a hall. A content session is a member
// of its own.
type memberKey struct {
	meeting, attendee meeting.ID
	content           bool
}

// member is an attendee, or an attendee's content share, that is connected,
// connecting, or was lost a moment ago and may be back.
type member struct {
	key     memberKey
	branch  *branch
	session *session // the latest to have joined; its socket may be lost

	// wireID and external are the identity the others see: the attendee's own,
	// or while promoted the one in the primary meeting.
	wireID, external string

	// present members have been announced to the others under audioID.
	present bool
	audioID uint32
	since   time.Time
	hidden  bool // an attendee of a replica: announced to nobody

	promoted *promotion // set while speaking in the primary meeting
	grace    *time.Timer
	silenced bool // by capabilities: may not send audio
}

// newHall returns an empty hall. Audio stream ids start from the clock, so
// that they keep growing for clients that come back after a restart.
func newHall(s *Server, id meeting.ID) *hall {
	return &hall{
		server: s, id: id, room: s.cfg.Room(id.String()),
		branches: make(map[meeting.ID]*branch), members: make(map[memberKey]*member), audio: make(map[uint32]*member), aliases: make(map[string]*member),
		nextAudio: uint32(s.cfg.Now().Unix() - idEpoch), board: newBoard(),
	}
}

// idEpoch is 2025-01-01, to keep the ids short.
const idEpoch = 1_735_689_600

// update runs fn with the hall locked, and then what fn left in after.
func (h *hall) update(fn func()) {
	h.mu.Lock()
	fn()
	after := h.after
	h.after = nil
	h.mu.Unlock()
	for _, f := range after {
		f()
	}
}

// later leaves fn to be called once the hall is unlocked.
func (h *hall) later(fn func()) { h.after = append(h.after, fn) }

func (h *hall) now() time.Time { return h.server.cfg.Now() }

// addBranch adds the meeting to the hall. The caller watches it and then
// closes ready.
func (h *hall) addBranch(id meeting.ID) *branch {
	b := &branch{
		hall: h, id: id, replica: id != h.id, ready: make(chan struct{}),
		sessions: make(map[*session]struct{}), joins: make(map[memberKey]*rate.Limiter), history: h.server.history.Meeting(id),
	}
	b.changes, b.facts = serial.New(&h.server.tasks), serial.New(&h.server.tasks)
	h.branches[id] = b
	return b
}

// watch subscribes to the meeting's committed changes.
func (b *branch) watch() {
	s := b.hall.server
	b.unwatch = s.cfg.Control.Watch(b.id, func(c control.Change) {
		if !s.stopped.Load() {
			b.changes.Push(func() { b.apply(c) })
		}
	})
	close(b.ready)
}

// fact leaves a fact about the member to be written down, in order.
func (b *branch) fact(kind meeting.FactKind, m *member) {
	attendee := m.key.attendee
	if p := m.promoted; p != nil && p.branch == b {
		attendee = p.attendee
	}
	b.factOf(kind, attendee, m.external)
}

func (b *branch) factOf(kind meeting.FactKind, attendee meeting.ID, external string) {
	s := b.hall.server
	if b.over {
		return // the meeting's last record tells who was there
	}
	f := meeting.Fact{Kind: kind, Attendee: attendee, ExternalUserID: external, Time: s.cfg.Now()}
	b.facts.Push(func() {
		ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
		defer cancel()
		if err := s.cfg.Control.RecordFact(ctx, b.id, f); err != nil {
			s.log.Warn("fact not recorded", "meeting", b.id, "attendee", f.Attendee, "fact", f.Kind, "err", err)
		}
	})
}

// recount tells the control plane how many attendees of the branch are
// connected, if that changed.
func (b *branch) recount() {
	n := 0
	for _, m := range b.hall.members {
		if m.branch == b && !m.key.content || m.promoted != nil && m.promoted.branch == b {
			n++
		}
	}
	if n != b.counted {
		b.counted = n
		b.hall.server.cfg.Control.SetConnected(b.id, n)
	}
}

// visible counts the people in the meeting, content shares left out.
func (h *hall) visible() int {
	n := 0
	for _, m := range h.audio {
		if !m.hidden && !m.key.content {
			n++
		}
	}
	return n
}

// broadcast queues a message for every session that has joined, except one.
func (h *hall) broadcast(msg []byte, except *session) {
	for _, m := range h.members {
		if s := m.session; s != nil && s != except && s.state == live {
			s.conn.send(msg)
		}
	}
}

// logOf is the server's log with the member's ids, and no more, in it.
func (b *branch) logOf(attendee meeting.ID, content bool) *slog.Logger {
	return b.hall.server.log.With("meeting", b.id, "attendee", attendee, "content", content)
}
