package control

import (
	"context"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// What applications do, beside the AWS API. Whose meeting it is has been looked
// at before.

// Mute takes from an attendee the right to send audio, or gives it back, and
// returns the attendee as it is then.
func (c *Control) Mute(ctx context.Context, id, attendee meeting.ID, muted bool) (a meeting.Attendee, err error) {
	err = c.change(ctx, operated(id), newIDs(1), func(s *meeting.State, by meeting.Stamp) (rec *meeting.Record, err error) {
		rec, a, err = meeting.DecideMute(s, by, attendee, muted)
		return rec, err
	})
	return a, err
}

// SetTimers gives a meeting timers of its own. None may be longer than the
// server's maximum age.
func (c *Control) SetTimers(ctx context.Context, id meeting.ID, t meeting.Timers) error {
	return c.change(ctx, operated(id), newIDs(1), func(s *meeting.State, by meeting.Stamp) (*meeting.Record, error) {
		return meeting.DecideTimers(s, by, t, c.cfg.MaxAge)
	})
}
