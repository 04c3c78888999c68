package capture

import (
	"context"
	"slices"
	"testing"

	"github.com/carillon-meetings/carillon/internal/meeting"
)

// A live connector that was at work when the server died, and cannot go on: it says
// that it was interrupted, and then that it has failed.
func TestAStreamThatCannotGoOnFails(t *testing.T) {
	h := newHouse(t, newStore(), nil)
	m := h.meeting()
	must(t, h.service.Close())
	p, err := h.plane.CreatePipeline(context.Background(), meeting.NewPipeline{
		Kind: meeting.LiveConnectorPipeline, Owner: recorders, ClientRequestToken: "stream", Meeting: m.ID,
		Settings: meeting.PipelineSettings{ActiveSpeakerVideo: true, Stream: meeting.Stream{URL: "rtmp://203.0.113.1/live/key"}},
	}, func(context.Context) error { return nil })
	must(t, err)
	must(t, h.plane.MovePipeline(context.Background(), p.ID, meeting.PipelineInProgress, ""))
	began, _ := h.plane.Pipeline(p.ID)
	h.open() // without ffmpeg
	got := h.untilStatus(p.ID, meeting.PipelineFailed)
	if got.Failure != noStreaming || got.Told != began.Told+1 {
		t.Errorf("%q, told %d times, before %d", got.Failure, got.Told, began.Told)
	}
	if h.hasAttendee(p) {
		t.Error("its attendee is in the meeting still")
	}
}

// What the meeting's end found undone is done by the next server: nobody had begun
// to stop the pipelines when the first one died.
func TestPipelinesWhoseMeetingEndedWithNobodyThere(t *testing.T) {
	h := newHouse(t, newStore(), nil)
	m := h.meeting()
	p := h.record(m)
	h.untilStatus(p.ID, meeting.PipelineInProgress)
	must(t, h.service.Close())
	must(t, h.plane.DeleteMeeting(context.Background(), meetings, m.ID))
	if got := h.status(p.ID); got != meeting.PipelineStopping {
		t.Errorf("%s with nobody to stop it", got)
	}
	h.open()
	got := h.untilStatus(p.ID, meeting.PipelineStopped)
	if got.Told != 1 { // nothing was interrupted: it was over
		t.Errorf("told %d times", got.Told)
	}
	j, err := readJournal(h.service.spoolDir(p.ID))
	must(t, err)
	if !slices.ContainsFunc(j.pieces, func(p Piece) bool { return p.Last }) || len(j.there()) != len(j.pieces) {
		t.Errorf("%d of %d pieces are stored", len(j.there()), len(j.pieces))
	}
}
