package capture

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

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

// What is refused is tried for as long as it takes, and said once.
func TestWhatIsTriedAgainIsSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		j := &job{log: slog.New(slog.NewTextHandler(&log, nil))}
		tries := 0
		err := j.retry(t.Context(), func() error {
			if tries++; tries < 5 {
				return errors.New("the store is down")
			}
			return nil
		})
		if err != nil || tries != 5 || strings.Count(log.String(), "the store is down") != 1 {
			t.Errorf("%v after %d tries, and said:\n%s", err, tries, &log)
		}
		if err := j.retry(t.Context(), func() error { return meeting.MissingPipeline(meeting.ID{}) }); !errors.Is(err, errMeetingOver) {
			t.Errorf("%v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := j.retry(ctx, func() error { return errChanged }); !errors.Is(err, errChanged) || strings.Contains(log.String(), errChanged.Error()) {
			t.Errorf("%v, and said:\n%s", err, &log)
		}
	})
}
