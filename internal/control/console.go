package control

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// What operators see and do: everything, of every owner.

// Info is what operators see of a meeting.
type Info struct {
	meeting.Summary
	Tags      []meeting.Tag
	Attendees int // created and not deleted; at the end, for an ended meeting
	Connected int // as the signaling side says

	EndedAt   time.Time // zero while the meeting is active
	EndReason meeting.EndReason
	EndedBy   string // the actor; empty when it ended by itself
}

// Meetings returns every active meeting and every ended one that is still
// remembered, the newest first.
func (c *Control) Meetings(_ context.Context) ([]Info, error) {
	c.mu.Lock()
	list := make([]Info, 0, len(c.index.active)+len(c.index.tombstones))
	for _, e := range c.index.active {
		list = append(list, e.info())
	}
	for _, g := range c.index.tombstones {
		list = append(list, g.info())
	}
	c.mu.Unlock()
	slices.SortFunc(list, func(a, b Info) int {
		return position{b.CreatedAt, b.ID}.compare(position{a.CreatedAt, a.ID})
	})
	return list, nil
}

// Meeting returns what Meetings would of one of them; ok is false when it is
// not known, or not any more.
func (c *Control) Meeting(_ context.Context, id meeting.ID) (m Info, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.index.active[id]; e != nil {
		return e.info(), true
	}
	if g := c.index.tombstones[id]; g != nil {
		return g.info(), true
	}
	return Info{}, false
}

func (e *entry) info() Info {
	return Info{Summary: e.profile.Summary(), Tags: e.tags, Attendees: e.attendees, Connected: e.connected}
}

func (g *tombstone) info() Info {
	return Info{Summary: g.profile.Summary(), Attendees: g.attendees, EndedAt: g.at, EndReason: g.reason, EndedBy: g.actor}
}

// Overview counts what is in memory.
type Overview struct {
	Active     int   // active meetings
	Ended      int   // ended meetings still remembered
	Attendees  int   // of active meetings
	Connected  int   // attendees connected now
	CacheBytes int64 // memory of the folded meetings, roughly
}

// Overview sums up all meetings.
func (c *Control) Overview() Overview {
	c.mu.Lock()
	defer c.mu.Unlock()
	x := &c.index
	return Overview{
		Active: len(x.active), Ended: len(x.tombstones),
		Attendees: x.attendees, Connected: x.connected, CacheBytes: x.cache.used,
	}
}

// Attendees returns the attendees of an active meeting in creation order.
func (c *Control) Attendees(ctx context.Context, id meeting.ID) (list []meeting.Attendee, err error) {
	err = c.read(ctx, operated(id), func(s *meeting.State) error {
		list, _ = s.Page(0, s.Len())
		return nil
	})
	return list, err
}

// EndMeeting ends a meeting on behalf of an operator, named by WithActor.
func (c *Control) EndMeeting(ctx context.Context, id meeting.ID) error {
	e, end, err := c.enter(operated(id))
	if err != nil {
		return err
	}
	defer end()
	return c.end(ctx, e, func(*entry) meeting.EndReason { return meeting.EndedByOperator })
}

// RemoveAttendee deletes an attendee on behalf of an operator, named by
// WithActor.
func (c *Control) RemoveAttendee(ctx context.Context, id, attendee meeting.ID) error {
	return c.change(ctx, operated(id), newIDs(1), deleteAttendee(attendee))
}

// SetCapabilities changes an attendee's capabilities on behalf of an operator,
// named by WithActor.
func (c *Control) SetCapabilities(ctx context.Context, id, attendee meeting.ID, caps meeting.Capabilities) error {
	_, err := c.setCapabilities(ctx, operated(id), attendee, caps)
	return err
}

// RecordInfo is one entry of a meeting's log as operators see it. It holds no
// external user ids.
type RecordInfo struct {
	Revision uint64
	Time     time.Time
	Kind     string // what happened, a short phrase
	Actor    string // "key:…", "operator:…"; empty for what happened by itself
	Detail   string
	Attendee meeting.ID // the one it is about, or zero
}

// Records returns the records of a meeting with a revision above after, oldest
// first; of an ended meeting only the last is left, and none once it is
// forgotten.
func (c *Control) Records(ctx context.Context, id meeting.ID, after uint64) ([]RecordInfo, error) {
	end, err := c.begin()
	if err != nil {
		return nil, err
	}
	defer end()
	entries, err := c.log.Load(ctx, id, after)
	if err != nil {
		return nil, c.refused(ctx, id, err)
	}
	list := make([]RecordInfo, 0, len(entries))
	for _, stored := range entries {
		info := RecordInfo{Revision: stored.Revision, Time: stored.Time, Kind: "unreadable"}
		if rec, err := meeting.DecodeRecord(stored.Data); err == nil {
			info.Time, info.Kind, info.Actor = rec.Time, rec.Body.Kind(), rec.Actor
			info.Detail, info.Attendee = describe(rec.Body)
		}
		list = append(list, info)
	}
	return list, nil
}

// Facts returns what the media side reported about a meeting, oldest first.
func (c *Control) Facts(ctx context.Context, id meeting.ID) ([]meeting.Fact, error) {
	end, err := c.begin()
	if err != nil {
		return nil, err
	}
	defer end()
	entries, err := c.log.LoadFacts(ctx, id)
	if err != nil {
		return nil, c.refused(ctx, id, err)
	}
	list := make([]meeting.Fact, 0, len(entries))
	for _, stored := range entries {
		if fact, err := meeting.DecodeFact(stored.Data); err == nil {
			list = append(list, fact)
		}
	}
	return list, nil
}

// describe says in a few words what a record did, without secrets, and to
// which attendee if it is one.
func describe(body meeting.Body) (detail string, attendee meeting.ID) {
	one := func(list []meeting.Attendee) meeting.ID {
		if len(list) == 1 {
			return list[0].ID
		}
		return meeting.ID{}
	}
	switch b := body.(type) {
	case *meeting.Created:
		return count(len(b.Attendees), "attendee"), one(b.Attendees)
	case *meeting.AttendeesAdded:
		return count(len(b.Attendees), "attendee"), one(b.Attendees)
	case *meeting.AttendeeDeleted:
		return "", b.Attendee
	case *meeting.CapabilitiesSet:
		c := b.Capabilities
		detail = fmt.Sprintf("%s: audio %s, video %s, content %s", count(len(b.Attendees), "attendee"), c.Audio, c.Video, c.Content)
		if len(b.Attendees) == 1 {
			attendee = b.Attendees[0]
		}
		return detail, attendee
	case *meeting.TagsSet:
		return count(len(b.Tags), "tag"), b.Attendee
	case *meeting.TranscriptionStarted:
		return b.Failure, meeting.ID{}
	case *meeting.Ended:
		return strings.Join([]string{b.Reason.String(), count(b.Attendees, "attendee"), count(len(b.Departures), "open session")}, ", "), meeting.ID{}
	}
	return "", meeting.ID{}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
