package control

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carillon-meetings/carillon/internal/ledger"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// index is what control keeps in memory about all meetings. All of it is
// guarded by Control.mu, but for the fields of an entry that say otherwise.
type index struct {
	cfg         Config
	active      map[meeting.ID]*entry
	byToken     map[tokenKey]*entry
	owners      map[meeting.Owner]*ownedMeetings
	alarms      alarms
	tombstones  map[meeting.ID]*tombstone
	forgetOrder []*tombstone // those in tombstones in the order in which they are forgotten
	cache       cache

	attendees int                         // of active meetings: the sum of what their entries say
	busy      [meeting.Slots]atomic.Int64 // attendees connected, by slot; read without Control.mu

	lost   []lostSessions // by adoption
	wakeAt time.Time      // when Run looks at the deadlines next
}

// tokenKey is a request token in the slot that it is looked for in.
type tokenKey struct {
	slot  int
	token meeting.TokenHash
}

// lostSessions are meetings with sessions that a crash cut off. Unless they are
// opened again, they count as dropped from a certain time on.
type lostSessions struct {
	at time.Time
	of []*entry
}

func newIndex(cfg Config) index {
	return index{
		cfg:        cfg,
		active:     map[meeting.ID]*entry{},
		byToken:    map[tokenKey]*entry{},
		owners:     map[meeting.Owner]*ownedMeetings{},
		tombstones: map[meeting.ID]*tombstone{},
		cache:      newCache(cfg.CacheBytes),
	}
}

// entry is one active meeting.
type entry struct {
	hold          *hold // of its slot
	profile       *meeting.Profile
	tags          []meeting.Tag
	timers        meeting.Timers         // its own
	transcription *meeting.Transcription // what is attached; nil for nothing
	attendees     int                    // created and not deleted
	list          *ownedMeetings         // that it is in
	primary       *entry                 // nil unless a replica of an active primary
	replicas      []*entry               // of a primary

	connected int       // attendees connected now, as the signaling side says
	idleSince time.Time // when connected became 0, or the creation
	retry     time.Time // an end that failed is tried again then
	deadline  time.Time // when Run has to look at it
	alarm     int       // position in alarms

	sessions sessions
	attended time.Duration  // of those who have gone, and had come before the slot was adopted
	facts    sync.WaitGroup // facts being written; Add only under Control.mu while ending is nil
	ending   chan struct{}  // not nil while the last record is being written; closed then
	watchers []*watcher     // replaced, never changed, so that it may be read outside mu

	newer, older *entry // neighbours in the cache; see cache.go
	cost         int64  // what the cache counts for it, 0 when not in it

	fold fold // not guarded by Control.mu
}

// fold holds a meeting's attendees when they are in memory. Reading the state
// needs mu or the meeting's turn; changing it needs both. Taking it out of
// memory needs mu only. Control.mu may be held while taking mu, never the other
// way round.
type fold struct {
	mu       sync.RWMutex
	state    *meeting.State  // nil when not in memory
	revision ledger.Revision // of the meeting's last record; guarded by the turn
}

// session is one open session of an attendee, by the facts the signaling side
// reported.
type session struct {
	attendee meeting.ID
	user     string
	content  bool
	since    time.Time
	lost     bool // it was open when the process before this one died
}

// lasted is how long the session has been open at the time.
func (s session) lasted(at time.Time) time.Duration { return max(at.Sub(s.since), 0) }

// sessions are the open sessions of a meeting.
type sessions []session

// before sums up, for the time at which the meeting ends, how long those
// sessions were open that the process before this one had opened.
func (all sessions) before(end time.Time) (sum time.Duration) {
	for _, s := range all {
		if s.lost {
			sum += s.lasted(end)
		}
	}
	return sum
}

// departure is the fact that the session is over.
func (s session) departure() meeting.Fact {
	f := meeting.Fact{Kind: meeting.Left, Attendee: s.attendee, ExternalUserID: s.user}
	switch {
	case s.content && s.lost:
		f.Kind = meeting.ContentDropped
	case s.content:
		f.Kind = meeting.ContentLeft
	case s.lost:
		f.Kind = meeting.Dropped
	}
	return f
}

type watcher struct{ fn func(Change) }

// tombstone is one ended meeting.
type tombstone struct {
	profile   *meeting.Profile
	tags      []meeting.Tag
	reason    meeting.EndReason
	attendees int // at the end
	actor     string
	at        time.Time
	attended  time.Duration // of those who had come before the slot was adopted
}

// insert adds an active meeting.
func (x *index) insert(e *entry) {
	x.insertUnlisted(e)
	e.list.insert(e)
}

// insertUnlisted is insert but for its owner's list, where the caller merges it.
func (x *index) insertUnlisted(e *entry) {
	p := e.profile
	x.active[p.ID] = e
	x.attendees += e.attendees
	key := tokenKey{p.ID.Slot(), p.Token}
	if old := x.byToken[key]; old == nil || p.CreatedAt.Before(old.profile.CreatedAt) {
		x.byToken[key] = e
	}
	e.list = x.meetingsOf(p.Owner)
	if primary := x.active[p.PrimaryID]; p.Replica() && primary != nil {
		e.primary = primary
		primary.replicas = append(primary.replicas, e)
	}
	e.idleSince = p.CreatedAt
	x.alarms.add(e, x.due(e))
}

