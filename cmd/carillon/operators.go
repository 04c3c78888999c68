package main

import (
	"context"
	"net/netip"

	"github.com/carillon-meetings/carillon/internal/console"
	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/meeting"
	"github.com/carillon-meetings/carillon/internal/signal"
)

// directory shows the control plane to the console.
type directory struct{ *control.Control }

// Meetings returns every active meeting and every ended one still remembered.
func (d directory) Meetings(ctx context.Context) ([]console.Meeting, error) {
	infos, err := d.Control.Meetings(ctx)
	list := make([]console.Meeting, len(infos))
	for i, m := range infos {
		list[i] = shown(m)
	}
	return list, err
}

// Meeting returns one of them.
func (d directory) Meeting(ctx context.Context, id meeting.ID) (console.Meeting, bool) {
	m, ok := d.Control.Meeting(ctx, id)
	return shown(m), ok
}

func shown(m control.Info) console.Meeting {
	return console.Meeting{Summary: m.Summary, Tags: m.Tags, Attendees: m.Attendees, EndedAt: m.EndedAt, EndReason: m.EndReason}
}

// Records returns the log of a meeting after a revision.
func (d directory) Records(ctx context.Context, id meeting.ID, after uint64) ([]console.Record, error) {
	infos, err := d.Control.Records(ctx, id, after)
	list := make([]console.Record, len(infos))
	for i, r := range infos {
		list[i] = console.Record{Revision: r.Revision, At: r.Time, Kind: r.Kind, Actor: r.Actor, Detail: r.Detail, Attendee: r.Attendee}
	}
	return list, err
}

// actions lets operators change meetings, with their name in the record.
type actions struct{ control *control.Control }

// EndMeeting ends a meeting.
func (a actions) EndMeeting(ctx context.Context, actor string, id meeting.ID) error {
	return a.control.EndMeeting(control.WithActor(ctx, actor), id)
}

// RemoveAttendee deletes an attendee.
func (a actions) RemoveAttendee(ctx context.Context, actor string, id, attendee meeting.ID) error {
	return a.control.RemoveAttendee(control.WithActor(ctx, actor), id, attendee)
}

// SetCapabilities changes what an attendee may send and receive.
func (a actions) SetCapabilities(ctx context.Context, actor string, id, attendee meeting.ID, caps meeting.Capabilities) error {
	return a.control.SetCapabilities(control.WithActor(ctx, actor), id, attendee, caps)
}

// live shows the signaling side to the console. host is the name of this node.
type live struct {
	signal *signal.Server
	host   string
}

// Load sums up a meeting's connections.
func (l live) Load(id meeting.ID) console.Load {
	sum := l.signal.Load(id)
	load := console.Load{
		Connected: sum.Connected, Audio: sum.Audio, Video: sum.Video, Content: sum.Content,
		AttendeeTime: sum.AttendeeTime, Failures: sum.Failures,
	}
	if sum != (signal.Load{}) {
		load.Host = l.host
	}
	return load
}

// Sessions returns a meeting's connections, oldest first.
func (l live) Sessions(id meeting.ID) []console.Session {
	sessions := l.signal.Sessions(id)
	list := make([]console.Session, len(sessions))
	for i, s := range sessions {
		list[i] = console.Session{
			Attendee: s.Attendee, Content: s.Content, State: console.SessionState(s.State), Reason: s.Reason,
			Opened: s.Opened, Ended: s.Ended, Remote: address(s.Remote), Client: s.Client,
			Muted: s.Muted, Level: s.Level, Video: s.Video, Samples: samples(s.Samples),
		}
		for _, step := range s.Steps {
			list[i].Steps = append(list[i].Steps, console.Step(step))
		}
	}
	return list
}

func samples(from []signal.Sample) []console.Sample {
	list := make([]console.Sample, len(from))
	for i, s := range from {
		list[i] = console.Sample{
			At: s.At, Level: s.Level, LossIn: float64(s.LossIn), LossOut: float64(s.LossOut),
			KbpsIn: s.KbpsIn, KbpsOut: s.KbpsOut, RoundTrip: s.RoundTrip,
		}
	}
	return list
}

// Refusals returns the joins refused for their token, oldest first.
func (l live) Refusals(id meeting.ID) []console.Refusal {
	refusals := l.signal.Refusals(id)
	list := make([]console.Refusal, len(refusals))
	for i, r := range refusals {
		list[i] = console.Refusal{At: r.At, Remote: address(r.Remote), Words: r.Words}
	}
	return list
}

// address returns the text of an address, empty for the zero one.
func address(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
