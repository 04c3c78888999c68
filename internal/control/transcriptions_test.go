package control_test

import (
	"context"
	"errors"
	"testing"

	"github.com/carillon-meetings/carillon/internal/control"
	"github.com/carillon-meetings/carillon/internal/meeting"
)

// No more meetings are transcribed than there may be; those whose transcription has
// failed do not count, nor does the meeting itself.
func TestTranscribedMeetingsAreBounded(t *testing.T) {
	v := newEnv(t, func(c *control.Config) { c.TranscriptionEngine, c.Transcribed = true, 2 }, nil)
	ctx := context.Background()
	config := meeting.TranscriptionConfig{JSON: `{"a":1}`}
	var ids []meeting.ID
	for _, token := range []string{"one", "two", "three"} {
		ids = append(ids, v.create(owner, token).ID)
	}
	var last meeting.ID
	v.WatchTranscriptions(func(c control.TranscriptionChange) {
		if c.Is != nil {
			last = c.Is.Command
		}
	})
	full := func() bool {
		err := v.StartTranscription(ctx, owner, ids[2], config)
		var e *meeting.Error
		if err != nil && (!errors.As(err, &e) || e.Kind != meeting.LimitExceeded) {
			t.Fatal(err)
		}
		return err != nil
	}
	must(t, v.StartTranscription(ctx, owner, ids[0], config))
	must(t, v.StartTranscription(ctx, owner, ids[1], config))
	must(t, v.StartTranscription(ctx, owner, ids[1], config)) // again
	if !full() {
		t.Error("a third is transcribed")
	}
	must(t, v.MoveTranscription(ctx, ids[1], last, meeting.TranscriptionFailed, "gone"))
	if full() {
		t.Error("one that has failed counts")
	}
	must(t, v.StopTranscription(ctx, owner, ids[2]))
	must(t, v.StartTranscription(ctx, owner, ids[1], config))
	if !full() {
		t.Error("a third is transcribed")
	}
	must(t, v.DeleteMeeting(ctx, owner, ids[0]))
	if full() {
		t.Error("a meeting that has ended counts")
	}
}
