package main

import (
	"context"

	"github.com/carillon-meetings/carillon/internal/console"
	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// directory shows the control plane to the console.
type directory struct{ *control.Control }

// Meetings returns every active meeting and every ended one still remembered.
func (d directory) Meetings(ctx context.Context) ([]console.Meeting, error) {
	infos, err := d.Control.Meetings(ctx)
	list := make([]console.Meeting, len(infos))
	for i, m := range infos {
		list[i] = console.Meeting{
			Summary: m.Summary, Tags: m.Tags, Attendees: m.Attendees, EndedAt: m.EndedAt, EndReason: m.EndReason,
		}
	}
	return list, err
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
