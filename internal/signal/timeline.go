package signal

import (
	"net/netip"
	"slices"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal/wire"
)

// Steps of a join, in order, as named in Step.
const (
	StepToken     = "token"     // the join token was valid
	StepSocket    = "socket"    // the WebSocket is open
	StepJoin      = "join"      // JOIN answered
	StepSubscribe = "subscribe" // the first offer answered
	StepICE       = "ice"       // a connectivity check got through
	StepDTLS      = "dtls"      // keys agreed: media is up
	StepAudio     = "audio"     // the first audio packet from the client
)

// stepOrder is in which order steps are taken.
var stepOrder = [...]string{StepToken, StepSocket, StepJoin, StepSubscribe, StepICE, StepDTLS, StepAudio}

// Step is one thing a client gets through while joining.
type Step struct {
	Name  string
	At    time.Time
	Fault string // why it failed, as a sentence for the operator; empty when it did not
}

// SessionState is where a connection is in its life, for the console.
type SessionState string

// The states.
const (
	SessionJoining   SessionState = "joining"
	SessionConnected SessionState = "connected"
	SessionLeft      SessionState = "left"     // by the client's LEAVE, or its page was closed before it joined
	SessionDropped   SessionState = "dropped"  // lost, and not back in time
	SessionFailed    SessionState = "failed"   // media never came up, or the join was refused
	SessionRemoved   SessionState = "removed"  // sent away; Reason says why
	SessionReplaced  SessionState = "replaced" // the same client came back with a new connection
)

// record is what is kept of one connection. It is guarded by the hall's mu.
type record struct {
	key     memberKey
	remote  netip.Addr
	client  string
	opened  time.Time
	ended   time.Time
	state   SessionState
	reason  string
	steps   []Step
	samples ring[Sample]

	signalingRTT time.Duration
	timing       ClientTiming
}

// step marks a step as taken, once.
func (r *record) step(name string, at time.Time) {
	if !r.has(name) {
		r.steps = append(r.steps, Step{Name: name, At: at})
	}
}

// fail marks a step as failed and ends the record.
func (r *record) fail(name string, at time.Time, words string) {
	if r.ended.IsZero() {
		r.steps = append(r.steps, Step{Name: name, At: at, Fault: words})
		r.end(SessionFailed, at, words)
	}
}

// has reports whether a step was taken.
func (r *record) has(name string) bool {
	return slices.ContainsFunc(r.steps, func(s Step) bool { return s.Name == name && s.Fault == "" })
}

// next is the first step not taken.
func (r *record) next() string {
	for _, name := range stepOrder {
		if !r.has(name) {
			return name
		}
	}
	return StepAudio
}

// end closes the record; the first end is the one that counts.
func (r *record) end(state SessionState, at time.Time, reason string) {
	if r.ended.IsZero() {
		r.ended, r.state, r.reason = at, state, reason
	}
}

// ClientTiming is a client's own account of its start: how long it took, by
// its own clock, from the start to each milestone. Zero where it did not say.
type ClientTiming struct {
	Socket, JoinAck, SubscribeAck, ICEConnected, FirstAudio time.Duration
	TimedOut                                                bool
}

// clientTiming takes over what the client says; the first report counts, later
// ones are about changes during the call.
func (r *record) clientTiming(t *wire.Timing) {
	if r.timing != (ClientTiming{}) || len(t.GetSignaling()) == 0 {
		return
	}
	s := t.GetSignaling()[0]
	since := func(ms int64) time.Duration {
		d := time.Duration(ms-s.GetStartMs()) * time.Millisecond
		if s.GetStartMs() == 0 || ms == 0 || d < 0 || d > time.Hour {
			return 0
		}
		return d
	}
	r.timing = ClientTiming{
		Socket: since(s.GetTransportConnectedMs()), JoinAck: since(s.GetJoinAckReceivedMs()),
		SubscribeAck: since(s.GetSubscribeAckMs()), ICEConnected: since(s.GetIceConnectedMs()), TimedOut: s.GetTimedOut(),
	}
	for _, a := range t.GetRemoteAudio() {
		r.timing.FirstAudio = since(a.GetFirstPacketReceivedMs())
	}
}

// Sample is a moment of a connection, for drawing it over time.
type Sample struct {
	At         time.Time
	Level      uint8   // the loudest since the sample before, dB below full scale
	LossIn     float32 // percent lost on the way from the client
	LossOut    float32 // percent lost on the way to it
	RoundTrip  time.Duration
	KbpsIn     int // video from the client
	KbpsOut    int // video to it
	Available  int // kbit/s the way to the client is thought to carry; 0 unknown
	Concealing bool
}

const (
	// maxSamples of each connection: five minutes of them.
	maxSamples = 150
	// maxEnded connections are kept for each meeting beside the open ones.
	maxEnded = 300
)

// history is what is kept of a meeting's connections: the open ones, and of
// each attendee the last few that ended. It is guarded by the hall's mu.
type history struct {
	open     map[*record]struct{}
	ended    []*record // oldest first
	attended time.Duration
	failures int
}

func newHistory() history { return history{open: make(map[*record]struct{})} }

// start begins the record of a connection whose token was valid.
func (h *history) start(key memberKey, remote netip.Addr, tokenAt time.Time) *record {
	r := &record{key: key, remote: remote, opened: tokenAt, state: SessionJoining}
	r.step(StepToken, tokenAt)
	h.open[r] = struct{}{}
	return r
}

// discard forgets a connection that never became anything.
func (h *history) discard(r *record) { delete(h.open, r) }

// settle moves a record that has ended to the ended ones.
func (h *history) settle(r *record) {
	if _, ok := h.open[r]; !ok || r.ended.IsZero() {
		return
	}
	delete(h.open, r)
	if r.state == SessionFailed {
		h.failures++
	}
	kept := 0
	for i := len(h.ended) - 1; i >= 0; i-- {
		if h.ended[i].key == r.key {
			if kept++; kept >= maxEndedEach {
				h.ended = slices.Delete(h.ended, i, i+1)
			}
		}
	}
	if len(h.ended) >= maxEnded {
		h.ended = slices.Delete(h.ended, 0, len(h.ended)-maxEnded+1)
	}
	h.ended = append(h.ended, r)
}

// maxEndedEach is how many ended connections of one attendee are kept.
const maxEndedEach = 3

// ring keeps the last maxSamples of what is added.
type ring[T any] struct {
	items []T
	next  int // where the oldest is once full
}

func (r *ring[T]) add(item T) {
	if len(r.items) < maxSamples {
		r.items = append(r.items, item)
		return
	}
	r.items[r.next] = item
	r.next = (r.next + 1) % maxSamples
}

// all returns what is kept, oldest first.
func (r *ring[T]) all() []T {
	return append(slices.Clone(r.items[r.next:]), r.items[:r.next]...)
}

// past is what is remembered of meetings that have ended, the latest few.
type past struct {
	order []meeting.ID
	of    map[meeting.ID]pastMeeting
}

// pastMeeting is what is left of a meeting.
type pastMeeting struct {
	sessions []Session
	attended time.Duration
	failures int
}

// maxPast meetings are remembered, and of each so many connections.
const (
	maxPast         = 256
	maxPastSessions = 100
)

func newPast() past { return past{of: make(map[meeting.ID]pastMeeting)} }

func (p *past) add(id meeting.ID, m pastMeeting) {
	if len(m.sessions) == 0 {
		return
	}
	if _, known := p.of[id]; !known {
		p.order = append(p.order, id)
	}
	p.of[id] = m
	for len(p.order) > maxPast {
		delete(p.of, p.order[0])
		p.order = p.order[1:]
	}
}