// remove takes a meeting out that is active no more.
func (x *index) remove(e *entry) {
	p := e.profile
	delete(x.active, p.ID)
	x.attendees -= e.attendees
	x.setConnected(e, 0)
	if key := (tokenKey{p.ID.Slot(), p.Token}); x.byToken[key] == e {
		delete(x.byToken, key)
	}
	e.list.remove(e)
	if e.list.empty() {
		delete(x.owners, p.Owner)
	}
	if e.primary != nil {
		e.primary.replicas = without(e.primary.replicas, e)
	}
	x.alarms.remove(e)
	x.cache.drop(e)
}

// dropSlot forgets everything about the meetings of a slot, as if they had never
// been here, and returns those that were active.
func (x *index) dropSlot(slot int) (gone []*entry) {
	for id, e := range x.active {
		if id.Slot() == slot {
			gone = append(gone, e)
		}
	}
	for _, e := range gone {
		x.remove(e)
		e.fold.mu.Lock()
		e.fold.state = nil
		e.fold.mu.Unlock()
	}
	x.forgetOrder = slices.DeleteFunc(x.forgetOrder, func(g *tombstone) bool {
		mine := g.profile.ID.Slot() == slot
		if mine {
			delete(x.tombstones, g.profile.ID)
		}
		return mine
	})
	for i := range x.lost {
		x.lost[i].of = slices.DeleteFunc(x.lost[i].of, func(e *entry) bool { return e.profile.ID.Slot() == slot })
	}
	return gone
}

// maxTombstones bounds how many ended meetings are remembered, about a kilobyte
// each: a caller may create and delete meetings all day.
const maxTombstones = 65_536

// remember remembers an ended meeting until its tombstone is to be forgotten, or
// until too many others have ended since.
func (x *index) remember(g *tombstone) {
	x.tombstones[g.profile.ID] = g
	x.forgetOrder = append(x.forgetOrder, g)
	if len(x.forgetOrder) > maxTombstones {
		x.forgetFirst(len(x.forgetOrder) - maxTombstones)
	}
}

// forget drops the tombstones that are old enough.
func (x *index) forget(now time.Time) {
	n := 0
	for n < len(x.forgetOrder) && !x.forgetOrder[n].at.Add(x.cfg.Tombstone).After(now) {
		n++
	}
	x.forgetFirst(n)
}

func (x *index) forgetFirst(n int) {
	for i, g := range x.forgetOrder[:n] {
		delete(x.tombstones, g.profile.ID)
		x.forgetOrder[i] = nil
	}
	x.forgetOrder = x.forgetOrder[n:]
}

// setAttendees notes how many attendees an active meeting has.
func (x *index) setAttendees(e *entry, n int) {
	x.attendees += n - e.attendees
	e.attendees = n
}

// setConnected notes how many attendees of an active meeting are connected.
func (x *index) setConnected(e *entry, n int) {
	x.busy[e.profile.ID.Slot()].Add(int64(n - e.connected))
	e.connected = n
}

// connected returns how many attendees of active meetings are connected, and in
// which slots, in order. It may be called without Control.mu.
func (x *index) connected() (attendees int, slots []int) {
	for slot := range x.busy {
		if n := int(x.busy[slot].Load()); n > 0 {
			attendees += n
			slots = append(slots, slot)
		}
	}
	return attendees, slots
}

// meetingsOf returns the owner's meetings, making the list if need be.
func (x *index) meetingsOf(owner meeting.Owner) *ownedMeetings {
	b := x.owners[owner]
	if b == nil {
		b = new(ownedMeetings)
		x.owners[owner] = b
	}
	return b
}

// due returns when something has to be done about the meeting.
func (x *index) due(e *entry) time.Time {
	at := e.profile.CreatedAt.Add(x.maxAge(e))
	switch {
	case e.profile.Replica():
		if e.primary == nil { // it ended, and this one was left over
			at = e.profile.CreatedAt
		}
	case e.connected == 0:
		if idle := e.idleSince.Add(x.idle(e)); idle.Before(at) {
			at = idle
		}
	}
	if at.Before(e.retry) {
		at = e.retry
	}
	return at
}

// idle returns how long nobody has to be connected before the meeting ends.
func (x *index) idle(e *entry) time.Duration { return cmp.Or(e.timers.Idle, x.cfg.Idle) }

// maxAge returns the age at which the meeting ends. A server that was started
// anew may allow less than was asked for before.
func (x *index) maxAge(e *entry) time.Duration {
	return min(cmp.Or(e.timers.MaxAge, x.cfg.MaxAge), x.cfg.MaxAge)
}

func without(list []*entry, e *entry) []*entry {
	for i := range list {
		if list[i] == e {
			last := len(list) - 1
			list[i], list[last] = list[last], nil
			return list[:last]
		}
	}
	return list
}
