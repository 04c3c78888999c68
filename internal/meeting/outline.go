package meeting

import (
	"fmt"
	"strings"
)

// Outline is the little that an index of meetings needs to know of each. It is
// folded from encoded records without decoding their attendees, so that a
// start among a million attendees is quick and leaves nothing behind. The zero
// Outline is a meeting without records.
type Outline struct {
	Profile       *Profile       // nil before the first record
	Attendees     int            // created and not deleted
	Tags          []Tag          // of the meeting; none of an ended one of which only the last record is left
	Timers        Timers         // the meeting's own
	Transcription *Transcription // what is attached, nil for nothing
	Ended         *Ended         // the last record, or nil while the meeting is active
	Stamp         Stamp          // of the newest record; with the actor only when it ended the meeting
}

// Add folds the next encoded record in. The error wraps ErrCorrupt or
// ErrOrder.
func (o *Outline) Add(data []byte) error {
	r := newReader(data)
	rec, err := readHead(r)
	if err != nil {
		return err
	}
	_, first := rec.Body.(*Created)
	_, last := rec.Body.(*Ended)
	if o.Ended != nil || first == (o.Profile != nil) && !last {
		return fmt.Errorf("%w: %s", ErrOrder, rec.Body.Kind())
	}
	switch rec.Body.(type) {
	case *PipelineCreated, *PipelineMoved, *PipelineTroubled, *PipelineEnded:
		return fmt.Errorf("%w: %s: it is a pipeline's", ErrOrder, rec.Body.Kind())
	}
	o.take(rec, r)
	if r.err != nil {
		return fmt.Errorf("%s: %w", rec.Body.Kind(), r.err)
	}
	o.Stamp = rec.Stamp
	o.Stamp.Actor = ""
	if last {
		o.Stamp.Actor = strings.Clone(rec.Actor)
	}
	return nil
}

// take reads as much of the body as is needed.
func (o *Outline) take(rec *Record, r *reader) {
	switch b := rec.Body.(type) {
	case *Created:
		b.Profile.read(r)
		o.Tags = ownTags(r.tags())
		o.Profile = b.Profile.own()
		o.Attendees = r.count(minAttendee)
	case *AttendeesAdded:
		o.Attendees += r.count(minAttendee)
	case *AttendeeDeleted:
		o.Attendees--
	case *TagsSet:
		if b.read(r); b.Attendee.IsZero() {
			o.Tags = ownTags(b.Tags)
		}
	case *TimersSet:
		b.read(r)
		o.Timers = b.Timers
	case *TranscriptionStarted, *TranscriptionMoved, *TranscriptionStopped:
		b.read(r)
		o.Transcription = o.Transcription.afterRecord(&rec.Stamp, b)
	case *Ended:
		b.read(r)
		o.Ended = b.own()
		o.Profile = &o.Ended.Profile
		o.Attendees, o.Transcription = 0, nil
	}
}
