package pipelinestest

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/chimesdkmediapipelines/types"
)

// The server dies in the middle of a stream and comes back: the stream goes on, with
// whoever is in the meeting then, and those who watch over it are told.
func TestAStreamOutlivesItsServer(t *testing.T) {
	t.Parallel()
	const key = "outlives"
	to, h := startReceiver(t), newHook(t)
	sc := newScene(t, nil, append(h.flags(), "--live-allow-private")...)
	on := sc.stage()
	on.enter("ann", "red", true)
	p, err := sc.connect(on.id, to.url(key), nil)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the speaker is seen", func() bool { return to.shows(key, 1) == "red" })
	h.until("InProgress")
	sc.server.Kill()
	until(t, "the stream is gone", func() bool { return to.streams(key) == "" })
	sc.server.Restart()
	h.until("InProgress", "TemporaryFailure", "Resumed")
	on.enter("bob", "blue", true)
	until(t, "who speaks now is seen", func() bool { return to.shows(key, 1) == "blue" })
	if got := sc.connector(p.MediaPipelineId).Status; got != types.MediaPipelineStatusInProgress {
		t.Errorf("%s after the restart", got)
	}

	// And it dies once more: the end of the meeting is the end of the stream, whoever
	// carries it out then.
	if _, err := on.api.DeleteMeeting(on.done, meetingToDelete(on.id)); err != nil {
		t.Fatal(err)
	}
	if got := sc.connector(p.MediaPipelineId).Status; got != types.MediaPipelineStatusStopping && got != types.MediaPipelineStatusStopped {
		t.Errorf("%s after the end of the meeting", got)
	}
	sc.server.Kill()
	sc.server.Restart()
	until(t, "it has stopped", func() bool { return sc.connector(p.MediaPipelineId).Status == types.MediaPipelineStatusStopped })
	h.until("InProgress", "TemporaryFailure", "Resumed", "Deleted")
}
